// SPDX-License-Identifier: GPL-2.0-only
/*
 * Process 1 of L1: take the snapshot, fetch the payload, run what it asks for
 * and report everything in frames to the machine outside.
 *
 * A frame is a type byte, a little-endian 32-bit length and the data:
 *	O, E	what the command writes to stdout and stderr
 *	S	the shell is about to start: the console takes input
 *	K	the kernel log
 *	L	errno of loading the module, when that failed; nothing follows
 *	X	exit status of the command; nothing follows
 * Under the patched Bochs frames travel through the host port, elsewhere
 * through the second serial port.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define PORT_EXIT	0x8904	/* read: PORT_MAGIC; write: end Bochs with this status */
#define PORT_SNAPSHOT	0x8905	/* write: save the machine, if asked to */
#define PORT_DATA	0x8906	/* read: next input; write: flush the output */
#define PORT_COUNT	0x8907	/* read: input left; write: output */
#define PORT_MAGIC	0x42584850

#define PAYLOAD		"/payload.tar"
#define MODULE		"/lib/kite/kite.ko"
#define MODULE_PARAMS	"/lib/kite/load.params"
#define COMMAND_ARGV	"/lib/kite/command.argv"
#define SECOND_ARGV	"/lib/kite/second.argv"
#define SHELL_FILE	"/lib/kite/shell"
#define AFTERMATH	"/lib/kite/aftermath"
#define KMEMLEAK	"/sys/kernel/debug/kmemleak"
#define MAX_ARGS	1024

static char buf[1 << 16];
static int port_present;
static int channel = -1;

static void die(const char *what)
{
	fprintf(stderr, "testhost agent: %s: %s\n", what, strerror(errno));
	reboot(RB_POWER_OFF);
	_exit(1);
}

static void write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno != EINTR)
			die("write");
		if (n > 0) {
			p += n;
			len -= n;
		}
	}
}

static void channel_open(void)
{
	struct termios t;

	port_present = !ioperm(PORT_EXIT, 8, 1) && inl(PORT_EXIT) == PORT_MAGIC;
	if (port_present)
		return;
	channel = open("/dev/ttyS1", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (channel < 0 || tcgetattr(channel, &t))
		die("/dev/ttyS1");
	cfmakeraw(&t);
	cfsetspeed(&t, B115200);
	if (tcsetattr(channel, TCSANOW, &t))
		die("/dev/ttyS1");
}

static void channel_write(const void *data, size_t len)
{
	if (!port_present) {
		write_all(channel, data, len);
		return;
	}
	outsl(PORT_COUNT, data, len / 4);
	outsb(PORT_COUNT, (const char *)data + (len & ~3ul), len & 3);
}

static void frame(char type, const void *data, uint32_t len)
{
	unsigned char head[5] = { type, len, len >> 8, len >> 16, len >> 24 };

	channel_write(head, sizeof(head));
	channel_write(data, len);
	if (port_present)
		outl(0, PORT_DATA);
}

/* Restored machines go on behind the OUT, which takes a few instructions to act. */
static void snapshot(void)
{
	int i;

	sync();
	outl(1, PORT_SNAPSHOT);
	for (i = 0; i < 100; i++)
		__builtin_ia32_pause();
}

static void fetch_payload(void)
{
	unsigned int left = inl(PORT_COUNT);
	int fd;

	if (!left)
		return;
	fd = open(PAYLOAD, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		die(PAYLOAD);
	for (; left; left = inl(PORT_COUNT)) {
		unsigned int n = left < sizeof(buf) ? left : sizeof(buf);

		insl(PORT_DATA, buf, (n + 3) / 4);
		write_all(fd, buf, n);
	}
	close(fd);
}

/* Arguments are NUL-terminated strings one after the other. */
static char **read_argv(const char *path)
{
	static char *argv[MAX_ARGS + 1];
	static char text[1 << 17];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int i, argc = 0, len;

	if (fd < 0)
		return NULL;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	for (i = 0; i < len && argc < MAX_ARGS; i += strlen(text + i) + 1)
		argv[argc++] = text + i;
	argv[argc] = NULL;
	return argc ? argv : NULL;
}

static int exit_status(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static pid_t spawn(char *const *argv, int in, int out, int err)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid)
		return pid;
	setsid();
	dup2(in, 0);
	dup2(out, 1);
	dup2(err, 2);
	if (isatty(0))
		ioctl(0, TIOCSCTTY, 0);
	execvp(argv[0], argv);
	fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

/* Returns false when nothing more will come. */
static int forward(struct pollfd *pfd, char type)
{
	ssize_t n = read(pfd->fd, buf, sizeof(buf));

	if (n > 0) {
		frame(type, buf, n);
		return 1;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	close(pfd->fd);
	pfd->fd = -1;
	return 0;
}

/* Process 1 reaps orphans too; returns true once @pid itself has ended. */
static int reap(pid_t pid, int *status, int flags)
{
	pid_t p;
	int s;

	while ((p = waitpid(-1, &s, flags)) > 0) {
		if (p == pid) {
			*status = exit_status(s);
			return 1;
		}
	}
	return 0;
}

/*
 * SIGCHLD has to interrupt poll(): a daemon left behind by the command may
 * hold the pipes open for ever.
 */
static void on_sigchld(int sig)
{
	(void)sig;
}

static int run(char *const *argv)
{
	struct timespec tick = { .tv_nsec = 100000000 };
	int out[2], err[2], null, status = 0;
	struct pollfd pfd[2];
	sigset_t block, open_set;
	pid_t pid;

	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null < 0 || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		die("pipe");
	sigemptyset(&open_set);
	sigemptyset(&block);
	sigaddset(&block, SIGCHLD);
	pid = spawn(argv, null, out[1], err[1]);
	sigprocmask(SIG_BLOCK, &block, NULL);
	close(out[1]);
	close(err[1]);
	close(null);
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	fcntl(err[0], F_SETFL, O_NONBLOCK);
	pfd[0] = (struct pollfd){ .fd = out[0], .events = POLLIN };
	pfd[1] = (struct pollfd){ .fd = err[0], .events = POLLIN };
	while (!reap(pid, &status, WNOHANG)) {
		if (pfd[0].fd < 0 && pfd[1].fd < 0) {
			reap(pid, &status, 0);
			break;
		}
		if (ppoll(pfd, 2, &tick, &open_set) <= 0)
			continue;
		if (pfd[0].revents)
			forward(&pfd[0], 'O');
		if (pfd[1].revents)
			forward(&pfd[1], 'E');
	}
	while (pfd[0].fd >= 0 && forward(&pfd[0], 'O'))
		;
	while (pfd[1].fd >= 0 && forward(&pfd[1], 'E'))
		;
	close(pfd[0].fd);
	close(pfd[1].fd);
	sigprocmask(SIG_UNBLOCK, &block, NULL);
	return status;
}

/* The file holds the size of the terminal outside: rows and columns. */
static int run_shell(void)
{
	static char *const argv[] = { "sh", "-l", NULL };
	struct winsize size = { 0 };
	FILE *f = fopen(SHELL_FILE, "r");
	int tty, status = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%hu %hu", &size.ws_row, &size.ws_col) != 2)
		size.ws_row = 0;
	fclose(f);
	tty = open("/dev/ttyS0", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (tty < 0)
		die("/dev/ttyS0");
	if (size.ws_row)
		ioctl(tty, TIOCSWINSZ, &size);
	frame('S', NULL, 0);
	reap(spawn(argv, tty, tty, tty), &status, 0);
	tcdrain(tty);
	close(tty);
	return status;
}

static void send_kernel_log(void)
{
	int size = klogctl(10, NULL, 0);
	char *text = size > 0 ? malloc(size) : NULL;
	int n = text ? klogctl(3, text, size) : -1;

	if (n > 0)
		frame('K', text, n);
	free(text);
}

static void log_line(const char *text)
{
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		die("/dev/kmsg");
	write_all(fd, text, strlen(text));
	close(fd);
}

/* Not insmod: BusyBox tries a second time when the first load fails. */
static int load_module(void)
{
	char params[4096] = "";
	int fd = open(MODULE_PARAMS, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	if (read(fd, params, sizeof(params) - 1) < 0)
		die(MODULE_PARAMS);
	close(fd);
	fd = open(MODULE, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die(MODULE);
	return syscall(SYS_finit_module, fd, params, 0) ? errno : 0;
}

/* What the command has done shows now; its own failure comes first. */
static int run_aftermath(int status)
{
	static char *const argv[] = { AFTERMATH, NULL };
	int found = run(argv);

	return status ? status : found;
}

static void finish(char type, unsigned char status)
{
	send_kernel_log();
	frame(type, &status, 1);
	sync();
	if (port_present)
		outl(0, PORT_EXIT);
	tcdrain(channel);
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

/*
 * The command's file. A kernel that the command of the first one has started gets no
 * payload: everything is there.
 */
static const char *unpack_payload(void)
{
	static char *const untar[] = { "tar", "-x", "-C", "/", "-f", PAYLOAD, NULL };

	if (access(PAYLOAD, F_OK) && !access(SECOND_ARGV, F_OK))
		return SECOND_ARGV;
	if (run(untar))
		die(PAYLOAD);
	unlink(PAYLOAD);
	return COMMAND_ARGV;
}

int main(void)
{
	struct sigaction sa = { .sa_handler = on_sigchld };
	const char *command;
	char **argv;
	int status = 0;

	sigaction(SIGCHLD, &sa, NULL);
	channel_open();
	if (port_present) {
		snapshot();
		fetch_payload();
	}
	command = unpack_payload();
	/* What the kernel says from here on is ours to answer for. */
	log_line("<5>testhost: payload starts\n");
	status = load_module();
	if (status)
		finish('L', status);
	argv = read_argv(command);
	if (argv)
		status = run(argv);
	if (!access(SHELL_FILE, R_OK) && argv)
		run_shell();
	else if (!access(SHELL_FILE, R_OK))
		status = run_shell();
	if (!access(KMEMLEAK, F_OK))
		status = run_aftermath(status);
	finish('X', status);
}
