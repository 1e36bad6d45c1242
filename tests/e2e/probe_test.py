"""A server that is dead says so, and one that is slow is not dead.

Each server is broken in one way, by a place at which its threads stay for ever
or by a table that is gone; all at once, for each takes its time to be noticed.
"""

import contextlib
import os
import socket
import sqlite3
import subprocess
import threading
import time
import unittest

import grpc

import fixture
from fixture import until
from wire import pb

# The promise of docs/operations.md.
NOTICED_WITHIN = 30
# In the server's log.
CHECK_FAILED = "probe: a check of the server failed"


def doctor(cluster):
    return subprocess.run(
        [fixture.program("sheaf"), f"--server={cluster.address}",
         "--timeout=2s", "doctor"],
        capture_output=True, text=True, timeout=60, check=False,
    )


def rename(cluster, old, new):
    with contextlib.closing(sqlite3.connect(cluster.database)) as database:
        database.execute(f"ALTER TABLE {old} RENAME TO {new}")
        database.commit()


class ProbeTest(fixture.Case):
    def broken(self, place, times, calls):
        """A server whose threads stay at a place; `calls` lead them there."""
        cluster = self.cluster(start=False)
        # Nobody waits for an answer: there may be none.
        cluster.start(ready=False, env={"SHEAF_STALL_POINT":
                                        f"{place}:{times}"})
        until(lambda: "listening" in cluster.server.read_log(), "it listens")
        calls(cluster)
        return cluster

    def test_each_death_is_noticed_in_time(self):
        def connect(cluster):
            for _ in range(3):
                host, port = cluster.address.rsplit(":", 1)
                one = socket.create_connection((host, int(port)))
                self.addCleanup(one.close)

        waiting = []  # a future that nobody keeps is cancelled

        def read(cluster):
            for _ in range(40):
                waiting.append(cluster.queues.ListQueues.future(
                    pb.ListQueuesRequest(), wait_for_ready=True))

        def no_table(cluster):
            until(cluster.is_serving, "it serves")
            cluster.submit()  # so that there is something to look at
            rename(cluster, "runs", "runs_away")

        dead = {
            "new connections": self.broken("mid-accept", 3, connect),
            "writes have had": self.broken("mid-group", 3, lambda _: None),
            "reads have had": self.broken("mid-read", 1, read),
            "leases fail": self.broken("nowhere", 1, no_table),
        }
        end = time.monotonic() + NOTICED_WITHIN
        for words, cluster in dead.items():
            def noticed(cluster=cluster, words=words):
                return words in doctor(cluster).stdout

            # A client that has no connection yet gets none from a deaf server.
            if words == "new connections":
                def noticed(cluster=cluster):
                    return doctor(cluster).returncode != 0 and \
                        CHECK_FAILED in cluster.server.read_log()

            until(noticed, f"the doctor says: {words}",
                  timeout=max(end - time.monotonic(), 1), pause=0.5)
            found = doctor(cluster)
            self.assertNotEqual(found.returncode, 0, found.stdout)
            if words != "new connections":
                self.assertIn("not serving", found.stdout)
        cluster = dead["leases fail"]
        self.assertIn("upkeep fails", doctor(cluster).stdout)
        rename(cluster, "runs_away", "runs")
        until(cluster.is_serving, "it serves again", timeout=30)

    def test_the_service_manager_hears_from_a_live_server_only(self):
        cluster = self.cluster(start=False)
        path = os.path.join(cluster.folder, "notify")
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(manager.close)
        manager.bind(path)
        manager.settimeout(fixture.PATIENCE)
        cluster.start(env={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "30000000"})
        heard = [manager.recv(100) for _ in range(3)]
        self.assertIn(b"READY=1", heard)
        self.assertIn(b"WATCHDOG=1", heard)
        self.assertEqual(cluster.stop(), 0)
        manager.settimeout(0.1)
        with contextlib.suppress(TimeoutError):
            while True:
                heard.append(manager.recv(100))
        self.assertEqual(heard.count(b"STOPPING=1"), 1)

    def test_a_flood_is_no_death(self):
        cluster = self.cluster()
        stop = threading.Event()

        def flood():
            other = fixture.wire.Calls(cluster.address)
            under_way = []
            while not stop.is_set():
                under_way.append(other.jobs.ListJobs.future(
                    pb.ListJobsRequest(page_size=1000)))
                under_way.append(other.jobs.SubmitJob.future(
                    pb.SubmitJobRequest(job=cluster.spec(100))))
                if len(under_way) > 600:
                    under_way.pop(0).exception()
            other.close()

        threads = [threading.Thread(target=flood) for _ in range(3)]
        for thread in threads:
            thread.start()
        # Longer than any question may go unanswered.
        end = time.monotonic() + 25
        while time.monotonic() < end:
            self.assertTrue(cluster.is_serving())
            time.sleep(0.5)
        stop.set()
        for thread in threads:
            thread.join()
        self.assertNotIn(CHECK_FAILED, cluster.server.read_log())


if __name__ == "__main__":
    unittest.main()
