"""Batches without a plan: policies, calibration, memory, with real processes."""

import json
import time
import unittest

from batching_calls import Case, weights
from fixture import until
from wire import CALL_TIMEOUT, pb, seconds
from worker_test import Hand

# The simulated device: 20 ms for a step of one run, 5 ms for each further run,
# and two rows of the UNet for a run with guidance.
SIMULATED = {
    "simulated": {
        "step": {"h": 0, "a": 15, "b": 2.5},
        "control": {"h": 0, "a": 0, "b": 0},
        "encode": {"a": 0, "b": 0},
        "decode": {"a": 0, "b": 0},
        "swap": 0,
    }
}


class PolicyTest(Case):
    def leased_together(self, hand):
        return sorted(run.run for run in hand.lease().runs)

    def test_adaptive_takes_runs_of_several_jobs(self):
        cluster = self.paused()
        cluster.set_queue(policy=pb.BATCH_POLICY_ADAPTIVE)
        jobs = [
            cluster.submit([weights(**{name: 0.5})])
            for name in ("edge", "depth")
        ]
        hand = Hand(cluster)
        cluster.resume()
        self.assertEqual(
            self.leased_together(hand),
            [f"{job.name}/runs/0" for job in jobs])
        hand.close()

    def test_adaptive_waits_for_company_but_not_for_ever(self):
        cluster = self.cluster()
        cluster.set_queue(
            policy=pb.BATCH_POLICY_ADAPTIVE, wait_max=seconds(1))
        hand = Hand(cluster)
        start = time.monotonic()
        job = cluster.submit(1)
        self.assertEqual(self.leased_together(hand), [f"{job.name}/runs/0"])
        self.assertGreater(time.monotonic() - start, 0.9)
        cluster.set_queue(wait_max=seconds(600))
        jobs = [cluster.submit(1) for _ in range(4)]
        self.assertEqual(
            self.leased_together(hand), [f"{job.name}/runs/0" for job in jobs])
        hand.close()

    def test_economic_does_not_wait_where_nothing_comes(self):
        cluster = self.cluster()
        cluster.set_queue(
            policy=pb.BATCH_POLICY_ECONOMIC, wait_max=seconds(600))
        hand = Hand(cluster)
        job = cluster.submit(1, shared={"guidance": 5})
        self.assertEqual(self.leased_together(hand), [f"{job.name}/runs/0"])
        hand.close()

    def test_a_setting_beyond_its_bounds_is_refused(self):
        cluster = self.cluster()
        for name, value in (("threshold", -1), ("batch_min", 2000),
                            ("gain_min_percent", 100000)):
            self.assertEqual(
                self.refused(cluster.set_queue, **{name: value}).reason,
                "INVALID_FIELD")

    def calibrated(self):
        """A cluster that has seen enough batches to trust its figures."""
        cluster = self.cluster(start=False)
        profiles = f"{cluster.folder}/profiles.json"
        with open(profiles, "w", encoding="utf-8") as file:
            json.dump(SIMULATED, file)
        cluster.options["device_profile"] = profiles
        cluster.start()
        cluster.worker(time_scale=1)
        for _ in range(12):
            cluster.submit(4, shared={"steps": 5})
        until(lambda: self.profile(cluster).calibrations, "it measures")
        until(lambda: self.profile(cluster).calibrations[0].calibrated,
              "it is calibrated")
        until(lambda: not cluster.queue().queued_run_count, "all have run")
        return cluster

    def profile(self, cluster):
        return cluster.batching.GetBatchProfile(
            pb.GetBatchProfileRequest(), timeout=CALL_TIMEOUT)

    def test_predictions_are_measured_kept_and_reported(self):
        cluster = self.calibrated()
        profile = self.profile(cluster)
        self.assertEqual(profile.name, "simulated")
        (known,) = profile.calibrations
        self.assertTrue(known.device.startswith("simulated: "), known.device)
        self.assertEqual(known.width, 8)
        # The pictures' way to the server is not in the profile.
        self.assertGreater(known.correction, 0.9)
        self.assertLess(known.low, known.high)
        cluster.pause()
        jobs = [cluster.submit(1, shared={"steps": 5}) for _ in range(12)]
        plan = self.analyze(cluster).plan
        self.assertEqual(plan.heuristic_speedup, 4)
        self.assertTrue(plan.predicted.HasField("low"))
        self.assertNotIn("uncalibrated", plan.text)
        self.execute(cluster, plan.name)
        cluster.resume()
        for job in jobs:
            cluster.wait(job)

        def report():
            return cluster.batching.GetPlan(
                pb.GetPlanRequest(name=plan.name), timeout=CALL_TIMEOUT)

        until(lambda: report().measured_batch_count == 3, "it is measured")
        actual = report().measured_actual.ToTimedelta().total_seconds()
        predicted = report().measured_predicted.ToTimedelta().total_seconds()
        self.assertAlmostEqual(predicted, 3 * 5 * 0.035, places=3)
        self.assertGreater(actual, predicted * 0.95)
        cluster.stop()
        cluster.start()
        self.assertEqual(self.profile(cluster).calibrations[0].batch_count, 15)

    def test_what_fits_the_device_is_learned_from_running_out(self):
        cluster = self.cluster()
        cluster.set_queue(batch_size=16)
        # Six rows fit, five within the share that may be used.
        cluster.worker(memory_bytes=6400, row_bytes=1000)
        sizes = []
        for _ in range(12):
            job = cluster.submit(16)
            self.assertEqual(cluster.wait(job).state, pb.JOB_STATE_SUCCEEDED)
            batches = [run.batch for run in cluster.runs(job)]
            sizes.append(max(batches.count(batch) for batch in batches))
        self.assertEqual(sizes[-1], 5)
        (known,) = self.profile(cluster).calibrations
        self.assertEqual(known.batch_size_max, 5)
        self.assertTrue(known.recommendation.startswith("batch size 5 fits"))
        cluster.pause()
        cluster.submit(16)
        plan = self.analyze(cluster).plan
        self.assertLessEqual(
            max(len(b.runs) for b in self.batches(cluster, plan)), 5)

    def test_auto_plans_and_executes_by_itself(self):
        cluster = self.calibrated()
        cluster.set_queue(policy=pb.BATCH_POLICY_AUTO, threshold=8)
        jobs = [cluster.submit(1, shared={"steps": 50}) for _ in range(12)]
        until(lambda: cluster.queue().plan, "it goes by a plan")
        for job in jobs:
            cluster.cancel(job)
        (event,) = [
            event for event in cluster.history()
            if event.type == pb.EVENT_TYPE_PLAN_EXECUTED
        ]
        self.assertEqual(event.actor, "policy auto")


if __name__ == "__main__":
    unittest.main()
