"""The arithmetic of ./demo."""

import json
import os
import sys
import tempfile
import unittest

import shapes_path

sys.path.insert(0, os.path.join(shapes_path.ROOT, "tools", "demo"))
import figures  # noqa: E402


def run(start, end, artifact):
    return {"startTime": f"2026-01-01T00:00:{start}Z",
            "endTime": f"2026-01-01T00:00:{end}Z",
            "outputs": [{"artifact": artifact}]}


PLAN = {"name": "plans/1", "predicted": {"time": "2s"}, "singles": "5s",
        "profile": "made up", "batchCount": "3"}


class FiguresTest(unittest.TestCase):
    def path(self, *documents):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = os.path.join(folder.name, "x.json")
        with open(path, "w", encoding="utf-8") as file:
            for each in documents:
                file.write(json.dumps(each, indent=2) + "\n")
        return path

    def test_the_span_is_from_the_first_start_to_the_last_end(self):
        runs = figures.runs_of(self.path(
            {"runs": [run("01.5", "03", "a")]},
            {"runs": [run("02", "04.250", "b"), run("03", "03.5", "c")]}))
        self.assertEqual(len(runs), 3)
        self.assertAlmostEqual(figures.span(runs), 2.75)

    def test_the_better_plan_is_the_one_that_takes_less(self):
        other = {"plan": {**PLAN, "name": "plans/2",
                          "predicted": {"time": "1.9s"}}}
        self.assertEqual(
            figures.better([self.path(PLAN), self.path(other)]), "plans/2")

    def test_the_report_divides_what_was_measured(self):
        batched = [run("00", "02", "a"), run("00", "02", "b")]
        singles = [run("10", "13", "a"), run("13", "16", "c")]
        text = figures.report(PLAN, batched, singles)
        self.assertIn("3.00x measured, 2.50x predicted", text)
        self.assertIn("1 of 2, byte for byte", text)
        self.assertIn("uncalibrated: by made up", text)

    def test_what_is_left_takes_as_long_for_each_as_what_was_made(self):
        path = self.path({"jobs": [
            {"name": "jobs/1", "runCount": 4, "runCounts": {"succeeded": 3,
                                                            "failed": 1}},
            {"name": "jobs/2", "runCount": 6, "runCounts": {"succeeded": 1}},
            {"name": "jobs/3", "runCount": 9, "runCounts": {"queued": 9}}]})
        self.assertEqual(figures.left(path, 40, ["jobs/1", "jobs/2"]),
                         "5 of 10 pictures, about 40 s left")
        self.assertEqual(figures.left(path, 40, ["jobs/3"]),
                         "0 of 9 pictures")

    def test_runs_without_a_picture_are_not_the_same(self):
        bare = {**run("00", "02", "a"), "outputs": []}
        self.assertIn("0 of 1", figures.report(PLAN, [bare], [bare]))

    def test_a_band_is_told_where_there_is_one(self):
        plan = {**PLAN, "predicted": {"time": "2s", "low": "1.5s",
                                      "high": "2.5s"}}
        self.assertEqual(figures.predicted_line(plan),
                         "2.00 s, between 1.50 and 2.50 s")


if __name__ == "__main__":
    unittest.main()
