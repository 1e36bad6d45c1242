"""Real processes for the tests: a server, its workers, and clients of it.

    class SomeTest(fixture.Case):
        def test_something(self):
            cluster = self.cluster(lease_duration="2s")
            cluster.worker(time_scale=0)
            job = cluster.submit(prompt="a fox")
            self.assertEqual(cluster.wait(job).state, cluster.pb.SUCCEEDED)

A cluster lives in a folder of its own, cleans up after itself whatever
happens, and shows its logs when the test fails. At the end of every test the
database file is read, and what must always hold is checked (invariants.py).

SHEAF_BIN names the folder with sheafd, sheaf-worker and sheaf; else the newest
build/*/bin is taken. Tests wait for conditions (`until`), never for time.
"""

import glob
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "clients", "python"))
sys.dont_write_bytecode = True

# Before gRPC is loaded: no chatter, and a lost connection is made anew at once
# (its default is to look every 5 s unless a call waits).
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
os.environ.setdefault("GRPC_CLIENT_CHANNEL_BACKUP_POLL_INTERVAL_MS", "50")

import invariants  # noqa: E402
import wire  # noqa: E402

# Longest wait for anything. Generous: the machine may be busy with a build.
PATIENCE = float(os.environ.get("SHEAF_E2E_PATIENCE", "60"))


def binaries():
    """The folder that holds the programs under test."""
    named = os.environ.get("SHEAF_BIN") or os.environ.get("SHEAF_BIN_DIR")
    if named:
        return named
    found = glob.glob(os.path.join(ROOT, "build", "*", "bin", "sheafd"))
    if not found:
        raise unittest.SkipTest("no sheafd: build it, or set SHEAF_BIN")
    return os.path.dirname(max(found, key=os.path.getmtime))


def program(name):
    return os.path.join(binaries(), name)


def until(condition, what, timeout=None, pause=0.01):
    """The first true value of `condition()`; fails after `timeout` seconds."""
    end = time.monotonic() + (timeout or PATIENCE)
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited in vain until {what}")
        time.sleep(pause)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def flags(options):
    """lease_duration="2s" as --lease-duration=2s; True as the bare flag."""
    result = []
    for key, value in options.items():
        for one in value if isinstance(value, (list, tuple)) else [value]:
            flag = "--" + key.replace("_", "-")
            result.append(flag if one is True else f"{flag}={one}")
    return result


class Process:
    """A program of ours, its log in a file."""

    def __init__(self, args, log, env=None, wrapper=()):
        self.args = [*wrapper, *args]
        self.log = log
        with open(log, "ab") as sink:
            self.popen = subprocess.Popen(
                self.args,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                env={**os.environ, **(env or {})},
                # A session of its own, so that a signal to the tests does not reach it
                # before the tests have cleaned up.
                start_new_session=True,
            )
        self.pid = self.popen.pid

    def alive(self):
        return self.popen.poll() is None

    def signal(self, number):
        # The process is our child and not yet waited for: the id is its own.
        if self.alive():
            self.popen.send_signal(number)

    def kill(self):
        """kill -9, and the body collected."""
        self.signal(signal.SIGKILL)
        self.popen.wait(PATIENCE)

    def wait(self, timeout=None):
        return self.popen.wait(timeout or PATIENCE)

    def stop(self, timeout=None):
        """SIGTERM; the exit status."""
        self.signal(signal.SIGTERM)
        return self.wait(timeout)

    def cpu_seconds(self):
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def read_log(self):
        with open(self.log, encoding="utf-8", errors="replace") as text:
            return text.read()


class Cluster(wire.Calls):
    """One server, as many workers as asked for, and a client."""

    # Settings that tests want otherwise than operators do.
    DEFAULTS = {
        "lease_duration": "20s",
        "heartbeat_interval": "200ms",
        "worker_grace": "100ms",
        "drain_timeout": "5s",
        "log_level": "info",
        "ballast_bytes": "1MiB",
    }

    def __init__(self, folder=None, unix=False, **options):
        self.folder = folder or tempfile.mkdtemp(prefix="sheaf-e2e-")
        self.data = os.path.join(self.folder, "data")
        if unix:
            self.address = f"unix:{self.folder}/socket"
        else:
            self.address = f"127.0.0.1:{free_port()}"
        self.options = {**self.DEFAULTS, **options}
        self.workers = []
        self.server = None
        self.starts = 0
        super().__init__(self.address)

    @property
    def database(self):
        return os.path.join(self.data, "sheaf.db")

    def server_args(self, **more):
        return [
            program("sheafd"),
            f"--data-dir={self.data}",
            f"--listen={self.address}",
            *flags({**self.options, **more}),
        ]

    def start(self, ready=True, env=None, wrapper=(), **more):
        """The server, up and answering."""
        assert self.server is None or not self.server.alive()
        os.makedirs(self.data, exist_ok=True)
        self.starts += 1
        log = os.path.join(self.folder, "sheafd.log")
        self.server = Process(self.server_args(**more), log, env, wrapper)
        if ready:
            self.wait_ready()
        return self

    def wait_ready(self):
        def answers():
            if not self.server.alive():
                raise AssertionError("the server has ended")
            return self.is_serving()

        until(answers, "the server answers", pause=0.02)

    def kill(self):
        self.server.kill()

    def stop(self, timeout=None):
        return self.server.stop(timeout)

    def restart(self, **more):
        """kill -9 and up again."""
        self.kill()
        return self.start(**more)

    def worker(self, env=None, server=None, **options):
        """A worker of simulated pictures; without sleeping unless told so.

        engine="torch" makes it one of real pictures.
        """
        if "engine" not in options:
            options = {"engine": "simulated", "time_scale": 0,
                       "image_size": 8, **options}
        name = options.setdefault("name", f"w{len(self.workers)}")
        args = [program("sheaf-worker"), f"--server={server or self.address}"]
        log = os.path.join(self.folder, f"worker-{name}.log")
        worker = Process([*args, *flags(options)], log, env)
        self.workers.append(worker)
        return worker

    def until_stepping(self, job):
        """Until a worker steps every run. A run is RUNNING before its batch has
        reached the worker, and a connection cut until then hands it back."""
        until(lambda: all(run.progress.step for run in self.runs(job)),
              "a worker steps it")

    def logs(self):
        for path in sorted(glob.glob(os.path.join(self.folder, "*.log"))):
            with open(path, encoding="utf-8", errors="replace") as text:
                lines = text.read().splitlines()
            yield "\n".join([f"--- {os.path.basename(path)}", *lines[-40:]])

    def check(self):
        """What must always hold, held against the database file."""
        if os.path.exists(self.database):
            invariants.check(self.database, acked=self.acked)

    def close(self):
        super().close()
        for each in [*self.workers, self.server]:
            if each is not None:
                each.signal(signal.SIGCONT)
                each.kill()

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)


class Case(unittest.TestCase):
    """A test with clusters: closed, checked and removed when it ends."""

    maxDiff = 4000

    def cluster(self, start=True, **options):
        binaries()
        cluster = Cluster(**options)
        self.addCleanup(cluster.remove)
        self.addCleanup(self._finish, cluster)
        if start:
            cluster.start()
        return cluster

    def _finish(self, cluster):
        failed = self._failed()
        try:
            if not failed:
                cluster.check()
        except BaseException:
            failed = True
            raise
        finally:
            cluster.close()
            if failed:
                print("\n".join(cluster.logs()), file=sys.stderr)

    def _failed(self):
        outcome = getattr(self, "_outcome", None)
        if outcome is None:
            return False
        result = getattr(outcome, "result", None)
        if result is not None:
            bad = [*result.failures, *result.errors]
            if any(test is self for test, _ in bad):
                return True
        # Python before 3.11 keeps them here until the test has ended.
        errors = getattr(outcome, "errors", None) or []
        return not outcome.success or any(error for _, error in errors)
