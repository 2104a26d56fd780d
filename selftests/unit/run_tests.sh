#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Run each program given and print one KTAP report with theirs nested in it.
# A program counts as passed only by its exit status, so that one that crashes
# half-way is a failure, and one that hangs as well.

seconds=600		# the slowest takes a minute

if [ $# -eq 0 ]; then
	echo "usage: $0 PROGRAM..." >&2
	exit 2
fi

report=$(mktemp) || exit 2
trap 'rm -f "$report"' EXIT
number=0
failed=0

echo "KTAP version 1"
echo "1..$#"
for program; do
	number=$((number + 1))
	result=ok
	timeout -k 10 "$seconds" "$program" >"$report" 2>&1 || result="not ok"
	sed 's/^/  /' "$report"
	[ "$result" = ok ] || failed=$((failed + 1))
	echo "$result $number ${program##*/}"
done
echo "# $((number - failed)) passed, $failed failed"
[ "$failed" -eq 0 ]
