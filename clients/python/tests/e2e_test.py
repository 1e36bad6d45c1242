"""The clients against a real server (real.py), with simulated pictures."""

import datetime
import os
import tempfile
import time
import unittest
import uuid

import sheaf

import case
import real

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


def setUpModule():
    global ADDRESS
    ADDRESS = real.address(unittest.addModuleCleanup)


class EndToEndTest(case.ClientTest):
    def setUp(self):
        self.client = self.make_client(ADDRESS, owner="e2e")
        self.addCleanup(self.client.close)

    def spec(self, runs=1, **fields):
        return {
            "shared": {"prompt": "a fox", "steps": 2, "width": 64,
                       "height": 64},
            "runs": [{"seed": seed} for seed in range(runs)],
            "labels": {"test": self.id().rsplit(".", 1)[-1]},
            **fields,
        }

    def queue_of_its_own(self, **settings):
        name = f"e2e-{uuid.uuid4().hex[:12]}"
        self.client.create_queue(name, **settings)
        return name


class JobsTest(EndToEndTest):
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

    def test_pictures_go_along_with_the_job_that_names_their_files(self):
        job = self.client.wait(self.client.submit(self.spec()), timeout=60)
        (run,) = self.client.runs(job)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "depth.png")
            self.client.download(run.outputs[0], path)
            job = self.client.submit(
                self.spec(
                    shared={
                        "prompt": "a fox",
                        "init_image": path,
                        "controls": [{"type": "depth", "image": path}],
                    }
                )
            )
        full = self.client.get(job, full=True)
        self.assertEqual(full.shared.init_image, run.outputs[0].artifact)
        self.assertTrue(self.client.artifact(full.shared.init_image).referenced)
        self.client.wait(job, timeout=60)

    def test_a_waiting_job_can_be_updated_and_an_ended_one_deleted(self):
        queue = self.queue_of_its_own()
        self.client.pause(queue)
        job = self.client.submit(self.spec(queue=f"queues/{queue}"))
        later = datetime.datetime(2040, 1, 1, tzinfo=datetime.timezone.utc)
        changed = self.client.update(
            job, priority="urgent", labels={"a": "b"}, start_deadline=later
        )
        self.assertEqual(changed.priority, sheaf.Priority.PRIORITY_URGENT)
        self.assertEqual(dict(changed.labels), {"a": "b"})
        self.assertTrue(changed.HasField("start_deadline"))
        changed = self.client.update(job, reset=["start_deadline"])
        self.assertFalse(changed.HasField("start_deadline"))
        with self.assertRaises(sheaf.Conflict):
            self.client.update(job, labels={}, etag=job.etag)
        with self.assertRaises(sheaf.FailedPrecondition):
            self.client.delete(job)
        self.assertEqual(self.client.purge(queue, validate_only=True), 1)
        self.assertEqual(self.client.purge(queue), 1)
        self.client.delete(job)
        with self.assertRaises(sheaf.NotFound):
            self.client.get(job)

    def test_a_stream_of_submits_is_answered_one_by_one(self):
        jobs = [self.spec(), self.spec(kind="Not A Kind"), self.spec()]
        first, refused, last = self.client.submit_stream(jobs)
        self.assertEqual(refused.reason, "INVALID_FIELD")
        for answer in (first, last):
            run = self.client.run(f"{answer.job}/runs/0")
            self.assertEqual(run.request.prompt, "a fox")


class QueuesTest(EndToEndTest):
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

    def test_a_queue_is_made_set_drained_and_removed(self):
        name = self.queue_of_its_own(
            policy="adaptive", wait_max=0.5, run_duration_max=60, twins=True
        )
        queue = self.client.queue(name)
        self.assertIn(queue.name, [each.name for each in self.client.queues()])
        self.assertEqual(
            queue.settings.policy, sheaf.BatchPolicy.BATCH_POLICY_ADAPTIVE
        )
        self.assertEqual(queue.settings.wait_max.ToMilliseconds(), 500)
        self.assertEqual(queue.settings.run_duration_max.seconds, 60)
        queue = self.client.set_batch_size(7, queue)
        self.assertEqual(queue.settings.batch_size, 7)
        self.assertTrue(queue.settings.twins)
        queue = self.client.update_queue(queue, reset=["wait_max"])
        self.assertEqual(queue.settings.wait_max.ToMilliseconds(), 2000)
        queue = self.client.drain(queue)
        self.assertEqual(queue.state, sheaf.QueueState.QUEUE_STATE_DRAINING)
        with self.assertRaises(sheaf.FailedPrecondition):
            self.client.submit(self.spec(queue=queue.name))
        self.client.delete_queue(queue)
        with self.assertRaises(sheaf.NotFound):
            self.client.queue(name)


class BatchingTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.queue = self.queue_of_its_own(batch_size=4)
        self.client.pause(self.queue)

    def mixed_jobs(self):
        return self.client.submit_many(
            self.spec(
                runs,
                queue=f"queues/{self.queue}",
                shared={
                    **self.spec()["shared"], "steps": 20, "weights": weights
                },
            )
            for runs, weights in ((1, {"a": 1}), (2, {"b": 0.5}), (1, {}))
        )

    def test_an_empty_queue_has_nothing_to_batch(self):
        analysis = self.client.analyze(self.queue)
        self.assertFalse(analysis)
        self.assertIn("No batchable jobs found", analysis.message)
        self.assertEqual(self.client.preview_text(queue=self.queue), "")
        with self.assertRaisesRegex(
            sheaf.FailedPrecondition, "No analysis available"
        ):
            self.client.execute(queue=self.queue)

    def test_a_plan_is_made_executed_undone_and_reported(self):
        jobs = self.mixed_jobs()
        strict = self.client.analyze(self.queue, mode="strict")
        mixed = self.client.analyze(self.queue, mode="mixed", harm_max=600)
        self.assertGreater(len(strict.batches), len(mixed.batches))
        (batch,) = mixed.batches
        self.assertEqual(
            [dict(row.weights) for row in batch.weights_list],
            [{"a": 1, "b": 0}, *[{"a": 0, "b": 0.5}] * 2, {"a": 0, "b": 0}],
        )
        self.assertGreater(mixed.speedup, 1)
        self.assertTrue(mixed.advised)
        self.assertEqual(
            self.client.preview_text(queue=self.queue), mixed.text
        )
        execution = self.client.execute(mixed)
        self.assertIn("3 jobs → 1 batch", execution.message)
        self.assertEqual(self.client.undo(queue=self.queue).name, mixed.name)

        self.client.analyze(self.queue, mode="mixed")
        self.client.execute(queue=self.queue)
        self.client.resume(self.queue)
        for job in jobs:
            self.client.wait(job, timeout=60)
        report = real.measured(self.client, self.queue, 1)
        self.assertEqual(report.measured_batch_count, report.batch_count)
        self.assertGreater(report.measured_actual.ToMilliseconds(), 0)
        (batch,) = self.client.plan_batches(report)
        self.assertTrue(batch.HasField("actual"))
        names = [plan.name for plan in self.client.plans(self.queue)]
        self.assertEqual(names[0], report.name)

    def test_a_change_makes_an_analysis_stale(self):
        self.mixed_jobs()
        self.client.analyze(self.queue)
        self.client.set_batch_size(3, self.queue)
        with self.assertRaisesRegex(sheaf.Conflict, "Analysis is stale"):
            self.client.execute(queue=self.queue)
        self.client.purge(self.queue)

    def test_a_look_stores_nothing(self):
        self.mixed_jobs()
        look = self.client.analyze(self.queue, validate_only=True)
        self.assertGreater(len(look.batches), 0)
        self.assertEqual(look.name, "")
        self.assertEqual(list(self.client.plans(self.queue)), [])
        self.client.purge(self.queue)

    def test_one_call_analyzes_and_executes_what_is_worth_it(self):
        self.mixed_jobs()
        refused = self.client.analyze_and_execute(
            self.queue, min_speedup=1000
        )
        self.assertFalse(refused)
        self.assertEqual(self.client.queue(self.queue).plan, "")
        done = self.client.analyze_and_execute(self.queue, min_speedup=1)
        self.assertTrue(done)
        self.assertGreater(done.speedup, 1)
        self.assertEqual(self.client.queue(self.queue).plan, done.name)
        self.client.purge(self.queue)

    def test_two_runs_are_explained(self):
        first, second, _ = self.mixed_jobs()
        answer = self.client.explain(
            f"{first.name}/runs/0", f"{second.name}/runs/0"
        )
        self.assertTrue(answer.mixed)
        self.assertFalse(answer.strict)
        self.assertTrue(answer.text)
        self.client.purge(self.queue)

    def test_prices_are_shown_and_forgotten(self):
        self.assertTrue(self.client.batch_profile().name)
        with self.assertRaises(sheaf.InvalidArgument):
            self.client.forget_learned()
        self.assertGreaterEqual(self.client.forget_learned(all=True), 0)


class AdminTest(EndToEndTest):
    def test_stats_and_workers_tell_who_works(self):
        self.client.wait(self.client.submit(self.spec(3)), timeout=60)
        stats = self.client.stats(window=60)
        self.assertGreaterEqual(stats.total.succeeded_run_count, 3)
        one = self.client.stats("default")
        self.assertEqual([each.name for each in one.queues],
                         ["queues/default"])
        (worker,) = self.client.workers()
        self.assertEqual(worker.name, stats.workers[0].name)
        with self.assertRaisesRegex(sheaf.InvalidArgument, "cannot measure"):
            self.client.calibrate_worker(worker)  # It is simulated.
        with self.assertRaises(sheaf.NotFound):
            self.client.drain_worker("999999")

    def test_a_backup_is_made_and_the_database_is_well(self):
        backup = self.client.backup()
        self.assertGreater(backup.size_bytes, 0)
        check = self.client.check_integrity(full=True)
        self.assertEqual((check.ok, list(check.problems)), (True, []))

    def test_a_clock_that_is_right_needs_no_acceptance(self):
        self.assertEqual(self.client.accept_clock().total_seconds(), 0)


case.twins(globals())

if __name__ == "__main__":
    unittest.main()
