// SPDX-License-Identifier: GPL-2.0-only
/* Printing the trace of a vCPU. */
#include "trace.h"

#include "names.h"

static void print_entry(struct vcpu *v, const struct kite_trace_entry *e)
{
	FILE *out = v->m->cfg->trace;

	fprintf(out, "%u %llu %s (%u) rip 0x%llx qual 0x%llx", v->id, e->tsc,
		name_exit_reason(e->exit_reason), e->exit_reason & VM_EXIT_REASON_MASK, e->rip,
		e->qualification);
	if (e->gpa)
		fprintf(out, " gpa 0x%llx", e->gpa);
	if (e->intr_info)
		fprintf(out, " intr 0x%x", e->intr_info);
	fprintf(out, " rax 0x%llx rcx 0x%llx\n", e->rax, e->rcx);
}

void trace_drain(struct vcpu *v)
{
	const struct kite_trace_entry *entry =
		(const void *)((const u8 *)v->run + KITE_TRACE_OFFSET);
	u32 room = (v->m->info.vcpu_mmap_size - KITE_TRACE_OFFSET) / sizeof(*entry);
	u32 i, n = v->run->trace_count;

	if (!v->m->cfg->trace)
		return;
	if (n > room)
		n = room;
	for (i = 0; i < n; i++)
		print_entry(v, &entry[i]);
	fflush(v->m->cfg->trace);
}

void trace_unclaimed(struct vcpu *v, const char *space, u64 addr, u32 width, bool write,
		     const u8 *data)
{
	FILE *out = v->m->cfg->trace;
	u32 i;

	if (!out)
		return;
	fprintf(out, "%u unclaimed %s %s 0x%llx width %u", v->id, space, write ? "write" : "read",
		addr, width);
	for (i = width; write && i-- > 0;)
		fprintf(out, "%s%02x", i == width - 1 ? " value 0x" : "", data[i]);
	fputc('\n', out);
}
