"""The switches that operators turn: pause, resume, drain, purge."""

import unittest

import fixture
from fixture import until
from wire import from_now, pb, refusal, seconds

LONG = {"steps": 1000}  # 20 s of steps, unless someone stops it


def dispatched(cluster, after=0):
    return [
        event for event in cluster.history(after)
        if event.type == pb.EVENT_TYPE_RUNS_STARTED
    ]


class PauseTest(fixture.Case):
    def test_a_paused_queue_hands_nothing_out_also_after_restarts(self):
        cluster = self.cluster()
        cluster.create_queue("open")
        cluster.pause(reason="lunch", actor="ann")
        cluster.worker()
        cluster.worker()
        jobs = [cluster.submit(4) for _ in range(5)]
        for stop in (cluster.kill, cluster.stop, cluster.kill):
            # The workers are there and working when this one is done.
            cluster.wait(cluster.submit(queue="open"))
            stop()
            cluster.start()
        cluster.wait(cluster.submit(queue="open"))
        queue = cluster.queue()
        self.assertEqual(
            (queue.state, queue.reason, queue.actor, queue.queued_run_count),
            (pb.QUEUE_STATE_PAUSED, "lunch", "ann", 20),
        )
        self.assertEqual(
            {event.queue for event in dispatched(cluster)}, {"queues/open"}
        )
        cluster.resume()
        for job in jobs:
            self.assertEqual(cluster.wait(job).state, pb.JOB_STATE_SUCCEEDED)

    def test_a_pause_lets_the_running_batch_finish(self):
        cluster = self.cluster()
        cluster.set_queue(policy=pb.BATCH_POLICY_OFF)
        cluster.worker(time_scale=1, step_time="20ms")
        job = cluster.submit(5, shared={"steps": 20})
        until(lambda: "RUNNING" in cluster.states(job), "a batch runs")
        cluster.pause()
        until(lambda: cluster.queue().running_run_count == 0, "it has ended")
        self.assertEqual(cluster.states(job), ["SUCCEEDED"] * 4 + ["QUEUED"])

    def test_a_pause_at_the_next_step_hands_back_and_spends_no_attempt(self):
        cluster = self.cluster()
        cluster.worker(time_scale=1)
        job = cluster.submit(2, shared=LONG, attempts_max=1)
        until(lambda: cluster.states(job) == ["RUNNING"] * 2, "it runs")
        cluster.pause(mode=pb.PAUSE_MODE_NEXT_STEP)
        until(lambda: cluster.states(job) == ["QUEUED"] * 2, "it is back",
              timeout=15)
        for run in cluster.get(job, full=True).runs:
            self.assertEqual((run.attempt, run.failure_count), (1, 0))
            self.assertEqual([each.outcome for each in run.attempts],
                             [pb.RUN_STATE_QUEUED])
        cluster.resume()
        until(lambda: cluster.states(job) == ["RUNNING"] * 2, "it runs again")
        cluster.cancel(job)
        cluster.wait(job)

    def test_a_pause_ends_by_itself_when_its_time_has_come(self):
        cluster = self.cluster()
        cluster.worker()
        queue = cluster.pause(resume_time=from_now(1))
        job = cluster.wait(cluster.submit())
        self.assertEqual(job.state, pb.JOB_STATE_SUCCEEDED)
        self.assertGreaterEqual(job.start_time.ToMilliseconds(),
                                queue.resume_time.ToMilliseconds())
        self.assertEqual(cluster.queue().state, pb.QUEUE_STATE_ACTIVE)
        # Also if nobody was there at that time.
        cluster.pause(resume_time=from_now(0.5))
        job = cluster.submit()
        cluster.kill()
        cluster.start()
        self.assertEqual(cluster.wait(job).state, pb.JOB_STATE_SUCCEEDED)

    def test_pausing_one_queue_leaves_the_others_alone(self):
        cluster = self.cluster()
        cluster.create_queue("other")
        cluster.pause("other")
        cluster.worker()
        held = cluster.submit(queue="other")
        self.assertEqual(cluster.wait(cluster.submit()).state,
                         pb.JOB_STATE_SUCCEEDED)
        self.assertEqual(cluster.get(held).state, pb.JOB_STATE_QUEUED)


class LimitTest(fixture.Case):
    def test_what_takes_longer_than_its_queue_allows_is_ended(self):
        cluster = self.cluster(heartbeat_interval="200ms")
        cluster.set_queue(run_duration_max=seconds(1))
        cluster.worker(time_scale=1)
        long = cluster.submit(shared=LONG, attempts_max=1)
        self.assertEqual(cluster.wait(long).state, pb.JOB_STATE_FAILED)
        error = cluster.get(long, full=True).runs[0].error
        self.assertEqual(error.error_class, pb.ERROR_CLASS_ENGINE)
        self.assertIn("run_duration_max", error.message)
        # The worker has not died of it, and is not busy with it any more.
        short = cluster.wait(cluster.submit(shared={"steps": 1}), timeout=15)
        self.assertEqual(short.state, pb.JOB_STATE_SUCCEEDED)
        self.assertTrue(cluster.workers[0].alive())


class DrainTest(fixture.Case):
    def test_a_draining_queue_finishes_what_it_has_and_takes_no_more(self):
        cluster = self.cluster()
        job = cluster.submit(6, request_id="before")
        cluster.queues.DrainQueue(
            pb.DrainQueueRequest(name="queues/default", reason="moving")
        )
        cluster.restart()
        refused = refusal(
            cluster.jobs.SubmitJob,
            pb.SubmitJobRequest(job=cluster.spec()),
        )
        self.assertEqual(refused.reason, "QUEUE_DRAINING")
        # A submit that was stored is still answered.
        again = cluster.jobs.SubmitJob(
            pb.SubmitJobRequest(request_id="before", job=cluster.spec(6))
        )
        self.assertEqual(again.job.name, job.name)
        cluster.worker()
        self.assertEqual(cluster.wait(job).state, pb.JOB_STATE_SUCCEEDED)
        cluster.resume()
        self.assertEqual(cluster.wait(cluster.submit()).state,
                         pb.JOB_STATE_SUCCEEDED)

    def test_a_drained_worker_finishes_and_leaves(self):
        cluster = self.cluster()
        worker = cluster.worker(time_scale=1)
        job = cluster.submit(shared={"steps": 30})
        rest = cluster.submit(run_time=from_now(1.5))
        until(lambda: cluster.states(job) == ["RUNNING"], "it runs")
        (listed,) = cluster.list_workers()
        cluster.admin.DrainWorker(pb.DrainWorkerRequest(name=listed.name))
        self.assertEqual(worker.wait(), 0)
        self.assertEqual(cluster.states(job), ["SUCCEEDED"])
        until(lambda: not cluster.list_workers(), "it is forgotten")
        self.assertEqual(cluster.get(rest).state, pb.JOB_STATE_QUEUED)


class PurgeTest(fixture.Case):
    def test_a_purge_cancels_what_waits_and_only_that(self):
        cluster = self.cluster()
        cluster.create_queue("other")
        cluster.worker(time_scale=1, batch_size_max=1)
        running = cluster.submit(shared={"steps": 60})
        until(lambda: cluster.states(running) == ["RUNNING"], "it runs")
        waiting = cluster.submit(3000)
        later = cluster.submit(2, run_time=from_now(3600))
        other = cluster.submit(2, queue="other", run_time=from_now(3600))
        request = pb.PurgeQueueRequest(
            name="queues/default", validate_only=True
        )
        self.assertEqual(cluster.queues.PurgeQueue(request).run_count, 3002)
        self.assertEqual(cluster.queue().queued_run_count, 3002)
        request.validate_only = False
        self.assertEqual(cluster.queues.PurgeQueue(request).run_count, 3002)
        for job in (waiting, later):
            self.assertEqual(cluster.get(job).state, pb.JOB_STATE_CANCELLED)
        self.assertEqual(cluster.get(other).state, pb.JOB_STATE_QUEUED)
        self.assertEqual(cluster.wait(running).state, pb.JOB_STATE_SUCCEEDED)


class LimitTest(fixture.Case):
    def test_a_full_queue_refuses_a_submit_as_a_whole(self):
        cluster = self.cluster()
        cluster.set_queue(runs_max=10)
        cluster.submit(8)
        before = fixture.invariants.row_counts(cluster.database)
        refused = refusal(
            cluster.jobs.SubmitJob, pb.SubmitJobRequest(job=cluster.spec(3))
        )
        self.assertEqual(refused.reason, "QUEUE_FULL")
        self.assertIsNotNone(refused.details.retry_after)
        self.assertEqual(fixture.invariants.row_counts(cluster.database),
                         before)
        full = cluster.submit(2)
        cluster.cancel(full)
        cluster.submit(2)

    def test_a_queue_with_work_cannot_be_deleted_and_an_empty_one_can(self):
        cluster = self.cluster()
        cluster.create_queue("brief", keep_succeeded=seconds(60))
        job = cluster.submit(queue="brief")
        request = pb.DeleteQueueRequest(name="queues/brief")
        refused = refusal(cluster.queues.DeleteQueue, request)
        self.assertEqual(refused.reason, "QUEUE_NOT_EMPTY")
        cluster.worker()
        cluster.wait(job)
        cluster.queues.DeleteQueue(request)
        self.assertEqual(cluster.get(job).state, pb.JOB_STATE_SUCCEEDED)
        refused = refusal(
            cluster.queues.GetQueue, pb.GetQueueRequest(name="queues/brief")
        )
        self.assertEqual(refused.reason, "QUEUE_NOT_FOUND")


if __name__ == "__main__":
    unittest.main()
