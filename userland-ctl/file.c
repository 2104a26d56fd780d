// SPDX-License-Identifier: GPL-2.0-only
/* Reading a file whole. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_all(int fd, u8 *data, u64 len)
{
	while (len) {
		ssize_t n = read(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return -EIO;	/* it shrinks while we read */
		data += n;
		len -= n;
	}
	return 0;
}

static int read_fd(int fd, struct blob *blob)
{
	struct stat st;
	u8 *data;
	int ret;

	if (fstat(fd, &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	/* The size of anything else is not known in advance. */
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	data = malloc(st.st_size ? st.st_size : 1);
	if (!data)
		return -ENOMEM;
	ret = read_all(fd, data, st.st_size);
	if (ret) {
		free(data);
		return ret;
	}
	blob->data = data;
	blob->len = st.st_size;
	return 0;
}

int file_read(const char *path, struct blob *blob)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	ret = read_fd(fd, blob);
	close(fd);
	return ret;
}

void file_free(struct blob *blob)
{
	free((void *)blob->data);
	*blob = (struct blob){ 0 };
}
