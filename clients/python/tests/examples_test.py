"""The examples, as a user runs them, against a real server (real.py)."""

import os
import subprocess
import sys
import tempfile
import unittest

import sheaf

import real

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SECONDS = 120


class ExamplesTest(unittest.TestCase):
    def serve(self, workers):
        self.address = real.start(self.addCleanup, workers)
        self.client = sheaf.Client(self.address)
        self.addCleanup(self.client.close)

    def start(self, example, *words):
        path = os.path.join(PACKAGE, "examples", example)
        return subprocess.Popen(
            [sys.executable, path, *words],
            env={
                **os.environ,
                "SHEAF_SERVER": self.address,
                "PYTHONPATH": PACKAGE,
            },
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def finish(self, process):
        """What it printed, once it has ended well."""
        printed, _ = process.communicate(timeout=SECONDS)
        self.assertEqual(process.returncode, 0, printed)
        return printed

    def test_submit_and_wait_fetches_four_pictures(self):
        self.serve(workers=1)
        with tempfile.TemporaryDirectory() as folder:
            example = self.start("submit_and_wait.py", "a fox", folder)
            paths = self.finish(example).split()
            self.assertEqual(len(paths), 4)
            self.assertEqual(
                sorted(os.path.basename(path) for path in paths),
                sorted(os.listdir(folder)),
            )

    def test_smart_batching_executes_a_plan_that_is_worth_it(self):
        self.serve(workers=1)
        printed = self.finish(self.start("smart_batching.py", "mixed", "1.01"))
        self.assertIn("5 jobs → 2 batches", printed)
        self.assertIn("{'depth': 0.3, 'pose': 0.6}", printed)
        real.measured(self.client, "default", 2)
        state = self.client.queue().state
        self.assertEqual(state, sheaf.QueueState.QUEUE_STATE_ACTIVE)

    def test_smart_batching_leaves_what_is_not_worth_it(self):
        self.serve(workers=1)
        printed = self.finish(self.start("smart_batching.py", "strict", "99"))
        self.assertIn("left as it is", printed)
        self.assertFalse(self.client.plan().HasField("execute_time"))

    def test_the_scheduler_plans_ten_waiting_jobs(self):
        self.serve(workers=0)
        described = {"shared": {"prompt": "a fox", "steps": 20}}
        jobs = self.client.submit_many([described] * 4)
        scheduler = self.start("scheduler.py", "default", "1")
        self.addCleanup(scheduler.kill)
        self.assertEqual(
            scheduler.stdout.readline(), "4 jobs wait in default\n"
        )
        for _ in range(6):
            self.assertEqual(self.client.queue().plan, "")
            jobs.append(self.client.submit(described))
        self.assertIn("10 jobs", self.finish(scheduler))
        plan = self.client.plan(self.client.queue().plan)
        self.assertEqual((plan.run_count, plan.live), (10, True))
        real.start_worker(self.addCleanup, self.address)
        for job in jobs:
            self.client.wait(job, timeout=SECONDS)
        real.measured(self.client, "default", plan.batch_count)


if __name__ == "__main__":
    unittest.main()
