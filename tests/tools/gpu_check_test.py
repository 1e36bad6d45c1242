"""tools/gpu: a first look at a GPU, as far as a machine without one can say."""

import json
import os
import stat
import subprocess
import sys
import tarfile
import tempfile
import unittest

import shapes_path

TOOLS = os.path.join(shapes_path.ROOT, "tools", "gpu")
BIN = os.environ.get("SHEAF_BIN_DIR",
                     os.path.join(shapes_path.ROOT, "build", "dev", "bin"))
sys.path.insert(0, TOOLS)
import report


def run(tool, *arguments):
    """(exit status, output) of one of the tools."""
    done = subprocess.run(
        [sys.executable, os.path.join(TOOLS, tool), *arguments],
        capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


class FolderTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def report(self):
        with open(self.path("report.json"), encoding="utf-8") as file:
            return json.load(file)

    def outcomes(self):
        return {step["name"]: step["status"] for step in self.report()["steps"]}


class CheckTest(FolderTest):
    @unittest.skipUnless(os.path.exists(os.path.join(BIN, "engine_bench")),
                         "engine_bench is not built")
    def test_the_dry_run_finds_on_a_cpu_what_it_looks_for_on_a_gpu(self):
        status, said = run("check", "--dry", "--bin", BIN, "--out", self.folder)
        self.assertEqual(status, 0, said)
        found = {step["name"]: step["found"]
                 for step in self.report()["steps"]}
        self.assertEqual(self.report()["format"], report.FORMAT)
        self.assertEqual(set(self.outcomes().values()), {"passed"})
        self.assertIn("bf16 on cpu", found["bf16"]["verified"][0])
        self.assertIn("here", found["no-such-card"]["said"])
        self.assertIn("bf16", found["picture"])
        self.assertGreater(found["bench"]["tiny fp32, 2 rows, a step"], 0)
        self.assertGreater(found["memory"]["MiB of one row"], 0)
        with open(self.path("report.txt"), encoding="utf-8") as file:
            self.assertIn("8 passed, 0 failed, 0 skipped", file.read())

    def fake_engine(self, script):
        path = self.path("sheaf-engine")
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n" + script)
        os.chmod(path, stat.S_IRWXU)

    def test_a_step_that_fails_is_told_and_the_next_begins(self):
        self.fake_engine('case "$*" in *fp32*) echo "misses 3"; exit 1;; esac\n'
                         "echo all hold\n")
        status, said = run("check", "--dry", "--bin", self.folder, "--out",
                           self.folder, "--only", "devices,fp32,bf16,bench")
        self.assertEqual(status, 1, said)
        self.assertEqual(self.outcomes(), {
            "devices": "passed", "fp32": "failed", "bf16": "passed",
            "bench": "failed"})
        failed = self.report()["steps"][1]
        self.assertIn("ended with 1, not 0: misses 3", failed["why"])
        self.assertIn("verify", failed["commands"][0])

    def test_a_step_that_is_not_there_is_a_wrong_option(self):
        status, said = run("check", "--dry", "--only", "nonsense")
        self.assertEqual(status, 2)
        self.assertIn("picture", said)

    def test_without_a_card_each_step_says_so(self):
        self.fake_engine('echo "no CUDA here"; exit 3\n')
        status, said = run("check", "--bin", self.folder, "--out", self.folder,
                           "--only", "devices,no-such-card,fp16,picture")
        self.assertEqual(status, 1, said)
        self.assertEqual(self.outcomes(), {
            "devices": "failed", "no-such-card": "passed", "fp16": "failed",
            "picture": "failed"})


class ReportTest(FolderTest):
    def made(self, seconds=60):
        self.said = []
        return report.Report(self.folder, {"device": "none"}, seconds,
                             self.said.append)

    def test_a_command_that_hangs_is_killed_with_all_that_it_started(self):
        made = self.made()
        made.step("hang", 0.3, lambda step: step.run(
            "sh", "-c", "echo begun; sleep 60 & wait"))
        step = self.report()["steps"][0]
        self.assertEqual(step["why"], "sh took too long")
        self.assertEqual(step["output"], ["begun"])
        # A child that lived on would keep the pipe open.
        self.assertLess(step["seconds"], 30)

    def test_without_time_a_step_is_not_begun(self):
        made = self.made(seconds=-1)
        begun = []
        made.step("late", 10, begun.append)
        self.assertEqual(begun, [])
        self.assertEqual(self.outcomes(), {"late": "failed"})

    def test_what_a_step_found_before_it_failed_is_kept(self):
        def work(step):
            step.found["first"] = 1
            raise report.Failed("the second")

        made = self.made()
        made.step("half", 10, work)
        self.assertEqual(self.report()["steps"][0]["found"], {"first": 1})
        self.assertFalse(made.good)

    def test_an_error_of_ours_is_a_failure_and_no_end(self):
        made = self.made()
        made.step("bug", 10, lambda step: {}["nothing"])
        made.step("next", 10, lambda step: {})
        self.assertEqual(self.outcomes(), {"bug": "failed", "next": "passed"})

    def test_nothing_checked_is_nothing_passed(self):
        self.assertFalse(self.made().good)


class PackTest(FolderTest):
    def test_the_pack_holds_what_the_engine_is_built_against(self):
        path = self.path("pack.tar.gz")
        status, said = run("pack", "--out", path, "--limit", "1000")
        self.assertEqual(status, 0, said)
        with tarfile.open(path) as archive:
            names = set(archive.getnames())
        for wanted in ("include/absl/status/status.h",
                       "include/openssl/configuration.h",
                       "include/utf8proc.h", "include/gtest/gtest.h"):
            self.assertIn("usr/" + wanted, names)
        libraries = {os.path.basename(name) for name in names}
        for wanted in ("libcrypto.a", "libpng.a", "libabsl_strings.a",
                       "libjpeg.a", "abslConfig.cmake"):
            self.assertIn(wanted, libraries)
        self.assertNotIn("libssl.a", libraries)

    def test_what_is_too_much_to_carry_is_refused(self):
        status, said = run("pack", "--out", self.path("pack.tar.gz"),
                           "--limit", "1")
        self.assertEqual(status, 1)
        self.assertIn("too much to carry", said)


if __name__ == "__main__":
    unittest.main()
