/* SPDX-License-Identifier: GPL-2.0-only */
/* The VMs of Kite that processes of this host have open, by what /proc says of them. */
#ifndef VMS_H
#define VMS_H

#include <sys/types.h>

#include "lib/types.h"

enum vm_value {
	VM_NUMBER,
	VM_VCPUS,
	VM_SLOTS,
	VM_MEMORY,
	VM_TABLES,
	VM_OVERHEAD,
	VM_ENTRIES,
	VM_FAULTS,
	VM_VALUES
};

/* Their names in /proc/PID/fdinfo. */
extern const char *const vm_value_names[VM_VALUES];

struct vm_seen {
	pid_t pid;		/* the lowest that has the VM open */
	char command[32];
	u64 value[VM_VALUES];
};

struct vms {
	struct vm_seen *vm;	/* by number */
	unsigned int count;
	unsigned int denied;	/* processes that may not be looked at */
};

/*
 * Look in @proc, which is /proc, at process @pid or at all (0). Returns 0 or -errno, of @pid
 * too; free with vms_free() either way.
 */
int vms_find(const char *proc, pid_t pid, struct vms *vms);
void vms_free(struct vms *vms);

#endif
