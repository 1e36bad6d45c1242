"""Runs that give way to what outranks them, and go on from where they were."""

import unittest

from fixture import until
from pictures import engine_hashes
from torch_test import SD, TorchCase
from wire import pb

# A step of the tiny model takes milliseconds: so many leave time to give way.
LONG = 600
SHORT = 100


class PreemptTest(TorchCase):
    def job(self, cluster, seeds, steps, priority):
        return cluster.submit(
            runs=[{"seed": seed} for seed in seeds], priority=priority,
            shared={"prompt": "a cat", "width": 32, "height": 32,
                    "steps": steps})

    def begin(self, cluster, steps):
        """One worker, at work on a job of low priority."""
        self.torch_worker(cluster)
        job = self.job(cluster, [1, 2], steps, pb.PRIORITY_LOW)
        until(lambda: cluster.runs(job)[0].progress.step > 20, "it steps",
              timeout=120)
        return job

    def urgent(self, cluster):
        return self.job(cluster, [3], 4, pb.PRIORITY_URGENT)

    def test_an_urgent_job_takes_the_place_of_one_that_goes_on_later(self):
        cluster = self.torch_cluster()
        # Otherwise the urgent run would join the steps of the others.
        cluster.set_queue(preempt_from=pb.PRIORITY_URGENT,
                          policy=pb.BATCH_POLICY_OFF)
        low = self.begin(cluster, LONG)
        urgent = self.urgent(cluster)
        self.assertEqual(
            self.ended(cluster, urgent).state, pb.JOB_STATE_SUCCEEDED)
        for run in cluster.runs(low):
            self.assertNotEqual(run.state, pb.RUN_STATE_SUCCEEDED)
        self.assertEqual(self.ended(cluster, low).state, pb.JOB_STATE_SUCCEEDED)
        # Nothing was lost: no attempt, no step, no bit.
        self.assertEqual([run.failure_count for run in cluster.runs(low)], [0, 0])
        self.assertIn("goes on from step", "\n".join(cluster.logs()))
        self.assertEqual(
            self.hashes(cluster, low)[:1],
            engine_hashes(cluster.folder, "txt2img", SD, prompt="a cat",
                          seed=1, steps=LONG))

    def test_no_job_gives_way_where_the_queue_does_not_say_so(self):
        cluster = self.torch_cluster()
        cluster.set_queue(policy=pb.BATCH_POLICY_OFF)
        low = self.begin(cluster, SHORT)
        urgent = self.urgent(cluster)
        self.ended(cluster, urgent)
        for run in cluster.runs(low):
            self.assertEqual(run.state, pb.RUN_STATE_SUCCEEDED)


if __name__ == "__main__":
    unittest.main()
