#!/usr/bin/env python3
"""Runs a build or tests and tells how far they are.

    progress.py cmake --build build/dev
    progress.py ctest --test-dir build/dev

It shows "building 120 of 296, about 3 min left": on a terminal in one line that
it rewrites, elsewhere as a line every 15 seconds. The lines of single steps and
of tests that pass are left out; everything else that the command prints, errors
and warnings above all, is passed on as it is. The exit status is the command's.
"""

import os
import re
import selectors
import shutil
import signal
import subprocess
import sys
import time

STEP = re.compile(r"\[(\d+)/(\d+)\] (.*)")
TEST = re.compile(r" *(\d+)/(\d+) Test +#\d+: (\S+) ")
TEST_BEGINS = re.compile(r" *Start +\d+: ")
PLANNED_TEST = re.compile(r" *Test +#\d+: (\S+)")

# Seconds of a processor that a step or a test takes, roughly: the first pattern
# that is found counts. Only their proportions matter once work has begun.
STEP_COSTS = (
    (r"\.gch$|unity_\d", 5.5),
    (r"^Building .* (server|proto|inference/(worker|engine/[mpt])|tests)/", 3.3),
    (r"^Building", 1.4),
    (r"", 0.1),
)
TEST_COSTS = (
    (r"^e2e/", 15.0),
    (r"^(bench|clients|tidy|tools)/", 3.0),
    (r"^inference/engine/", 0.5),
    (r"", 0.1),
)
# A step of a build whose steps are not yet known.
STEP_MEAN = 2.0

EVERY = 15.0
EVERY_ON_TERMINAL = 1.0


def cost_of(name, costs):
    return next(cost for pattern, cost in costs if re.search(pattern, name))


def about(seconds):
    """A time in the words of someone who estimates it."""
    if seconds < 55:
        return f"about {max(10, round(seconds / 10) * 10)} s"
    return f"about {max(1, round(seconds / 60))} min"


class Work:
    """How far the work is, and an estimate of what is left.

    `cost`: of all of it, where that is known from the beginning.
    """

    def __init__(self, verb, begin, total, processors, cost=None):
        self.verb, self.begin, self.total, self.cost = verb, begin, total, cost
        self.processors = processors
        self.done, self.cost_done, self.failed = 0, 0.0, 0

    def left(self, now):
        """Seconds, from the pace so far; of a usual machine at the beginning."""
        cost = self.total * STEP_MEAN if self.cost is None else self.cost
        usual = 0.05 * cost + 1
        pace = (now - self.begin + usual / self.processors) / (
            self.cost_done + usual)
        return self._cost_left(cost) * pace

    def _cost_left(self, cost):
        rest = max(0.0, cost - self.cost_done)
        if self.cost is not None:
            return rest
        # As dear as a usual build's, and more and more as those before them.
        share = self.done / max(1, self.total)
        alike = self.cost_done * (1 / share - 1) if share else 0.0
        return max(alike, (1 - share) * rest + share * alike)

    def text(self, now):
        words = f"{self.verb} {self.done} of {self.total}"
        if self.done < self.total:
            words += f", {about(self.left(now))} left"
        return words + (f", {self.failed} failed" if self.failed else "")


class Reader:
    """Takes the lines of a command and knows those of ninja and ctest."""

    def __init__(self, tests=(), processors=os.cpu_count() or 1):
        self.work, self.tests, self.processors = None, tests, processors

    def take(self, line, now):
        """Whether the line is to be shown."""
        if step := STEP.fullmatch(line):
            self._step(int(step[1]), int(step[2]), step[3], now)
            return False
        if test := TEST.match(line):
            return self._test(int(test[2]), test[3], line, now)
        if TEST_BEGINS.match(line):
            self._testing(len(self.tests), now)
            return False
        return True

    def _step(self, done, total, name, now):
        work = self.work
        # CMake was run again, and the count began anew.
        if work is None or done < work.done:
            work = self.work = Work("building", now, total, self.processors)
        work.done, work.total = done, total
        work.cost_done += cost_of(name, STEP_COSTS)

    def _testing(self, total, now):
        if self.work is None:
            cost = sum(cost_of(name, TEST_COSTS) for name in self.tests)
            self.work = Work("testing", now, total, self.processors, cost)

    def _test(self, total, name, line, now):
        self._testing(total, now)
        self.work.total = total
        self.work.done += 1
        self.work.cost_done += cost_of(name, TEST_COSTS)
        passed = " Passed " in line
        self.work.failed += not passed and "***Skipped" not in line
        return not passed


class Teller:
    """Writes lines, and between them how far the work is."""

    def __init__(self, out, terminal, now):
        self.out, self.terminal = out, terminal
        self.next = now + (EVERY_ON_TERMINAL if terminal else EVERY)
        self.shown = False  # A line that will be rewritten stands there.

    def say(self, line):
        self._clear()
        self.out.write(line + "\n")

    def tell(self, work, now):
        """Says how far the work is, if it is time to."""
        if work is None or now < self.next:
            return
        if self.terminal:
            self.next = now + EVERY_ON_TERMINAL
            width = shutil.get_terminal_size().columns - 1
            self.out.write(f"\r\x1b[K{work.text(now)[:width]}")
            self.shown = True
        else:
            self.next = now + EVERY
            self.out.write(work.text(now) + "\n")
        self.out.flush()

    def end(self):
        self._clear()
        self.out.flush()

    def _clear(self):
        if self.shown:
            self.out.write("\r\x1b[K")
            self.shown = False


def planned_tests(command):
    """Names of the tests that a ctest command would run."""
    if os.path.basename(command[0]) != "ctest":
        return ()
    listed = subprocess.run(
        (*command, "-N"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True, errors="replace", check=False)
    return PLANNED_TEST.findall(listed.stdout)


def on_terminal(out):
    return out.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def follow(command, out):
    """Runs the command and returns its exit status as a shell would."""
    reader = Reader(planned_tests(command))
    teller = Teller(out, on_terminal(out), time.monotonic())
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**os.environ, "NINJA_STATUS": "[%f/%t] "})
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    # A Ctrl-C reaches the command, too, which then ends in its own way.
    signal.signal(signal.SIGINT, lambda *_: None)
    selector = selectors.DefaultSelector()
    selector.register(child.stdout, selectors.EVENT_READ)
    rest = b""
    while True:
        if selector.select(timeout=EVERY_ON_TERMINAL):
            some = os.read(child.stdout.fileno(), 1 << 16)
            if not some:
                break
            *lines, rest = (rest + some).split(b"\n")
            for line in lines:
                text = line.decode(errors="replace")
                if reader.take(text, time.monotonic()):
                    teller.say(text)
            out.flush()
        teller.tell(reader.work, time.monotonic())
    if rest:
        teller.say(rest.decode(errors="replace"))
    teller.end()
    status = child.wait()
    return 128 - status if status < 0 else status


def main():
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__, end="")
        return 0 if len(sys.argv) > 1 else 2
    return follow(sys.argv[1:], sys.stdout)


if __name__ == "__main__":
    sys.exit(main())
