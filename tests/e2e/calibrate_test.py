"""Models that are measured, and what their figures are worth."""

import re
import subprocess
import unittest

import batching_calls
import fixture
from fixture import until
from torch_test import TorchCase
from wire import CALL_TIMEOUT, pb, refusal
from worker_test import Hand

RUNS = 8
STEPS = 30
SIDE = 32  # The model's own.


class CalibrateTest(TorchCase, batching_calls.Case):
    def calibrate(self, cluster, name="workers/1"):
        return cluster.admin.CalibrateWorker(
            pb.CalibrateWorkerRequest(name=name), timeout=CALL_TIMEOUT)

    def measured(self, cluster):
        """What was measured: (model, width) -> WorkMemory."""
        return {
            (memory.model, memory.width): memory
            for worker in cluster.list_workers()
            for memory in worker.memory
            if memory.measured
        }

    def sheaf(self, cluster, *args):
        return subprocess.run(
            [fixture.program("sheaf"), "--server", cluster.address, *args],
            capture_output=True, text=True, timeout=60, check=True,
        ).stdout

    def plan_times(self, cluster):
        """Predicted and actual seconds of a plan, once it has run."""
        cluster.pause()
        jobs = [
            cluster.submit(
                runs=[{"seed": seed} for seed in range(RUNS // 4)],
                shared={"prompt": "a cat", "model": "sd", "steps": STEPS,
                        "width": SIDE, "height": SIDE})
            for _ in range(4)
        ]
        plan = self.analyze(cluster).plan
        self.assertIn("measured", plan.text)
        self.assertNotIn("uncalibrated", plan.text)
        self.execute(cluster, plan.name)
        cluster.resume()
        for job in jobs:
            self.ended(cluster, job)

        def report():
            found = cluster.batching.GetPlan(
                pb.GetPlanRequest(name=plan.name), timeout=CALL_TIMEOUT)
            done = found.measured_batch_count == plan.batch_count
            return found if done else None

        found = until(report, "the plan is measured")
        return (
            found.measured_predicted.ToTimedelta().total_seconds(),
            found.measured_actual.ToTimedelta().total_seconds(),
        )

    def test_after_calibration_plans_are_priced_by_what_was_measured(self):
        cluster = self.torch_cluster()
        cluster.set_queue(batch_size=4)
        self.torch_worker(cluster, calibrate="off")
        until(cluster.list_workers, "the worker is here")
        self.assertEqual(self.measured(cluster), {})
        self.assertEqual(self.calibrate(cluster).name, "workers/1")
        # The default model and the model's own size have one name.
        until(lambda: {m for m, _ in self.measured(cluster)}
              == {"sd", "sd2", "xl", "fine"}, "all is measured", timeout=300)
        self.assertIn(("sd", SIDE), self.measured(cluster))
        # The worker is the one that it was.
        self.assertEqual(cluster.list_workers()[0].name, "workers/1")
        # Loads the model for one run, so that no plan pays for that.
        self.ended(cluster, cluster.submit(
            shared={"prompt": "a dog", "model": "sd", "steps": 2,
                    "width": SIDE, "height": SIDE}))
        # How near they come to each other is bench/predicted_vs_actual.py's to
        # say, on a machine that does nothing else.
        predicted, actual = self.plan_times(cluster)
        print(f"actual / predicted: {actual / predicted:.2f}")
        self.assertGreater(predicted, 0)
        self.assertGreater(actual, 0)

        memory = self.measured(cluster)["sd", SIDE]
        self.assertGreater(memory.peak_bytes, 0)
        self.assertGreater(memory.budget_bytes, memory.peak_bytes)
        self.assertGreater(memory.run_count_max, 0)
        self.assertIn("fits", memory.recommendation)
        wide = self.sheaf(cluster, "worker", "list", "-o", "wide")
        self.assertRegex(wide, r"PEAK +WITH +BUDGET")
        self.assertRegex(wide, re.escape(memory.recommendation))
        self.assertNotIn("BUDGET", self.sheaf(cluster, "worker", "list"))
        self.assertIn(memory.recommendation, self.sheaf(cluster, "stats"))

        # Measured figures outlive the server.
        before = set(self.measured(cluster))
        cluster.stop()
        cluster.start()
        until(cluster.list_workers, "the worker is back")
        self.assertEqual(set(self.measured(cluster)), before)

    def test_an_idle_worker_measures_what_it_has_just_used(self):
        cluster = self.torch_cluster()
        self.torch_worker(cluster)
        self.ended(cluster, self.submit(cluster, [{"seed": 1}], model="sd"))
        until(lambda: ("sd", 32) in self.measured(cluster),
              "it is measured", timeout=300)
        self.assertNotIn("sd2", {m for m, _ in self.measured(cluster)})


class RefusalTest(batching_calls.Case):
    def test_a_simulated_worker_has_nothing_to_measure(self):
        cluster = self.cluster()
        cluster.worker()
        until(cluster.list_workers, "the worker is here")
        call = cluster.admin.CalibrateWorker
        refused = refusal(call, pb.CalibrateWorkerRequest(name="workers/1"))
        self.assertIn("no model to measure", str(refused))
        refused = refusal(call, pb.CalibrateWorkerRequest(name="workers/7"))
        self.assertEqual(refused.reason, "WORKER_NOT_FOUND")

    def test_only_sound_profiles_of_own_devices_are_taken(self):
        cluster = self.cluster()
        hand = Hand(cluster, devices=[pb.Device(name="simulated")])
        self.addCleanup(hand.close)

        def report(json, **fields):
            request = {"worker": hand.worker, "device": "simulated",
                       "model": "m", "width": 8, "height": 8, **fields}
            return cluster.work.ReportProfile(
                pb.ReportProfileRequest(json=json, **request),
                timeout=CALL_TIMEOUT)

        line = '{"a": 1, "b": 1}'
        hinge = '{"h": %s, "a": 1, "b": 1}'
        profile = ('{"p": {"step": %s, "control": %s, "encode": %s, '
                   '"decode": %s, "swap": 5}}')
        sound = profile % (hinge % 9, hinge % 3, line, line)
        report(sound)
        (known,) = cluster.list_workers()[0].memory
        self.assertTrue(known.measured)
        self.assertEqual(known.profile, "simulated, m, 8x8")

        def refused(json, **fields):
            return str(refusal(lambda timeout: report(json, **fields)))

        self.assertIn("device", refused(sound, device="cuda:0"))
        self.assertIn("step", refused(
            profile % ('{"h": 0, "a": -5, "b": 1}', hinge % 3, line, line)))
        self.assertIn("json", refused("{"))
        self.assertIn("one profile", refused(
            sound[:-1] + ", " + sound[1:].replace('"p"', '"q"')))


if __name__ == "__main__":
    unittest.main()
