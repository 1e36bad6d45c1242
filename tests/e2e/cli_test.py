"""The command line against a live server."""

import csv
import json
import os
import signal
import subprocess
import unittest

import fixture
from wire import make_png, pb

OK, INTERNAL, USAGE, NOT_FOUND, CONFLICT = 0, 1, 2, 3, 4
UNAVAILABLE, QUOTA, JOB_FAILED = 6, 7, 8


class CliTest(fixture.Case):
    def setUp(self):
        self.server = self.cluster()
        self.home = os.path.join(self.server.folder, "home")
        os.makedirs(self.home)

    def sheaf(self, *args, code=OK, stdin="", server=None):
        """Standard output of a run that exits with `code`."""
        done = subprocess.run(
            [fixture.program("sheaf"), *args],
            input=stdin, capture_output=True, text=True, timeout=60,
            cwd=self.home, check=False,
            env={
                "PATH": os.environ["PATH"],
                "HOME": self.home,
                "XDG_CONFIG_HOME": self.home,
                "SHEAF_SERVER": server or self.server.address,
            },
        )
        self.assertEqual(done.returncode, code,
                         f"{args}\n{done.stdout}\n{done.stderr}")
        self.stderr = done.stderr
        return done.stdout

    def json(self, *args, **kwargs):
        return json.loads(self.sheaf(*args, "-o", "json", **kwargs))

    def file(self, name, data):
        path = os.path.join(self.home, name)
        mode = {} if isinstance(data, bytes) else {"encoding": "utf-8"}
        with open(path, "wb" if isinstance(data, bytes) else "w",
                  **mode) as sink:
            sink.write(data)
        return path

    def submit(self, *args, **kwargs):
        """The job's name."""
        return self.sheaf("job", "submit", *args, "-o", "name",
                          **kwargs).strip()


class SubmitTest(CliTest):
    def test_every_flag_arrives(self):
        picture = self.file("in.png", make_png(shade=1))
        mask = self.file("mask.png", make_png(shade=2))
        depth = self.file("depth.png", make_png(shade=3))
        name = self.submit(
            "--prompt", "a hare", "--prompt", "a fox", "--negative", "rain",
            "--seed", "7", "--steps", "3", "--guidance", "6.5",
            "--sampler", "euler", "--size", "16x8", "--model", "sd15",
            "--vae", "soft", "--init-image", picture, "--mask", mask,
            "--strength", "0.4", "--clip-skip", "1", "--prompt-chunks", "2",
            "--emphasis", "on", "--guess-mode", "off", "--eta", "0.5",
            "--guidance-rescale", "0.25", "--image-guidance", "1.25",
            "--random", "philox", "--prompt-2", "oil", "--negative-2", "fog",
            "--original-size", "64x32", "--crop-left", "3", "--crop-top", "4",
            "--target-size", "128x64", "--refiner", "fine",
            "--refiner-start", "0.7", "--image", picture, "--image", depth,
            "--control", f"depth=canny:0.8:{depth}:0.1:0.9",
            "--control", "canny", "--weight", "pose=0.25",
            "--lora", "ink:0.5", "--extra", "scale=2", "--kind", "inference",
            "--priority", "high", "--owner", "me", "--label", "team=art",
            "--run-at", "+1h", "--start-deadline", "+2h", "--attempts", "2",
            "--request-id", "abc", "--queue", "default",
        )
        job = self.server.get(name, full=True)
        self.assertEqual(
            (job.priority, job.owner, dict(job.labels), job.attempts_max,
             job.request_id, job.kind),
            (pb.PRIORITY_HIGH, "me", {"team": "art"}, 2, "abc", "inference"))
        self.assertAlmostEqual(
            job.start_deadline.seconds - job.run_time.seconds, 3600, delta=5)
        runs = self.server.runs(job)
        self.assertEqual([run.request.prompt for run in runs],
                         ["a hare", "a fox"])
        request = runs[0].request
        self.assertEqual(
            (request.negative_prompt, request.seed, request.steps,
             request.guidance, request.sampler, request.width,
             request.height, request.model, request.vae, request.strength),
            ("rain", 7, 3, 6.5, "euler", 16, 8, "sd15", "soft", 0.4))
        self.assertEqual(
            (request.clip_skip, request.prompt_chunks, request.emphasis,
             request.HasField("guess_mode"), request.guess_mode, request.eta,
             request.guidance_rescale, request.image_guidance,
             request.random),
            (1, 2, True, True, False, 0.5, 0.25, 1.25,
             pb.RANDOM_MODE_PHILOX))
        self.assertEqual(
            (request.prompt_2, request.negative_prompt_2,
             request.original_width, request.original_height,
             request.crop_left, request.crop_top, request.target_width,
             request.target_height, request.refiner, request.refiner_start),
            ("oil", "fog", 64, 32, 3, 4, 128, 64, "fine", 0.7))
        self.assertEqual(dict(request.weights), {"pose": 0.25})
        self.assertEqual(dict(request.extra), {"scale": "2"})
        self.assertEqual([(lora.name, lora.weight) for lora in request.loras],
                         [("ink", 0.5)])
        by_type = {each.type: each for each in request.controls}
        self.assertEqual(set(by_type), {"depth", "canny"})
        self.assertEqual(
            (by_type["depth"].weight, by_type["depth"].start,
             by_type["depth"].end, by_type["depth"].preprocess),
            (0.8, 0.1, 0.9, "canny"))
        for artifact, path in [(request.init_image, picture),
                               (request.mask, mask),
                               (request.images[0], picture),
                               (request.images[1], depth),
                               (by_type["depth"].image, depth)]:
            with open(path, "rb") as source:
                self.assertEqual(self.server.download(artifact),
                                 source.read())

    def test_sweeps_are_expanded(self):
        name = self.submit("--prompt", "x", "--sweep", "seed=1..3",
                           "--sweep", "guidance=5,7.5")
        self.assertEqual(
            [(run.request.seed, run.request.guidance)
             for run in self.server.runs(name)],
            [(1, 5), (1, 7.5), (2, 5), (2, 7.5), (3, 5), (3, 7.5)])
        name = self.submit("--sweep", "seed=1,2", "--sweep", "steps=3,4",
                           "--zip")
        self.assertEqual(
            [(run.request.seed, run.request.steps)
             for run in self.server.runs(name)], [(1, 3), (2, 4)])

    def test_files_of_prompts(self):
        rows = [["prompt", "seed", "weights.depth", "size"],
                ['a "red", fox', "1", "0.5", "8x8"],
                ["zwei\nZeilen", "2", "", ""]]
        path = os.path.join(self.home, "runs.csv")
        with open(path, "w", encoding="utf-8", newline="") as sink:
            csv.writer(sink).writerows(rows)
        runs = self.server.runs(self.submit("--file", path))
        self.assertEqual(
            [(run.request.prompt, run.request.seed) for run in runs],
            [('a "red", fox', 1), ("zwei\nZeilen", 2)])
        self.assertEqual(dict(runs[0].request.weights), {"depth": 0.5})
        lines = '{"prompt": "a", "seed": "5"}\n"b"\n'
        runs = self.server.runs(self.submit("--file", "-", stdin=lines))
        self.assertEqual([run.request.prompt for run in runs], ["a", "b"])
        path = self.file("job.json", json.dumps(
            {"shared": {"prompt": "j"}, "labels": {"from": "json"}}))
        job = self.server.get(self.submit("--json", path))
        self.assertEqual(dict(job.labels), {"from": "json"})

    def test_a_bad_file_submits_nothing_and_names_each_line(self):
        bad = {
            "a.csv": "prompt,seed\nx,1\ny,many\nz,-1\n",
            "b.csv": "prompt,colour\nx,red\n",
            "c.csv": 'prompt\n"never closed\n',
            "d.jsonl": '{"prompt": "x"}\n{"prompt": \n{"steps": "y"}\n',
            "e.jsonl": b'{"prompt": "\xff\xfe"}\n',
            "f.jsonl": "",
        }
        for name, text in bad.items():
            path = self.file(name, text)
            self.sheaf("job", "submit", "--file", path, code=USAGE)
            self.assertIn(name, self.stderr)
        self.sheaf("job", "submit", "--file", self.home + "/a.csv",
                   code=USAGE)
        self.assertIn("a.csv:3", self.stderr)
        self.sheaf("job", "submit", "--file", "/nowhere", code=USAGE)
        self.assertEqual(self.json("job", "list").get("jobs", []), [])

    def test_a_files_pictures_lie_beside_it(self):
        folder = os.path.join(self.home, "list")
        os.makedirs(folder)
        self.file("list/fox.png", make_png(8, 8))
        self.file("list/text.png", "no picture")
        path = self.file("list/runs.csv", "prompt,init_image\nx,fox.png\n")
        (run,) = self.server.runs(self.submit("--file", path))
        self.assertIn("artifacts/", run.request.init_image)
        whole = os.path.join(folder, "fox.png")
        path = self.file("list/whole.jsonl", json.dumps(
            {"prompt": "x", "init_image": whole}))
        self.submit("--file", path)
        path = self.file(
            "list/bad.csv",
            "prompt,init_image\nx,fox.png\ny,none.png\nz,text.png\n")
        self.sheaf("job", "submit", "--file", path, code=USAGE)
        self.assertIn("list/bad.csv:3: cannot read ", self.stderr)
        self.assertIn("list/bad.csv:4: ", self.stderr)
        self.assertIn("no PNG, JPEG or WebP picture", self.stderr)

    def test_a_dry_run_submits_nothing(self):
        self.sheaf("job", "submit", "--prompt", "x", "--dry-run")
        self.sheaf("job", "submit", "--prompt", "x", "--steps", "0",
                   "--dry-run", code=USAGE)
        self.assertEqual(
            fixture.invariants.row_counts(self.server.database)["jobs"], 0)

    def test_usage_errors(self):
        for args in [["job", "submit", "--nonsense"], ["job", "sumbit"],
                     ["job", "submit", "--size", "big"],
                     ["job", "submit", "--priority", "extreme"],
                     ["job", "get"], []]:
            with self.subTest(args):
                self.sheaf(*args, code=USAGE)


class FollowTest(CliTest):
    def test_wait_exits_by_how_the_job_ended(self):
        waiting = self.submit("--prompt", "x", "--run-at", "+1h")
        self.sheaf("job", "wait", waiting, "--for", "200ms",
                   code=UNAVAILABLE)
        self.sheaf("job", "wait", "999", code=NOT_FOUND)
        self.server.worker(allow_faults=True)
        good = self.submit("--prompt", "x", "--steps", "1")
        self.sheaf("job", "wait", good)
        bad = self.submit("--prompt", "x", "--extra",
                          "sim.fault=bad-input")
        self.sheaf("job", "wait", bad, code=JOB_FAILED)
        self.sheaf("job", "wait", good, bad, code=JOB_FAILED)
        self.sheaf("job", "submit", "--prompt", "x", "--steps", "1", "--wait")
        self.sheaf("job", "submit", "--prompt", "x", "--extra",
                   "sim.fault=bad-input", "--wait", code=JOB_FAILED)
        self.sheaf("job", "watch", good)

    def test_get_list_cancel_retry_update_delete(self):
        names = [self.submit("--prompt", "x", "--label", f"n={i}",
                             "--run-at", "+1h") for i in range(3)]
        listed = self.sheaf("job", "list", "-o", "name").split()
        self.assertEqual(listed, names[::-1])
        for line in self.sheaf("job", "list", "-o", "jsonl").splitlines():
            self.assertIn(json.loads(line)["name"], names)
        self.assertIn("jobs/1", self.sheaf("job", "list"))
        got = self.json("job", "get", names[0])
        self.assertEqual((got["name"], got["labels"]), (names[0], {"n": "0"}))
        number = names[0].split("/")[1]
        self.assertEqual(self.json("job", "get", number)["name"], names[0])
        self.sheaf("job", "get", "999", code=NOT_FOUND)
        self.assertIn("999", self.stderr)
        self.sheaf("job", "update", names[0], "--priority", "urgent",
                   "--label", "new=1", "--remove-label", "n")
        job = self.server.get(names[0])
        self.assertEqual((job.priority, dict(job.labels)),
                         (pb.PRIORITY_URGENT, {"new": "1"}))
        self.sheaf("job", "delete", names[0], "--yes", code=CONFLICT)
        self.sheaf("job", "cancel", f"{names[0]}/runs/0")
        self.sheaf("job", "cancel", names[0], code=CONFLICT)
        self.sheaf("job", "cancel", "--filter", 'labels.n = "1"', code=USAGE)
        self.sheaf("job", "cancel", "--filter", 'labels.n = "1"', "--yes")
        self.sheaf("job", "cancel", "--filter", "labels.n =", "--yes",
                   code=USAGE)
        self.assertEqual(self.server.get(names[1]).state,
                         pb.JOB_STATE_CANCELLED)
        self.sheaf("job", "retry", names[1])
        self.sheaf("job", "retry", names[2], code=CONFLICT)
        self.assertEqual(self.server.get(names[1]).state,
                         pb.JOB_STATE_QUEUED)
        self.sheaf("job", "delete", names[0], code=USAGE)
        self.sheaf("job", "delete", names[0], "--yes")
        self.sheaf("job", "get", names[0], code=NOT_FOUND)

    def test_batch_verbs_without_a_number_mean_the_newest_plan(self):
        self.sheaf("batch", "preview", code=USAGE)
        self.assertIn("is kept", self.stderr)
        self.server.pause()
        jobs = [self.server.submit(runs=[{"seed": 1, "prompt": "a hut",
                                          "weights": {control: 0.5}}]).name
                for control in ("edge", "seg")]
        self.sheaf("batch", "undo", code=USAGE)
        self.sheaf("batch", "analyze", "--mode", "mixed")
        self.assertIn("2 runs from 2 jobs", self.sheaf("batch", "preview"))
        shown = self.sheaf("batch", "show")
        self.assertIn("plans/1/batches/1  2 runs", shown)
        self.assertIn(f"{jobs[0]}/runs/0  edge 0.5, seg 0\n", shown)
        self.assertIn(f"{jobs[1]}/runs/0  edge 0, seg 0.5\n", shown)
        (batch,) = self.json("batch", "show")["batches"]
        self.assertEqual(batch["runs"], [f"{job}/runs/0" for job in jobs])
        self.sheaf("batch", "execute", "--yes")
        self.assertIn("plans/1", self.sheaf("batch", "undo"))

    def test_a_job_stands_for_its_first_run(self):
        for prompt in ("a hut", "a fox"):
            self.submit("--prompt", prompt)
        self.assertIn("prompt", self.sheaf("batch", "explain", "1", "2"))
        self.assertEqual(self.sheaf("batch", "explain", "1", "2"),
                         self.sheaf("batch", "explain", "1/runs/0",
                                    "jobs/2/runs/0"))
        self.sheaf("job", "preview", "1/runs/0", code=NOT_FOUND)
        self.assertIn("1/runs/0", self.stderr)

    def test_events(self):
        name = self.submit("--prompt", "x")
        lines = self.sheaf("events", "--after", "0", "--limit", "2", "-o",
                           "jsonl").splitlines()
        events = [json.loads(line)["event"] for line in lines]
        self.assertEqual([event["sequence"] for event in events], ["1", "2"])
        self.assertEqual(events[1]["job"], name)

    def test_an_interrupt_ends_the_script_that_it_stands_in(self):
        self.submit("--prompt", "x")
        script = subprocess.Popen(
            ["bash", "-c", '"$0" --server "$1" events --after 0 -o jsonl; '
             "echo went on", fixture.program("sheaf"), self.server.address],
            stdout=subprocess.PIPE, text=True, cwd=self.home,
            start_new_session=True)
        self.assertIn("event", script.stdout.readline())
        # As a terminal does for Ctrl-C: to all that run in it.
        os.killpg(script.pid, signal.SIGINT)
        rest, _ = script.communicate(timeout=60)
        self.assertNotIn("went on", rest)
        self.assertEqual(script.returncode, -signal.SIGINT)


class OperatorTest(CliTest):
    def test_queues(self):
        self.sheaf("queue", "create", "night", "--batch-size", "8")
        self.sheaf("queue", "create", "night", code=CONFLICT)
        self.assertEqual(
            self.json("queue", "get", "night")["settings"]["batchSize"], 8)
        self.sheaf("queue", "set", "night", "--runs-max", "2")
        self.submit("--prompt", "x", "--queue", "night")
        self.sheaf("job", "submit", "--sweep", "seed=1..2", "--queue",
                   "night", code=QUOTA)
        self.sheaf("queue", "pause", "night", "--reason", "lunch")
        queue = self.json("queue", "get", "night")
        self.assertEqual((queue["state"], queue["reason"]),
                         ("QUEUE_STATE_PAUSED", "lunch"))
        self.sheaf("queue", "resume", "night")
        self.sheaf("queue", "resume", "night")
        self.assertIn("active already", self.stderr)
        self.sheaf("queue", "delete", "night", "--yes", code=CONFLICT)
        self.sheaf("queue", "drain", "night")
        self.sheaf("job", "submit", "--prompt", "x", "--queue", "night",
                   code=CONFLICT)
        self.sheaf("queue", "get", "nowhere", code=NOT_FOUND)
        self.assertIn("night", self.sheaf("queue", "list"))

    def test_a_purge_asks_first(self):
        name = self.submit("--sweep", "seed=1..5")
        self.sheaf("queue", "purge", "default", code=USAGE)
        self.assertIn("--yes", self.stderr)
        self.sheaf("queue", "purge", "default", "--dry-run")
        self.assertEqual(self.server.get(name).state, pb.JOB_STATE_QUEUED)
        self.sheaf("queue", "purge", "default", "--yes")
        self.assertEqual(self.server.get(name).state, pb.JOB_STATE_CANCELLED)

    def test_artifacts_go_in_and_out(self):
        data = make_png(64, 64)
        path = self.file("in.png", data)
        name = self.sheaf("artifact", "put", path, "-o", "name").strip()
        self.assertRegex(name, "^artifacts/[0-9a-f]{64}$")
        out = os.path.join(self.home, "out.png")
        self.sheaf("artifact", "get", name, "--output-file", out)
        with open(out, "rb") as source:
            self.assertEqual(source.read(), data)
        self.assertEqual(self.json("artifact", "get", name)["mediaType"],
                         "image/png")
        self.sheaf("artifact", "get", "artifacts/" + "0" * 64,
                   code=NOT_FOUND)
        self.assertEqual(sorted(os.listdir(self.home)), ["in.png", "out.png"])

    def test_admin(self):
        self.submit("--prompt", "x")
        info = self.json("admin", "info")
        self.assertTrue(info["writable"])
        self.assertEqual(info["dataDirectory"], self.server.data)
        self.sheaf("admin", "check")
        self.sheaf("admin", "check", "--full")
        path = self.json("admin", "backup", "one.db")["path"]
        fixture.invariants.check(path)
        self.sheaf("admin", "backup", "one.db", code=CONFLICT)
        self.sheaf("admin", "backup", "../one.db", code=USAGE)

    def test_a_backup_is_put_back(self):
        job = self.submit("--prompt", "kept")
        self.sheaf("admin", "backup", "kept.db")
        backup = os.path.join(self.server.data, "backups", "kept.db")
        later = self.submit("--prompt", "after the backup")
        restore = ("admin", "restore", backup, "--data-dir", self.server.data)
        self.sheaf(*restore, code=USAGE)
        self.assertIn("--yes", self.stderr)
        # Not under a server that runs.
        self.sheaf(*restore, "--yes", code=INTERNAL)
        self.assertIn("is held by process", self.stderr)
        self.server.stop()
        self.sheaf(*restore, "--yes")
        self.server.start()
        self.assertEqual(self.json("job", "get", job)["state"],
                         "JOB_STATE_QUEUED")
        self.sheaf("job", "get", later, code=NOT_FOUND)

    def test_workers(self):
        worker = self.server.worker(name="north")
        fixture.until(self.server.list_workers, "it is there")
        self.assertIn("north", self.sheaf("worker", "list"))
        (listed,) = self.server.list_workers()
        self.sheaf("worker", "drain", listed.name, "--yes")
        self.assertEqual(worker.wait(), 0)
        self.sheaf("worker", "drain", "99", "--yes", code=NOT_FOUND)

    def test_doctor_finds_a_server_and_the_lack_of_one(self):
        self.server.worker()
        fixture.until(self.server.list_workers, "it is there")
        self.assertIn("the engine of w0 is simulated", self.sheaf("doctor"))
        nowhere = f"127.0.0.1:{fixture.free_port()}"
        self.sheaf("doctor", code=UNAVAILABLE, server=nowhere)
        self.sheaf("job", "list", "--timeout", "2s", code=UNAVAILABLE,
                   server=nowhere)
        self.assertIn(nowhere, self.stderr)

    def test_completion_loads_in_bash(self):
        script = self.file("completion", self.sheaf("completion", "bash"))
        done = subprocess.run(
            ["bash", "--norc", "-c",
             f"""set -e; source {script}
             complete -p sheaf
             COMP_WORDS=(sheaf job sub) COMP_CWORD=2
             COMP_LINE='sheaf job sub' COMP_POINT=13
             _sheaf sheaf sub job
             echo "${{COMPREPLY[@]}}" """],
            capture_output=True, text=True, timeout=60, check=False,
            env={**os.environ, "SHEAF_SERVER": self.server.address,
                 "PATH": fixture.binaries() + ":" + os.environ["PATH"]},
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("submit", done.stdout)
        for shell in ("zsh", "fish"):
            self.assertIn("sheaf", self.sheaf("completion", shell))

    def test_version_and_help_need_no_server(self):
        nowhere = "127.0.0.1:1"
        self.assertRegex(self.sheaf("version", server=nowhere), r"\d+\.\d+")
        self.assertIn("submit", self.sheaf("job", "--help", server=nowhere))


if __name__ == "__main__":
    unittest.main()
