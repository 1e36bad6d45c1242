"""The client against a real server.

Uses the server that SHEAF_SERVER names; else starts one of its own from
SHEAF_BIN_DIR, on a free port, with a worker of simulated pictures; else skips.
"""

import os
import socket
import subprocess
import tempfile
import time
import unittest
import uuid

import sheaf

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_ready(client, server):
    end = time.monotonic() + 30
    while True:
        try:
            client.server_info()
            return
        except sheaf.Unavailable:
            if server.poll() is not None or time.monotonic() > end:
                raise
            time.sleep(0.1)


class EndToEndTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        address = os.environ.get("SHEAF_SERVER")
        if not address:
            address = cls.start_server()
        cls.client = sheaf.Client(address, owner="e2e")
        cls.addClassCleanup(cls.client.close)
        if hasattr(cls, "server"):
            wait_until_ready(cls.client, cls.server)

    @classmethod
    def start_server(cls):
        program = os.path.join(os.environ.get("SHEAF_BIN_DIR", ""), "sheafd")
        worker = os.path.join(os.path.dirname(program), "sheaf-worker")
        if not os.path.exists(program) or not os.path.exists(worker):
            raise unittest.SkipTest("no server: set SHEAF_SERVER")
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        address = f"127.0.0.1:{free_port()}"
        cls.server = subprocess.Popen(
            [
                program,
                f"--data-dir={folder.name}",
                f"--listen={address}",
                "--local-workers=1",
                "--worker-arg=--engine=simulated",
            ],
            stdout=subprocess.DEVNULL,
        )
        cls.addClassCleanup(cls.server.wait, 30)
        cls.addClassCleanup(cls.server.terminate)
        return address

    def spec(self, runs=1, **fields):
        return {
            "shared": {"prompt": "a fox", "steps": 2, "width": 64,
                       "height": 64},
            "runs": [{"seed": seed} for seed in range(runs)],
            "labels": {"test": self.id().rsplit(".", 1)[-1]},
            **fields,
        }

    def test_a_job_becomes_pictures(self):
        job = self.client.wait(self.client.submit(self.spec(3)), timeout=60)
        self.assertEqual(job.state, sheaf.JobState.JOB_STATE_SUCCEEDED)
        runs = list(self.client.runs(job))
        self.assertEqual([run.request.seed for run in runs], [0, 1, 2])
        for run in runs:
            data = self.client.download(run.outputs[0])
            self.assertTrue(data.startswith(PNG_MAGIC))

    def test_a_request_id_makes_one_job(self):
        request_id = str(uuid.uuid4())
        first = self.client.submit(self.spec(), request_id=request_id)
        again = self.client.submit(self.spec(), request_id=request_id)
        self.assertEqual(first.name, again.name)
        with self.assertRaises(sheaf.InvalidArgument) as caught:
            self.client.submit(self.spec(2), request_id=request_id)
        self.assertEqual(caught.exception.reason, "REQUEST_ID_REUSED")

    def test_a_waiting_job_can_be_cancelled_and_retried(self):
        hour = sheaf.Timestamp(seconds=int(time.time()) + 3600)
        job = self.client.submit(self.spec(run_time=hour))
        self.assertEqual(self.client.cancel(job).cancelled_run_count, 1)
        self.assertEqual(
            self.client.get(job).state, sheaf.JobState.JOB_STATE_CANCELLED
        )
        self.assertEqual(self.client.retry(job).name, job.name)
        self.client.cancel(job)

    def test_a_watch_tells_of_the_job_from_submit_to_end(self):
        before = self.client.server_info().last_event_sequence
        job = self.client.submit(self.spec())
        types = []
        for event in self.client.watch(after_sequence=before, job=job):
            types.append(sheaf.EventType.Name(event.type))
            if event.ended_jobs:
                break
        self.assertEqual(types[0], "EVENT_TYPE_JOB_SUBMITTED")
        self.assertIn("EVENT_TYPE_RUNS_STARTED", types)
        self.assertEqual(types[-1], "EVENT_TYPE_RUNS_CHANGED")

    def test_a_clock_that_is_right_needs_no_acceptance(self):
        self.assertEqual(self.client.accept_clock().total_seconds(), 0)

    def test_bytes_come_back_and_strangers_are_refused(self):
        output = list(
            self.client.runs(
                self.client.wait(self.client.submit(self.spec()), timeout=60)
            )
        )[0].outputs[0]
        data = self.client.download(output)
        artifact = self.client.upload(data, media_type="image/png")
        self.assertEqual(artifact.name, output.artifact)
        with self.assertRaises(sheaf.NotFound):
            self.client.download("artifacts/" + "0" * 64)

    def test_violations_name_their_fields(self):
        with self.assertRaises(sheaf.InvalidArgument) as caught:
            self.client.submit({"kind": "Not A Kind", "attempts_max": -1})
        fields = {each.field for each in caught.exception.violations}
        self.assertEqual(fields, {"job.kind", "job.attempts_max"})

    def test_list_finds_by_label(self):
        label = uuid.uuid4().hex
        jobs = self.client.submit_many(
            [self.spec(labels={"find": label}) for _ in range(3)]
        )
        found = self.client.list(f'labels.find = "{label}"')
        self.assertEqual(
            sorted(job.name for job in found),
            sorted(job.name for job in jobs),
        )

    def test_a_paused_queue_hands_nothing_out(self):
        self.client.pause(reason="e2e", actor="test")
        try:
            job = self.client.submit(self.spec())
            with self.assertRaises(sheaf.WaitTimeout) as caught:
                self.client.wait(job, timeout=1)
            self.assertEqual(
                caught.exception.job.state, sheaf.JobState.JOB_STATE_QUEUED
            )
        finally:
            self.client.resume()
        job = self.client.wait(job, timeout=60)
        self.assertEqual(job.state, sheaf.JobState.JOB_STATE_SUCCEEDED)


if __name__ == "__main__":
    unittest.main()
