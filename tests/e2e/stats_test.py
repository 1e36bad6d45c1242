"""`sheaf stats` and `sheaf trace record` against a live server."""

import csv
import io
import json
import os
import subprocess
import unittest

import fixture
from fixture import until
from wire import pb, seconds

PROFILES = os.path.join(
    fixture.ROOT, "tests", "golden", "batching", "profiles.json"
)


class StatsCase(fixture.Case):
    def sheaf(self, cluster, *args, code=0):
        done = subprocess.run(
            [fixture.program("sheaf"), *args],
            capture_output=True, text=True, timeout=60, check=False,
            env={"PATH": os.environ["PATH"], "HOME": cluster.folder,
                 "SHEAF_SERVER": cluster.address},
        )
        self.assertEqual(done.returncode, code,
                         f"{args}\n{done.stdout}\n{done.stderr}")
        self.stderr = done.stderr
        return done.stdout

    def stats(self, cluster, **fields):
        return cluster.admin.GetStats(pb.GetStatsRequest(**fields), timeout=30)


class StatsTest(StatsCase):
    def test_figures_are_those_of_the_work_that_was_done(self):
        cluster = self.cluster()
        cluster.create_queue("night", batch_size=8)
        cluster.set_queue(batch_size=4)
        job = cluster.submit(10)
        other = cluster.submit(8, queue="night")
        cluster.worker()
        cluster.wait(job)
        cluster.wait(other)
        stats = until(
            lambda: self.settled(cluster, 18), "the ends have been counted"
        )
        queues = {queue.name: queue for queue in stats.queues}
        default = queues["queues/default"]
        # 28 rows: 10 + 25 / 28 ms for each is within 5% of what it is for 64,
        # the most that are looked at; two rows make a guided run.
        self.assertEqual(stats.knee, 14)
        self.assertEqual(default.window.succeeded_run_count, 10)
        self.assertEqual(default.window.batch_count, 3)
        self.assertAlmostEqual(default.window.batch_size_average, 10 / 3)
        self.assertAlmostEqual(default.window.batch_fill, 10 / 12)
        self.assertEqual(default.window.wait.count, 10)
        self.assertEqual(default.window.generation.count, 10)
        self.assertEqual(default.queued_run_count, 0)
        self.assertEqual(default.queued_run_count_max, 10)
        self.assertEqual(default.jobs.submitted, 1)
        self.assertEqual(default.jobs.succeeded, 1)
        self.assertEqual(queues["queues/night"].window.batch_fill, 1)
        self.assertEqual(stats.total.window.batch_count, 4)
        self.assertEqual(stats.total.queued_run_count_max, 18)
        (worker,) = stats.workers
        self.assertEqual(worker.work.succeeded_run_count, 18)
        self.assertEqual(worker.work.batch_count, 4)
        self.assertEqual(list(worker.work.batches), [])
        (device,) = stats.devices
        self.assertEqual(list(device.workers), [worker.name])
        config = {entry.key: entry.value for entry in stats.config}
        self.assertEqual(config["lease_duration"], '"20s"')

    def test_sums_since_the_start_outlive_a_worker_with_its_device(self):
        cluster = self.cluster()
        cluster.create_queue("night", batch_size=8)
        for runs in (5, 3):
            worker = cluster.worker()
            cluster.wait(cluster.submit(runs, queue="night"))
            worker.stop()
        worker = cluster.worker()
        cluster.wait(cluster.submit(2))
        stats = until(lambda: self.settled(cluster, 10), "the ends are counted")
        default, night = sorted(stats.queues, key=lambda queue: queue.name)
        self.assertEqual(
            [(each.batch_count, each.batched_run_count, each.wait.count,
              each.generation.count)
             for each in (stats.total.since_start, night.since_start,
                          default.since_start,
                          stats.workers[0].work.since_start,
                          stats.devices[0].work.since_start)],
            [(3, 10, 10, 10), (2, 8, 8, 8), (1, 2, 2, 2), (1, 2, 2, 2),
             (3, 10, 10, 10)])
        # All of it lies in the window, so the means are those of the sums.
        for window, totals in (
            (stats.total.window.wait, stats.total.since_start.wait),
            (stats.total.window.generation, stats.total.since_start.generation),
        ):
            mean = totals.sum.ToMilliseconds() / totals.count
            self.assertAlmostEqual(window.mean.ToMilliseconds(), mean, delta=1)
            self.assertLessEqual(window.mean.ToMilliseconds(),
                                 window.max.ToMilliseconds())
        cluster.restart()
        self.assertEqual(self.stats(cluster).total.since_start.batch_count, 0)

    def settled(self, cluster, runs):
        stats = self.stats(cluster)
        return stats if stats.total.succeeded_run_count == runs else None

    def test_a_busy_worker_is_seen_with_what_it_holds(self):
        cluster = self.cluster()
        job = cluster.submit(3, shared={"steps": 1000})
        cluster.worker(time_scale=1)
        held = until(
            lambda: [w for w in self.stats(cluster).workers if w.work.batches],
            "the worker holds a batch",
        )
        self.assertEqual(held[0].work.running_run_count, 3)
        self.assertGreater(
            until(lambda: self.stats(cluster).workers[0].work.busy_ratio,
                  "it is busy"), 0)
        self.assertEqual(self.stats(cluster).total.running_run_count, 3)
        cluster.cancel(job)
        cluster.wait(job)
        total = until(
            lambda: self.cancelled(cluster), "the cancels have been counted"
        )
        self.assertEqual(total.window.failed_attempt_count, 0)
        self.assertEqual(total.jobs.cancelled, 1)

    def cancelled(self, cluster):
        total = self.stats(cluster).total
        return total if total.cancelled_run_count == 3 else None

    def test_a_dead_workers_attempts_have_failed(self):
        cluster = self.cluster()
        job = cluster.submit(2, shared={"steps": 1000})
        worker = cluster.worker(time_scale=1)
        until(lambda: self.stats(cluster).total.running_run_count == 2,
              "both run")
        worker.kill()
        until(lambda: self.stats(cluster).total.window.failed_attempt_count
              == 2, "the failures have been counted")
        self.assertEqual(self.stats(cluster).total.failed_run_count, 0)
        self.assertEqual(len(self.stats(cluster).workers), 0)
        cluster.cancel(job)

    def test_the_window_begins_anew_with_the_server(self):
        cluster = self.cluster()
        cluster.submit(5)
        cluster.restart()
        stats = self.stats(cluster, window=seconds(3600))
        self.assertEqual(stats.total.queued_run_count, 5)
        self.assertEqual(stats.total.queued_run_count_max, 5)
        self.assertEqual(stats.total.jobs.submitted, 0)
        self.assertLess(stats.window.seconds, 60)

    def test_an_unknown_queue_is_refused(self):
        cluster = self.cluster()
        self.sheaf(cluster, "stats", "--queue", "nowhere", code=3)
        self.sheaf(cluster, "stats", "--window", "soon", code=2)

    def test_people_get_tables_and_programs_json(self):
        cluster = self.cluster()
        cluster.create_queue("night")
        cluster.worker()
        cluster.wait(cluster.submit(3))
        until(lambda: self.settled(cluster, 3), "the ends are counted")
        text = self.sheaf(cluster, "stats")
        for word in ("QUEUE", "queues/night", "all ", "WORKER", "DEVICE"):
            self.assertIn(word, text)
        one = json.loads(
            self.sheaf(cluster, "stats", "--queue", "night", "-o", "json"))
        self.assertEqual([q["name"] for q in one["queues"]], ["queues/night"])
        self.assertIn("lease_duration",
                      self.sheaf(cluster, "stats", "--config"))

    def test_watching_off_a_terminal_writes_a_json_line_each_time(self):
        cluster = self.cluster()
        watching = subprocess.Popen(
            [fixture.program("sheaf"), "stats", "--watch", "--interval",
             "100ms", "--server", cluster.address],
            stdout=subprocess.PIPE, text=True,
        )
        self.addCleanup(watching.stdout.close)
        self.addCleanup(watching.wait)
        self.addCleanup(watching.kill)
        for _ in range(3):
            line = json.loads(watching.stdout.readline())
            self.assertEqual(line["queues"][0]["name"], "queues/default")


class TraceTest(StatsCase):
    def record(self, cluster, *args):
        """The rows of the trace that is recorded."""
        path = os.path.join(cluster.folder, "trace.csv")
        self.sheaf(cluster, "trace", "record", path, "--force", *args)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        return list(csv.DictReader(io.StringIO(text)))

    def test_what_is_recorded_can_be_simulated(self):
        cluster = self.cluster()
        cluster.submit(
            [{"seed": 1, "prompt": "a secret"}, {"seed": 2, "steps": 7}],
            shared={"model": "sd15", "guidance": 6.5, "sampler": "a, \"b\"",
                    "controls": [pb.Control(type="depth", weight=0.8)]},
            priority=pb.PRIORITY_HIGH, owner="ann@example.com",
        )
        cluster.submit(1100, shared={"width": 512, "height": 512})
        cluster.submit(1, kind="upscale")
        rows = self.record(cluster)
        self.assertEqual(len(rows), 1103)
        self.assertEqual(
            {key: rows[0][key] for key in (
                "arrival_ms", "job", "run", "model", "width", "steps",
                "guidance", "sampler", "seed", "priority", "owner", "kind",
                "deadline_ms", "controls")},
            {"arrival_ms": "0", "job": "jobs/1", "run": "0", "model": "sd15",
             "width": "8", "steps": "2", "guidance": "6.5",
             "sampler": "a, \"b\"", "seed": "1", "priority": "high",
             "owner": "owner-1", "kind": "inference", "deadline_ms": "",
             "controls": "depth:0.8:0:1"})
        self.assertEqual(rows[1]["steps"], "7")
        self.assertEqual([row["run"] for row in rows[2:1102]],
                         [str(run) for run in range(1100)])
        path = os.path.join(cluster.folder, "trace.csv")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for secret in ("secret", "a fox", "ann@"):
            self.assertNotIn(secret, text)
        done = json.loads(self.sheaf(
            cluster, "batch", "simulate", path, "--profile", PROFILES,
            "--policy", "natural", "--batch-size", "4", "-o", "json"))
        self.assertEqual({row["runs"] for row in done}, {1102})
        # Two and 1100 runs, in batches of four.
        self.assertEqual({row["batches"] for row in done}, {1 + 275})

    def test_last_queue_and_since_choose_the_jobs(self):
        cluster = self.cluster()
        cluster.create_queue("night")
        for queue in ("default", "night", "default", "default"):
            cluster.submit(1, queue=queue)
        jobs = lambda rows: [row["job"] for row in rows]  # noqa: E731
        self.assertEqual(jobs(self.record(cluster, "--last", "2")),
                         ["jobs/3", "jobs/4"])
        self.assertEqual(jobs(self.record(cluster, "--queue", "night")),
                         ["jobs/2"])
        self.assertEqual(len(self.record(cluster, "--since", "1h")), 4)
        path = os.path.join(cluster.folder, "none.csv")
        self.sheaf(cluster, "trace", "record", path, "--since",
                   "2100-01-01T00:00:00Z", code=3)
        self.assertFalse(os.path.exists(path))

    def test_a_file_that_is_there_stays_unless_told_otherwise(self):
        cluster = self.cluster()
        cluster.submit(1)
        path = os.path.join(cluster.folder, "mine.csv")
        with open(path, "w", encoding="utf-8") as file:
            file.write("mine")
        self.sheaf(cluster, "trace", "record", path, code=4)
        with open(path, encoding="utf-8") as file:
            self.assertEqual(file.read(), "mine")
        self.sheaf(cluster, "trace", "record", path, "--force")
        self.assertEqual(
            [name for name in os.listdir(cluster.folder) if "part" in name],
            [])


if __name__ == "__main__":
    unittest.main()
