// SPDX-License-Identifier: GPL-2.0-only
/* Putting the virtual PC together and taking it apart. */
#include "machine.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/libkite.h"

static struct machine *to_machine(struct dev_host *host)
{
	return (struct machine *)host;
}

static void wake_main(struct machine *m)
{
	u64 one = 1;

	/* Only a counter that is near its limit refuses, and then it is awake. */
	if (write(m->cfg->wake, &one, sizeof(one)) < 0 && errno != EAGAIN)
		perror("kitectl: eventfd");
}

void machine_end(struct machine *m, enum outcome why, int status)
{
	if (__atomic_exchange_n(&m->ending, true, __ATOMIC_ACQ_REL))
		return;
	m->why = why;
	m->status = why == OUTCOME_DEBUG_EXIT ? status : outcome_rows[why].status;
	__atomic_store_n(&m->stop, true, __ATOMIC_RELEASE);
	wake_main(m);
}

bool machine_stopped(struct machine *m)
{
	return __atomic_load_n(&m->stop, __ATOMIC_ACQUIRE);
}

static void host_end(struct dev_host *host, enum outcome why, int status)
{
	machine_end(to_machine(host), why, status);
}

/* A device cannot go on without its interrupt or timer. */
static void must(struct machine *m, const char *what, int ret)
{
	if (!ret)
		return;
	fprintf(stderr, "kitectl: %s: %s\n", what, strerror(-ret));
	machine_end(m, OUTCOME_HOST_ERROR, 0);
}

/* The timer is the one device that the I/O APIC has at another input than the PIC. */
static u32 pic_input(u32 gsi)
{
	return gsi == PIT_GSI ? 0 : gsi;
}

static void host_irq(struct dev_host *host, u32 gsi, bool level)
{
	struct machine *m = to_machine(host);

	must(m, "interrupt line", kite_irq_line(m->vm, gsi, level));
	pic_set_line(&m->pic, pic_input(gsi), level);
}

static bool host_irq_waits(struct dev_host *host, u32 gsi)
{
	return pic_waits(&to_machine(host)->pic, pic_input(gsi));
}

static void host_intr(struct dev_host *host, bool level)
{
	struct machine *m = to_machine(host);

	must(m, "KITE_VM_PIC_INTR", kite_pic_intr(m->vm, level));
}

static void host_output(struct dev_host *host, u8 byte)
{
	struct machine *m = to_machine(host);

	times_output(m->cfg->times, byte);
	if (console_put(m->cfg->console, byte, &m->lock, &m->stop))
		wake_main(m);
}

static void host_input_ready(struct dev_host *host)
{
	wake_main(to_machine(host));
}

static u64 host_now_ns(struct dev_host *host)
{
	struct timespec ts;

	(void)host;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (u64)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static u64 host_clock_ns(struct dev_host *host)
{
	(void)host;
	return timers_now();
}

static void host_set_timer(struct dev_host *host, enum dev_timer timer, u64 ns)
{
	struct machine *m = to_machine(host);

	must(m, "timer", timers_set(&m->timers, timer, ns));
}

void machine_timer(struct machine *m, enum dev_timer timer)
{
	pthread_mutex_lock(&m->lock);
	timers_fired(&m->timers, timer);
	if (timer == DEV_TIMER_PIT)
		pit_update(&m->pit);
	else
		rtc_update(&m->rtc);
	pthread_mutex_unlock(&m->lock);
}

static const struct dev_host host_ops = {
	.end = host_end,
	.irq = host_irq,
	.irq_waits = host_irq_waits,
	.intr = host_intr,
	.output = host_output,
	.input_ready = host_input_ready,
	.now_ns = host_now_ns,
	.clock_ns = host_clock_ns,
	.set_timer = host_set_timer,
};

static int attach_devices(struct machine *m)
{
	struct dev_host *host = &m->host;
	int ret = 0;

	/* The table is static, so only a bug can make one of these fail. */
	ret |= uart_attach(&m->uart, &m->bus, host);
	ret |= rtc_attach(&m->rtc, &m->bus, host, m->mem.low, m->mem.high);
	ret |= i8042_attach(&m->i8042, &m->bus, host);
	ret |= port92_attach(&m->port92, &m->bus, host);
	ret |= cf9_attach(&m->cf9, &m->bus, host);
	ret |= acpi_pm_attach(&m->acpi_pm, &m->bus, host);
	ret |= pic_attach(&m->pic, &m->bus, host);
	ret |= pit_attach(&m->pit, &m->bus, host);
	ret |= speaker_attach(&m->speaker, &m->bus, &m->pit);
	ret |= debug_exit_attach(&m->bus, host);
	ret |= post_attach(&m->bus);
	if (m->cfg->debugcon)
		ret |= debugcon_attach(&m->bus, host);
	return ret ? -EEXIST : 0;
}

static int complain(const char *what, int err)
{
	fprintf(stderr, "kitectl: %s: %s\n", what, strerror(-err));
	return err;
}

int machine_open(void)
{
	int dev = kite_open();

	if (dev == -ENOENT)
		fprintf(stderr,
			"kitectl: no %s; load the module with \"insmod kite.ko\", see \"kitectl check\"\n",
			KITE_DEVICE);
	else if (dev == -EACCES || dev == -EPERM)
		fprintf(stderr,
			"kitectl: no permission for %s; become root or a member of the group kite\n",
			KITE_DEVICE);
	else if (dev < 0)
		complain(KITE_DEVICE, dev);
	return dev;
}

static int ask_module(struct machine *m)
{
	int ret = kite_get_info(m->cfg->dev, &m->info);

	if (ret)
		return complain("KITE_GET_INFO", ret);
	if (m->info.api_version != KITE_API_VERSION) {
		fprintf(stderr,
			"kitectl: the module speaks version %u of the ABI, this kitectl version %u; take both from one build\n",
			m->info.api_version, KITE_API_VERSION);
		return -EPROTO;
	}
	if (m->cfg->cpus > m->info.max_vcpus) {
		fprintf(stderr, "kitectl: --cpus: the module gives a VM %u vCPUs at most\n",
			m->info.max_vcpus);
		return -EINVAL;
	}
	if (m->info.vcpu_mmap_size < KITE_TRACE_OFFSET) {
		fprintf(stderr, "kitectl: the module offers a run page of %u bytes only\n",
			m->info.vcpu_mmap_size);
		return -EPROTO;
	}
	return 0;
}

static int add_memory(struct machine *m)
{
	u64 top = m->cfg->mem > MEM_LOW_MAX ? MEM_HIGH_BASE + m->cfg->mem - MEM_LOW_MAX : 0;
	const char *what;
	int ret;

	if (m->info.phys_bits < 64 && top > 1ull << m->info.phys_bits) {
		fprintf(stderr,
			"kitectl: --mem: memory would end at 0x%llx, beyond the %u bits of a guest-physical address\n",
			top, m->info.phys_bits);
		return -EINVAL;
	}
	ret = mem_alloc(&m->mem, m->cfg->mem, &m->cfg->mem_options, &what);
	if (ret) {
		fprintf(stderr, "kitectl: guest memory, see %s: %s\n", what, strerror(-ret));
		return ret;
	}
	ret = kite_set_slot(m->vm, 0, 0, m->mem.host, m->mem.low);
	if (!ret && m->mem.high)
		ret = kite_set_slot(m->vm, 1, MEM_HIGH_BASE, m->mem.host + m->mem.low, m->mem.high);
	return ret ? complain("KITE_VM_SET_SLOT", ret) : 0;
}

static int add_vcpu(struct machine *m, u32 id)
{
	struct vcpu *v = &m->vcpus[id];
	int ret;

	v->m = m;
	v->id = id;
	v->fd = kite_create_vcpu(m->vm, id);
	if (v->fd < 0)
		return complain("KITE_VM_CREATE_VCPU", v->fd);
	v->run = kite_map_run(v->fd, m->info.vcpu_mmap_size);
	if (!v->run)
		return complain("run page", -errno);
	if (!m->cfg->trace)
		return 0;
	ret = kite_set_debug(v->fd, KITE_DEBUG_TRACE);
	return ret ? complain("KITE_VCPU_SET_DEBUG", ret) : 0;
}

static int create(struct machine *m)
{
	u32 flags = KITE_VM_IRQCHIP | (m->cfg->pvclock ? KITE_VM_PVCLOCK : 0);
	u32 id;
	int ret;

	ret = ask_module(m);
	if (ret)
		return ret;
	m->vm = kite_create_vm(m->cfg->dev, flags, m->cfg->tsc_khz);
	if (m->vm == -EOPNOTSUPP) {
		fprintf(stderr,
			"kitectl: --tsc-khz %u: this CPU cannot scale the TSC; the host's has %u kHz\n",
			m->cfg->tsc_khz, m->info.tsc_khz);
		return m->vm;
	}
	if (m->vm == -ENOSPC) {
		fprintf(stderr, "kitectl: the host has as many VMs as max_vms of kite.ko allows\n");
		return m->vm;
	}
	if (m->vm < 0)
		return complain("KITE_CREATE_VM", m->vm);
	ret = add_memory(m);
	for (id = 0; !ret && id < m->cfg->cpus; id++)
		ret = add_vcpu(m, id);
	if (!ret)
		ret = attach_devices(m);
	return ret;
}

int machine_create(struct machine *m, const struct machine_config *cfg)
{
	u32 id;
	int ret;

	memset(m, 0, sizeof(*m));
	m->host = host_ops;
	m->cfg = cfg;
	m->vm = -1;
	for (id = 0; id < MACHINE_MAX_CPUS; id++)
		m->vcpus[id].fd = -1;
	pthread_mutex_init(&m->lock, NULL);
	ret = timers_open(&m->timers);
	ret = ret ? complain("timers", ret) : create(m);
	if (ret)
		machine_destroy(m);
	return ret;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void machine_destroy(struct machine *m)
{
	u32 id;

	for (id = 0; id < MACHINE_MAX_CPUS; id++) {
		if (m->vcpus[id].run)
			kite_unmap_run(m->vcpus[id].run, m->info.vcpu_mmap_size);
		close_fd(m->vcpus[id].fd);
	}
	close_fd(m->vm);
	if (m->mem.host)
		mem_free(&m->mem);
	timers_close(&m->timers);
	pthread_mutex_destroy(&m->lock);
}
