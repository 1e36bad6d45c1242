"""A job's life: submit, picture, cancel, retry, priority, time, deletion."""

import time
import unittest

import grpc

import fixture
from fixture import until
from wire import from_now, mask, pb, read_png, refusal, seconds


class LifeTest(fixture.Case):
    def test_runs_become_the_pictures_that_were_asked_for(self):
        cluster = self.cluster()
        cluster.worker(image_size=16)
        job = cluster.submit(
            runs=[
                {"seed": 7, "prompt": "a hare", "weights": {"depth": 0.5}},
                {"seed": 8},
                {"prompt": "eine Füchsin 🦊"},
            ],
            shared={"width": 16, "height": 8, "weights": {"canny": 1.5}},
        )
        self.assertEqual(cluster.wait(job).state, pb.JOB_STATE_SUCCEEDED)
        runs = cluster.runs(job)
        self.assertEqual([run.request.prompt for run in runs],
                         ["a hare", "a fox", "eine Füchsin 🦊"])
        self.assertEqual([run.request.seed for run in runs[:2]], [7, 8])
        self.assertTrue(runs[2].request.HasField("seed"), "none was drawn")
        self.assertEqual(dict(runs[0].request.weights),
                         {"canny": 1.5, "depth": 0.5})
        self.assertEqual(dict(runs[1].request.weights), {"canny": 1.5})
        pictures = set()
        for run in runs:
            self.assertEqual(run.attempt, 1)
            (output,) = run.outputs
            data = cluster.download(output.artifact)
            width, height, texts = read_png(data)
            self.assertEqual((width, height), (16, 8))
            self.assertIn(str(run.request.seed), " ".join(texts.values()))
            pictures.add(data)
        self.assertEqual(len(pictures), 3)

    def test_the_same_request_gives_the_same_picture_alone_or_in_company(self):
        cluster = self.cluster()
        cluster.worker()
        run = {"seed": 5, "weights": {"depth": 0.25}}
        alone = cluster.submit(runs=[run])
        batch = cluster.submit(
            runs=[{"seed": 1, "weights": {"canny": 2}}, run, {"seed": 3}]
        )
        for job in (alone, batch):
            cluster.wait(job)
        self.assertEqual(cluster.runs(alone)[0].outputs[0].artifact,
                         cluster.runs(batch)[1].outputs[0].artifact)

    def test_a_repeated_request_id_is_the_same_job(self):
        cluster = self.cluster()
        first = cluster.submit(2, request_id="once", owner="me")
        request = pb.SubmitJobRequest(
            request_id="once", job=cluster.spec(2, owner="me")
        )
        again = cluster.jobs.SubmitJob(request)
        self.assertTrue(again.replayed)
        self.assertEqual(again.job.name, first.name)
        other = cluster.submit(2, request_id="once", owner="you")
        self.assertNotEqual(other.name, first.name)
        cluster.restart()
        again = cluster.jobs.SubmitJob(request, wait_for_ready=True)
        self.assertEqual((again.replayed, again.job.name), (True, first.name))

    def test_a_rehearsal_stores_nothing(self):
        cluster = self.cluster()
        cluster.submit()
        before = fixture.invariants.row_counts(cluster.database)
        request = pb.SubmitJobRequest(
            request_id="r", validate_only=True, job=cluster.spec(3)
        )
        answer = cluster.jobs.SubmitJob(request)
        self.assertEqual((answer.job.name, answer.job.run_count), ("", 3))
        self.assertEqual(fixture.invariants.row_counts(cluster.database),
                         before)

    def test_urgent_goes_before_low_and_old_before_new(self):
        cluster = self.cluster()
        # Each job by itself: otherwise those of one priority go together.
        cluster.set_queue(policy=pb.BATCH_POLICY_OFF)
        cluster.pause()
        wanted = []
        for priority in ("LOW", "NORMAL", "HIGH", "URGENT", "NORMAL"):
            level = pb.Priority.Value(f"PRIORITY_{priority}")
            job = cluster.submit(priority=level)
            wanted.append((-level, int(job.name.split("/")[1]), job.name))
        cluster.resume()
        cluster.worker()
        for _, _, job in wanted:
            cluster.wait(job)
        started = [
            event.runs[0].run.rsplit("/runs/")[0]
            for event in cluster.history()
            if event.type == pb.EVENT_TYPE_RUNS_STARTED
        ]
        self.assertEqual(started, [job for _, _, job in sorted(wanted)])

    def test_a_job_waits_for_its_run_time(self):
        cluster = self.cluster()
        cluster.worker()
        soon = cluster.submit(run_time=from_now(1.5))
        later = cluster.submit(run_time=from_now(3600))
        now = cluster.submit()
        self.assertEqual(cluster.wait(now).state, pb.JOB_STATE_SUCCEEDED)
        job = cluster.wait(soon)
        self.assertEqual(job.state, pb.JOB_STATE_SUCCEEDED)
        self.assertGreaterEqual(job.start_time.ToMilliseconds(),
                                job.run_time.ToMilliseconds())
        # Woken by the clock, not found by chance.
        self.assertLess(job.start_time.ToMilliseconds(),
                        job.run_time.ToMilliseconds() + 3000)
        self.assertEqual(cluster.get(later).state, pb.JOB_STATE_QUEUED)

    def test_what_has_not_started_by_its_deadline_fails(self):
        cluster = self.cluster()
        job = cluster.submit(2, start_deadline=from_now(0.7))
        self.assertEqual(cluster.wait(job).state, pb.JOB_STATE_FAILED)
        for run in cluster.runs(job):
            self.assertEqual(run.error.error_class, pb.ERROR_CLASS_DEADLINE)
            self.assertEqual(run.attempt, 0)
        cluster.worker()
        kept = cluster.submit(start_deadline=from_now(600))
        self.assertEqual(cluster.wait(kept).state, pb.JOB_STATE_SUCCEEDED)

    def test_an_update_needs_the_current_etag(self):
        cluster = self.cluster()
        job = cluster.submit(run_time=from_now(3600))

        def update(etag, **fields):
            return pb.UpdateJobRequest(
                job=pb.Job(name=job.name, etag=etag, **fields),
                update_mask=mask(*fields),
            )

        changed = cluster.jobs.UpdateJob(
            update(job.etag, priority=pb.PRIORITY_URGENT, labels={"a": "b"})
        )
        self.assertEqual(changed.priority, pb.PRIORITY_URGENT)
        self.assertEqual(dict(changed.labels), {"a": "b"})
        self.assertNotEqual(changed.etag, job.etag)
        refused = refusal(
            cluster.jobs.UpdateJob, update(job.etag, priority=pb.PRIORITY_LOW)
        )
        self.assertEqual((refused.code, refused.reason),
                         (grpc.StatusCode.ABORTED, "ETAG_MISMATCH"))
        self.assertEqual(cluster.get(job).priority, pb.PRIORITY_URGENT)
        # Now instead of in an hour.
        cluster.worker()
        cluster.jobs.UpdateJob(update("", run_time=from_now(0)))
        self.assertEqual(cluster.wait(job).state, pb.JOB_STATE_SUCCEEDED)

    def test_an_ended_job_can_be_deleted_and_its_id_is_never_reused(self):
        cluster = self.cluster()
        job = cluster.submit(2)
        cluster.submit()
        request = pb.DeleteJobRequest(name=job.name)
        refused = refusal(cluster.jobs.DeleteJob, request)
        self.assertEqual(refused.reason, "JOB_NOT_FINISHED")
        cluster.cancel(job)
        cluster.jobs.DeleteJob(request)
        for _ in range(2):
            refused = refusal(cluster.jobs.GetJob,
                              pb.GetJobRequest(name=job.name))
            self.assertEqual(refused.reason, "JOB_NOT_FOUND")
            self.assertIn("deleted", str(refused))
            cluster.restart()
        self.assertEqual(cluster.submit().name, "jobs/3")

    def test_retention_deletes_what_has_ended(self):
        cluster = self.cluster()
        cluster.create_queue("brief", keep_succeeded=seconds(1),
                             keep_cancelled=seconds(0))
        cluster.worker()
        done = cluster.submit(queue="brief")
        cluster.wait(done)
        kept = cluster.submit(queue="brief", run_time=from_now(3600))
        cluster.cancel(kept)

        def gone():
            try:
                cluster.get(done)
            except grpc.RpcError as error:
                return error.code() == grpc.StatusCode.NOT_FOUND

        until(gone, "retention has deleted the job", pause=0.1)
        self.assertEqual(cluster.get(kept).state, pb.JOB_STATE_CANCELLED)
        self.assertIn(pb.EVENT_TYPE_JOB_DELETED,
                      [event.type for event in cluster.history()])

    def test_wait_answers_when_the_job_ends_and_not_before(self):
        cluster = self.cluster()
        job = cluster.submit()
        begin = time.monotonic()
        answer = cluster.jobs.WaitJob(
            pb.WaitJobRequest(name=job.name, timeout=seconds(0.3)), timeout=30
        )
        self.assertGreaterEqual(time.monotonic() - begin, 0.29)
        self.assertEqual(answer.state, pb.JOB_STATE_QUEUED)
        waiting = [
            cluster.jobs.WaitJob.future(
                pb.WaitJobRequest(name=job.name, timeout=seconds(60)),
                timeout=90,
            )
            for _ in range(5)
        ]
        cluster.worker()
        for call in waiting:
            self.assertEqual(call.result().state, pb.JOB_STATE_SUCCEEDED)

    def test_lists_are_whole_page_by_page_while_jobs_come_and_go(self):
        cluster = self.cluster()
        names = [cluster.submit(labels={"n": "x"}).name for _ in range(25)]
        seen, token = [], ""
        while True:
            page = cluster.jobs.ListJobs(
                pb.ListJobsRequest(
                    filter='labels.n = "x"', page_size=4, page_token=token,
                    order_by="create_time",
                )
            )
            seen.extend(job.name for job in page.jobs)
            cluster.submit(labels={"n": "y"})
            token = page.next_page_token
            if not token:
                break
        self.assertEqual(seen, names)


if __name__ == "__main__":
    unittest.main()
