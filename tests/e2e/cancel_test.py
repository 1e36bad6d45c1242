"""Cancel and retry: what they reach, and what they leave alone."""

import unittest

import fixture
from fixture import until
from wire import from_now, pb, refusal

LONG = {"steps": 1000}  # 20 s of steps, unless someone stops it
# 5 s of steps: a test that looks late on a busy machine still finds it running.
SOME = {"steps": 250}


class CancelTest(fixture.Case):
    def running(self, cluster, runs=3, **fields):
        """A job whose runs all run, in one batch."""
        job = cluster.submit(runs, shared=LONG, **fields)
        until(lambda: set(cluster.states(job)) == {"RUNNING"}, "all run")
        return job

    def test_what_waits_is_cancelled_at_once(self):
        cluster = self.cluster()
        job = cluster.submit(3)
        counts = cluster.cancel(job, reason="changed my mind")
        self.assertEqual(
            (counts.job_count, counts.cancelled_run_count,
             counts.stopping_run_count), (1, 3, 0))
        self.assertEqual(cluster.get(job).state, pb.JOB_STATE_CANCELLED)
        refused = refusal(cluster.jobs.CancelJob,
                          pb.CancelJobRequest(name=job.name))
        self.assertEqual(refused.reason, "JOB_ALREADY_FINISHED")

    def test_what_runs_is_stopped_at_its_next_step(self):
        cluster = self.cluster(heartbeat_interval="10s")
        cluster.worker(time_scale=1)
        job = self.running(cluster)
        counts = cluster.cancel(job)
        self.assertEqual(counts.stopping_run_count, 3)
        # Told through its stream: neither the end of the job nor a heartbeat.
        self.assertEqual(cluster.wait(job, timeout=8).state,
                         pb.JOB_STATE_CANCELLED)

    def test_a_neighbour_in_the_batch_is_not_touched(self):
        cluster = self.cluster()
        cluster.worker(time_scale=1)
        job = cluster.submit(3, shared=SOME)
        until(lambda: set(cluster.states(job)) == {"RUNNING"}, "all run")
        cluster.cancel(f"{job.name}/runs/1")
        cluster.wait(job)
        self.assertEqual(cluster.states(job),
                         ["SUCCEEDED", "CANCELLED", "SUCCEEDED"])
        runs = cluster.runs(job)
        self.assertEqual([run.attempt for run in runs], [1, 1, 1])
        self.assertFalse(runs[1].outputs)

    def test_keep_running_spares_what_runs(self):
        cluster = self.cluster()
        cluster.worker(time_scale=1, batch_size_max=2)
        job = cluster.submit(5, shared=SOME)
        until(lambda: cluster.states(job).count("RUNNING") == 2, "two run")
        counts = cluster.cancel(job, keep_running=True)
        self.assertEqual(
            (counts.cancelled_run_count, counts.stopping_run_count), (3, 0))
        cluster.wait(job)
        self.assertEqual(sorted(cluster.states(job)),
                         ["CANCELLED"] * 3 + ["SUCCEEDED"] * 2)

    def test_a_filter_reaches_all_that_match_and_no_others(self):
        cluster = self.cluster()
        red = [cluster.submit(2, labels={"team": "red"}) for _ in range(30)]
        blue = cluster.submit(2, labels={"team": "blue"})
        query = {"filter": 'labels.team = "red" AND state = QUEUED'}
        counts = cluster.cancel(validate_only=True, **query)
        self.assertEqual(
            (counts.job_count, counts.cancelled_run_count), (30, 60))
        self.assertEqual(cluster.queue().queued_run_count, 62)
        counts = cluster.cancel(**query)
        self.assertEqual(
            (counts.job_count, counts.cancelled_run_count), (30, 60))
        self.assertEqual({cluster.get(job).state for job in red},
                         {pb.JOB_STATE_CANCELLED})
        self.assertEqual(cluster.get(blue).state, pb.JOB_STATE_QUEUED)

    def test_a_cancel_outlives_worker_and_server(self):
        cluster = self.cluster(lease_duration="2s")
        worker = cluster.worker(time_scale=1)
        job = self.running(cluster)
        worker.kill()
        cluster.cancel(job)
        cluster.kill()
        cluster.start()
        self.assertEqual(cluster.wait(job).state, pb.JOB_STATE_CANCELLED)


class RetryTest(fixture.Case):
    def test_only_what_failed_is_tried_again_under_the_same_ids(self):
        cluster = self.cluster()
        cluster.worker(allow_faults=True)
        job = cluster.submit(
            runs=[{"seed": 1}, {"extra": {"sim.fault": "bad-input@attempt=1"}}]
        )
        self.assertEqual(cluster.wait(job).state, pb.JOB_STATE_FAILED)
        self.assertEqual(cluster.states(job), ["SUCCEEDED", "FAILED"])
        self.assertEqual(cluster.runs(job)[1].error.error_class,
                         pb.ERROR_CLASS_BAD_INPUT)
        answer = cluster.retry(job)
        self.assertEqual((answer.job.name, answer.run_count), (job.name, 1))
        self.assertEqual(cluster.wait(job).state, pb.JOB_STATE_SUCCEEDED)
        runs = cluster.get(job, full=True).runs
        self.assertEqual([run.attempt for run in runs], [1, 2])
        self.assertEqual(
            [(each.attempt, each.outcome) for each in runs[1].attempts],
            [(1, pb.RUN_STATE_FAILED), (2, pb.RUN_STATE_SUCCEEDED)])
        refused = refusal(cluster.jobs.RetryJob,
                          pb.RetryJobRequest(name=job.name))
        self.assertEqual(refused.reason, "NOTHING_TO_RETRY")

    def test_a_cancelled_job_can_be_retried(self):
        cluster = self.cluster()
        job = cluster.submit(3, run_time=from_now(3600))
        cluster.cancel(job)
        self.assertEqual(cluster.retry(f"{job.name}/runs/1").run_count, 1)
        cluster.worker()
        cluster.wait(job)
        self.assertEqual(cluster.states(job),
                         ["CANCELLED", "SUCCEEDED", "CANCELLED"])


if __name__ == "__main__":
    unittest.main()
