/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KITE_CHARDEV_FD_H
#define KITE_CHARDEV_FD_H

struct kite_vcpu;
struct kite_vm;

/* A new file descriptor that owns the object, or -errno: then the object is still the caller's. */
int kite_vm_fd(struct kite_vm *vm);
int kite_vcpu_fd(struct kite_vcpu *v);

#endif
