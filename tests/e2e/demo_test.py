"""./demo from beginning to end, with a tiny model."""

import os
import signal
import subprocess
import tempfile
import time
import unittest

import fixture
from wire import read_png

GOLDEN = os.path.join(fixture.ROOT, "tests", "golden", "models")
DEMO = os.path.join(fixture.ROOT, "demo")
PATIENCE = 600


def processes_of(folder):
    """Those that name the folder on their command lines."""
    found = []
    for entry in os.listdir("/proc"):
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as file:
                if folder.encode() in file.read():
                    found.append(int(entry))
        except OSError:  # No process, or one that has just ended.
            continue
    return found


class DemoTest(unittest.TestCase):
    def setUp(self):
        if not os.access(fixture.program("sheaf-torch-worker"), os.X_OK):
            self.skipTest("built without LibTorch")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.out = os.path.join(self.folder, "out")

    def model(self):
        """The tiny model, with a ControlNet that lies in its folder."""
        model = os.path.join(self.folder, "tiny")
        os.mkdir(model)
        source = os.path.join(GOLDEN, "tiny-sd")
        for name in os.listdir(source):
            os.symlink(os.path.join(source, name), os.path.join(model, name))
        os.symlink(os.path.join(GOLDEN, "controlnet-a"),
                   os.path.join(model, "controlnet_edge"))
        return model

    def words(self, *options):
        return [DEMO, "--bin", fixture.binaries(), "--out", self.out, *options]

    def run_demo(self, *options):
        return subprocess.run(
            self.words(*options), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=PATIENCE, check=False)

    def test_it_plans_runs_compares_and_leaves_a_sheet_and_no_process(self):
        done = self.run_demo("--quick", "--models", self.model())
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stderr.count("demo:"), 0, done.stderr)
        self.assertIn("--steps 5 ", done.stdout)
        self.assertIn("Mode: strict", done.stdout)
        self.assertIn("Mode: mixed", done.stdout)
        self.assertIn("no ControlNet 'seg'", done.stdout)
        self.assertRegex(done.stdout, r"predicted: +\d")
        self.assertRegex(done.stdout, r"speedup: +\d+\.\d\dx measured")
        # A picture does not show which others it was batched with.
        self.assertRegex(done.stdout, r"same pictures: +24 of 24")
        with open(os.path.join(self.out, "contact-sheet.png"), "rb") as file:
            width, height, _ = read_png(file.read())
        self.assertGreater(width, 6 * 32)
        self.assertGreater(height, 4 * 32)
        with open(os.path.join(self.out, "pictures.txt"),
                  encoding="utf-8") as file:
            self.assertEqual(len(file.readlines()), 24)
        self.assertEqual(processes_of(self.folder), [])

    def test_an_interrupt_leaves_no_process_and_a_folder_to_reuse(self):
        model = self.model()
        demo = subprocess.Popen(
            self.words("--quick", "--models", model),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, start_new_session=True)
        for line in demo.stdout:
            if line.startswith("2. "):
                break
        # As a terminal does for Ctrl-C: the whole group, but for sheafd, which
        # the shell has told to ignore it.
        os.killpg(demo.pid, signal.SIGINT)
        demo.communicate(timeout=PATIENCE)
        self.assertEqual(demo.returncode, 130)
        end = time.monotonic() + fixture.PATIENCE
        while processes_of(self.folder) and time.monotonic() < end:
            time.sleep(0.05)
        self.assertEqual(processes_of(self.folder), [])
        self.assertTrue(os.path.exists(os.path.join(self.out, ".sheaf-demo")))

    def test_without_a_model_it_says_so_at_once(self):
        done = self.run_demo("--models", self.folder)
        self.assertEqual(done.returncode, 1)
        self.assertIn("there is no model in", done.stderr)
        self.assertFalse(os.path.exists(self.out))

    def test_a_folder_of_someone_elses_is_left_alone(self):
        os.mkdir(self.out)
        with open(os.path.join(self.out, "letter"), "w",
                  encoding="utf-8") as file:
            file.write("dear")
        done = self.run_demo("--models", self.model())
        self.assertEqual(done.returncode, 1)
        self.assertIn("not from an earlier demo", done.stderr)
        self.assertEqual(os.listdir(self.out), ["letter"])


if __name__ == "__main__":
    unittest.main()
