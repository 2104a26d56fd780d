#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Contract: a kitectl that confines itself does all that run_test.sh wants of one that does not.
exec "$(dirname "$0")/run_test.sh" confined
