"""Control pictures that the worker makes: by a detector's name, or of the first
picture."""

import os
import subprocess
import unittest

import fixture
from pictures import engine_hashes, pixels
from torch_test import GOLDEN, SD, TorchCase
from wire import pb, read_png


def white(data):
    """Where a map is white."""
    width, _, rgb = pixels(data)
    return {(at // 3 % width, at // 3 // width)
            for at in range(0, len(rgb), 3) if rgb[at] > 127}


def edges(data, folder):
    """Where a picture has edges."""
    source = os.path.join(folder, "of.png")
    with open(source, "wb") as file:
        file.write(data)
    subprocess.run([fixture.program("sheaf-engine"), "preprocess", "canny",
                    source, source], check=True, timeout=60)
    with open(source, "rb") as file:
        return white(file.read())


def shared(mine, theirs):
    """Of all edges of both, the share beside one of the other's."""
    def near(some, others):
        return sum(any((x + dx, y + dy) in others
                       for dx in (-1, 0, 1) for dy in (-1, 0, 1))
                   for x, y in some)

    both = near(mine, theirs) + near(theirs, mine)
    return both / max(len(mine) + len(theirs), 1)


class ControlTest(TorchCase):
    def test_control_pictures_are_made_by_name_and_kept(self):
        cluster = self.torch_cluster()
        self.torch_worker(cluster)
        path = os.path.join(fixture.ROOT, "tests", "golden", "images",
                            "strangers", "turned-6.jpg")
        with open(path, "rb") as file:
            photo = cluster.upload(file.read()).name
        control = pb.Control(type="edge", image=photo, weight=0.8,
                             preprocess="canny(low=20,high=60)")
        # In the other job the detector looks at the first picture, as goes
        # with the type.
        jobs = [
            self.submit(cluster, [{"seed": 3}], controls=[control], steps=3),
            self.submit(cluster, [{"seed": 3}], weights={"edge": 0.8},
                        init_image=photo, strength=1, steps=3),
        ]
        edges = os.path.join(cluster.folder, "edges.png")
        for job, detector, command, more in (
            (jobs[0], "canny(low=20,high=60)", "txt2img", {}),
            (jobs[1], "canny", "img2img", {"image": path, "strength": 1}),
        ):
            self.assertEqual(self.ended(cluster, job).state,
                             pb.JOB_STATE_SUCCEEDED)
            (run,) = cluster.runs(job)
            self.assertEqual([output.name for output in run.outputs],
                             ["image", "control-edge"])
            subprocess.run([fixture.program("sheaf-engine"), "preprocess",
                            detector, path, edges], check=True, timeout=60)
            with open(edges, "rb") as file:
                self.assertEqual(cluster.download(run.outputs[1].artifact),
                                 file.read())
            wanted = engine_hashes(
                cluster.folder, command, SD, prompt="a cat", steps=3, seed=3,
                width=32, height=32,
                control=f"{GOLDEN}/controlnet-a:{edges}:0.8", **more,
            )
            self.assertEqual(self.hashes(cluster, job), wanted, command)
            data = cluster.download(run.outputs[0].artifact)
            self.assertIn(f"edge={detector} 0.8", read_png(data)[2]["parameters"])


class ExampleTest(TorchCase):
    """docs/examples, with the model that comes with Sheaf."""

    def test_weights_bind_a_picture_to_the_first_one(self):
        cluster = self.torch_cluster()
        cluster.worker(engine="torch", env={"OMP_NUM_THREADS": "1"})
        script = os.path.join(fixture.ROOT, "docs", "examples", "weights.sh")
        made = os.path.join(cluster.folder, "made")
        done = subprocess.run(
            [script, made], capture_output=True, text=True, timeout=300,
            check=False,
            env={**os.environ, "SHEAF_SERVER": cluster.address,
                 "HOME": cluster.folder, "PATH": os.pathsep.join(
                     [fixture.binaries(), os.environ["PATH"]])})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

        def picture(name, output="image"):
            path = os.path.join(made, name, f"run-0-{output}.png")
            with open(path, "rb") as file:
                return file.read()

        first = edges(picture("first"), cluster.folder)
        self.assertEqual(first, white(picture("edge", "control-edge")))
        alone = shared(first, edges(picture("none"), cluster.folder))
        for name, least in (("edge", 0.8), ("both", 0.5), ("named", 0.8)):
            found = shared(first, edges(picture(name), cluster.folder))
            self.assertGreater(found, least, (name, alone))
            self.assertGreater(found, 2 * alone, name)


if __name__ == "__main__":
    unittest.main()
