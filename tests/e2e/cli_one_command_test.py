"""The command line where one command does a whole job, or says what is amiss."""

import json
import os
import unittest

import fixture
from cli_test import CONFLICT, INTERNAL, NOT_FOUND, USAGE, CliTest
from wire import make_png

NOTHING = 9


class ListOfPicturesTest(CliTest):
    def test_a_list_becomes_a_folder_of_pictures(self):
        self.server.worker()
        prompts = self.file("prompts.jsonl", '"a fox"\n"a hare"\n"an owl"\n')
        command = ["job", "submit", "--file", prompts, "--steps", "1",
                   "--batch-size", "2", "--output-dir", "out"]
        self.sheaf(*command)
        self.assertIn("Set the batch size of queues/default to 2",
                      self.stderr)
        out = os.path.join(self.home, "out")
        self.assertEqual(
            sorted(os.listdir(out)),
            [f"run-{index}-image.png" for index in range(3)])
        self.assertEqual(
            self.json("queue", "get")["settings"]["batchSize"], 2)
        # Another job may not mix its pictures with these.
        self.sheaf(*command, code=CONFLICT)
        self.assertIn("holds pictures already", self.stderr)
        self.sheaf(*command, "--force")
        self.assertEqual(len(self.json("job", "list")["jobs"]), 2)

    def test_the_same_submit_goes_on_with_its_pictures(self):
        self.server.worker()
        command = ["job", "submit", "--prompt", "x", "-n", "3", "--steps",
                   "1", "--request-id", "r-1", "--output-dir", "out"]
        self.sheaf(*command)
        lost = os.path.join(self.home, "out", "run-1-image.png")
        with open(lost, "rb") as picture:
            before = picture.read()
        os.remove(lost)
        self.sheaf(*command)
        with open(lost, "rb") as picture:
            self.assertEqual(picture.read(), before)
        self.assertEqual(len(self.json("job", "list")["jobs"]), 1)

    def test_the_batch_size_is_left_alone_while_others_wait(self):
        self.submit("--prompt", "x")
        self.sheaf("job", "submit", "--prompt", "y", "--batch-size", "3",
                   code=CONFLICT)
        self.assertIn("sheaf queue set default --batch-size 3", self.stderr)
        self.assertEqual(len(self.json("job", "list")["jobs"]), 1)

    def test_a_count_counts_seeds_up(self):
        name = self.submit("--prompt", "x", "-n", "3", "--seed", "5")
        self.assertEqual(
            [(run.request.seed, run.request.prompt)
             for run in self.server.runs(name)],
            [(5, "x"), (6, "x"), (7, "x")])

    def test_a_list_of_edits(self):
        self.file("cat.png", make_png(8, 8))
        edits = self.file("edits.csv",
                          "input_images,instruction\ncat.png,make it red\n")
        (run,) = self.server.runs(self.submit("--file", edits))
        self.assertEqual(run.request.prompt, "make it red")
        self.assertIn("artifacts/", run.request.init_image)
        # Several pictures are for models that take several.
        edits = self.file("two.csv",
                          "input_images,instruction\ncat.png;cat.png,x\n")
        (run,) = self.server.runs(self.submit("--file", edits))
        self.assertEqual(len(run.request.images), 2)
        self.assertEqual(run.request.init_image, "")


class SaidTest(CliTest):
    def test_work_that_no_worker_takes_is_named(self):
        self.sheaf("job", "submit", "--prompt", "x")
        self.assertIn("no worker that takes work is connected", self.stderr)
        self.server.worker(kinds="inference")
        fixture.until(self.server.list_workers, "it is there")
        self.sheaf("job", "submit", "--prompt", "x")
        self.assertNotIn("Hint", self.stderr)
        self.sheaf("job", "submit", "--prompt", "x", "--kind", "inferense")
        self.assertIn("did you mean 'inference'?", self.stderr)
        waiting = self.submit("--prompt", "x", "--kind", "upscale")
        self.sheaf("job", "get", waiting)
        self.assertIn("does jobs of the kind 'upscale'", self.stderr)
        self.assertIn(f"{waiting} waits: no connected worker",
                      self.sheaf("doctor", code=INTERNAL))

    def test_watch_tells_the_step_the_end_and_the_memory(self):
        self.server.worker(time_scale=1, row_bytes=1024)
        job = self.submit("--prompt", "x", "--steps", "100",
                          "--sweep", "seed=1..2")
        told = self.sheaf("job", "watch", job)
        self.assertRegex(
            told, r"jobs/\d+/runs/1  step \d+/100, ready in \d+s; "
                  r"its batch: 2 running, 2\.0 KiB")
        self.assertRegex(self.sheaf("job", "get", job), r"SUCCESS\W+100%")

    def test_errors_are_json_where_the_output_is(self):
        self.sheaf("job", "get", "999", "-o", "json", code=NOT_FOUND)
        error = json.loads(self.stderr)
        self.assertEqual(
            (error["exitCode"], error["code"], error["reason"]),
            (NOT_FOUND, "NOT_FOUND", "JOB_NOT_FOUND"))
        self.sheaf("job", "submit", "--prompt", "x", "--steps", "0", "-o",
                   "json", code=USAGE)
        (violation,) = json.loads(self.stderr)["violations"]
        self.assertEqual(violation["subject"], "job.shared.steps")

    def test_events_end_where_nothing_is_waited_for(self):
        first = self.submit("--prompt", "x")
        second = self.submit("--prompt", "y")
        lines = self.sheaf("events", "--no-follow", "--limit", "40", "-o",
                           "jsonl").splitlines()
        events = [json.loads(line)["event"] for line in lines]
        self.assertEqual([event["sequence"] for event in events],
                         [str(1 + i) for i in range(len(events))])
        self.assertEqual(events[-1]["job"], second)
        of_first = self.sheaf("events", "--no-follow", "--job", first)
        self.assertIn(first, of_first)
        self.assertNotIn(second, of_first)

    def test_a_queue_without_a_plan_exits_nine(self):
        self.sheaf("queue", "pause")
        self.assertIn("No batchable jobs found",
                      self.sheaf("batch", "analyze", "-q", code=NOTHING))
        self.assertEqual(self.json("queue", "get")["state"],
                         "QUEUE_STATE_PAUSED")


if __name__ == "__main__":
    unittest.main()
