// SPDX-License-Identifier: GPL-2.0-only
/* Reading a file whole. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int check(int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	return S_ISREG(st.st_mode) ? 0 : -EINVAL;
}

int file_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	ret = check(fd);
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

static int read_all(int fd, u8 *data, u64 len)
{
	u64 done = 0;

	while (done < len) {
		ssize_t n = pread(fd, data + done, len - done, done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return -EIO;	/* it shrinks while we read */
		done += n;
	}
	return 0;
}

int file_load(int fd, struct blob *blob)
{
	off_t len = lseek(fd, 0, SEEK_END);
	u8 *data;
	int ret;

	if (len < 0)
		return -errno;
	data = malloc(len ? len : 1);
	if (!data)
		return -ENOMEM;
	ret = read_all(fd, data, len);
	if (ret) {
		free(data);
		return ret;
	}
	blob->data = data;
	blob->len = len;
	return 0;
}

void file_free(struct blob *blob)
{
	free((void *)blob->data);
	*blob = (struct blob){ 0 };
}
