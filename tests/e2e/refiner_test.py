"""SDXL through the queue: refiners, second prompts and sizes."""

import os
import unittest

from pictures import engine_hashes
from torch_test import GOLDEN, TorchCase
from wire import pb, read_png


class RefinerTest(TorchCase):
    def test_a_refiner_makes_the_last_steps_of_single_rows(self):
        cluster = self.torch_cluster()
        cluster.set_queue(batch_size=8)
        runs = [
            ({"seed": 1, "refiner_start": 0.6}, {"handover": 0.6}),
            ({"seed": 2, "prompt_2": "in oil"}, {"prompt_2": "in oil"}),
            ({"seed": 3, "negative_prompt": "a dog",
              "negative_prompt_2": "dots"},
             {"negative": "a dog", "negative_2": "dots"}),
        ]
        cluster.pause()
        job = self.submit(cluster, [run for run, _ in runs], model="xl",
                          refiner="fine", steps=5)
        plain = self.submit(cluster, [{"seed": 1}], model="xl", steps=5)
        cluster.resume()
        self.torch_worker(cluster)
        for each in (job, plain):
            self.assertEqual(self.ended(cluster, each).state,
                             pb.JOB_STATE_SUCCEEDED)
        together = [len(event.runs) for event in cluster.history()
                    if event.type == pb.EVENT_TYPE_RUNS_STARTED]
        self.assertEqual(sorted(together), [1, 3])
        hashes = self.hashes(cluster, job)
        for (run, options), found in zip(runs, hashes):
            (wanted,) = engine_hashes(
                cluster.folder, "txt2img", os.path.join(GOLDEN, "tiny-sdxl"),
                refiner=os.path.join(GOLDEN, "tiny-refiner"), prompt="a cat",
                steps=5, seed=run["seed"], width=32, height=32, **options,
            )
            self.assertEqual(found, wanted, run)
        self.assertNotIn(self.hashes(cluster, plain)[0], hashes)
        data = cluster.download(cluster.runs(job)[0].outputs[0].artifact)
        self.assertIn("Refiner: fine", read_png(data)[2]["parameters"])

    def test_sdxl_hears_of_sizes(self):
        cluster = self.torch_cluster()
        self.torch_worker(cluster)
        job = self.submit(
            cluster,
            [{}, {"original_width": 64, "original_height": 48},
             {"crop_left": 8}, {"target_width": 64, "target_height": 64}],
            model="xl", steps=2, seed=1)
        self.assertEqual(self.ended(cluster, job).state,
                         pb.JOB_STATE_SUCCEEDED)
        self.assertEqual(len(set(self.hashes(cluster, job))), 4)


if __name__ == "__main__":
    unittest.main()
