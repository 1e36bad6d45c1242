"""What operators meet: full disks, jumping clocks, second servers, backups,
strangers on the port, and a stop under load."""

import contextlib
import glob
import os
import socket
import subprocess
import threading
import time
import unittest

import grpc

import fixture
import invariants
from crash_test import Submitter
from fixture import until
from wire import pb, random_bytes, refusal

class Hog(threading.Thread):
    """Takes all space that there is, and all that becomes free."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path = path
        self.ending = threading.Event()
        self.start()

    def run(self):
        with open(self.path, "wb", buffering=0) as sink:
            while not self.ending.wait(0.002):
                with contextlib.suppress(OSError):
                    while sink.write(b"x" * 4096) == 4096:
                        pass

    def stop(self):
        if not self.ending.is_set():
            self.ending.set()
            self.join()
            os.remove(self.path)


class DiskTest(fixture.Case):
    def small_disk(self, cluster, size):
        """The data directory on a file system of its own."""
        os.makedirs(cluster.data)
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "sheaf-e2e",
             cluster.data],
            capture_output=True, text=True, check=False,
        )
        if mounted.returncode != 0:
            self.skipTest(f"no small disk: {mounted.stderr.strip()}")
        self.addCleanup(
            subprocess.run, ["umount", "-l", cluster.data], check=False
        )

    def test_a_full_disk_refuses_submits_and_loses_nothing(self):
        cluster = self.cluster(start=False)
        self.small_disk(cluster, "6m")
        cluster.start()
        first = cluster.submit(3)
        hog = Hog(os.path.join(cluster.data, "filler"))
        self.addCleanup(hog.stop)

        def full():
            try:
                cluster.submit(runs=[{"prompt": "x" * 60000}])
                return None
            except grpc.RpcError as error:
                return refusal_of(error)

        refused = until(full, "a submit is refused")
        self.assertEqual((refused.code, refused.reason),
                         (grpc.StatusCode.UNAVAILABLE, "DISK_FULL"))
        self.assertIsNotNone(refused.details.retry_after)
        # Reads go on, and it is said what is wrong.
        self.assertEqual(cluster.get(first).state, pb.JOB_STATE_QUEUED)
        self.assertEqual(len(cluster.runs(first)), 3)

        def said():
            # Small ones find room in the log until that is folded away.
            with contextlib.suppress(grpc.RpcError):
                cluster.submit()
            info = cluster.info()
            return not info.writable and not cluster.is_serving() and info

        info = until(said, "the server and its health say so")
        self.assertIn("full", " ".join(info.problems))
        refused = refusal(cluster.admin.Backup, pb.BackupRequest())
        self.assertIn(refused.code, (grpc.StatusCode.UNAVAILABLE,
                                     grpc.StatusCode.INTERNAL))
        with self.assertRaises(grpc.RpcError) as caught:
            cluster.upload(random_bytes(200_000))
        # Artifacts leave a part of the disk alone.
        self.assertEqual(refusal_of(caught.exception).reason,
                         "ARTIFACTS_FULL")
        hog.stop()

        def recovered():
            with contextlib.suppress(grpc.RpcError):
                return cluster.submit(2)

        job = until(recovered, "submits go on", pause=0.1)
        until(lambda: cluster.info().writable, "the server says so")
        until(cluster.is_serving, "its health says so")
        cluster.worker()
        for each in (first, job):
            self.assertEqual(cluster.wait(each).state, pb.JOB_STATE_SUCCEEDED)
        self.assertEqual(
            glob.glob(f"{cluster.data}/**/tmp/*", recursive=True), [])
        self.finish_on(cluster)

    def test_on_a_full_disk_jobs_can_still_be_deleted(self):
        cluster = self.cluster(start=False, ballast_bytes="8MiB")
        self.small_disk(cluster, "32m")
        cluster.start()
        jobs = [cluster.submit(3) for _ in range(20)]
        filler = os.path.join(cluster.data, "filler")
        with open(filler, "wb") as sink:
            with contextlib.suppress(OSError):
                while True:
                    sink.write(b"x" * 65536)
                    sink.flush()

        def full():
            try:
                cluster.submit(runs=[{"prompt": "x" * 60000}])
                return None
            except grpc.RpcError as error:
                return refusal_of(error)

        refused = until(full, "a submit is refused")
        self.assertEqual(refused.reason, "DISK_FULL")

        def deleted():
            with contextlib.suppress(grpc.RpcError):
                cluster.jobs.CancelJob(
                    pb.CancelJobRequest(name=jobs[0].name), timeout=20)
                return True

        until(deleted, "a job is cancelled", pause=0.1)
        cluster.jobs.CancelJob(
            pb.CancelJobRequest(name=jobs[1].name + "/runs/0"), timeout=20)
        # It would ask for more room, not make any.
        refused = refusal(cluster.jobs.RetryJob,
                          pb.RetryJobRequest(name=jobs[0].name))
        self.assertEqual(refused.reason, "DISK_FULL")
        for job in jobs[1:]:
            cluster.jobs.CancelJob(pb.CancelJobRequest(name=job.name),
                                   timeout=20)
        for job in jobs:
            cluster.acked.pop(job.name, None)
            cluster.jobs.DeleteJob(pb.DeleteJobRequest(name=job.name),
                                   timeout=20)
        refused = refusal(cluster.jobs.SubmitJob,
                          pb.SubmitJobRequest(
                              job=pb.JobSpec(shared={"prompt": "a fox"})))
        self.assertEqual(refused.reason, "DISK_FULL")
        self.assertIn("full", " ".join(cluster.info().problems))
        self.assertFalse(cluster.info().writable)
        os.remove(filler)
        until(lambda: cluster.info().writable, "there is room again")
        cluster.submit()
        self.assertEqual(cluster.info().problems, [])
        self.finish_on(cluster)

    def test_a_server_that_starts_on_a_full_disk_says_why_it_cannot(self):
        cluster = self.cluster(start=False)
        self.small_disk(cluster, "256k")
        with open(os.path.join(cluster.data, "filler"), "wb") as sink:
            with contextlib.suppress(OSError):
                sink.write(b"x" * (1 << 20))
        cluster.start(ready=False)
        self.assertEqual(cluster.server.wait(), 1)
        self.assertRegex(cluster.server.read_log(), "full|space")
        os.remove(os.path.join(cluster.data, "filler"))
        self.finish_on(cluster)

    def finish_on(self, cluster):
        """Checked while the file system is still there."""
        if cluster.server.alive():
            cluster.stop()
            cluster.check()


def refusal_of(error):
    def raises(timeout=None):
        raise error

    return refusal(raises)


class SecondServerTest(fixture.Case):
    def test_a_second_server_on_the_same_data_is_refused(self):
        cluster = self.cluster()
        cluster.submit()
        for listen in ("127.0.0.1:0", cluster.address):
            second = subprocess.run(
                [fixture.program("sheafd"), f"--data-dir={cluster.data}",
                 f"--listen={listen}"],
                capture_output=True, text=True, timeout=60, check=False,
            )
            self.assertEqual(second.returncode, 1)
            self.assertIn(cluster.data, second.stderr)
            self.assertIn(f"process {cluster.server.pid}", second.stderr)
        restore = subprocess.run(
            [fixture.program("sheafd"), "restore", f"--backup={__file__}",
             f"--data-dir={cluster.data}"],
            capture_output=True, text=True, timeout=60, check=False,
        )
        self.assertNotEqual(restore.returncode, 0)
        cluster.submit()

    def test_a_taken_port_is_named(self):
        cluster = self.cluster()
        other = self.cluster(start=False)
        other.address = cluster.address
        other.start(ready=False)
        self.assertEqual(other.server.wait(), 1)
        self.assertIn(cluster.address, other.server.read_log())

    def test_a_socket_file_of_a_dead_server_is_no_obstacle(self):
        cluster = self.cluster(unix=True)
        cluster.worker()
        cluster.restart()
        self.assertEqual(cluster.wait(cluster.submit()).state,
                         pb.JOB_STATE_SUCCEEDED)


class BackupTest(fixture.Case):
    def restore(self, backup, data):
        return subprocess.run(
            [fixture.program("sheafd"), "restore", f"--backup={backup}",
             f"--data-dir={data}"],
            capture_output=True, text=True, timeout=60, check=False,
        )

    def test_a_backup_under_load_is_whole_and_can_be_put_back(self):
        cluster = self.cluster()
        cluster.worker()
        submitters = [Submitter(cluster, number, number) for number in (1, 2)]
        for submitter in submitters:
            submitter.start()
        until(lambda: all(len(each.acked) > 20 for each in submitters),
              "there is load")
        before = {}
        for submitter in submitters:
            before.update(submitter.acked)
        backups = [
            cluster.admin.Backup(pb.BackupRequest(file_name=f"{i}.db"))
            for i in range(3)
        ]
        refused = refusal(cluster.admin.Backup,
                          pb.BackupRequest(file_name="1.db"))
        self.assertEqual(refused.reason, "BACKUP_EXISTS")
        for submitter in submitters:
            submitter.stop()
            submitter.join(fixture.PATIENCE)
            self.assertIsNone(submitter.problem)
            cluster.acked.update(submitter.acked)
        newest = cluster.submit()
        last = cluster.info().last_event_sequence
        for backup in backups:
            # It holds every job that was acknowledged before, whole.
            invariants.check(backup.path, acked=before)
            self.assertEqual(backup.size_bytes, os.path.getsize(backup.path))
        cluster.stop()

        other = self.cluster(start=False, lease_duration="2s")
        done = self.restore(backups[0].path, other.data)
        self.assertEqual(done.returncode, 0, done.stderr)
        other.start()
        # A listener from before is told that time has been turned back.
        known = backups[0].last_event_sequence
        self.assertTrue(next(other.events(known + 3)).HasField("resync"))
        heard = next(other.events(known - 1)).event.sequence
        self.assertEqual(heard, known)
        restored = int(other.submit(2).name.split("/")[1])
        self.assertGreaterEqual(
            restored, backups[0].job_count + 1_000_000)
        self.assertGreater(restored, int(newest.name.split("/")[1]))
        self.assertGreater(other.info().last_event_sequence, last)
        resync = next(other.events(known)).resync
        self.assertEqual(resync.sequence, other.info().last_event_sequence)
        for job in before:
            other.get(job)
        other.worker()
        until(lambda: other.queue().queued_run_count
              + other.queue().running_run_count == 0, "all is done")

    def test_a_backup_that_is_damaged_is_not_put_back(self):
        cluster = self.cluster()
        job = cluster.submit(5)
        backup = cluster.admin.Backup(pb.BackupRequest(file_name="b.db")).path
        cluster.stop()
        with open(backup, "r+b") as file:
            file.seek(os.path.getsize(backup) // 2)
            file.write(b"\xff" * 64)
        done = self.restore(backup, cluster.data)
        self.assertNotEqual(done.returncode, 0)
        cluster.start()
        self.assertEqual(cluster.get(job).run_count, 5)


class StrangerTest(fixture.Case):
    def test_garbage_on_the_port_hurts_nobody(self):
        cluster = self.cluster()
        cluster.worker()
        host, port = cluster.address.split(":")
        open_sockets = []
        self.addCleanup(lambda: [each.close() for each in open_sockets])
        preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        for number in range(60):
            stranger = socket.create_connection((host, int(port)), timeout=10)
            open_sockets.append(stranger)
            with contextlib.suppress(OSError):
                stranger.sendall([
                    random_bytes(5000),
                    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                    preface + random_bytes(3000),
                    preface + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
                    + b"\xff\xff\xff\x00\x00\x00\x00\x00\x01",
                    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
                    b"",  # says nothing at all
                ][number % 6])
        self.assertEqual(cluster.wait(cluster.submit(3)).state,
                         pb.JOB_STATE_SUCCEEDED)
        for each in open_sockets:
            each.close()
        self.assertEqual(cluster.wait(cluster.submit(3)).state,
                         pb.JOB_STATE_SUCCEEDED)
        self.assertEqual(cluster.starts, 1)


class StopTest(fixture.Case):
    def test_a_stop_under_load_is_quick_clean_and_loses_nothing(self):
        cluster = self.cluster(
            drain_timeout="3s", local_workers=1,
            worker_arg=["--engine=simulated", "--time-scale=1", "--image-size=8"],
        )
        submitters = [Submitter(cluster, number, number) for number in (1, 2)]
        for submitter in submitters:
            submitter.start()
        # A listener must not hold it up.
        stream = cluster.events(0, timeout=120)
        listener = threading.Thread(
            target=lambda: drain(stream), daemon=True)
        listener.start()
        until(lambda: cluster.queue().running_run_count > 0, "there is work")
        until(lambda: all(len(each.acked) > 10 for each in submitters),
              "there is load")
        begin = time.monotonic()
        self.assertEqual(cluster.stop(30), 0)
        self.assertLess(time.monotonic() - begin, 10)
        listener.join(30)
        self.assertFalse(listener.is_alive())
        cluster.start(local_workers=0)
        for submitter in submitters:
            submitter.stop()
            submitter.join(fixture.PATIENCE)
            self.assertIsNone(submitter.problem)
            cluster.acked.update(submitter.acked)
        # Its worker handed back; no death was counted.
        self.assertEqual(
            [each for each in self.classes(cluster)
             if each == pb.ERROR_CLASS_WORKER_DIED], [])

    def classes(self, cluster):
        return [
            change.error_class
            for event in cluster.history()
            for change in event.runs
        ]


def drain(stream):
    with contextlib.suppress(grpc.RpcError):
        for _ in stream:
            pass


if __name__ == "__main__":
    unittest.main()
