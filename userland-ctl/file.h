/* SPDX-License-Identifier: GPL-2.0-only */
/* Whole files in memory. */
#ifndef FILE_H
#define FILE_H

#include "boot/boot.h"

/* Returns a descriptor, or a negative errno: only regular files tell their size. */
int file_open(const char *path);
/* All of the file; returns 0 or a negative errno. The caller frees with file_free(). */
int file_load(int fd, struct blob *blob);
void file_free(struct blob *blob);

#endif
