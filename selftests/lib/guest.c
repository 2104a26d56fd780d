// SPDX-License-Identifier: GPL-2.0-only
/* Running guest code and understanding what it says. */
#include "guest.h"

#include "handlers.h"

static const char *const exit_names[] = {
	"NONE", "IO", "MMIO", "HLT", "SHUTDOWN", "KICK", "MEMORY_FAULT", "FAIL_ENTRY", "INTERNAL",
	"DEBUG", "TRACE", "INTA", "STOP", "PROTECTION",
};

static u64 address(const struct kt_vm *vm, const u8 *const symbols[3])
{
	unsigned int width = vm->mode == KT_REAL16 ? 0 : vm->mode == KT_LONG64 ? 2 : 1;

	ASSERT_TRUE(symbols[width]);
	return width ? (u64)symbols[width] : kt_addr16(symbols[0]);
}

u64 kt_code_start(const struct kt_vm *vm, const struct kt_code *code)
{
	return address(vm, code->start);
}

u64 kt_code_at(const struct kt_vm *vm, const struct kt_code *code)
{
	return address(vm, code->at);
}

u64 kt_code_next(const struct kt_vm *vm, const struct kt_code *code)
{
	return address(vm, code->next);
}

void kt_start(struct kt_vcpu *vcpu, const struct kt_code *code)
{
	kt_set_rip(vcpu, kt_code_start(vcpu->vm, code));
}

void kt_call(struct kt_vcpu *vcpu, void (*fn)(u64), u64 arg)
{
	u64 sp = KT_STACK - 64;
	struct kite_state s;

	ASSERT_EQ(KT_LONG64, vcpu->vm->mode);
	/* As after a CALL: 8 below a multiple of 16. */
	kt_put(vcpu->vm, u64, sp - 8, (u64)kt_return64);
	vcpu_get_state(vcpu->fd, KITE_STATE_GPRS, &s);
	s.gprs.gpr[KITE_RSP] = sp - 8;
	s.gprs.gpr[KITE_RDI] = arg;
	s.gprs.rip = (u64)fn;
	vcpu_set_state(vcpu->fd, KITE_STATE_GPRS, &s);
}

static u64 frame_word(struct kt_vcpu *vcpu, u64 sp, unsigned int n)
{
	switch (vcpu->vm->mode) {
	case KT_REAL16:
		return kt_get(vcpu->vm, u16, (sp & 0xffff) + 2 * n);
	case KT_LONG64:
		return kt_get(vcpu->vm, u64, sp + 8 * n);
	default:
		return kt_get(vcpu->vm, u32, sp + 4 * n);
	}
}

static struct kt_event read_event(struct kt_vcpu *vcpu, const struct kite_gprs *gprs)
{
	struct kt_event e = { .sp = gprs->gpr[KITE_RSP] };

	e.vector = (gprs->rip - kt_stubs(vcpu->vm)) / KT_STUB_SIZE;
	if (kt_vector_has_error(e.vector) && vcpu->vm->mode != KT_REAL16) {
		e.has_error = true;
		e.error = frame_word(vcpu, e.sp, 0);
		e.sp += vcpu->vm->mode == KT_LONG64 ? 8 : 4;
	}
	e.rip = frame_word(vcpu, e.sp, 0);
	e.cs = frame_word(vcpu, e.sp, 1);
	e.rflags = frame_word(vcpu, e.sp, 2);
	return e;
}

static void put_frame_word(struct kt_vcpu *vcpu, u64 sp, unsigned int n, u64 value)
{
	if (vcpu->vm->mode == KT_REAL16)
		kt_put(vcpu->vm, u16, (sp & 0xffff) + 2 * n, value);
	else if (vcpu->vm->mode == KT_LONG64)
		kt_put(vcpu->vm, u64, sp + 8 * n, value);
	else
		kt_put(vcpu->vm, u32, sp + 4 * n, value);
}

void kt_event_set_rip(struct kt_vcpu *vcpu, const struct kt_event *event, u64 rip)
{
	put_frame_word(vcpu, event->sp, 0, rip);
}

void kt_event_set_rflags(struct kt_vcpu *vcpu, const struct kt_event *event, u64 rflags)
{
	put_frame_word(vcpu, event->sp, 2, rflags);
}

struct kt_result kt_what_it_said(struct kt_vcpu *vcpu)
{
	struct kt_result r = { .said = KT_SAID_EXIT };
	struct kite_state s;

	if (vcpu->run->exit_reason != KITE_EXIT_IO || vcpu->run->io.flags)
		return r;
	if (vcpu->run->io.port < KT_PORT_SYNC || vcpu->run->io.port > KT_PORT_EVENT)
		return r;
	r.said = KT_SAID_SYNC + (vcpu->run->io.port - KT_PORT_SYNC);
	vcpu_get_state(vcpu->fd, KITE_STATE_GPRS, &s);
	r.value = s.gprs.gpr[KITE_RAX];
	if (r.said == KT_SAID_EVENT)
		r.event = read_event(vcpu, &s.gprs);
	return r;
}

struct kt_result kt_run(struct kt_vcpu *vcpu)
{
	vcpu_run(vcpu->fd);
	return kt_what_it_said(vcpu);
}

static void describe_exit(const struct kite_run *run)
{
	u32 reason = run->exit_reason;

	kt_note("exit to user space: %s (%u)",
		reason < ARRAY_SIZE(exit_names) ? exit_names[reason] : "?", reason);
	if (reason == KITE_EXIT_IO)
		kt_note("port 0x%x width %u flags %u count %u", run->io.port, run->io.width,
			run->io.flags, run->io.count);
	if (reason == KITE_EXIT_MMIO)
		kt_note("gpa 0x%llx width %u write %u", run->mmio.gpa, run->mmio.width,
			run->mmio.is_write);
	if (reason == KITE_EXIT_MEMORY_FAULT)
		kt_note("gpa 0x%llx access %u error %u", run->fault.gpa, run->fault.access,
			run->fault.error);
	if (reason == KITE_EXIT_PROTECTION)
		kt_note("gpa 0x%llx gva 0x%llx access %u allowed %u flags %u", run->protection.gpa,
			run->protection.gva, run->protection.access, run->protection.perm,
			run->protection.flags);
	if (reason == KITE_EXIT_FAIL_ENTRY)
		kt_note("reason 0x%x instruction error %u qualification 0x%llx",
			run->fail_entry.exit_reason, run->fail_entry.instruction_error,
			run->fail_entry.qualification);
	if (reason == KITE_EXIT_INTERNAL)
		kt_note("code %u exit reason %u qualification 0x%llx gpa 0x%llx IDT vectoring 0x%x",
			run->internal.code, run->internal.exit_reason, run->internal.qualification,
			run->internal.gpa, run->internal.idt_vectoring);
}

void kt_surprise(struct kt_vcpu *vcpu, const struct kt_result *r, const char *expected)
{
	struct kite_state s;

	vcpu_get_state(vcpu->fd, KITE_STATE_GPRS | KITE_STATE_CRS, &s);
	kt_failed(kt_mode_names[vcpu->vm->mode], 0, "vCPU %u: expected %s", vcpu->id, expected);
	switch (r->said) {
	case KT_SAID_EXIT:
		describe_exit(vcpu->run);
		break;
	case KT_SAID_SYNC:
		kt_note("guest said SYNC 0x%llx", r->value);
		break;
	case KT_SAID_ASSERT:
		kt_note("guest assertion at line %llu: %s: want 0x%llx, got 0x%llx",
			s.gprs.gpr[KITE_RSI], (const char *)s.gprs.gpr[KITE_RDI],
			s.gprs.gpr[KITE_RCX], s.gprs.gpr[KITE_RDX]);
		break;
	case KT_SAID_DONE:
		kt_note("guest said DONE");
		break;
	case KT_SAID_EVENT:
		kt_note("guest took vector %u error 0x%x at 0x%llx, CR2 0x%llx", r->event.vector,
			r->event.error, r->event.rip, s.crs.cr2);
		break;
	}
	kt_note("RIP 0x%llx RSP 0x%llx RFLAGS 0x%llx", s.gprs.rip, s.gprs.gpr[KITE_RSP],
		s.gprs.rflags);
	kt_end(KT_FAIL);
}

void kt_expect_sync(struct kt_vcpu *vcpu, u64 value)
{
	struct kt_result r = kt_run(vcpu);

	if (r.said != KT_SAID_SYNC)
		kt_surprise(vcpu, &r, "SYNC");
	EXPECT_EQ(value, r.value);
}

void kt_expect_done(struct kt_vcpu *vcpu)
{
	struct kt_result r = kt_run(vcpu);

	if (r.said != KT_SAID_DONE)
		kt_surprise(vcpu, &r, "DONE");
}

struct kt_event kt_expect_event(struct kt_vcpu *vcpu, u8 vector)
{
	struct kt_result r = kt_run(vcpu);

	if (r.said != KT_SAID_EVENT)
		kt_surprise(vcpu, &r, "an event");
	if (r.event.vector != vector) {
		kt_note("wanted vector %u", vector);
		kt_surprise(vcpu, &r, "another vector");
	}
	return r.event;
}

void kt_expect_exit(struct kt_vcpu *vcpu, enum kite_exit_reason reason)
{
	struct kt_result r = kt_run(vcpu);

	if (r.said != KT_SAID_EXIT || vcpu->run->exit_reason != reason)
		kt_surprise(vcpu, &r, exit_names[reason]);
}

void kt_expect_io(struct kt_vcpu *vcpu, u16 port, u8 width, u8 flags, u32 count)
{
	kt_expect_exit(vcpu, KITE_EXIT_IO);
	EXPECT_EQ(port, vcpu->run->io.port);
	EXPECT_EQ(width, vcpu->run->io.width);
	EXPECT_EQ(flags, vcpu->run->io.flags);
	EXPECT_EQ(count, vcpu->run->io.count);
}

void kt_expect_mmio(struct kt_vcpu *vcpu, u64 gpa, u32 width, bool write)
{
	kt_expect_exit(vcpu, KITE_EXIT_MMIO);
	EXPECT_EQ(gpa, vcpu->run->mmio.gpa);
	EXPECT_EQ(width, vcpu->run->mmio.width);
	EXPECT_EQ((u32)write, vcpu->run->mmio.is_write);
}

struct kt_event kt_expect_fault(struct kt_vcpu *vcpu, const struct kt_code *code, u8 vector,
				u32 error)
{
	struct kt_event e = kt_expect_event(vcpu, vector);

	EXPECT_EQ(kt_code_at(vcpu->vm, code), e.rip);
	if (e.has_error)
		EXPECT_EQ(error, e.error);
	return e;
}

void kt_run_done(struct kt_vcpu *vcpu, const struct kt_code *code)
{
	kt_start(vcpu, code);
	kt_expect_done(vcpu);
}

struct kt_event kt_run_fault(struct kt_vcpu *vcpu, const struct kt_code *code, u8 vector,
			     u32 error)
{
	kt_start(vcpu, code);
	return kt_expect_fault(vcpu, code, vector, error);
}
