// SPDX-License-Identifier: GPL-2.0-only
/* The main loop. */
#include "events.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* How often a running vCPU hands over its trace. */
#define TRACE_NS	100000000

static const int stop_signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

static int open_signals(void)
{
	sigset_t set;
	unsigned int i;

	sigemptyset(&set);
	for (i = 0; i < ARRAY_SIZE(stop_signals); i++)
		sigaddset(&set, stop_signals[i]);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	/* A reader that goes away is an error of write(), not the end. */
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int open_timer(u32 seconds, u32 period_ns)
{
	struct itimerspec spec = {
		.it_value = { seconds, period_ns },
		.it_interval = { 0, period_ns },
	};
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd >= 0)
		timerfd_settime(fd, 0, &spec, NULL);
	return fd;
}

int events_open(struct events *ev, struct console *console, u32 timeout, bool trace)
{
	int ret;

	ev->console = console;
	ev->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ev->signals = open_signals();
	ev->timeout = timeout ? open_timer(timeout, 0) : -1;
	ev->trace = trace ? open_timer(0, TRACE_NS) : -1;
	if (ev->wake >= 0 && ev->signals >= 0 && (!timeout || ev->timeout >= 0) &&
	    (!trace || ev->trace >= 0))
		return 0;
	ret = -errno;
	events_close(ev);
	return ret;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void events_close(struct events *ev)
{
	close_fd(ev->wake);
	close_fd(ev->signals);
	close_fd(ev->timeout);
	close_fd(ev->trace);
}

static void consume(int fd, void *data, size_t len)
{
	/* Nobody else reads, so it is there whole, or (EAGAIN) it was a false alarm. */
	if (read(fd, data, len) < 0 && errno != EAGAIN)
		perror("kitectl: read");
}

static void on_wake(struct events *ev, struct machine *m)
{
	u64 count;

	/* What there is to do shows when the loop looks again. */
	(void)m;
	consume(ev->wake, &count, sizeof(count));
}

static void on_signal(struct events *ev, struct machine *m)
{
	struct signalfd_siginfo info = { 0 };

	consume(ev->signals, &info, sizeof(info));
	if (info.ssi_signo)
		machine_end(m, OUTCOME_SIGNAL, 0);
}

static void on_timeout(struct events *ev, struct machine *m)
{
	/* Left unread: it is up for every VM that a reset may still start. */
	(void)ev;
	machine_end(m, OUTCOME_TIMEOUT, 0);
}

static void on_trace(struct events *ev, struct machine *m)
{
	u64 count;

	consume(ev->trace, &count, sizeof(count));
	vcpus_kick(m);
}

static void feed_uart(struct events *ev, struct machine *m)
{
	u8 byte;

	while (uart_space(&m->uart) && console_next(ev->console, &byte))
		uart_receive(&m->uart, byte);
}

static void on_input(struct events *ev, struct machine *m)
{
	enum console_key asked;

	pthread_mutex_lock(&m->lock);
	asked = console_read(ev->console);
	pthread_mutex_unlock(&m->lock);
	if (asked == KEY_QUIT)
		machine_end(m, OUTCOME_QUIT, 0);
}

static void on_output(struct events *ev, struct machine *m)
{
	pthread_mutex_lock(&m->lock);
	console_drain(ev->console);
	pthread_mutex_unlock(&m->lock);
}

typedef void event_fn(struct events *ev, struct machine *m);

static void on_pit(struct events *ev, struct machine *m)
{
	(void)ev;
	machine_timer(m, DEV_TIMER_PIT);
}

static void on_rtc(struct events *ev, struct machine *m)
{
	(void)ev;
	machine_timer(m, DEV_TIMER_RTC);
}

enum {
	POLL_WAKE, POLL_SIGNALS, POLL_TIMEOUT, POLL_TRACE, POLL_INPUT, POLL_OUTPUT, POLL_PIT,
	POLL_RTC, POLL_COUNT
};

static event_fn *const event_fns[POLL_COUNT] = {
	[POLL_WAKE]	= on_wake,
	[POLL_SIGNALS]	= on_signal,
	[POLL_TIMEOUT]	= on_timeout,
	[POLL_TRACE]	= on_trace,
	[POLL_INPUT]	= on_input,
	[POLL_OUTPUT]	= on_output,
	[POLL_PIT]	= on_pit,
	[POLL_RTC]	= on_rtc,
};

/* What to wait for now, after what there is for the guest has gone to it. */
static void prepare(struct events *ev, struct machine *m, struct pollfd *p)
{
	struct console *con = ev->console;

	p[POLL_WAKE] = (struct pollfd){ ev->wake, POLLIN, 0 };
	p[POLL_SIGNALS] = (struct pollfd){ ev->signals, POLLIN, 0 };
	p[POLL_TIMEOUT] = (struct pollfd){ ev->timeout, POLLIN, 0 };
	p[POLL_TRACE] = (struct pollfd){ ev->trace, POLLIN, 0 };
	p[POLL_PIT] = (struct pollfd){ m->timers.fd[DEV_TIMER_PIT], POLLIN, 0 };
	p[POLL_RTC] = (struct pollfd){ m->timers.fd[DEV_TIMER_RTC], POLLIN, 0 };
	pthread_mutex_lock(&m->lock);
	feed_uart(ev, m);
	p[POLL_INPUT] = (struct pollfd){ console_wants_input(con) ? con->in : -1, POLLIN, 0 };
	p[POLL_OUTPUT] = (struct pollfd){ con->len ? con->out : -1, POLLOUT, 0 };
	pthread_mutex_unlock(&m->lock);
}

void events_loop(struct events *ev, struct machine *m)
{
	struct pollfd p[POLL_COUNT];
	int i;

	while (!machine_stopped(m)) {
		prepare(ev, m, p);
		if (poll(p, POLL_COUNT, -1) < 0) {
			if (errno == EINTR)
				continue;
			perror("kitectl: poll");
			machine_end(m, OUTCOME_HOST_ERROR, 0);
			break;
		}
		for (i = 0; i < POLL_COUNT; i++)
			if (p[i].revents)
				event_fns[i](ev, m);
	}
}
