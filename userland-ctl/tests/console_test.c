// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: the escape key counts on a terminal only; output arrives in order or
 * says that it is lost.
 */
#include "console.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "unit.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool stop;

static void keys(void)
{
	static const struct {
		const char *in;
		enum console_key want[4];
	} rows[] = {
		{ "a", { KEY_DATA } },
		{ "\x1dq", { KEY_NOTHING, KEY_QUIT } },
		{ "\x1dh", { KEY_NOTHING, KEY_HELP } },
		{ "\x1d\x1dq", { KEY_NOTHING, KEY_DATA, KEY_DATA } },
		{ "\x1dxq", { KEY_NOTHING, KEY_NOTHING, KEY_DATA } },
		{ "q\x03h", { KEY_DATA, KEY_DATA, KEY_DATA } },
	};
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct console con = { .raw = true, .escape = ESCAPE_DEFAULT };

		unit_context("row %u", i);
		for (k = 0; rows[i].in[k]; k++)
			EXPECT_EQ(rows[i].want[k], console_key(&con, rows[i].in[k]));
	}
}

static void no_escape(void)
{
	struct console pipe_con = { .raw = false, .escape = ESCAPE_DEFAULT };
	struct console off = { .raw = true, .escape = ESCAPE_NONE };

	EXPECT_EQ(KEY_DATA, console_key(&pipe_con, ESCAPE_DEFAULT));
	EXPECT_EQ(KEY_DATA, console_key(&pipe_con, 'q'));
	EXPECT_EQ(KEY_DATA, console_key(&off, ESCAPE_DEFAULT));
	EXPECT_EQ(KEY_DATA, console_key(&off, 'q'));
	EXPECT_EQ(KEY_DATA, console_key(&off, 0));
}

/* A pipe keeps what the guest has not taken; a terminal goes on reading for the escape key. */
static void input_waits_for_guest(void)
{
	struct console con;
	u32 i, n = CONSOLE_KEYS + 100;
	int fds[2];
	u8 byte;

	EXPECT_EQ(0, pipe(fds));
	EXPECT_EQ(0, console_open(&con, "none", ESCAPE_DEFAULT));
	EXPECT_FALSE(console_wants_input(&con));
	con.in = fds[0];
	for (i = 0; i < n; i++) {
		byte = i * 31 >> 3 & 0x7f;
		/* No escape key among them. */
		byte |= 0x80;
		EXPECT_EQ(1, write(fds[1], &byte, 1));
	}
	EXPECT_EQ(KEY_NOTHING, console_read(&con));
	EXPECT_EQ(CONSOLE_KEYS, con.keys_len);
	EXPECT_FALSE(console_wants_input(&con));
	for (i = 0; i < n; i++) {
		if (!con.keys_len)
			console_read(&con);
		EXPECT_TRUE(console_next(&con, &byte));
		EXPECT_EQ((i * 31 >> 3 & 0x7f) | 0x80, byte);
	}
	EXPECT_FALSE(console_next(&con, &byte));
	con.raw = true;
	con.keys_len = CONSOLE_KEYS;
	EXPECT_TRUE(console_wants_input(&con));
	EXPECT_EQ(3, write(fds[1], "x\x1dq", 3));
	EXPECT_EQ(KEY_NOTHING, console_read(&con));
	EXPECT_EQ(KEY_NOTHING, console_read(&con));
	EXPECT_EQ(KEY_QUIT, console_read(&con));
	EXPECT_EQ(CONSOLE_KEYS, con.keys_len);
	con.raw = false;
	con.keys_len = 0;
	close(fds[1]);
	EXPECT_EQ(KEY_NOTHING, console_read(&con));
	EXPECT_FALSE(console_wants_input(&con));
	close(fds[0]);
	console_close(&con);
}

static void output_in_order(void)
{
	char path[] = "/tmp/kite-console-XXXXXX";
	struct console con;
	u32 i, n = 3 * CONSOLE_BUFFER;
	u8 byte;
	int fd = mkstemp(path);

	EXPECT_EQ(0, console_open(&con, path, ESCAPE_NONE));
	EXPECT_EQ(-1, con.in);
	pthread_mutex_lock(&lock);
	for (i = 0; i < n; i++) {
		/* It asks to be drained when the first byte comes. */
		EXPECT_EQ(con.len == 0, console_put(&con, i * 31 >> 3, &lock, &stop));
		if (con.len > CONSOLE_BUFFER - 100)
			console_drain(&con);
	}
	pthread_mutex_unlock(&lock);
	console_flush(&con);
	console_close(&con);
	for (i = 0; i < n; i++) {
		EXPECT_EQ(1, read(fd, &byte, 1));
		EXPECT_EQ((u8)(i * 31 >> 3), byte);
	}
	EXPECT_EQ(0, read(fd, &byte, 1));
	close(fd);
	unlink(path);
}

static void reader_gone(void)
{
	struct console con;
	int fds[2];

	signal(SIGPIPE, SIG_IGN);
	EXPECT_EQ(0, pipe(fds));
	EXPECT_EQ(0, console_open(&con, "none", ESCAPE_NONE));
	con.out = fds[1];
	close(fds[0]);
	pthread_mutex_lock(&lock);
	EXPECT_TRUE(console_put(&con, 'x', &lock, &stop));
	console_drain(&con);
	EXPECT_TRUE(con.output_broken);
	EXPECT_EQ(0, con.len);
	EXPECT_FALSE(console_put(&con, 'x', &lock, &stop));
	EXPECT_EQ(0, con.len);
	pthread_mutex_unlock(&lock);
	console_close(&con);
}

static void full_buffer_ends_with_stop(void)
{
	struct console con;
	int fds[2];
	u32 i;

	EXPECT_EQ(0, pipe(fds));
	EXPECT_EQ(0, console_open(&con, "none", ESCAPE_NONE));
	con.out = fds[1];
	pthread_mutex_lock(&lock);
	for (i = 0; i < CONSOLE_BUFFER; i++)
		console_put(&con, 'x', &lock, &stop);
	EXPECT_EQ(CONSOLE_BUFFER, con.len);
	stop = true;
	EXPECT_FALSE(console_put(&con, 'y', &lock, &stop));
	EXPECT_EQ(CONSOLE_BUFFER, con.len);
	stop = false;
	pthread_mutex_unlock(&lock);
	console_close(&con);
	close(fds[0]);
}

static void nowhere(void)
{
	struct console con;

	EXPECT_EQ(0, console_open(&con, "none", ESCAPE_NONE));
	EXPECT_EQ(-1, con.in);
	EXPECT_FALSE(console_put(&con, 'x', &lock, &stop));
	EXPECT_EQ(0, con.len);
	console_close(&con);
	EXPECT_TRUE(console_open(&con, "/nonexistent/file", ESCAPE_NONE) < 0);
}

static const struct unit_test tests[] = {
	UNIT_TEST(keys),
	UNIT_TEST(no_escape),
	UNIT_TEST(input_waits_for_guest),
	UNIT_TEST(output_in_order),
	UNIT_TEST(reader_gone),
	UNIT_TEST(full_buffer_ends_with_stop),
	UNIT_TEST(nowhere),
};

UNIT_MAIN(tests)
