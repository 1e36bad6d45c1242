"""The worker in Python that docs/worker-protocol.md tells of."""

import os
import signal
import sys
import unittest

import fixture
from fixture import until
from wire import pb, read_png

EXAMPLE = os.path.join(fixture.ROOT, "clients", "python", "examples",
                       "worker.py")


class ExampleWorkerTest(fixture.Case):
    def start(self, cluster, kind="swatch"):
        worker = fixture.Process(
            [sys.executable, EXAMPLE, kind],
            os.path.join(cluster.folder, "example.log"),
            env={"SHEAF_SERVER": cluster.address,
                 "PYTHONPATH": os.path.join(fixture.ROOT, "clients",
                                            "python")})
        self.addCleanup(worker.kill)
        until(lambda: "takes" in worker.read_log(), "it has registered")
        return worker

    def test_it_brings_a_picture_for_each_run_of_its_kind(self):
        cluster = self.cluster()
        other = cluster.submit(1)
        job = cluster.submit(
            runs=[{"seed": 1}, {"seed": 2}, {"seed": 1}],
            shared={"prompt": "a barn", "width": 48, "height": 40},
            kind="swatch")
        self.start(cluster)
        self.assertEqual(cluster.wait(job).state, pb.JOB_STATE_SUCCEEDED)
        runs = cluster.runs(job)
        names = [run.outputs[0].artifact for run in runs]
        self.assertEqual(names[0], names[2])
        self.assertNotEqual(names[0], names[1])
        width, height, _ = read_png(cluster.download(names[0]))
        self.assertEqual((width, height), (48, 40))
        self.assertEqual(cluster.states(other), ["QUEUED"])

    def test_a_run_that_it_cannot_do_fails_alone(self):
        cluster = self.cluster()
        cluster.set_queue(batch_size=4)
        good = cluster.submit(runs=[{"seed": 1},
                                    {"seed": 2, "negative_prompt": "blue"}],
                              kind="swatch")
        self.start(cluster)
        cluster.wait(good)
        self.assertEqual(cluster.states(good), ["SUCCEEDED", "FAILED"])
        error = cluster.runs(good)[1].error
        self.assertEqual(error.error_class, pb.ERROR_CLASS_BAD_INPUT)

    def test_ctrl_c_says_goodbye(self):
        cluster = self.cluster()
        worker = self.start(cluster)
        worker.signal(signal.SIGINT)
        self.assertEqual(worker.wait(), 0)
        self.assertEqual(cluster.list_workers(), [])


if __name__ == "__main__":
    unittest.main()
