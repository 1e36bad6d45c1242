"""How ./demo, ./test and .ci/run tell how far they are."""

import io
import os
import signal
import subprocess
import sys
import tempfile
import unittest

import shapes_path

sys.path.insert(0, os.path.join(shapes_path.ROOT, "tools", "progress"))
import progress  # noqa: E402

PROGRAM = os.path.join(shapes_path.ROOT, "tools", "progress", "progress.py")


def step(done, total, name="Building CXX object base/a.cc.o"):
    return f"[{done}/{total}] {name}"


def passed(done, total, name):
    return f" {done}/{total} Test #7: {name} .....   Passed    0.01 sec"


class ReaderTest(unittest.TestCase):
    def test_steps_are_counted_and_what_the_compiler_says_is_shown(self):
        reader = progress.Reader()
        self.assertFalse(reader.take(step(1, 3), 0))
        self.assertTrue(reader.take("a.cc:1:1: error: no", 1))
        self.assertFalse(reader.take(step(2, 3), 2))
        self.assertTrue(reader.take("ninja: build stopped.", 3))
        self.assertIn("building 2 of 3", reader.work.text(3))

    def test_equal_steps_promise_what_they_took(self):
        left = {}
        for pace in (1, 3):
            reader = progress.Reader(processors=2)
            for done in range(1, 181):
                reader.take(step(done, 200), done * pace)
            left[pace] = reader.work.left(180 * pace)
        self.assertLess(15, left[1])
        self.assertLess(left[1], 30)
        self.assertAlmostEqual(left[3] / left[1], 3, delta=0.3)

    def test_cheap_steps_at_the_beginning_promise_no_early_end(self):
        reader = progress.Reader()
        for done in range(1, 51):
            reader.take(step(done, 100, "Generating a.pb.cc"), done * 0.1)
        # The first half took 5 s; the second has files to compile.
        self.assertGreater(reader.work.left(5), 30)

    def test_a_count_that_begins_anew_is_another_piece_of_work(self):
        reader = progress.Reader()
        reader.take(step(2, 2, "Re-running CMake..."), 0)
        reader.take(step(1, 5), 100)
        self.assertIn("building 1 of 5", reader.work.text(100))
        self.assertLess(reader.work.left(100), 60)

    def test_a_count_that_grows_keeps_what_is_done(self):
        reader = progress.Reader()
        reader.take(step(1, 5), 0)
        reader.take(step(2, 9), 1)
        self.assertIn("building 2 of 9", reader.work.text(1))

    def test_tests_that_pass_are_counted_and_others_are_shown(self):
        names = ["base/A.B", "base/A.C", "base/A.D", "e2e/x_test"]
        reader = progress.Reader(names)
        self.assertFalse(reader.take("      Start  1: base/A.B", 0))
        self.assertIn("testing 0 of 4", reader.work.text(0))
        self.assertFalse(reader.take(passed(1, 4, "base/A.B"), 1))
        self.assertTrue(reader.take(
            " 2/4 Test #8: base/A.C ...***Failed    0.01 sec", 1))
        self.assertTrue(reader.take("what the test printed", 1))
        self.assertTrue(reader.take(
            " 3/4 Test #9: base/A.D ...***Skipped   0.01 sec", 1))
        self.assertRegex(reader.work.text(1), "testing 3 of 4, .*, 1 failed")

    def test_a_long_test_that_is_left_counts_for_more_than_short_ones(self):
        quick = [f"base/A.Test{i}" for i in range(100)]
        left = {}
        for last in ("base/A.Last", "e2e/last_test"):
            reader = progress.Reader([*quick, last])
            for done, name in enumerate(quick, 1):
                reader.take(passed(done, 101, name), done * 0.1)
            left[last] = reader.work.left(10)
        self.assertGreater(left["e2e/last_test"], 10 * left["base/A.Last"])


class TellerTest(unittest.TestCase):
    def setUp(self):
        self.out = io.StringIO()
        self.reader = progress.Reader()
        self.reader.take(step(1, 2), 0)

    def test_a_terminal_has_one_line_that_is_rewritten(self):
        teller = progress.Teller(self.out, True, 0)
        teller.tell(self.reader.work, 2)
        teller.tell(self.reader.work, 4)
        teller.say("a.cc:1:1: warning: odd")
        teller.end()
        shown = self.out.getvalue()
        self.assertEqual(shown.count("\r\x1b[Kbuilding 1 of 2"), 2)
        # The warning stands in a line of its own, and nothing after it.
        self.assertTrue(
            shown.endswith("left\r\x1b[Ka.cc:1:1: warning: odd\n"), shown)

    def test_elsewhere_a_line_comes_every_few_seconds(self):
        teller = progress.Teller(self.out, False, 0)
        for now in range(1, 61):
            teller.tell(self.reader.work, now)
        lines = self.out.getvalue().splitlines()
        self.assertEqual(len(lines), 60 // progress.EVERY)
        self.assertRegex(lines[0], r"^building 1 of 2, about \d+ \w+ left$")

    def test_nothing_is_told_of_work_that_is_not_known(self):
        teller = progress.Teller(self.out, False, 0)
        teller.tell(None, 100)
        self.assertEqual(self.out.getvalue(), "")

    def test_times_are_rounded_as_one_does_who_estimates(self):
        for seconds, words in ((0, "about 10 s"), (34, "about 30 s"),
                               (58, "about 1 min"), (200, "about 3 min")):
            self.assertEqual(progress.about(seconds), words)


class ProgramTest(unittest.TestCase):
    """The real ninja and the real ctest, with something small to do."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w",
                  encoding="utf-8") as file:
            file.write(text)

    def follow(self, *command):
        return subprocess.run(
            [sys.executable, PROGRAM, *command], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, text=True, timeout=60, check=False)

    def test_a_build_shows_its_warnings_and_its_error_and_no_step(self):
        self.write("build.ninja", "\n".join((
            "rule say", "  command = echo $words; exit $status",
            "  description = Building CXX object $out",
            "build a.o: say", "  words = a.cc: warning: odd", "  status = 0",
            "build b.o: say a.o", "  words = b.cc: error: no", "  status = 1",
            "")))
        done = self.follow("ninja", "-C", self.folder)
        self.assertEqual(done.returncode, 1)
        self.assertIn("a.cc: warning: odd\n", done.stdout)
        self.assertIn("FAILED: b.o", done.stdout)
        self.assertIn("b.cc: error: no\n", done.stdout)
        self.assertNotIn("Building", done.stdout)

    def test_tests_show_those_that_fail_and_the_summary(self):
        self.write("CTestTestfile.cmake", "\n".join((
            'add_test(good "true")',
            'add_test(bad "sh" "-c" "echo it broke; exit 1")', "")))
        done = self.follow(
            "ctest", "--test-dir", self.folder, "--output-on-failure")
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"Test #2: bad \.+\*\*\*Failed")
        self.assertIn("it broke\n", done.stdout)
        self.assertIn("50% tests passed, 1 tests failed out of 2", done.stdout)
        self.assertNotIn("Test #1: good", done.stdout)
        self.assertNotIn("Start", done.stdout)

    def test_whoever_ends_it_ends_the_command_too(self):
        following = subprocess.Popen(
            [sys.executable, PROGRAM, "sh", "-c", "echo there; exec sleep 60"],
            stdout=subprocess.PIPE, text=True)
        self.assertEqual(following.stdout.readline(), "there\n")
        following.send_signal(signal.SIGTERM)
        following.communicate(timeout=30)
        self.assertEqual(following.returncode, 128 + signal.SIGTERM)


if __name__ == "__main__":
    unittest.main()
