// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest that spins on PAUSE at privilege level 0 waits for another vCPU, which may
 * not be running: give the CPU to one. SDM, chapter "VMX Non-Root Operation".
 */
#include <linux/moduleparam.h>

#include "../core/request.h"
#include "../core/yield.h"
#include "caps.h"
#include "exit.h"

/* TSC cycles between two PAUSEs of one loop, and until a loop exits. */
#define PAUSE_GAP	128
#define PAUSE_WINDOW	4096

static bool pause_loop = true;
module_param(pause_loop, bool, 0444);
MODULE_PARM_DESC(pause_loop, "Use \"PAUSE-loop exiting\" where the CPU has it (default on)");

void vmx_pause_init(void)
{
	if (!pause_loop)
		vmx_caps.word[VMX_WORD_PROC2] &= ~PROC2_PAUSE_LOOP;
}

void vmx_pause_setup(void)
{
	if (!(vmx_caps.word[VMX_WORD_PROC2] & PROC2_PAUSE_LOOP))
		return;
	vmwrite(VMCS_PLE_GAP, PAUSE_GAP);
	vmwrite(VMCS_PLE_WINDOW, PAUSE_WINDOW);
}

int vmx_exit_pause(struct vmx_vcpu *x)
{
	vmx_skipped(x);
	if (!kite_may_yield(&x->core))
		return KITE_RESUME;
	kite_vcpu_request_self(&x->core, KITE_REQ_YIELD);
	return KITE_LEAVE;
}
