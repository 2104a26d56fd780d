/* SPDX-License-Identifier: GPL-2.0-only */
/* Whole files in memory. */
#ifndef FILE_H
#define FILE_H

#include "boot/boot.h"

/* Returns 0 or a negative errno; the caller frees with file_free(). */
int file_read(const char *path, struct blob *blob);
void file_free(struct blob *blob);

#endif
