#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""Test that the count of KTAP results misses no failure. Prints KTAP."""
import sys

import ktap

# Name, report, and what to count: passed, failed, skipped.
CASES = (
    ("flat", "KTAP version 1\n1..2\nok 1 a\nok 2 b\n", (2, 0, 0)),
    ("failed", "1..2\nok 1 a\nnot ok 2 b\n", (1, 1, 0)),
    ("skipped", "1..2\nok 1 a # SKIP no VMX\nok 2 b\n", (1, 0, 1)),
    ("nested tests count, their parent does not", "1..1\n  1..2\n  ok 1 a\n  ok 2 b # SKIP\nok 1 p\n", (1, 0, 1)),
    ("nested failure counts once", "1..1\n  1..2\n  ok 1 a\n  not ok 2 b\nnot ok 1 p\n", (1, 1, 0)),
    ("parent fails alone", "1..1\n  1..1\n  ok 1 a\nnot ok 1 p # exit status 139\n", (1, 1, 0)),
    ("parent hides a failure", "1..1\n  1..1\n  not ok 1 a\nok 1 p\n", (0, 2, 0)),
    ("plan at the end", "ok 1 a\nok 2 b\n1..2\n", (2, 0, 0)),
    ("nested plan at the end", "1..1\n  ok 1 a\n  1..1\nok 1 p\n", (1, 0, 0)),
    ("no plan", "ok 1 a\n", (1, 1, 0)),
    ("cut short", "1..3\nok 1 a\n", (1, 1, 0)),
    ("nested tests cut short", "1..1\n  1..3\n  ok 1 a\nnot ok 1 p\n", (1, 1, 0)),
    ("one too many", "1..1\nok 1 a\nok 2 b\n", (2, 1, 0)),
    ("number left out", "1..2\nok 1 a\nok 3 b\n", (2, 1, 0)),
    ("no test", "1..0\n", (0, 1, 0)),
    ("nothing", "", (0, 1, 0)),
    ("other text", "1..1\n# not ok 1 a\nbooting\nok 1 a\n", (1, 0, 0)),
    ("two reports in a row", "1..1\nok 1 a\n1..1\nnot ok 1 b\n", (1, 1, 0)),
)


def main():
    failed = 0
    print(f"KTAP version 1\n1..{len(CASES)}")
    for number, (name, report, want) in enumerate(CASES, 1):
        count = ktap.count(report)
        got = (count.passed, count.failed, count.skipped)
        failed += got != want
        if got != want:
            print(f"# wanted {want}, counted {got}: {count.problems}")
        print(f"{'ok' if got == want else 'not ok'} {number} {name}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
