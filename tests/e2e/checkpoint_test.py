"""Runs that go on, under another worker, from where they were."""

import os
import re
import sqlite3
import unittest

import fixture
from fixture import until
from pictures import engine_hashes
from torch_test import GOLDEN, SD, TorchCase
from wire import make_png, pb, refusal
from worker_test import Hand

# The line of a worker that goes on from a checkpoint.
RESUMED = re.compile(r"(jobs/\d+/runs/\d+): goes on from step (\d+) of")


def saved(cluster):
    """The step of each run's checkpoint, by the run's name."""
    folder = os.path.join(cluster.data, "checkpoints")
    steps = {}
    for name in os.listdir(folder):
        try:
            with open(os.path.join(folder, name), "rb") as file:
                words = file.readline().decode("ascii").split()
        except FileNotFoundError:
            continue  # It has just gone.
        if name != "new" and len(words) == 8:
            job, index = name.split("-")
            steps[f"jobs/{job}/runs/{index}"] = int(words[3])
    return steps


def resumed(worker):
    """The step from which each run went on."""
    return {run: int(step) for run, step in RESUMED.findall(worker.read_log())}


def reach(cluster, runs, step):
    """The checkpoints, once those of `runs` are of `step` or later."""
    def reached():
        steps = saved(cluster)
        return all(steps.get(run, 0) >= step for run in runs) and steps
    return until(reached, f"{runs} are saved at step {step}", timeout=120)


def names(job, count):
    return [f"{job.name}/runs/{index}" for index in range(count)]


class SimulatedTest(fixture.Case):
    LONG = {"steps": 200}

    def worker_of(self, cluster, **options):
        options = {"time_scale": 1, "step_time": "10ms", "row_time": "1ms",
                   "checkpoint_pause": 0, **options}
        return cluster.worker(**options)

    def test_a_killed_workers_runs_go_on_from_where_they_were(self):
        cluster = self.cluster(checkpoint_steps=5)
        job = cluster.submit(2, shared={"steps": 400})
        first = self.worker_of(cluster)
        steps = reach(cluster, names(job, 2), 20)
        # A server that dies takes nothing along, and then takes more.
        cluster.restart()
        steps = reach(cluster, names(job, 2), max(steps.values()) + 20)
        first.kill()
        until(lambda: "RUNNING" not in cluster.states(job), "it is noticed")
        cluster.restart()
        second = self.worker_of(cluster)
        self.assertEqual(cluster.wait(job).state, pb.JOB_STATE_SUCCEEDED)
        went_on = resumed(second)
        for run in names(job, 2):
            self.assertGreaterEqual(went_on[run], steps[run])
        self.assertEqual([run.attempt for run in cluster.runs(job)], [2, 2])
        until(lambda: saved(cluster) == {}, "what has ended is kept no more")
        self.assertEqual(first.read_log().count("goes on"), 0)

    def test_progress_begins_at_the_step_that_it_goes_on_from(self):
        cluster = self.cluster(checkpoint_steps=5)
        job = cluster.submit(1, shared={"steps": 1000})
        first = self.worker_of(cluster)
        (run,) = names(job, 1)
        steps = reach(cluster, [run], 30)
        first.kill()
        until(lambda: cluster.states(job) == ["QUEUED"], "its death is noticed")
        # So slow that from the beginning it would take half a minute to come
        # this far.
        second = self.worker_of(cluster, step_time="1s")
        begun = until(lambda: resumed(second), "it goes on")[run]
        self.assertGreaterEqual(begun, steps[run])
        until(lambda: cluster.run(run).progress.step > begun, "it says so",
              timeout=15)
        cluster.cancel(job)
        cluster.wait(job)
        until(lambda: saved(cluster) == {}, "what is cancelled is not kept")

    def test_a_stopped_workers_runs_go_on_too(self):
        cluster = self.cluster(checkpoint_steps=5)
        job = cluster.submit(1, shared=self.LONG)
        first = self.worker_of(cluster)
        steps = reach(cluster, names(job, 1), 20)
        self.assertEqual(first.stop(), 0)
        second = self.worker_of(cluster)
        self.assertEqual(cluster.wait(job).state, pb.JOB_STATE_SUCCEEDED)
        for run, step in steps.items():
            self.assertGreaterEqual(resumed(second)[run], step)

    def test_a_run_that_asks_for_something_else_by_now_starts_anew(self):
        cluster = self.cluster(checkpoint_steps=5)
        job = cluster.submit(2, shared=self.LONG)
        changed, same = names(job, 2)
        first = self.worker_of(cluster)
        reach(cluster, [changed, same], 20)
        first.kill()
        until(lambda: "RUNNING" not in cluster.states(job), "it is noticed")
        cluster.kill()
        with sqlite3.connect(cluster.database) as database:
            done = database.execute(
                "UPDATE run_params SET params = '{\"seed\":77}' "
                "WHERE params = '{\"seed\":0}'"
            )
            self.assertEqual(done.rowcount, 1)
        database.close()
        cluster.start()
        second = self.worker_of(cluster)
        self.assertEqual(cluster.wait(job).state, pb.JOB_STATE_SUCCEEDED)
        self.assertEqual(set(resumed(second)), {same})

    def test_a_damaged_checkpoint_costs_only_its_steps(self):
        cluster = self.cluster(checkpoint_steps=5)
        job = cluster.submit(1, shared=self.LONG)
        first = self.worker_of(cluster)
        reach(cluster, names(job, 1), 20)
        first.kill()
        number = job.name.split("/")[1]
        path = os.path.join(cluster.data, "checkpoints", f"{number}-0")
        with open(path, "r+b") as file:
            file.seek(-1, os.SEEK_END)
            file.write(b"?")
        second = self.worker_of(cluster)
        self.assertEqual(cluster.wait(job).state, pb.JOB_STATE_SUCCEEDED)
        self.assertEqual(resumed(second), {})
        self.assertIn("its checkpoint could not be loaded", second.read_log())

    def test_where_no_room_is_given_the_run_goes_on_without(self):
        cluster = self.cluster(checkpoint_steps=5, checkpoint_total_bytes=0)
        self.worker_of(cluster)
        job = cluster.submit(1, shared={"steps": 60})
        self.assertEqual(cluster.wait(job).state, pb.JOB_STATE_SUCCEEDED)
        self.assertEqual(saved(cluster), {})
        with open(os.path.join(cluster.folder, "sheafd.log"),
                  encoding="utf-8") as log:
            self.assertEqual(log.read().count("a checkpoint was not kept"), 1)


class HandTest(fixture.Case):
    """The contract, one message at a time."""

    def save(self, hand, held, step, data=b"state", size=None, **changes):
        header = {**hand.hold(held), "run": held.runs[0].run, "step": step,
                  "size_bytes": len(data) if size is None else size,
                  **changes}
        yield pb.SaveCheckpointRequest(header=pb.CheckpointHeader(**header))
        for at in range(0, len(data), 1000):
            yield pb.SaveCheckpointRequest(data=data[at:at + 1000])

    def load(self, hand, held, **changes):
        request = {**hand.hold(held), "run": held.runs[0].run, **changes}
        return pb.LoadCheckpointRequest(**request)

    def loaded(self, cluster, hand, batch):
        parts = list(cluster.work.LoadCheckpoint(self.load(hand, batch)))
        data = b"".join(part.data for part in parts)
        self.assertEqual(parts[0].size_bytes, len(data))
        return parts[0].step, data

    def test_only_the_lease_that_holds_the_run_may_save_and_load(self):
        cluster = self.cluster()
        cluster.submit(shared={"steps": 50})
        hand, other = Hand(cluster), Hand(cluster, "other")
        batch = hand.lease()
        self.assertEqual(batch.checkpoint_steps, 10)
        self.assertEqual(batch.runs[0].checkpoint_step, 0)
        none = refusal(cluster.work.LoadCheckpoint, self.load(hand, batch))
        self.assertEqual(none.reason, "CHECKPOINT_NOT_FOUND")
        cluster.work.SaveCheckpoint(self.save(hand, batch, 10, b"x" * 700000))
        for change in ({"epoch": batch.epoch + 1}, {"epoch": 0},
                       {"worker": other.worker}, {"batch": "batches/99"},
                       {"secret": b""}, {"secret": b"x" * 16},
                       {"run": "jobs/99/runs/0"}):
            for refused in (
                refusal(cluster.work.SaveCheckpoint,
                        self.save(hand, batch, 20, b"y", **change)),
                refusal(cluster.work.LoadCheckpoint,
                        self.load(hand, batch, **change)),
            ):
                self.assertEqual(refused.reason, "LEASE_LOST", change)
        self.assertEqual(self.loaded(cluster, hand, batch),
                         (10, b"x" * 700000))
        hand.close()
        other.close()

    def test_the_next_lease_is_told_of_it_and_the_last_one_is_not_heard(self):
        cluster = self.cluster()
        cluster.submit(shared={"steps": 50})
        hand = Hand(cluster)
        old = hand.lease()
        cluster.work.SaveCheckpoint(self.save(hand, old, 20, b"twenty"))
        # Harmless: said twice, or late.
        cluster.work.SaveCheckpoint(self.save(hand, old, 20, b"again"))
        cluster.work.SaveCheckpoint(self.save(hand, old, 10, b"ten"))
        cluster.work.ReleaseLease(pb.ReleaseLeaseRequest(**hand.hold(old)))
        new = hand.lease()
        self.assertEqual(new.runs[0].checkpoint_step, 20)
        self.assertEqual(self.loaded(cluster, hand, new), (20, b"twenty"))
        late = refusal(cluster.work.SaveCheckpoint,
                       self.save(hand, old, 30, b"late"))
        self.assertEqual(late.reason, "LEASE_LOST")
        self.assertEqual(self.loaded(cluster, hand, new), (20, b"twenty"))
        cluster.work.FinishRuns(hand.success(new))
        until(lambda: saved(cluster) == {}, "what has ended is kept no more")
        hand.close()

    def test_what_is_no_checkpoint_is_refused(self):
        cluster = self.cluster(checkpoint_max_bytes="2KiB")
        cluster.submit(shared={"steps": 50})
        hand = Hand(cluster)
        batch = hand.lease()
        header = next(self.save(hand, batch, 10))
        data = pb.SaveCheckpointRequest(data=b"state")
        for parts in (
            self.save(hand, batch, 10, b"x" * 2049),
            self.save(hand, batch, 10, b"x" * 10, size=11),
            self.save(hand, batch, 10, b"x" * 10, size=9),
            self.save(hand, batch, 0),
            self.save(hand, batch, 10, run="jobs/1"),
            iter([data, header]),
            iter([header, header, data]),
            iter([]),
        ):
            refused = refusal(cluster.work.SaveCheckpoint, parts)
            self.assertEqual(refused.reason, "INVALID_FIELD")
        self.assertEqual(saved(cluster), {})
        cluster.work.SaveCheckpoint(self.save(hand, batch, 10, b"x" * 2048))
        self.assertEqual(list(saved(cluster).values()), [10])
        hand.close()

    def test_what_no_run_waits_for_any_more_is_gone_after_a_start(self):
        cluster = self.cluster()
        cluster.submit(shared={"steps": 50})
        hand = Hand(cluster)
        batch = hand.lease()
        cluster.work.SaveCheckpoint(self.save(hand, batch, 10))
        number = batch.runs[0].run.split("/")[1]
        folder = os.path.join(cluster.data, "checkpoints")
        with open(os.path.join(folder, f"{number}-0"), "rb") as file:
            text = file.read()
        cluster.work.FinishRuns(hand.success(batch))
        until(lambda: saved(cluster) == {}, "it is gone")
        hand.close()
        cluster.kill()
        # As if the server had died between the run's end and the file's.
        with open(os.path.join(folder, f"{number}-0"), "wb") as file:
            file.write(text)
        cluster.start()
        self.assertEqual(os.listdir(folder), [])


class PictureTest(TorchCase):
    STEPS = 100

    def test_pictures_are_the_same_after_two_kills_and_a_restart(self):
        cluster = self.torch_cluster(checkpoint_steps=5)
        cluster.set_queue(batch_size=4)
        shape = make_png(32, 32, shade=200)
        image = cluster.upload(shape).name
        path = os.path.join(cluster.folder, "shape.png")
        with open(path, "wb") as file:
            file.write(shape)
        runs = [
            ({"seed": 1, "sampler": "Euler a", "weights": {"edge": 0}}, {}),
            ({"seed": 2, "sampler": "DPM++ 2M", "weights": {"edge": 0}}, {}),
            ({"seed": 3, "sampler": "DPM++ SDE", "weights": {"edge": 0.75}},
             {"control": f"{GOLDEN}/controlnet-a:{path}:0.75"}),
        ]
        job = self.submit(
            cluster, [run for run, _ in runs], steps=self.STEPS,
            controls=[pb.Control(type="edge", image=image)],
        )
        every = names(job, len(runs))
        first = self.torch_worker(cluster, checkpoint_pause=0)
        before = reach(cluster, every, 15)
        first.kill()
        # From here on each goes alone, in any order.
        second = self.torch_worker(cluster, checkpoint_pause=0)
        victim = next(iter(until(lambda: resumed(second), "it goes on")))
        self.assertGreaterEqual(resumed(second)[victim], before[victim])
        again = reach(cluster, [victim], before[victim] + 20)
        second.kill()
        until(lambda: "RUNNING" not in cluster.states(job), "it is noticed")
        cluster.restart()
        third = self.torch_worker(cluster, checkpoint_pause=0)
        self.assertEqual(self.ended(cluster, job).state, pb.JOB_STATE_SUCCEEDED)
        went_on = {**resumed(second), **resumed(third)}
        self.assertGreaterEqual(resumed(third)[victim], again[victim])
        for run in every:
            self.assertGreaterEqual(went_on[run], before[run])
        print("went on from", went_on)
        for (run, options), made in zip(runs, self.hashes(cluster, job)):
            wanted = engine_hashes(
                cluster.folder, "txt2img", SD, prompt="a cat",
                steps=self.STEPS, seed=run["seed"], sampler=run["sampler"],
                **options,
            )
            self.assertEqual([made], wanted, run)
        until(lambda: saved(cluster) == {}, "what has ended is kept no more")

    def test_another_model_by_the_same_name_begins_anew(self):
        cluster = self.torch_cluster(checkpoint_steps=5)
        job = self.submit(cluster, [{"seed": 1}], steps=self.STEPS)
        first = self.torch_worker(cluster, checkpoint_pause=0)
        reach(cluster, names(job, 1), 15)
        first.kill()
        with open(self.models, encoding="utf-8") as file:
            text = file.read()
        with open(self.models, "w", encoding="utf-8") as file:
            file.write(text.replace("steps = 4", 'sampler = "Euler a"'))
        second = self.torch_worker(cluster, checkpoint_pause=0)
        self.assertEqual(self.ended(cluster, job).state, pb.JOB_STATE_SUCCEEDED)
        self.assertEqual(resumed(second), {})
        self.assertIn("of another model, sampler or version",
                      second.read_log())
        wanted = engine_hashes(
            cluster.folder, "txt2img", SD, prompt="a cat", steps=self.STEPS,
            seed=1, sampler="Euler a",
        )
        self.assertEqual(self.hashes(cluster, job), wanted)


if __name__ == "__main__":
    unittest.main()
