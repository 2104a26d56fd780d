# SPDX-License-Identifier: GPL-2.0-only
"""Count the tests of a KTAP report. A test with tests nested in it counts as those."""
import dataclasses
import re

PLAN = re.compile(r"^( *)1\.\.(\d+)\s*$")
RESULT = re.compile(r"^( *)(ok|not ok) (\d+)\b(.*)$")
SKIP = re.compile(r"#\s*SKIP\b", re.I)


@dataclasses.dataclass
class Level:
    """Tests beside one another."""
    indent: int
    plan: int | None    # may come at the end
    seen: int = 0
    failed: int = 0


@dataclasses.dataclass
class Count:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    problems: list = dataclasses.field(default_factory=list)

    def fail(self, why):
        self.failed += 1
        self.problems.append(why)

    def total(self):
        return self.passed + self.failed + self.skipped

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


class Parser:
    def __init__(self):
        self.count = Count()
        self.levels = []

    def close(self, indent):
        """End the levels at this indentation and deeper; how many, and how many failures they had."""
        closed = failed = 0
        while self.levels and self.levels[-1].indent >= indent:
            level = self.levels.pop()
            closed += 1
            if level.plan is None:
                self.count.fail(f"{level.seen} tests reported a result, and there is no plan")
                level.failed += 1
            elif level.seen != level.plan:
                self.count.fail(f"of {level.plan} tests planned {level.seen} reported a result")
                level.failed += 1
            failed += level.failed
        return closed, failed

    def result(self, indent, word, number, rest):
        nested, nested_failed = self.close(indent + 1)
        if not self.levels or self.levels[-1].indent != indent:
            self.levels.append(Level(indent, None))
        level = self.levels[-1]
        level.seen += 1
        if number != level.seen:
            self.count.fail(f"test {number} where {level.seen} was due:{rest}")
        if word == "not ok":
            level.failed += 1
            if not nested_failed:
                self.count.fail(f"not ok{rest}")
        elif nested_failed:
            self.count.fail(f"passed although tests in it failed:{rest}")
        elif not nested and SKIP.search(rest):
            self.count.skipped += 1
        elif not nested:
            self.count.passed += 1

    def plan(self, indent, number):
        self.close(indent + 1)
        if self.levels and self.levels[-1].indent == indent and self.levels[-1].plan is None:
            self.levels[-1].plan = number
            return
        self.close(indent)
        self.levels.append(Level(indent, number))

    def line(self, text):
        plan = PLAN.match(text)
        result = RESULT.match(text)
        if plan:
            self.plan(len(plan[1]), int(plan[2]))
        elif result:
            self.result(len(result[1]), result[2], int(result[3]), result[4])


def count(text):
    parser = Parser()
    for line in text.splitlines():
        parser.line(line)
    parser.close(0)
    if not parser.count.total():
        parser.count.fail("no test reported a result")
    return parser.count
