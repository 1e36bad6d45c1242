"""Runs a page of docs/guides from top to bottom, as its reader would.

A page is Markdown. Its blocks run in their order, in one folder:

    ```sh       in one bash, which keeps its variables and its folder
    ```python   in one Python, which keeps its names
    ```toml name="FILE", ```csv name="FILE", ```jsonl name="FILE"
                become that file
    ```text     is what the block before it printed

In a text block a line `...` stands for any lines, and `...` within a line for
any characters. Everything else must be there word for word. A block that fails
ends the page; the ends of the logs (*.log) come with its error. What a page left
running in the background is told to end after its last block. Programs are found
first on PATH; the server that a page starts listens on a socket in its folder, by
SHEAF_LISTEN and SHEAF_SERVER.
"""

import contextlib
import glob
import io
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
GUIDES = os.path.join(ROOT, "docs", "guides")
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))
sys.path.insert(0, os.path.join(ROOT, "clients", "python"))

import fixture  # noqa: E402

_FENCE = re.compile(r"^```(\w+)(?: name=\"([\w./-]+)\")?$")
_BLOCK_SECONDS = 300
_DONE = "guide-block-done"


class Wrong(Exception):
    """A block failed, or printed something else than the page says."""


class Block:
    def __init__(self, kind, name, line):
        self.kind, self.name, self.line = kind, name, line
        self.lines = []

    @property
    def text(self):
        return "".join(self.lines)


def blocks_of(path):
    """The page's blocks in order."""
    blocks, block = [], None
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            fence = _FENCE.match(line.rstrip("\n"))
            if block is None and fence:
                block = Block(fence[1], fence[2], number)
            elif block is None and line.startswith("```"):
                raise Wrong(f"{path}:{number}: a block of no kind")
            elif block is not None and line.rstrip("\n") == "```":
                blocks.append(block)
                block = None
            elif block is not None:
                block.lines.append(line)
    if block is not None:
        raise Wrong(f"{path}:{block.line}: the block has no end")
    return blocks


def pattern_of(text):
    """The regular expression for output that the page shows as `text`."""
    parts = []
    for line in text.splitlines():
        if line.strip() == "...":
            parts.append(r"(?:.*\n)*?")
        else:
            pieces = [re.escape(piece) for piece in line.rstrip().split("...")]
            parts.append(".*".join(pieces) + r"[ ]*\n")
    return re.compile("".join(parts))


def check_output(expected, printed):
    if pattern_of(expected).fullmatch(printed):
        return
    raise Wrong(f"the page says\n\n{expected}\nbut this came:\n\n{printed}")


class Shell:
    """One bash for all sh blocks of a page."""

    def __init__(self, folder, environment):
        self._process = subprocess.Popen(
            ["bash", "--norc"], cwd=folder, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True)
        # However bash ends, what it left in the background ends first.
        self._write("trap 'kill $(jobs -p) 2> /dev/null; wait' EXIT\n")

    def run(self, text, seconds=_BLOCK_SECONDS):
        """What the commands printed. The first that fails ends the shell."""
        # `eval` sees the block whole, and keeps what it sets.
        self._write(f"set -e; eval {shlex.quote(text)} < /dev/null; set +e\n"
                    f"echo {_DONE}\n")
        printed = []
        limit = threading.Timer(seconds, self._kill)
        limit.start()
        try:
            for line in self._process.stdout:
                if line.rstrip("\n").endswith(_DONE):
                    rest = line.rstrip("\n")[: -len(_DONE)]
                    return "".join(printed) + (rest + "\n" if rest else "")
                printed.append(line)
        finally:
            limit.cancel()
        raise Wrong("the commands failed, or took too long:\n"
                    + "".join(printed))

    def close(self):
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(_BLOCK_SECONDS)
        except subprocess.TimeoutExpired:
            self._kill()
        self._process.wait()
        self._process.stdout.close()

    def _write(self, text):
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(text)
            self._process.stdin.flush()

    def _kill(self):
        # Bash leads the group and has not been waited for: the number is its.
        os.killpg(self._process.pid, signal.SIGKILL)


class Page:
    """Runs one page in a folder of its own."""

    def __init__(self, name):
        self.path = os.path.join(GUIDES, name + ".md")
        self._folder = tempfile.TemporaryDirectory(prefix="guide-")
        self.folder = self._folder.name
        self.environment = dict(
            os.environ,
            PATH=fixture.binaries() + ":" + os.environ["PATH"],
            SHEAF_LISTEN=f"unix:{self.folder}/sheaf.sock",
            SHEAF_SERVER=f"unix:{self.folder}/sheaf.sock",
            HOME=self.folder,
            XDG_CONFIG_HOME=self.folder,
            XDG_STATE_HOME=self.folder,
            PYTHONPATH=os.path.join(ROOT, "clients", "python"),
            NO_COLOR="1",
        )
        self.names = {"__name__": "__guide__"}

    def run(self):
        shell = Shell(self.folder, self.environment)
        printed = None
        try:
            for block in blocks_of(self.path):
                where = f"{self.path}:{block.line}"
                try:
                    printed = self._run_block(block, shell, printed)
                except Wrong as wrong:
                    raise Wrong(f"{where}: {wrong}{self._logs()}") from None
        finally:
            shell.close()
            self._folder.cleanup()

    def _logs(self):
        text = ""
        for path in sorted(glob.glob(os.path.join(self.folder, "*.log"))):
            with open(path, encoding="utf-8", errors="replace") as log:
                tail = "".join(log.readlines()[-20:])
            text += f"\n--- {os.path.basename(path)}\n{tail}"
        return text

    def _run_block(self, block, shell, printed):
        if block.kind == "text":
            if printed is None:
                raise Wrong("no block before it has printed")
            check_output(block.text, printed)
            return None
        if block.name:
            path = os.path.join(self.folder, block.name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(block.text)
            return None
        if block.kind == "sh":
            return shell.run(block.text)
        if block.kind == "python":
            return self._run_python(block)
        raise Wrong(f"a block of the kind {block.kind} has no name")

    def _run_python(self, block):
        # Line numbers in tracebacks are those of the page.
        source = "\n" * block.line + block.text
        out = io.StringIO()
        before, folder = dict(os.environ), os.getcwd()
        os.environ.update(self.environment)
        os.chdir(self.folder)
        try:
            with contextlib.redirect_stdout(out):
                exec(compile(source, self.path, "exec"), self.names)
        except Exception:
            raise Wrong(out.getvalue() + traceback.format_exc()) from None
        finally:
            os.chdir(folder)
            os.environ.clear()
            os.environ.update(before)
        return out.getvalue()
