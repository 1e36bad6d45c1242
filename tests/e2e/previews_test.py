"""What pictures look like while they are made."""

import os
import subprocess
import threading
import time
import unittest

import grpc

import fixture
from fixture import until
from pictures import pixels
from torch_test import GOLDEN, TorchCase
from wire import pb, reason_of, refusal


NOT_FOUND = 3  # The exit code of `sheaf`.


def preview_of(cluster, run, timeout=30):
    return cluster.jobs.GetPreview(
        pb.GetPreviewRequest(run=run), timeout=timeout
    )


def collect(cluster, run):
    """Each preview of a run, by its step, in the order they came."""
    seen = {}
    while True:
        state = cluster.run(run).state
        try:
            preview = preview_of(cluster, run)
            seen.setdefault(preview.step, preview)
        except grpc.RpcError as error:
            if reason_of(error) != "PREVIEW_NOT_FOUND":
                raise
        if state not in (pb.RUN_STATE_QUEUED, pb.RUN_STATE_RUNNING):
            return seen
        time.sleep(0.02)


def small(png, side=8):
    """Means over side x side equal areas of each channel."""
    width, height, rgb = pixels(png)
    wide, high = width // side, height // side
    means = []
    for y in range(side):
        for x in range(side):
            for channel in range(3):
                means.append(sum(
                    rgb[3 * (row * width + column) + channel]
                    for row in range(y * high, (y + 1) * high)
                    for column in range(x * wide, (x + 1) * wide)
                ) / (wide * high))
    return means


def correlation(one, two):
    mean_one, mean_two = sum(one) / len(one), sum(two) / len(two)
    pairs = [(a - mean_one, b - mean_two) for a, b in zip(one, two)]
    both = sum(a * b for a, b in pairs)
    return both / (
        sum(a * a for a, _ in pairs) * sum(b * b for _, b in pairs)
    ) ** 0.5


class SimulatedPreviewTest(fixture.Case):
    def test_previews_come_while_a_run_is_made_and_go_with_its_end(self):
        cluster = self.cluster(heartbeat_interval="50ms", preview_steps=3)
        cluster.worker(step_time="20ms", time_scale=1)
        job = cluster.submit(1, shared={"steps": 300})
        run = job.name + "/runs/0"
        seen = collect(cluster, run)
        steps = list(seen)
        self.assertGreater(len(steps), 3)
        self.assertEqual(steps, sorted(steps))
        self.assertTrue(all(step % 3 == 0 for step in steps), steps)
        self.assertLess(max(steps), 300)
        times = [one.update_time.ToNanoseconds() for one in seen.values()]
        self.assertEqual(times, sorted(times))
        for preview in seen.values():
            self.assertEqual(pixels(preview.image)[:2], (8, 8))
        refused = refusal(preview_of, cluster, run)
        self.assertIn("PREVIEW_NOT_FOUND", str(refused))
        self.assertIn("has ended", str(refused))

    def test_progress_names_the_step_of_the_preview(self):
        cluster = self.cluster(heartbeat_interval="50ms", preview_steps=4)
        cluster.worker(step_time="20ms", time_scale=1)
        job = cluster.submit(1, shared={"steps": 400})
        run = job.name + "/runs/0"
        until(lambda: cluster.run(run).progress.preview_step > 0,
              "a preview")
        progress = cluster.run(run).progress
        self.assertEqual(progress.preview_step % 4, 0)
        self.assertGreaterEqual(
            preview_of(cluster, run).step, progress.preview_step
        )
        cluster.cancel(run)
        cluster.wait(job)
        self.assertIn("has ended", str(refusal(preview_of, cluster, run)))

    def test_what_does_not_run_has_none(self):
        cluster = self.cluster()
        job = cluster.submit(1)
        waiting = refusal(preview_of, cluster, job.name + "/runs/0")
        self.assertIn("is not running yet", str(waiting))
        unknown = refusal(preview_of, cluster, job.name + "/runs/7")
        self.assertIn("RUN_NOT_FOUND", str(unknown))

    def test_a_server_that_wants_none_gets_none(self):
        cluster = self.cluster(heartbeat_interval="50ms", preview_steps=0)
        cluster.worker(step_time="10ms", time_scale=1)
        job = cluster.submit(1, shared={"steps": 40})
        self.assertEqual(collect(cluster, job.name + "/runs/0"), {})

    def sheaf(self, cluster, *args, code=0):
        done = subprocess.run(
            [fixture.program("sheaf"), *args, "--server", cluster.address],
            capture_output=True, text=True, timeout=60, check=False,
            cwd=cluster.folder,
        )
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout + done.stderr

    def test_the_command_line_shows_them(self):
        cluster = self.cluster(heartbeat_interval="50ms", preview_steps=3)
        job = cluster.submit(2, shared={"steps": 300})
        number = job.name.split("/")[1]
        self.assertIn(
            "is not running yet",
            self.sheaf(cluster, "job", "preview", number, code=NOT_FOUND),
        )
        cluster.worker(step_time="20ms", time_scale=1)
        said = self.sheaf(
            cluster, "job", "preview", number, "--run", "1", "--follow"
        )
        lines = said.splitlines()
        self.assertGreater(len(lines), 2, said)
        name = f"{number}-1-preview.png"
        self.assertTrue(
            all(line.startswith(name + "  step ") for line in lines), said
        )
        with open(os.path.join(cluster.folder, name), "rb") as file:
            self.assertEqual(pixels(file.read())[:2], (8, 8))
        self.assertIn(
            "has ended",
            self.sheaf(cluster, "job", "preview", number, code=NOT_FOUND),
        )


class TorchPreviewTest(TorchCase):
    STEPS = 150
    SEEDS = ({"seed": 1}, {"seed": 2})

    def made(self, vae, **options):
        """Hashes and files of two pictures, and the previews of each."""
        cluster = self.torch_cluster(**options)
        with open(self.models, "a", encoding="utf-8") as file:
            file.write(f'[models.sd.vaes]\ntiny = "{GOLDEN}/vae-tiny"\n')
        self.torch_worker(cluster, preview_pause="10ms")
        job = self.submit(
            cluster, self.SEEDS, steps=self.STEPS,
            **({"vae": vae} if vae else {}),
        )
        seen = [None, None]

        def watch(index):
            seen[index] = collect(cluster, f"{job.name}/runs/{index}")

        watchers = [
            threading.Thread(target=watch, args=(index,)) for index in (0, 1)
        ]
        for each in watchers:
            each.start()
        for each in watchers:
            each.join()
        self.ended(cluster, job)
        files = [
            cluster.download(run.outputs[0].artifact)
            for run in cluster.runs(job)
        ]
        return self.hashes(cluster, job), files, seen

    def test_previews_leave_pictures_as_they_are(self):
        hashes, _, seen = self.made("", preview_steps=5)
        for previews in seen:
            steps = list(previews)
            self.assertGreater(len(steps), 2)
            self.assertEqual(steps, sorted(steps))
            self.assertTrue(all(step % 5 == 0 for step in steps), steps)
        plain, _, unseen = self.made("", preview_steps=0)
        self.assertEqual(unseen, [{}, {}])
        self.assertEqual(hashes, plain)

    def test_the_last_preview_resembles_the_picture(self):
        # The weights of the tests' models are random, and no linear map says
        # what such an autoencoder answers: the tiny one decodes previews.
        _, files, seen = self.made("tiny", preview_steps=5)
        for index in (0, 1):
            step = max(seen[index])
            last = small(seen[index][step].image)
            own = correlation(last, small(files[index]))
            other = correlation(last, small(files[1 - index]))
            self.assertGreater(own, 0.6, (index, step))
            self.assertGreater(own, other + 0.1, (index, own, other))


if __name__ == "__main__":
    unittest.main()
