"""A real server for the tests.

It is the one that SHEAF_SERVER names; else one of SHEAF_BIN_DIR's programs, on
a free port, in a folder of its own; else the tests are skipped.
"""

import os
import socket
import subprocess
import tempfile
import time
import unittest

import sheaf


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def program(name):
    path = os.path.join(os.environ.get("SHEAF_BIN_DIR", ""), name)
    if not os.path.exists(path):
        raise unittest.SkipTest("no server: set SHEAF_SERVER or SHEAF_BIN_DIR")
    return path


def run(cleanup, command):
    """Runs a program until `cleanup`."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    cleanup(process.wait, 30)
    cleanup(process.terminate)
    return process


def start(cleanup, workers=1):
    """The address of a server with simulated workers. `cleanup` is a test's
    addCleanup, or a class's addClassCleanup."""
    program("sheaf-worker")
    folder = tempfile.TemporaryDirectory()
    cleanup(folder.cleanup)
    address = f"127.0.0.1:{free_port()}"
    server = run(
        cleanup,
        [
            program("sheafd"),
            f"--data-dir={folder.name}",
            f"--listen={address}",
            f"--local-workers={workers}",
            "--worker-arg=--engine=simulated",
        ],
    )
    with sheaf.Client(address) as client:
        wait_until_ready(client, server)
    return address


def start_worker(cleanup, address):
    """A simulated worker, for a server that was started with none."""
    worker = program("sheaf-worker")
    run(cleanup, [worker, f"--server={address}", "--engine=simulated"])


def measured(client, queue, count):
    """The queue's report, once `count` batches have been measured: the server
    writes the times down a moment after the batches have ended."""
    end = time.monotonic() + 60
    while True:
        report = client.report(queue=queue)
        if report.measured_batch_count >= count:
            return report
        if time.monotonic() > end:
            raise AssertionError(f"{report.measured_batch_count} measured")
        time.sleep(0.05)


def wait_until_ready(client, server):
    end = time.monotonic() + 60
    while True:
        try:
            client.server_info()
            return
        except sheaf.Unavailable:
            if server.poll() is not None or time.monotonic() > end:
                raise
            time.sleep(0.1)


def address(cleanup):
    return os.environ.get("SHEAF_SERVER") or start(cleanup)
