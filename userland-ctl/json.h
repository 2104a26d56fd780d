/* SPDX-License-Identifier: GPL-2.0-only */
/* JSON output: objects, arrays and their commas. */
#ifndef JSON_H
#define JSON_H

#include <stdio.h>

#include "lib/types.h"

struct json {
	FILE *out;
	bool comma;		/* the next member needs one */
};

/* @name is NULL in an array and at the top. */
void json_open(struct json *j, const char *name, char bracket);
void json_close(struct json *j, char bracket);
void json_str(struct json *j, const char *name, const char *value);
void json_num(struct json *j, const char *name, u64 value);
void json_bool(struct json *j, const char *name, bool value);
/* Ends the document with a newline. */
void json_end(struct json *j);

#endif
