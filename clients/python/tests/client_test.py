"""The client against a fake server in this process."""

import datetime
import os
import tempfile
import threading
import unittest
from unittest import mock

import grpc

import sheaf
from sheaf._pb.sheaf.v1 import job_service_pb2 as job_pb

from case import ClientTest, twins


class SubmitTest(ClientTest):
    def test_a_mapping_describes_a_job(self):
        job = self.client.submit(
            {
                "kind": "inference",
                "priority": "PRIORITY_HIGH",
                "labels": {"team": "art"},
                "shared": {"prompt": "a fox", "weights": {"depth": 0.5}},
                "runs": [{"seed": 0}, {"seed": 2}],
            }
        )
        self.assertEqual(job.name, "jobs/1")
        self.assertEqual(job.priority, sheaf.Priority.PRIORITY_HIGH)
        sent = self.server.calls[0].job
        self.assertEqual(sent.shared.weights["depth"], 0.5)
        # A seed of 0 is a seed, not the absence of one.
        self.assertTrue(sent.runs[0].HasField("seed"))
        self.assertEqual(sent.runs[1].seed, 2)

    def test_a_job_spec_is_left_as_it_was(self):
        spec = sheaf.JobSpec(kind="upscale")
        self.assertEqual(self.client.submit(spec).owner, "ann")
        self.assertEqual(spec.owner, "")

    def test_a_jobs_own_owner_wins(self):
        self.assertEqual(self.submit(owner="bob").owner, "bob")

    def test_the_same_request_id_gives_the_same_job(self):
        first = self.client.submit({}, request_id="once")
        self.assertEqual(self.client.submit({}, request_id="once"), first)
        self.assertEqual(len(self.server.jobs), 1)

    def test_a_request_id_is_drawn_anew_for_each_submit(self):
        first, second = self.submit(), self.submit()
        self.assertNotEqual(first.name, second.name)
        self.assertEqual(len(first.request_id), 36)

    def test_a_submit_is_retried_under_one_request_id(self):
        self.server.unavailable = 2
        self.assertEqual(self.submit().name, "jobs/1")
        ids = {call.request_id for call in self.server.calls}
        self.assertEqual((len(self.server.calls), len(ids)), (3, 1))

    def test_many_jobs_go_in_one_call(self):
        jobs = self.client.submit_many([{}, {}, {}], request_id="bulk")
        self.assertEqual(
            [job.request_id for job in jobs], ["bulk-0", "bulk-1", "bulk-2"]
        )
        self.assertEqual(len(self.server.calls), 1)

    def test_no_jobs_need_no_call(self):
        self.assertEqual(self.client.submit_many([]), [])
        self.assertEqual(self.server.calls, [])

    def test_validate_only_stores_nothing(self):
        self.client.submit({}, validate_only=True)
        self.assertEqual(self.server.jobs, [])

    def test_an_unknown_field_is_the_callers_mistake(self):
        with self.assertRaises(ValueError):
            self.client.submit({"promt": "a fox"})


class JobTest(ClientTest):
    def test_list_reads_all_pages(self):
        names = [self.submit().name for _ in range(5)]
        self.assertEqual([job.name for job in self.client.list()], names)

    def test_get_takes_a_job_or_its_name(self):
        job = self.submit()
        self.assertEqual(self.client.get(job), self.client.get(job.name))
        self.client.get(job, full=True)
        self.assertEqual(self.server.calls[-1].view, job_pb.JOB_VIEW_FULL)

    def test_runs_cancel_and_retry_take_what_names_them(self):
        job = self.submit()
        (run,) = self.client.runs(job, states=["RUN_STATE_FAILED"])
        self.assertEqual(run.name, "jobs/1/runs/0")
        self.client.cancel(run, reason="typo")
        self.assertEqual(self.server.calls[-1].name, "jobs/1/runs/0")
        self.assertEqual(self.client.retry(job).name, "jobs/1")

    def test_a_preview_is_of_a_run_or_its_name(self):
        run = next(self.client.runs(self.submit()))
        self.assertEqual(self.client.preview(run).image, b"png")
        self.assertEqual(self.client.preview(run.name).step, 5)
        with self.assertRaises(sheaf.NotFound) as caught:
            self.client.preview("jobs/1/runs/1")
        self.assertEqual(caught.exception.reason, "PREVIEW_NOT_FOUND")

    def test_wait_returns_an_ended_job(self):
        job = self.submit()
        self.server.jobs[0].state = sheaf.JobState.JOB_STATE_FAILED
        self.assertEqual(
            self.client.wait(job).state, sheaf.JobState.JOB_STATE_FAILED
        )

    def test_wait_gives_up_in_time_and_says_how_the_job_stands(self):
        job = self.submit()
        with self.assertRaises(sheaf.WaitTimeout) as caught:
            self.client.wait(job, timeout=0.05)
        self.assertEqual(caught.exception.job.name, "jobs/1")
        self.assertIsInstance(caught.exception, TimeoutError)

    def test_wait_outlives_a_server_that_is_away(self):
        job = self.submit()
        self.server.jobs[0].state = sheaf.JobState.JOB_STATE_SUCCEEDED
        self.server.unavailable = 7  # More than one call's own retries.
        self.patch("flow.sleep")
        self.assertEqual(self.client.wait(job).name, "jobs/1")


class WatchTest(ClientTest):
    @staticmethod
    def event(sequence):
        return job_pb.WatchEventsResponse(event={"sequence": sequence})

    def setUp(self):
        super().setUp()
        self.patch("events._BACKOFF_FIRST", 0.01)

    def watched(self, count, **options):
        stream = self.client.watch(**options)
        result = [next(stream) for _ in range(count)]
        stream.close()
        return result

    def asked(self):
        return [
            call.after_sequence
            for call in self.server.calls
            if isinstance(call, job_pb.WatchEventsRequest)
        ]

    def test_a_watch_goes_on_where_it_was_cut(self):
        self.server.watches = [
            [self.event(41), grpc.StatusCode.UNAVAILABLE],
            [self.event(42)],
            [self.event(43)],
        ]
        events = self.watched(3)
        self.assertEqual([event.sequence for event in events], [41, 42, 43])
        self.assertEqual(self.asked(), [40, 41, 42])

    def test_heartbeats_move_on_silently_and_progress_does_not(self):
        progress = {"run": "jobs/1/runs/0", "progress": {"step": 3}}
        self.server.watches = [
            [
                job_pb.WatchEventsResponse(heartbeat={"sequence": 50}),
                job_pb.WatchEventsResponse(progress=progress),
            ],
            [self.event(51)],
        ]
        first, second = self.watched(2, after_sequence=0, progress=True)
        self.assertIsInstance(first, sheaf.RunProgressed)
        self.assertIsInstance(second, sheaf.Event)
        self.assertEqual(self.asked(), [0, 50])

    def test_a_resync_is_told_and_moves_on(self):
        self.server.watches = [
            [job_pb.WatchEventsResponse(resync={"sequence": 90})],
            [self.event(91)],
        ]
        resync, event = self.watched(2, after_sequence=1)
        self.assertIsInstance(resync, sheaf.WatchResync)
        self.assertEqual(event.sequence, 91)
        self.assertEqual(self.asked(), [1, 90])

    def test_who_stops_listening_leaves_no_stream_behind(self):
        ended = threading.Event()
        self.server.watches = [[self.event(41), ended]]
        self.watched(1)
        self.assertTrue(ended.wait(30))

    def test_a_refused_watch_is_an_error(self):
        self.server.watches = [[grpc.StatusCode.INVALID_ARGUMENT]]
        with self.assertRaises(sheaf.InvalidArgument):
            next(self.client.watch(after_sequence=0))

    def test_patience_ends(self):
        self.server.watches = [[grpc.StatusCode.UNAVAILABLE]] * 50
        with self.assertRaises(sheaf.Unavailable):
            next(self.client.watch(after_sequence=0, patience=0.05))


class QueueTest(ClientTest):
    def test_pause_and_resume(self):
        time = datetime.datetime(2030, 1, 1, tzinfo=datetime.timezone.utc)
        queue = self.client.pause(reason="lunch", resume_time=time)
        self.assertEqual(queue.state, sheaf.QueueState.QUEUE_STATE_PAUSED)
        self.assertEqual(queue.resume_time.seconds, 1893456000)
        self.assertEqual(self.server.calls[-1].name, "queues/default")
        queue = self.client.resume("queues/default")
        self.assertEqual(queue.state, sheaf.QueueState.QUEUE_STATE_ACTIVE)
        self.assertEqual(self.client.queue().reason, "lunch")

    def test_a_time_needs_its_zone(self):
        with self.assertRaises(ValueError):
            sheaf.timestamp(datetime.datetime(2030, 1, 1))


class ArtifactTest(ClientTest):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "picture")
        self.data = os.urandom(600_000)

    def test_bytes_come_back_as_they_went(self):
        artifact = self.client.upload(self.data, media_type="image/png")
        self.assertEqual(self.client.download(artifact), self.data)
        parts = [len(call.data) for call in self.server.calls[:3]]
        self.assertEqual(parts, [262144, 262144, 75712])
        self.assertEqual(self.server.calls[0].media_type, "image/png")

    def test_files_too(self):
        with open(self.path, "wb") as file:
            file.write(self.data)
        artifact = self.client.upload(self.path)
        output = sheaf.Output(artifact=artifact.name)
        self.client.download(output, self.path + ".back")
        with open(self.path + ".back", "rb") as file:
            self.assertEqual(file.read(), self.data)

    def test_no_bytes_are_bytes_too(self):
        self.assertEqual(self.client.download(self.client.upload(b"")), b"")

    def test_damaged_bytes_are_refused_and_leave_the_file_as_it_was(self):
        artifact = self.client.upload(self.data)
        self.server.corrupt = True
        with open(self.path, "wb") as file:
            file.write(b"before")
        with self.assertRaises(ValueError):
            self.client.download(artifact, self.path)
        with open(self.path, "rb") as file:
            self.assertEqual(file.read(), b"before")
        folder = os.path.dirname(self.path)
        self.assertEqual(os.listdir(folder), ["picture"])

    def test_a_missing_artifact_is_not_found(self):
        with self.assertRaises(sheaf.NotFound) as caught:
            self.client.download("artifacts/" + "0" * 64)
        self.assertEqual(caught.exception.reason, "ARTIFACT_NOT_FOUND")


class ErrorTest(ClientTest):
    def test_all_violations_come_at_once(self):
        with self.assertRaises(sheaf.InvalidArgument) as caught:
            self.submit(kind="Bad Kind")
        error = caught.exception
        self.assertEqual(error.reason, "INVALID_FIELD")
        self.assertEqual(error.metadata, {"count": "2"})
        self.assertEqual(
            [violation.field for violation in error.violations],
            ["job.kind", "job.owner"],
        )
        self.assertIn("job.kind: no capitals", str(error))

    def test_a_full_queue_says_when_to_come_back(self):
        with self.assertRaises(sheaf.ResourceExhausted) as caught:
            self.submit(queue="queues/full")
        self.assertEqual(caught.exception.retry_after, 1.5)
        self.assertEqual(caught.exception.reason, "QUEUE_FULL")

    def test_a_missing_job_is_not_found(self):
        with self.assertRaises(sheaf.NotFound) as caught:
            self.client.get("jobs/999")
        self.assertEqual(caught.exception.code, grpc.StatusCode.NOT_FOUND)
        self.assertIsInstance(caught.exception, sheaf.Error)

    def test_a_call_without_a_server_fails_as_unavailable(self):
        self.server.stop()
        with self.assertRaises(sheaf.Unavailable):
            self.client.get("jobs/1")

    def test_the_server_comes_from_the_environment(self):
        environment = {"SHEAF_SERVER": self.server.address}
        with mock.patch.dict(os.environ, environment):
            with self.make_client() as client:
                self.assertEqual(client.server_info().version, "fake")


twins(globals())

if __name__ == "__main__":
    unittest.main()
