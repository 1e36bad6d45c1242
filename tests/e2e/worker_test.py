"""Workers that batch, fail, die, hang and come back."""

import signal
import time
import unittest

import fixture
from fixture import until
from wire import pb, refusal, seconds

LONG = {"steps": 1000}  # 20 s of steps, unless someone stops it


def starts(cluster):
    """Of each batch handed out: the runs' indices."""
    return [
        [int(change.run.rsplit("/", 1)[1]) for change in event.runs]
        for event in cluster.history()
        if event.type == pb.EVENT_TYPE_RUNS_STARTED
    ]


class BatchTest(fixture.Case):
    def test_runs_of_a_job_share_batches_up_to_the_batch_size(self):
        cluster = self.cluster()
        cluster.set_queue(batch_size=4)
        job = cluster.submit(10)
        single = cluster.submit(3, kind="upscale")
        cluster.worker()
        cluster.wait(job)
        cluster.wait(single)
        self.assertEqual(
            starts(cluster),
            [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9], [0], [1], [2]],
        )

    def test_a_workers_own_limit_holds_too(self):
        cluster = self.cluster()
        cluster.set_queue(batch_size=8)
        job = cluster.submit(5)
        cluster.worker(batch_size_max=2)
        cluster.wait(job)
        self.assertEqual([len(batch) for batch in starts(cluster)], [2, 2, 1])

    def test_weights_are_spelled_out_with_zeros(self):
        cluster = self.cluster()
        cluster.submit(
            runs=[{"seed": 1, "weights": {"depth": 0.5}},
                  {"seed": 2, "weights": {"canny": 2}},
                  {"seed": 3}],
            shared={"weights": {"pose": 1}},
        )
        worker = Hand(cluster)
        batch = worker.lease()
        self.assertEqual(
            [dict(each.weights) for each in batch.weights_list],
            [{"depth": 0.5, "canny": 0, "pose": 1},
             {"depth": 0, "canny": 2, "pose": 1},
             {"depth": 0, "canny": 0, "pose": 1}],
        )
        self.assertEqual([run.request.seed for run in batch.runs], [1, 2, 3])
        worker.close()

    def test_a_row_that_fails_fails_alone(self):
        cluster = self.cluster()
        cluster.worker(allow_faults=True)
        job = cluster.submit(
            runs=[{"seed": 1},
                  {"seed": 2, "extra": {"sim.fault": "bad-input"}},
                  {"seed": 3},
                  {"seed": 4, "extra": {"sim.fault": "nan@attempt=1"}}],
        )
        cluster.wait(job)
        runs = cluster.runs(job)
        self.assertEqual(cluster.states(job),
                         ["SUCCEEDED", "FAILED", "SUCCEEDED", "SUCCEEDED"])
        self.assertEqual([run.attempt for run in runs], [1, 1, 1, 2])
        self.assertEqual(len(starts(cluster)[0]), 4)


class Hand:
    """A worker played by the test, one message at a time."""

    def __init__(self, cluster, name="hand", **fields):
        self.cluster = cluster
        self.stream = cluster.work.RegisterWorker(
            pb.RegisterWorkerRequest(display_name=name, **fields)
        )
        hello = next(self.stream)
        self.worker = hello.worker
        self.secret = hello.secret

    def lease(self, wait=10):
        return self.cluster.work.LeaseBatch(
            pb.LeaseBatchRequest(worker=self.worker, wait=seconds(wait)),
            timeout=wait + 30,
        ).batch

    def hold(self, batch):
        """What every report of the lease names and shows."""
        return {"worker": self.worker, "batch": batch.name,
                "epoch": batch.epoch, "secret": batch.secret}

    def success(self, batch):
        """A report that all runs of the batch succeeded, without pictures."""
        request = pb.FinishRunsRequest(**self.hold(batch))
        for run in batch.runs:
            outcome = request.outcomes.add(run=run.run, attempt=run.attempt)
            outcome.success.SetInParent()
        return request

    def close(self):
        self.stream.cancel()


class DeathTest(fixture.Case):
    def running(self, cluster, runs=1, **fields):
        job = cluster.submit(runs, shared=LONG, **fields)
        cluster.until_stepping(job)
        return job

    def test_a_death_is_noticed_by_the_closed_stream(self):
        cluster = self.cluster(lease_duration="10m", worker_grace="100ms")
        worker = cluster.worker(time_scale=1)
        job = self.running(cluster, 2)
        begin = time.monotonic()
        worker.kill()
        until(lambda: "RUNNING" not in cluster.states(job), "it is noticed")
        # The lease would have lasted ten minutes.
        self.assertLess(time.monotonic() - begin, 10)
        for run in cluster.runs(job):
            self.assertEqual(run.error.error_class,
                             pb.ERROR_CLASS_WORKER_DIED)
        cluster.worker()
        self.assertEqual(cluster.wait(job).state, pb.JOB_STATE_SUCCEEDED)
        self.assertEqual([run.attempt for run in cluster.runs(job)], [2, 2])

    def test_a_polite_stop_hands_back_and_spends_no_attempt(self):
        cluster = self.cluster(lease_duration="10m")
        worker = cluster.worker(time_scale=1)
        job = self.running(cluster, 2, attempts_max=1)
        self.assertEqual(worker.stop(), 0)
        self.assertEqual(cluster.states(job), ["QUEUED"] * 2)
        for run in cluster.runs(job):
            self.assertEqual((run.attempt, run.failure_count), (1, 0))
        self.assertEqual(cluster.list_workers(), [])
        cluster.worker(time_scale=0)
        self.assertEqual(cluster.wait(job).state, pb.JOB_STATE_SUCCEEDED)

    def test_a_sleeper_past_its_lease_changes_nothing_when_it_wakes(self):
        cluster = self.cluster(lease_duration="1s")
        sleeper = cluster.worker(time_scale=1, name="sleeper")
        job = cluster.submit(shared={"steps": 100})
        cluster.until_stepping(job)
        sleeper.signal(signal.SIGSTOP)
        until(lambda: cluster.states(job) == ["QUEUED"], "its lease ends")
        cluster.worker(name="other")
        done = cluster.wait(job)
        self.assertEqual(done.state, pb.JOB_STATE_SUCCEEDED)
        (before,) = cluster.get(job, full=True).runs
        self.assertEqual((before.attempt, before.worker), (2, "other"))
        events = cluster.info().last_event_sequence
        sleeper.signal(signal.SIGCONT)
        # It works again: for others, once it has dropped what is not its own.
        cluster.workers[1].kill()
        later = cluster.submit(shared={"steps": 1})
        self.assertEqual(cluster.wait(later).state, pb.JOB_STATE_SUCCEEDED)
        self.assertEqual(cluster.runs(later)[0].worker, "sleeper")
        (after,) = cluster.get(job, full=True).runs
        self.assertEqual(after, before)
        for event in cluster.history(events):
            self.assertNotIn(before.name, [each.run for each in event.runs])

    def test_a_late_report_is_refused_and_a_repeated_one_answered(self):
        cluster = self.cluster(lease_duration="500ms")
        cluster.submit(2)
        late = Hand(cluster, "late")
        old = late.lease()
        new = Hand(cluster, "new")
        first, second = new.lease(), new.lease()  # alone, after a death
        refused = refusal(cluster.work.FinishRuns, late.success(old))
        self.assertEqual(refused.reason, "LEASE_LOST")
        answer = cluster.work.ReportProgress(
            pb.ReportProgressRequest(**late.hold(old))
        )
        self.assertTrue(answer.lease_lost)
        for batch in (first, second, first):
            answer = cluster.work.FinishRuns(new.success(batch))
            self.assertEqual(answer.states, [pb.RUN_STATE_SUCCEEDED])
        late.close()
        new.close()

    def test_a_run_that_kills_three_workers_is_quarantined(self):
        cluster = self.cluster()
        poison = cluster.submit(
            runs=[{"seed": 1}, {"extra": {"sim.fault": "crash@lease"}}],
            attempts_max=50,
        )
        good = cluster.submit(2)
        deaths = 0
        worker = cluster.worker(allow_faults=True)

        def quarantined():
            nonlocal deaths, worker
            if not worker.alive():
                deaths += 1
                worker = cluster.worker(allow_faults=True)
            return cluster.states(poison)[1] == "FAILED"

        until(quarantined, "the poison is out of the way")
        self.assertEqual(cluster.wait(good).state, pb.JOB_STATE_SUCCEEDED)
        cluster.wait(poison)
        innocent, run = cluster.runs(poison)
        self.assertEqual(innocent.state, pb.RUN_STATE_SUCCEEDED)
        self.assertEqual(run.error.error_class, pb.ERROR_CLASS_CRASH_LOOP)
        self.assertEqual((deaths, run.attempt), (3, 3))
        self.assertEqual(cluster.retry(run.name).run_count, 1)
        cluster.cancel(run.name)

    def test_a_run_may_not_ask_for_faults_unless_the_worker_allows_it(self):
        cluster = self.cluster()
        worker = cluster.worker()
        job = cluster.submit(
            runs=[{"seed": 1}, {"extra": {"sim.fault": "crash@lease"}}]
        )
        cluster.wait(job)
        self.assertEqual(cluster.states(job), ["SUCCEEDED", "FAILED"])
        error = cluster.runs(job)[1].error
        self.assertEqual(error.error_class, pb.ERROR_CLASS_BAD_INPUT)
        self.assertIn("--allow-faults", error.message)
        self.assertTrue(worker.alive())

    def test_a_run_whose_step_never_ends_fails_and_takes_nobody_along(self):
        cluster = self.cluster(
            local_workers=1,
            worker_arg=["--engine=simulated",
                        "--time-scale=0", "--image-size=8", "--allow-faults",
                        "--stall-timeout=500ms"],
        )
        job = cluster.submit(
            runs=[{"seed": 1}, {"extra": {"sim.fault": "hang@step=2"}},
                  {"seed": 3}],
        )
        cluster.wait(job)
        self.assertEqual(cluster.states(job),
                         ["SUCCEEDED", "FAILED", "SUCCEEDED"])
        run = cluster.get(job, full=True).runs[1]
        self.assertEqual(run.error.error_class, pb.ERROR_CLASS_ENGINE)
        self.assertIn("stalled", run.error.message)
        # Together with the others, then alone until ENGINE is tried no more.
        self.assertEqual(
            [each.error.error_class for each in run.attempts],
            [pb.ERROR_CLASS_WORKER_DIED, pb.ERROR_CLASS_ENGINE],
        )

    def test_work_goes_on_through_a_restart_of_the_server(self):
        cluster = self.cluster()
        cluster.worker(time_scale=1)
        job = cluster.submit(2, shared={"steps": 100})
        cluster.until_stepping(job)
        cluster.restart()
        self.assertEqual(cluster.wait(job).state, pb.JOB_STATE_SUCCEEDED)
        # The worker came back under its name and kept its lease.
        self.assertEqual([run.attempt for run in cluster.runs(job)], [1, 1])

    def test_a_local_worker_is_started_again_when_it_dies(self):
        cluster = self.cluster(
            local_workers=2,
            worker_arg=["--engine=simulated",
                        "--time-scale=0", "--image-size=8", "--allow-faults"],
        )
        until(lambda: len(cluster.list_workers()) == 2, "both are there")
        job = cluster.submit(
            runs=[{"extra": {"sim.fault": "crash@lease,attempt=1"}}]
        )
        self.assertEqual(cluster.wait(job).state, pb.JOB_STATE_SUCCEEDED)
        until(lambda: len(cluster.list_workers()) == 2, "both are there again")


class IdleTest(fixture.Case):
    def test_waiting_for_work_costs_nothing(self):
        cluster = self.cluster(heartbeat_interval="5s")
        worker = cluster.worker()
        cluster.wait(cluster.submit())
        until(lambda: len(cluster.list_workers()) == 1, "it is there")
        time.sleep(1.5)  # What came after the work, checkpoint included.
        before = cluster.server.cpu_seconds(), worker.cpu_seconds()
        events = cluster.info().last_event_sequence
        time.sleep(5)
        server = cluster.server.cpu_seconds() - before[0]
        work = worker.cpu_seconds() - before[1]
        self.assertEqual(cluster.info().last_event_sequence, events)
        self.assertLess(server, 0.15, "CPU seconds of the server in 5 s")
        self.assertLess(work, 0.15, "CPU seconds of the worker in 5 s")
        print(f"idle for 5 s: sheafd {server:.2f} s, worker {work:.2f} s")


if __name__ == "__main__":
    unittest.main()
