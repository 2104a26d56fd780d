/* SPDX-License-Identifier: GPL-2.0-only */
/* The guest's handlers: a stub for each vector, which tells the host. */
#ifndef KT_HANDLERS_H
#define KT_HANDLERS_H

#include "vm.h"

#define KT_STUB_SIZE	8

/* In the section of 16-bit code; kt_addr16() is where it is in the guest. */
extern const u8 kt_stubs16[], kt_stubs32[], kt_stubs64[];
/* Where a function called by kt_call() returns to. */
extern const u8 kt_return64[];
extern const u8 __start_guest16[], __stop_guest16[];

u64 kt_addr16(const u8 *symbol);
/* First stub of the VM's mode. */
u64 kt_stubs(const struct kt_vm *vm);
void kt_install_handlers(struct kt_vm *vm, enum kt_mode mode);
/* Vectors with an error code. */
bool kt_vector_has_error(u8 vector);

#endif
