// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest that spins on PAUSE at privilege level 0 waits for another vCPU, which may
 * not be running: give the CPU to one. SDM, chapter "VMX Non-Root Operation".
 */
#include <linux/minmax.h>
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

/* Cycles that a guest may lose at most before the CPU goes to a vCPU that came to need it. */
static unsigned int pause_window_max = 65536;
module_param(pause_window_max, uint, 0444);
MODULE_PARM_DESC(pause_window_max, "Cycles of a PAUSE loop between exits where no other vCPU waits for a CPU (default 65536)");

void vmx_pause_init(void)
{
	if (!pause_loop)
		vmx_caps.word[VMX_WORD_PROC2] &= ~PROC2_PAUSE_LOOP;
	pause_window_max = max_t(u32, pause_window_max, PAUSE_WINDOW);
}

static void write_window(struct vmx_vcpu *x, u32 window)
{
	if (window == x->pause_window)
		return;
	x->pause_window = window;
	vmwrite(VMCS_PLE_WINDOW, window);
}

void vmx_pause_setup(struct vmx_vcpu *x)
{
	if (!(vmx_caps.word[VMX_WORD_PROC2] & PROC2_PAUSE_LOOP))
		return;
	vmwrite(VMCS_PLE_GAP, PAUSE_GAP);
	write_window(x, PAUSE_WINDOW);
}

/* While there is nobody to yield to, exits are for nothing: they become rarer. */
int vmx_exit_pause(struct vmx_vcpu *x)
{
	vmx_skipped(x);
	if (!kite_may_yield(&x->core)) {
		write_window(x, min_t(u64, 2ull * x->pause_window, pause_window_max));
		return KITE_RESUME;
	}
	write_window(x, PAUSE_WINDOW);
	kite_vcpu_request_self(&x->core, KITE_REQ_YIELD);
	return KITE_LEAVE;
}
