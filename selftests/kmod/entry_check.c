// SPDX-License-Identifier: GPL-2.0-only
/* Kite's checker, as this module's own: the one of kite.ko is not exported. */
#include "../../vmx/check.c"
