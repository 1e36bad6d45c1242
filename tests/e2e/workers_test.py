"""What the server makes of what workers tell: their devices, their models."""

import json
import subprocess
import unittest

import batching_calls
import fixture
from fixture import until
from torch_test import TorchCase
from wire import CALL_TIMEOUT, pb
from worker_test import Hand


class DeviceTest(fixture.Case):
    def largest(self, cluster):
        """The size of the largest batch of a job of 16 runs."""
        job = cluster.submit(16)
        self.assertEqual(cluster.wait(job).state, pb.JOB_STATE_SUCCEEDED)
        batches = [run.batch for run in cluster.runs(job)]
        return max(batches.count(batch) for batch in batches)

    def test_what_fits_a_device_is_no_other_devices(self):
        cluster = self.cluster()
        cluster.set_queue(batch_size=16)
        small = cluster.worker(memory_bytes=3000, row_bytes=1000)
        for _ in range(6):
            self.largest(cluster)
        self.assertEqual(self.largest(cluster), 2)
        small.stop()
        large = cluster.worker(memory_bytes=100000, row_bytes=1000)
        self.assertEqual(self.largest(cluster), 16, "at once")
        large.stop()
        cluster.worker(memory_bytes=3000, row_bytes=1000)
        self.assertEqual(self.largest(cluster), 2)


def described(name, batching=pb.BATCH_CAPABILITY_FULL, **defaults):
    """What a worker tells of itself that has one model, its default."""
    return {
        "models": [name],
        "devices": [pb.Device(name="gpu")],
        "catalog": pb.Catalog(models=[pb.CatalogModel(
            name=name, is_default=True, batching=batching,
            defaults=pb.RunRequest(**defaults))]),
    }


class ModelsTest(batching_calls.Case):
    def explain(self, cluster, a, b):
        return cluster.batching.ExplainRun(
            pb.ExplainRunRequest(run=f"{a.name}/runs/0", other=f"{b.name}/runs/0"),
            timeout=CALL_TIMEOUT)

    def hand(self, cluster, **fields):
        hand = Hand(cluster, **fields)
        self.addCleanup(hand.close)
        return hand

    def test_a_plan_leaves_out_what_no_worker_can_do(self):
        cluster = self.paused()
        jobs = [cluster.submit(2, shared={"model": model})
                for model in ("shapes", "shape")]
        plan = self.analyze(cluster).plan
        self.assertEqual(plan.run_count, 4)
        self.assertIn("no worker is here", plan.text)
        cluster.worker(aliases="shapes")
        until(cluster.list_workers, "the worker is here")
        plan = self.analyze(cluster).plan
        self.assertEqual(plan.run_count, 2)
        self.assertEqual(dict(plan.unplanned), {"no_worker": 2})
        self.assertIn("model 'shape' (2 runs)", "".join(plan.warnings))
        self.execute(cluster, plan.name)
        cluster.resume()
        cluster.wait(jobs[0])
        self.assertEqual(cluster.states(jobs[1]), ["QUEUED", "QUEUED"])

    def test_runs_that_spell_out_defaults_go_with_those_that_do_not(self):
        cluster = self.paused()
        cluster.set_queue(policy=pb.BATCH_POLICY_ADAPTIVE)
        plain = cluster.submit(
            1, shared={"width": None, "height": None, "steps": None})
        spelled = cluster.submit(1, shared={
            "model": "shapes", "width": 64, "height": 64, "steps": 20})
        self.assertFalse(self.explain(cluster, plain, spelled).mixed)
        hand = self.hand(cluster, **described(
            "shapes", width=64, height=64, steps=20))
        explained = self.explain(cluster, plain, spelled)
        self.assertTrue(explained.strict, explained.text)
        cluster.resume()
        self.assertEqual(
            [run.run for run in hand.lease().runs],
            [f"{plain.name}/runs/0", f"{spelled.name}/runs/0"])

    def test_a_model_gets_batches_that_it_can_do(self):
        cluster = self.cluster()
        hand = self.hand(cluster, **described(
            "shapes", batching=pb.BATCH_CAPABILITY_EQUAL_CONTROLS))
        cluster.submit(runs=[{"weights": {"edge": weight}}
                             for weight in (1, 1, 2)])
        self.assertEqual(len(hand.lease().runs), 2)
        self.assertEqual(len(hand.lease().runs), 1)
        # Its self-test fails: from now on it gets one run at a time.
        line, hinge = {"a": 1, "b": 1}, {"h": 1, "a": 0, "b": 1}
        profile = {"step": hinge, "control": hinge, "encode": line,
                   "decode": line, "swap": 1, "alone": True}
        cluster.work.ReportProfile(
            pb.ReportProfileRequest(worker=hand.worker, device="gpu",
                                    json=json.dumps({"p": profile})),
            timeout=CALL_TIMEOUT)
        cluster.submit(3)
        self.assertEqual(len(hand.lease().runs), 1)
        cluster.pause()
        plan = self.analyze(cluster).plan
        # A planner may say that there is nothing to plan.
        sizes = [len(batch.runs) for batch in self.batches(cluster, plan)
                 ] if plan.name else []
        self.assertEqual(set(sizes) - {1}, set())

    def test_what_workers_offer_is_listed(self):
        cluster = self.cluster()
        self.hand(cluster, **described("shapes", width=64, steps=20))
        cluster.worker(aliases="another")
        until(lambda: len(cluster.list_workers()) == 2, "both are here")
        listed = json.loads(subprocess.run(
            [fixture.program("sheaf"), "--server", cluster.address, "models",
             "-o", "json"],
            capture_output=True, text=True, timeout=60, check=True).stdout)
        self.assertEqual(
            [(each["model"]["name"], each["model"]["defaults"]["steps"])
             for each in listed["models"]],
            [("another", 20), ("shapes", 20)])


class TorchModelsTest(TorchCase):
    def test_a_models_folder_tells_what_it_can_do(self):
        cluster = self.torch_cluster()
        self.torch_worker(cluster)
        until(cluster.list_workers, "the worker is here")
        catalog = cluster.admin.GetCatalog(
            pb.GetCatalogRequest(), timeout=CALL_TIMEOUT)
        models = {each.model.name: each.model for each in catalog.models}
        sd, sd2 = models["sd"], models["sd2"]
        self.assertEqual((sd.is_default, sd2.is_default), (True, False))
        self.assertEqual((sd.defaults.width, sd.defaults.steps), (32, 4))
        self.assertEqual(list(sd.controls), ["edge", "seg"])
        self.assertIn("text", sd.tasks)
        self.assertIn("Euler a", catalog.samplers)
        self.assertIn("canny", catalog.preprocessors)


if __name__ == "__main__":
    unittest.main()
