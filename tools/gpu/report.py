"""Steps with a time limit each, whose outcomes are written down at once: what
was found is there even if the machine is taken away in between."""

import json
import os
import signal
import subprocess
import time

FORMAT = 1
LINES_KEPT = 25


class Failed(Exception):
    """A step did not find what it should."""


class Skipped(Exception):
    """A step cannot be done here, which is nobody's fault."""


class Report:
    """The report of one run, in two files: report.json and report.txt.

    `seconds` bounds all steps together; a step that begins gets what is left of
    them, and no more than its own budget.
    """

    def __init__(self, folder, about, seconds, say=print):
        self.folder = folder
        self.end = time.monotonic() + seconds
        self.say = say
        self.data = {"format": FORMAT, "about": about, "steps": [],
                     "passed": 0, "failed": 0, "skipped": 0}
        os.makedirs(folder, exist_ok=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def step(self, name, budget, work):
        """Calls work(step), which returns what it found, a dict of plain values.

        Whatever it raises is written down, and the next step may begin.
        """
        left = self.end - time.monotonic()
        step = Step(name, min(budget, left))
        begin = time.monotonic()
        status, why, found = "passed", "", None
        try:
            if left <= 0:
                raise Failed("no time was left for it")
            found = work(step)
        except Skipped as error:
            status, why = "skipped", str(error)
        except Failed as error:
            status, why = "failed", str(error)
        except Exception as error:  # Whatever it is, it is told.
            status, why = "failed", f"{type(error).__name__}: {error}"
        self.data["steps"].append({
            "name": name, "status": status, "why": why,
            "seconds": round(time.monotonic() - begin, 2), "budget": budget,
            "found": {**step.found, **(found or {})},
            "commands": step.commands, "output": step.output})
        self.data[status] += 1
        self.write()
        self.say(self.line(self.data["steps"][-1]))
        return status == "passed"

    @staticmethod
    def line(step):
        line = f"{step['status']:8}{step['name']:18}{step['seconds']:7.1f} s"
        return f"{line}  {step['why']}".rstrip()

    def write(self):
        self.replace("report.json", json.dumps(self.data, indent=1) + "\n")
        self.replace("report.txt", self.text())

    def replace(self, name, text):
        with open(self.path(name + ".new"), "w", encoding="utf-8") as out:
            out.write(text)
        os.replace(self.path(name + ".new"), self.path(name))

    def text(self):
        lines = [f"{key}: {value}" for key, value in self.data["about"].items()]
        lines.append("")
        lines += [self.line(step) for step in self.data["steps"]]
        for step in self.data["steps"]:
            lines += ["", f"== {step['name']}"]
            for key, value in step["found"].items():
                if isinstance(value, list):
                    lines += [f"{key}:"] + ["  " + str(each) for each in value]
                else:
                    lines.append(f"{key}: {value}")
            if step["status"] == "failed":
                lines += step["commands"][-1:] + step["output"]
        lines += ["", self.summary()]
        return "\n".join(lines) + "\n"

    def summary(self):
        return (f"{self.data['passed']} passed, {self.data['failed']} failed, "
                f"{self.data['skipped']} skipped")

    @property
    def good(self):
        return self.data["failed"] == 0 and self.data["passed"] > 0


class Step:
    """One step: runs its commands, and keeps the last lines that they print."""

    def __init__(self, name, seconds):
        self.name = name
        self.end = time.monotonic() + seconds
        self.commands = []
        self.output = []
        self.found = {}  # What is kept even where the step fails later.

    def left(self):
        return max(0.1, self.end - time.monotonic())

    def run(self, *command, expect=0, env=None):
        """What the command prints. Failed if it ends otherwise than expected,
        or is still running when the step's time is over: then it is killed with
        all that it started."""
        command = [str(word) for word in command]
        self.commands.append(" ".join(command))
        try:
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL, text=True, errors="replace",
                start_new_session=True, env={**os.environ, **(env or {})})
        except OSError as error:
            raise Failed(f"{command[0]}: {error.strerror}") from error
        late = False
        try:
            printed, _ = process.communicate(timeout=self.left())
        except subprocess.TimeoutExpired:
            late = True
            os.killpg(process.pid, signal.SIGKILL)
            printed, _ = process.communicate()
        self.output = (self.output + printed.splitlines())[-LINES_KEPT:]
        if late:
            raise Failed(f"{os.path.basename(command[0])} took too long")
        if process.returncode != expect:
            last = printed.strip().splitlines()[-1:] or ["it said nothing"]
            raise Failed(f"{os.path.basename(command[0])} ended with "
                         f"{process.returncode}, not {expect}: {last[0]}")
        return printed
