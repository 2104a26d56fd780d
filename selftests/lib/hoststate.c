// SPDX-License-Identifier: GPL-2.0-only
#include "hoststate.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kmod.h"
#include "resident.h"

#define FILE_NAME	"/proc/hoststate"

static int open_hoststate(void)
{
	int fd = open(FILE_NAME, O_RDONLY);

	if (fd >= 0)
		return fd;
	kt_module_load("hoststate");
	fd = open(FILE_NAME, O_RDONLY);
	ASSERT_GE(fd, 0);
	return fd;
}

void kt_hoststate_forget(struct kt_hoststate *s, const char *name)
{
	char *line, *next, *to = s->text;
	size_t len;

	for (line = s->text; *line; line = next) {
		next = strchr(line, '\n') + 1;
		len = next - line;
		if (!strncmp(strchr(line, ' ') + 1, name, strlen(name)))
			continue;
		memmove(to, line, len);
		to += len;
	}
	*to = 0;
}

/* VMX is on or off then as it comes. */
static bool keeps_vmx_on(void)
{
	int fd = open(KT_RESIDENT, O_RDONLY);
	char on = 'N';

	if (fd < 0)
		return false;
	ASSERT_EQ(1l, read(fd, &on, 1));
	close(fd);
	return on == 'Y';
}

void kt_hoststate_read(struct kt_hoststate *s)
{
	int fd = open_hoststate();
	size_t len = 0;
	ssize_t n;

	do {
		n = read(fd, s->text + len, sizeof(s->text) - 1 - len);
		ASSERT_GE(n, 0);
		len += n;
	} while (n);
	ASSERT_TRUE(len && len < sizeof(s->text) - 1);
	s->text[len] = 0;
	close(fd);
	if (keeps_vmx_on())
		kt_hoststate_forget(s, "vmxe");
}

/* The line of @text that begins with @name, or NULL. */
static const char *find(const char *text, const char *name)
{
	size_t len = strlen(name);

	while (text && strncmp(text, name, len)) {
		text = strchr(text, '\n');
		text += !!text;
	}
	return text;
}

unsigned int kt_hoststate_differences(const struct kt_hoststate *before,
				      const struct kt_hoststate *after)
{
	unsigned int different = 0;
	const char *line, *now;
	char name[64];
	int len;

	for (line = before->text; *line; line += len + 1) {
		/* With the blank before the value: one name may begin with another. */
		len = strchr(strchr(line, ' ') + 1, ' ') + 1 - line;
		snprintf(name, sizeof(name), "%.*s", len, line);
		len = strcspn(line, "\n");
		now = find(after->text, name);
		if (now && !strncmp(now, line, len + 1))
			continue;
		different++;
		kt_note("%.*s before, now %.*s", len, line, now ? (int)strcspn(now, "\n") : 4,
			now ?: "gone");
	}
	return different;
}

void kt_hoststate_expect(const struct kt_hoststate *before)
{
	static struct kt_hoststate now;

	kt_hoststate_read(&now);
	EXPECT_EQ(0, kt_hoststate_differences(before, &now));
}
