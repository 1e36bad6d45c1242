"""Runs that join a batch at hand between two steps, with real pictures."""

import unittest

from fixture import until
from pictures import engine_hashes
from torch_test import SD, TorchCase
from wire import pb

# A step of the tiny model takes milliseconds: that many leave time to join.
LONG = 600


class JoinTest(TorchCase):
    def joining_cluster(self):
        cluster = self.torch_cluster()
        cluster.set_queue(policy=pb.BATCH_POLICY_ECONOMIC, batch_size=4)
        self.torch_worker(cluster)
        return cluster

    def step_of(self, cluster, job):
        return cluster.runs(job)[0].progress.step

    def begin(self, cluster, seed, steps=LONG):
        job = self.submit(cluster, [{"seed": seed}], steps=steps)
        until(lambda: self.step_of(cluster, job) > 1, "it steps", timeout=120)
        return job

    def alone(self, cluster, seed, steps):
        return engine_hashes(
            cluster.folder, "txt2img", SD, prompt="a cat", seed=seed,
            steps=steps,
        )

    def test_a_job_that_comes_later_ends_before_the_one_it_joined(self):
        cluster = self.joining_cluster()
        first = self.begin(cluster, seed=1)
        later = self.submit(
            cluster, [{"seed": 2}, {"seed": 3, "sampler": "Euler a"}], steps=5)
        self.assertEqual(
            self.ended(cluster, later).state, pb.JOB_STATE_SUCCEEDED)
        (run,) = cluster.runs(first)
        self.assertEqual(run.state, pb.RUN_STATE_RUNNING)
        self.assertLess(run.progress.step, LONG)
        self.assertEqual(
            self.ended(cluster, first).state, pb.JOB_STATE_SUCCEEDED)
        self.assertEqual(
            self.hashes(cluster, first), self.alone(cluster, 1, LONG))
        self.assertEqual(
            self.hashes(cluster, later),
            self.alone(cluster, 2, 5)
            + engine_hashes(cluster.folder, "txt2img", SD, prompt="a cat",
                            seed=3, steps=5, sampler="Euler a"))
        workers = {run.worker for job in (first, later)
                   for run in cluster.runs(job)}
        self.assertEqual(len(workers), 1, workers)

    def test_a_cancelled_row_leaves_what_it_joined_alone(self):
        cluster = self.joining_cluster()
        first = self.begin(cluster, seed=1)
        joined = self.begin(cluster, seed=2)
        cluster.cancel(joined)
        self.ended(cluster, joined)
        self.assertEqual(cluster.states(joined), ["CANCELLED"])
        self.assertEqual(cluster.states(first), ["RUNNING"])
        self.ended(cluster, first)
        self.assertEqual(
            self.hashes(cluster, first), self.alone(cluster, 1, LONG))


if __name__ == "__main__":
    unittest.main()
