/* SPDX-License-Identifier: GPL-2.0-only */
/* The near end of the serial line: terminal, pipe or file. */
#ifndef CONSOLE_H
#define CONSOLE_H

#include <pthread.h>
#include <termios.h>

#include "lib/types.h"

#define CONSOLE_BUFFER	65536u
#define CONSOLE_KEYS	4096u
#define ESCAPE_NONE	0
#define ESCAPE_DEFAULT	0x1d	/* Ctrl-] */

enum console_key {
	KEY_DATA,		/* a byte for the guest */
	KEY_NOTHING,
	KEY_QUIT,
	KEY_HELP,
};

struct console {
	int in;			/* -1: none, or at its end */
	int out;		/* -1: none */
	bool raw;
	bool output_broken;
	u8 escape;
	bool escaped;		/* the last key was the escape key */
	struct termios saved;
	u8 *buffer;		/* output on its way, a ring */
	u32 head, len;
	pthread_cond_t space;
	u8 keys[CONSOLE_KEYS];	/* input that the guest has not taken, a ring */
	u32 keys_head, keys_len;
};

/* @target: "stdio", "none" or a file for output. Returns 0 or a negative errno. */
int console_open(struct console *con, const char *target, u8 escape);
/* Puts the terminal back. */
void console_close(struct console *con);

/*
 * Takes a byte for output; waits on @lock, which is held, while the buffer is
 * full, unless @stop becomes true. Returns true when the buffer was empty.
 */
bool console_put(struct console *con, u8 byte, pthread_mutex_t *lock, const bool *stop);
/* Writes some of the buffer; call when @con->out is writable. The lock is held. */
void console_drain(struct console *con);
/* Waits up to a second for the rest of the output to leave. */
void console_flush(struct console *con);
/* Whether console_read() is to be called when there is input. */
bool console_wants_input(const struct console *con);
/*
 * Takes what input there is and keeps the guest's part of it. Returns KEY_QUIT
 * if that was asked for, else KEY_NOTHING.
 */
enum console_key console_read(struct console *con);
/* The next byte for the guest, in *@byte; false when there is none. */
bool console_next(struct console *con, u8 *byte);
/* What a key means on a terminal. */
enum console_key console_key(struct console *con, u8 key);
void console_help(const struct console *con);

#endif
