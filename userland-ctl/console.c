// SPDX-License-Identifier: GPL-2.0-only
/* Console input and output, raw mode and the escape key. */
#include "console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What poll() promises for a pipe; more could block. */
#define WRITE_MAX	4096u
#define FLUSH_MS	1000

/* For fatal_signal(), which has nothing else to go by. */
static struct console *raw_console;

static const int fatal_signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };

static void leave_raw(void)
{
	if (raw_console)
		tcsetattr(raw_console->in, TCSANOW, &raw_console->saved);
}

static void fatal_signal(int sig)
{
	leave_raw();
	signal(sig, SIG_DFL);
	raise(sig);
}

static int enter_raw(struct console *con)
{
	struct termios raw;
	unsigned int i;

	if (tcgetattr(con->in, &con->saved))
		return -errno;
	raw = con->saved;
	cfmakeraw(&raw);
	/* Our own messages end lines with a newline alone. */
	raw.c_oflag |= OPOST;
	if (tcsetattr(con->in, TCSANOW, &raw))
		return -errno;
	con->raw = true;
	raw_console = con;
	atexit(leave_raw);
	for (i = 0; i < ARRAY_SIZE(fatal_signals); i++)
		signal(fatal_signals[i], fatal_signal);
	return 0;
}

/* A background job that touches the terminal would be stopped. */
static bool in_foreground(int fd)
{
	return isatty(fd) && tcgetpgrp(fd) == getpgrp();
}

static int open_stdio(struct console *con)
{
	con->in = STDIN_FILENO;
	con->out = STDOUT_FILENO;
	if (in_foreground(con->in))
		return enter_raw(con);
	if (isatty(con->in))
		con->in = -1;
	return 0;
}

static int open_file(struct console *con, const char *path)
{
	con->out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	return con->out < 0 ? -errno : 0;
}

int console_open(struct console *con, const char *target, u8 escape)
{
	int ret;

	memset(con, 0, sizeof(*con));
	con->in = -1;
	con->out = -1;
	con->escape = escape;
	pthread_cond_init(&con->space, NULL);
	con->buffer = malloc(CONSOLE_BUFFER);
	if (!con->buffer)
		return -ENOMEM;
	if (!strcmp(target, "none"))
		return 0;
	ret = strcmp(target, "stdio") ? open_file(con, target) : open_stdio(con);
	if (ret)
		console_close(con);
	return ret;
}

void console_close(struct console *con)
{
	if (con->raw)
		leave_raw();
	raw_console = NULL;
	if (con->out > STDERR_FILENO)
		close(con->out);
	pthread_cond_destroy(&con->space);
	free(con->buffer);
}

bool console_put(struct console *con, u8 byte, pthread_mutex_t *lock, const bool *stop)
{
	if (con->out < 0 || con->output_broken)
		return false;
	while (con->len == CONSOLE_BUFFER && !__atomic_load_n(stop, __ATOMIC_ACQUIRE))
		pthread_cond_wait(&con->space, lock);
	if (con->len == CONSOLE_BUFFER)
		return false;
	con->buffer[(con->head + con->len) % CONSOLE_BUFFER] = byte;
	return con->len++ == 0;
}

static void lose_output(struct console *con)
{
	/* The reader is gone, which is no reason to stop the guest. */
	fprintf(stderr, "kitectl: console output is lost: %s\n", strerror(errno));
	con->output_broken = true;
	con->len = 0;
}

void console_drain(struct console *con)
{
	u32 n = con->len;
	ssize_t ret;

	if (n > CONSOLE_BUFFER - con->head)
		n = CONSOLE_BUFFER - con->head;
	if (n > WRITE_MAX)
		n = WRITE_MAX;
	ret = write(con->out, con->buffer + con->head, n);
	if (ret < 0 && errno != EAGAIN && errno != EINTR)
		lose_output(con);
	if (ret > 0) {
		con->head = (con->head + ret) % CONSOLE_BUFFER;
		con->len -= ret;
	}
	pthread_cond_broadcast(&con->space);
}

void console_flush(struct console *con)
{
	struct pollfd p = { .fd = con->out, .events = POLLOUT };

	while (con->len && poll(&p, 1, FLUSH_MS) > 0)
		console_drain(con);
	if (con->len)
		fprintf(stderr, "kitectl: %u bytes of console output are lost, nobody reads them\n",
			con->len);
	con->len = 0;
}

enum console_key console_key(struct console *con, u8 key)
{
	bool escaped = con->escaped;

	con->escaped = false;
	if (!con->raw || con->escape == ESCAPE_NONE)
		return KEY_DATA;
	if (!escaped) {
		con->escaped = key == con->escape;
		return con->escaped ? KEY_NOTHING : KEY_DATA;
	}
	if (key == con->escape)
		return KEY_DATA;
	if (key == 'q')
		return KEY_QUIT;
	return key == 'h' ? KEY_HELP : KEY_NOTHING;
}

void console_help(const struct console *con)
{
	char c = con->escape ^ 0x40;

	fprintf(stderr,
		"\nkitectl: Ctrl-%c q stops the VM, Ctrl-%c Ctrl-%c sends Ctrl-%c, Ctrl-%c h prints this\n",
		c, c, c, c, c);
}

static void keep_key(struct console *con, u8 key)
{
	if (con->keys_len == CONSOLE_KEYS)
		return;
	con->keys[(con->keys_head + con->keys_len++) % CONSOLE_KEYS] = key;
}

/* On a terminal the escape key must work even when the guest takes no input. */
bool console_wants_input(const struct console *con)
{
	return con->in >= 0 && (con->raw || con->keys_len < CONSOLE_KEYS);
}

enum console_key console_read(struct console *con)
{
	enum console_key key, asked = KEY_NOTHING;
	u8 data[CONSOLE_KEYS];
	u32 room = CONSOLE_KEYS - con->keys_len;
	ssize_t i, n;

	/* With no room the guest's part of what comes is lost, as on a line without handshake. */
	n = read(con->in, data, room ? room : 1);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return KEY_NOTHING;
	if (n <= 0)
		con->in = -1;
	for (i = 0; i < n; i++) {
		key = console_key(con, data[i]);
		if (key == KEY_DATA)
			keep_key(con, data[i]);
		else if (key == KEY_HELP)
			console_help(con);
		else if (key == KEY_QUIT)
			asked = KEY_QUIT;
	}
	return asked;
}

bool console_next(struct console *con, u8 *byte)
{
	if (!con->keys_len)
		return false;
	*byte = con->keys[con->keys_head];
	con->keys_head = (con->keys_head + 1) % CONSOLE_KEYS;
	con->keys_len--;
	return true;
}
