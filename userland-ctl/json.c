// SPDX-License-Identifier: GPL-2.0-only
/* Writing JSON. */
#include "json.h"

static void quoted(FILE *out, const char *s)
{
	fputc('"', out);
	for (; *s; s++) {
		unsigned char c = *s;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			fprintf(out, "\\u%04x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

static void begin(struct json *j, const char *name)
{
	if (j->comma)
		fputs(", ", j->out);
	if (name) {
		quoted(j->out, name);
		fputs(": ", j->out);
	}
	j->comma = true;
}

void json_open(struct json *j, const char *name, char bracket)
{
	begin(j, name);
	fputc(bracket, j->out);
	j->comma = false;
}

void json_close(struct json *j, char bracket)
{
	fputc(bracket, j->out);
	j->comma = true;
}

void json_str(struct json *j, const char *name, const char *value)
{
	begin(j, name);
	quoted(j->out, value);
}

void json_num(struct json *j, const char *name, u64 value)
{
	begin(j, name);
	fprintf(j->out, "%llu", value);
}

void json_bool(struct json *j, const char *name, bool value)
{
	begin(j, name);
	fputs(value ? "true" : "false", j->out);
}

void json_end(struct json *j)
{
	fputc('\n', j->out);
	j->comma = false;
}
