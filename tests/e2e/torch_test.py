"""Pictures of the diffusion engine, through the queue."""

import os
import random
import signal
import time
import unittest

import fixture
from fixture import until
from pictures import engine_hashes, pixel_hash
from wire import make_png, pb, read_png

GOLDEN = os.path.join(fixture.ROOT, "tests", "golden", "models")
SD = os.path.join(GOLDEN, "tiny-sd")

# One with controls, one to change to.
MODELS = """
[models.sd]
folder = "{golden}/tiny-sd"
default = true
steps = 4
[models.sd.controls]
edge = "{golden}/controlnet-a"
seg = "{golden}/controlnet-b"

[models.sd2]
folder = "{golden}/tiny-sd2"
variant = "fp16"

[models.xl]
folder = "{golden}/tiny-sdxl"
[models.fine]
folder = "{golden}/tiny-refiner"
"""


class TorchCase(fixture.Case):
    def setUp(self):
        if not os.access(fixture.program("sheaf-torch-worker"), os.X_OK):
            self.skipTest("built without LibTorch")

    def torch_cluster(self, **options):
        # Steps are short: what is said of them must come in time.
        cluster = self.cluster(heartbeat_interval="50ms", **options)
        self.models = os.path.join(cluster.folder, "models.toml")
        with open(self.models, "w", encoding="utf-8") as file:
            file.write(MODELS.format(golden=GOLDEN))
        return cluster

    def torch_worker(self, cluster, **options):
        return cluster.worker(
            engine="torch",
            models=self.models,
            env={"OMP_NUM_THREADS": "1"},
            **options,
        )

    def ended(self, cluster, job):
        """The job as it ended; models may have to be loaded for it."""
        return cluster.wait(job, timeout=300)

    def hashes(self, cluster, job):
        """The pixel hash of each run's picture, in order."""
        return [
            pixel_hash(cluster.download(run.outputs[0].artifact))
            for run in cluster.runs(job)
        ]

    def submit(self, cluster, runs, **shared):
        shared = {"prompt": "a cat", "width": 32, "height": 32, **shared}
        return cluster.submit(runs=runs, shared=shared)


class DefaultWorkerTest(TorchCase):
    """A server that was told to run workers, and nothing of an engine."""

    def setUp(self):
        super().setUp()
        self.server = self.cluster(local_workers=1)
        until(self.server.list_workers, "it is there", timeout=60)

    def test_it_makes_real_pictures_with_the_model_that_comes_along(self):
        job = self.server.submit(runs=[{
            "prompt": "a red circle above a green square", "steps": 2}])
        self.assertEqual(self.ended(self.server, job).state,
                         pb.JOB_STATE_SUCCEEDED)
        (worker,) = self.server.list_workers()
        self.assertEqual(list(worker.models), ["shapes"])
        self.assertNotEqual(worker.devices[0].name, "simulated")

    def test_what_it_does_not_know_fails_and_is_named(self):
        for wrong in ({"sampler": "bogus"}, {"vae": "nope"},
                      {"weights": {"pose": 1}}):
            job = self.server.submit(runs=[{"prompt": "a cat", **wrong}])
            self.assertEqual(self.ended(self.server, job).state,
                             pb.JOB_STATE_FAILED, wrong)
            (run,) = self.server.runs(job)
            self.assertEqual(run.error.error_class, pb.ERROR_CLASS_BAD_INPUT)
            self.assertIn(str(next(iter(wrong.values()))).strip("{}'")[:4],
                          run.error.message)


class PictureTest(TorchCase):
    def test_pictures_equal_the_engines_own_whatever_shares_their_batch(self):
        cluster = self.torch_cluster()
        cluster.set_queue(batch_size=8)
        shape = make_png(32, 32, shade=200)
        image = cluster.upload(shape).name
        path = os.path.join(cluster.folder, "shape.png")
        with open(path, "wb") as file:
            file.write(shape)
        edge = f"{GOLDEN}/controlnet-a:{path}"
        seg = f"{GOLDEN}/controlnet-b:{path}"
        runs = [
            ({"seed": 1}, {}),
            ({"seed": 2, "steps": 7}, {}),
            ({"seed": 3, "sampler": "Euler a"}, {}),
            ({"seed": 4, "guidance": 3}, {}),
            ({"seed": 5, "weights": {"edge": 0.5, "seg": 0}},
             {"control": edge + ":0.5"}),
            ({"seed": 6, "weights": {"edge": 0, "seg": 1.5}},
             {"control": seg + ":1.5"}),
            ({"seed": 7, "weights": {"edge": 1, "seg": 0.25}},
             {"control": [edge + ":1", seg + ":0.25"]}),
            ({"seed": 8, "negative_prompt": "a dog", "clip_skip": 1},
             {"negative": "a dog", "clip_skip": 1}),
            # As it was said before it was a field.
            ({"seed": 9, "extra": {"clip_skip": "1"}}, {"clip_skip": 1}),
            ({"seed": 10, "random": "RANDOM_MODE_PHILOX"},
             {"random": "philox"}),
        ]
        controls = [pb.Control(type=each, image=image)
                    for each in ("edge", "seg")]
        plain = {"edge": 0, "seg": 0}
        cluster.pause()
        jobs = [
            self.submit(cluster, [{"weights": plain, **run}],
                        controls=controls, steps=run.get("steps", 4),
                        guidance=run.get("guidance", 7.5))
            for run, _ in runs
        ]
        plan = cluster.batching.AnalyzeQueue(
            pb.AnalyzeQueueRequest(
                queue="queues/default", mode=pb.BATCHING_MODE_MIXED
            ),
            timeout=30,
        ).plan
        cluster.batching.ExecutePlan(
            pb.ExecutePlanRequest(name=plan.name), timeout=30
        )
        self.torch_worker(cluster)
        cluster.resume()
        for job in jobs:
            self.ended(cluster, job)
        batches = [
            len(event.runs)
            for event in cluster.history()
            if event.type == pb.EVENT_TYPE_RUNS_STARTED
        ]
        self.assertEqual(sum(batches), len(runs))
        self.assertGreater(max(batches), 3, batches)
        for job, (run, options) in zip(jobs, runs):
            wanted = engine_hashes(
                cluster.folder, "txt2img", SD, prompt="a cat",
                steps=run.get("steps", 4), seed=run["seed"],
                guidance=run.get("guidance", 7.5),
                sampler=run.get("sampler", "auto"), **options,
            )
            self.assertEqual(self.hashes(cluster, job), wanted, run)

    def test_the_file_says_how_to_make_the_picture_again(self):
        cluster = self.torch_cluster()
        self.torch_worker(cluster)
        job = self.submit(cluster, [{"seed": 9, "sampler": "Euler a"}])
        self.ended(cluster, job)
        (run,) = cluster.runs(job)
        data = cluster.download(run.outputs[0].artifact)
        width, height, texts = read_png(data)
        self.assertEqual((width, height), (32, 32))
        self.assertIn("Sampler: Euler a", texts["parameters"])
        self.assertIn("Seed: 9", texts["parameters"])
        self.assertIn("Model: sd,", texts["parameters"])

    def test_a_picture_to_begin_with_comes_from_the_server(self):
        cluster = self.torch_cluster()
        self.torch_worker(cluster)
        start = make_png(32, 32, shade=90)
        path = os.path.join(cluster.folder, "start.png")
        with open(path, "wb") as file:
            file.write(start)
        job = self.submit(
            cluster, [{"seed": 3}], init_image=cluster.upload(start).name,
            strength=0.5, steps=6,
        )
        self.assertEqual(self.ended(cluster, job).state, pb.JOB_STATE_SUCCEEDED)
        wanted = engine_hashes(
            cluster.folder, "img2img", SD, prompt="a cat", steps=6, seed=3,
            image=path, strength=0.5,
        )
        self.assertEqual(self.hashes(cluster, job), wanted)

    def test_it_may_be_a_photograph_or_from_the_web(self):
        cluster = self.torch_cluster()
        self.torch_worker(cluster)
        for name in ("turned-6.jpg", "lossless.webp"):
            path = os.path.join(fixture.ROOT, "tests", "golden", "images",
                                "strangers", name)
            with open(path, "rb") as file:
                start = file.read()
            job = self.submit(
                cluster, [{"seed": 3}], init_image=cluster.upload(start).name,
                strength=0.5, steps=6, width=32, height=32,
            )
            self.assertEqual(self.ended(cluster, job).state,
                             pb.JOB_STATE_SUCCEEDED)
            wanted = engine_hashes(
                cluster.folder, "img2img", SD, prompt="a cat", steps=6, seed=3,
                image=path, strength=0.5, width=32, height=32,
            )
            self.assertEqual(self.hashes(cluster, job), wanted, name)

    def test_models_change_between_batches(self):
        cluster = self.torch_cluster()
        # No room for two models: each comes and goes.
        self.torch_worker(cluster, model_memory="1MiB")
        jobs = [
            self.submit(cluster, [{"seed": seed}], model=model, steps=3)
            for seed, model in enumerate(["sd", "sd2", "sd", "sd2"])
        ]
        for job in jobs:
            self.assertEqual(
                self.ended(cluster, job).state, pb.JOB_STATE_SUCCEEDED
            )
        first, second = (
            engine_hashes(
                cluster.folder, "txt2img", os.path.join(GOLDEN, folder),
                prompt="a cat", steps=3, seed=seed, width=32, height=32,
                variant=variant,
            )
            for seed, folder, variant in (
                (2, "tiny-sd", ""), (3, "tiny-sd2", "fp16"))
        )
        self.assertEqual(self.hashes(cluster, jobs[2]), first)
        self.assertEqual(self.hashes(cluster, jobs[3]), second)


class TroubleTest(TorchCase):
    def test_a_run_that_cannot_work_fails_alone_and_says_why(self):
        cluster = self.torch_cluster()
        cluster.set_queue(batch_size=8)
        good = make_png(32, 32)
        # A picture whose pixels end in the middle.
        broken = cluster.upload(good[:60] + good[-12:]).name
        whole = cluster.upload(good).name
        control = pb.Control(type="edge", image=broken)
        runs = [
            ({"seed": 1}, ""),
            ({"sampler": "DPM++ 9"}, "did you mean 'DPM++ 2M'?"),
            ({"extra": {"clip_skip": "many"}}, "clip_skip"),
            ({"controls": [pb.Control(type="pose", image=broken)]},
             "no control 'pose'"),
            ({"controls": [pb.Control(type="edge")]},
             "'edge' has a weight but no picture; give it one"),
            ({"controls": [pb.Control(type="edge", preprocess="cany")],
              "init_image": whole}, "did you mean 'canny'?"),
            ({"controls": [pb.Control(type="edge", image=whole,
                                      preprocess="hed")]},
             "needs a network"),
            ({"controls": [control]}, "cannot be read"),
            ({"weights": {"seg": 0.5}}, "--control seg:WEIGHT:FILE"),
            ({"weights": {"seg": 0.5}, "init_image": whole},
             "give the control a ready map"),
            ({"weights": {"depth": 0.5}}, "no control 'depth'"),
            ({"prompt_2": "oil"}, "no second text encoder"),
            ({"original_width": 64, "original_height": 64}, "original size"),
            ({"refiner": "fin"}, "no refiner 'fin' here, did you mean 'fine'?"),
            ({"refiner_start": 0.5}, "needs a refiner"),
            ({"refiner": "fine", "init_image": whole, "mask": whole},
             "neither a mask nor an edit"),
            ({"images": [whole, whole]}, "takes one input picture, not 2"),
            ({"loras": [pb.Lora(name="x")]}, "LoRA"),
            ({"vae": "best"}, "no VAE 'best'"),
            ({"extra": {"clip_skip": "9"}}, "clip_skip"),
            ({"seed": 2}, ""),
        ]
        cluster.pause()
        jobs = [self.submit(cluster, [run], steps=3) for run, _ in runs]
        cluster.resume()
        self.torch_worker(cluster)
        for job, (run, words) in zip(jobs, runs):
            self.ended(cluster, job)
            (ended,) = cluster.runs(job)
            if not words:
                self.assertEqual(ended.state, pb.RUN_STATE_SUCCEEDED, run)
                continue
            self.assertEqual(ended.state, pb.RUN_STATE_FAILED, run)
            self.assertEqual(ended.attempt, 1, run)
            self.assertEqual(
                ended.error.error_class, pb.ERROR_CLASS_BAD_INPUT, run
            )
            self.assertIn(words, ended.error.message)

    def test_memory_that_runs_out_splits_the_batch_and_changes_no_picture(self):
        cluster = self.torch_cluster()
        cluster.set_queue(batch_size=8)
        shared = {"width": 96, "height": 96, "steps": 2}
        seeds = [{"seed": seed} for seed in range(8)]
        free = self.torch_worker(cluster)
        job = self.submit(cluster, seeds, **shared)
        self.ended(cluster, job)
        free.stop()
        tight = self.torch_worker(cluster, tensor_memory="40MiB")
        again = self.submit(cluster, seeds, **shared)
        self.assertEqual(
            self.ended(cluster, again).state, pb.JOB_STATE_SUCCEEDED
        )
        self.assertEqual(
            self.hashes(cluster, again), self.hashes(cluster, job)
        )
        self.assertIn("memory ran out with", tight.read_log())

    def test_killed_workers_runs_come_out_the_same(self):
        cluster = self.torch_cluster()
        shared = {"steps": 60}
        seeds = [{"seed": seed} for seed in range(4)]
        job = self.submit(cluster, seeds, **shared)
        for _ in range(2):
            worker = self.torch_worker(cluster)
            until(
                lambda: any(run.progress.step > 1
                            for run in cluster.runs(job)),
                "it steps",
            )
            worker.signal(signal.SIGKILL)
            worker.wait()
        self.torch_worker(cluster)
        self.assertEqual(self.ended(cluster, job).state, pb.JOB_STATE_SUCCEEDED)
        wanted = engine_hashes(
            cluster.folder, "txt2img", SD, prompt="a cat", count=4, seed=0,
            **shared,
        )
        self.assertEqual(self.hashes(cluster, job), wanted)

    def test_a_cancelled_row_leaves_its_neighbours_alone(self):
        cluster = self.torch_cluster()
        shared = {"steps": 60}
        cluster.pause()
        jobs = [self.submit(cluster, [{"seed": seed}], **shared)
                for seed in range(3)]
        cluster.resume()
        self.torch_worker(cluster)
        until(
            lambda: cluster.runs(jobs[0])[0].progress.step > 1, "it steps"
        )
        cluster.cancel(jobs[1])
        for job, state in zip(jobs, ("SUCCEEDED", "CANCELLED", "SUCCEEDED")):
            self.ended(cluster, job)
            self.assertEqual(cluster.states(job), [state])
        wanted = engine_hashes(
            cluster.folder, "txt2img", SD, prompt="a cat", count=3, seed=0,
            **shared,
        )
        self.assertEqual(self.hashes(cluster, jobs[0]), wanted[:1])
        self.assertEqual(self.hashes(cluster, jobs[2]), wanted[2:])


class ChaosTest(TorchCase):
    JOBS = int(os.environ.get("SHEAF_TORCH_JOBS", "24"))
    SAMPLERS = ["auto", "Euler", "Euler a", "DPM++ 2M Karras", "DDIM",
                "UniPC", "Heun", "LCM"]

    def draw(self, dice, image):
        """A job of one to three runs that differ in all that may differ."""
        shared = {
            "sampler": dice.choice(self.SAMPLERS),
            "steps": dice.randint(1, 8),
            "guidance": dice.choice([1, 3, 7.5]),
            "width": dice.choice([32, 48]),
            "model": dice.choice(["sd", "sd", "sd", "sd2"]),
        }
        if shared["model"] == "sd":
            shared["controls"] = [pb.Control(type=each, image=image)
                                  for each in ("edge", "seg")]
            weights = lambda: {each: dice.choice([0, 0, 0.5, 1.25])
                               for each in ("edge", "seg")}
        else:
            weights = dict
        runs = [{"seed": dice.randrange(1 << 20), "weights": weights()}
                for _ in range(dice.randint(1, 3))]
        return shared, runs

    def test_whatever_dies_every_picture_is_what_it_is_alone(self):
        seed = fixture_seed()
        dice = random.Random(seed)
        quiet, wild = self.torch_cluster(), self.torch_cluster()
        image = make_png(32, 32, shade=180)
        for cluster in (quiet, wild):
            name = cluster.upload(image).name
        drawn = [self.draw(dice, name) for _ in range(self.JOBS)]
        quiet.set_queue(batch_size=1)
        wild.set_queue(batch_size=8)
        self.torch_worker(quiet)
        workers = [self.torch_worker(wild) for _ in range(2)]
        pairs = [
            tuple(self.submit(cluster, runs, **shared)
                  for cluster in (quiet, wild))
            for shared, runs in drawn
        ]
        # A run that sees three workers die is put aside: no more than two do.
        for victim in (0, None, 1):
            time.sleep(dice.uniform(1, 3))
            if victim is None:
                wild.restart()
                continue
            workers[victim].kill()
            workers[victim] = self.torch_worker(wild)
        for alone, together in pairs:
            for cluster, job in ((quiet, alone), (wild, together)):
                self.ended(cluster, job)
        failed = [run.error for _, job in pairs for run in wild.runs(job)
                  if run.state != pb.RUN_STATE_SUCCEEDED]
        self.assertEqual(failed, [], f"SHEAF_SEED={seed}")
        again = sum(run.attempt > 1 for _, job in pairs
                    for run in wild.runs(job))
        print(f"{again} runs were tried more than once")
        for (alone, together), what in zip(pairs, drawn):
            self.assertEqual(
                self.hashes(wild, together), self.hashes(quiet, alone),
                f"SHEAF_SEED={seed}: {what}",
            )


def fixture_seed():
    seed = int(os.environ.get("SHEAF_SEED", random.randrange(1 << 30)))
    print(f"SHEAF_SEED={seed}")
    return seed


if __name__ == "__main__":
    unittest.main()
