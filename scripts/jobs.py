# SPDX-License-Identifier: GPL-2.0-only
"""Jobs that test: run two at a time, watched, and their results counted."""
import concurrent.futures
import contextlib
import dataclasses
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

import ktap
import tree

JOBS = 2
# Of the log of a job that failed, without what passed.
SHOWN = 200
PASSED = re.compile(r"\s*(ok \d+|KTAP version|1\.\.\d+)")
# Of what was wrong with such a job, in the list at the end.
REASONS = 5
# What a test says beside its result.
NOTE = re.compile(r"^ *# (?!pass:|Totals:).*$", re.M)
RUN = "testhost/run"
SELFTESTS = "/lib/kite/selftests/run_selftests"
PROGRAMS = "/lib/kite/selftests/build"


@dataclasses.dataclass(frozen=True)
class Job:
    part: str
    name: str
    argv: tuple
    timeout: int = 2700    # seconds


def second_kernel(part, how, cpus, *options):
    """Another kernel that the first one starts, with guests on all CPUs; it has so many, and runs guests."""
    return Job(part, f"another kernel {how}".replace("_", " "),
               (RUN, "--cpus", "2", "--append", "crashkernel=256M", *options, "--second-kernel",
                f"[ $(nproc) = {cpus} ] && {SELFTESTS} guest/smoke_test", "--",
                f"{PROGRAMS}/kexec/kexec_test", how))


class Running:
    """The processes of the jobs, which have to end with us."""

    def __init__(self):
        self.lock = threading.Lock()
        self.procs = set()
        self.stopping = False

    def start(self, argv, out):
        with self.lock:
            if self.stopping:
                raise InterruptedError
            proc = subprocess.Popen(argv, cwd=tree.TOP, env=environment(), stdin=subprocess.DEVNULL, stdout=out,
                                    stderr=subprocess.STDOUT, start_new_session=True)
            self.procs.add(proc)
            return proc

    def end(self, proc):
        """The job's process may have left others behind; they are in its group."""
        with self.lock:
            self.procs.discard(proc)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(proc.pid, signal.SIGTERM)
        proc.wait()

    def stop(self):
        with self.lock:
            self.stopping = True
            for proc in self.procs:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(proc.pid, signal.SIGTERM)


RUNNING = Running()


def say(text):
    print(text, flush=True)


def environment():
    """A make that called us is none of our jobs' business."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}


def run(job, log):
    """Exit status of the job; None when its time was up."""
    with open(log, "wb") as out:
        proc = RUNNING.start(job.argv, out)
        try:
            return proc.wait(job.timeout)
        except subprocess.TimeoutExpired:
            return None
        finally:
            RUNNING.end(proc)


def judge(job, logs, notes):
    """Run a job; what to print, with the last so many notes of its tests, and what to count."""
    log = logs / f"{job.part}-{job.name.replace(' ', '-').replace(',', '')}"
    start = time.monotonic()
    status = run(job, log)
    text = log.read_text(errors="replace")
    count = ktap.count(text)
    if status is None:
        count.fail(f"no end after {job.timeout} s")
    elif status and not count.failed:
        count.fail(f"exit status {status}, though no test failed")
    lines = [f"{job.part:9} {job.name:40} {time.monotonic() - start:5.0f} s  {count}"]
    if count.failed:
        lines += [f"    {why}" for why in count.problems]
        left = [line for line in text.splitlines() if not PASSED.match(line)]
        lines += [f"    from {log}:", *(f"    | {line}" for line in left[-SHOWN:])]
    elif notes:
        lines += [f"    {line.strip()}" for line in NOTE.findall(text)[-notes:]]
    return "\n".join(lines), count


def start(job, logs, notes, until):
    """judge(), unless it is too late to begin."""
    if until is None or time.monotonic() < until:
        return judge(job, logs, notes)
    count = ktap.Count(skipped=1)
    return f"{job.part:9} {job.name:40} not begun: the time was up", count


def blame(job, problems):
    """The line for a job that failed."""
    more = len(problems) - REASONS
    reasons = "; ".join(problems[:REASONS]) + (f"; and {more} more" if more > 0 else "")
    return f"failed: {job.part} {job.name}: {reasons}"


def run_all(title, jobs, notes=0, until=None):
    """Run the jobs; after the time @until none is begun. Their results, added up; who failed is listed at the end."""
    all_ = ktap.Count()
    failed = []
    logs = pathlib.Path(tempfile.mkdtemp(prefix=f"kite-{title}-"))
    say(f"{title}: {len(jobs)} jobs, logs in {logs}")
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        try:
            work = {pool.submit(start, job, logs, notes, until): job for job in jobs}
            for done in concurrent.futures.as_completed(work):
                text, count = done.result()
                say(text)
                all_.add(count)
                if count.failed:
                    failed.append(blame(work[done], count.problems))
        finally:
            RUNNING.stop()
    for line in failed:
        say(line)
    return all_


def on_signal(number, _frame):
    sys.exit(128 + number)


def report(title, work):
    """Do the work, which returns a count, and print it; the exit status."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)
    began = time.monotonic()
    try:
        count = work()
    except subprocess.CalledProcessError as e:
        # It has said what to do.
        count = ktap.Count()
        count.fail(f"{' '.join(map(str, e.cmd))} failed")
        say(f"{title}: {count.problems[0]}, so nothing was tested")
    say(f"{title}: {time.monotonic() - began:.0f} s")
    say(str(count))
    return 1 if count.failed else 0
