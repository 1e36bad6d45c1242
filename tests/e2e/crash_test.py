"""kill -9, again and again, at random moments and at the worst ones.

While submitters submit and workers work, sheafd and the workers are killed and
started again. Then all must drain, and all invariants hold: every acknowledged
submit is there, each request_id made one job, each run ended once.

SHEAF_CRASH_KILLS says how many random kills (25 unless said), SHEAF_CRASH_SEED
makes them the same again.
"""

import os
import random
import re
import threading
import time
import unittest
import uuid

import grpc

import fixture
import invariants
from fixture import until
from wire import Calls, pb

KILLS = int(os.environ.get("SHEAF_CRASH_KILLS", "25"))
SEED = int(os.environ.get("SHEAF_CRASH_SEED", str(time.time_ns() % 10**6)))

# More than this may not wait: the machine shall drain it in a moment.
BACKLOG = 400

PASSING = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
)


class Submitter(threading.Thread):
    """Submits, cancels and retries until told to stop; never gives up.

    Each submit is asked again, with the same request_id, until it is
    answered: then and there the job must exist. Now and then an answered one is
    asked again, and must be the same job.
    """

    def __init__(self, cluster, number, seed):
        super().__init__(daemon=True)
        self.owner = f"owner{number}"
        self.calls = Calls(cluster.address)
        self.random = random.Random(seed)
        self.ending = threading.Event()
        self.problem = None
        self.acked = {}  # job name -> (owner, request_id)
        self.backlog = 0

    def run(self):
        try:
            while not self.ending.is_set():
                self.submit_one()
                if self.random.random() < 0.3:
                    self.meddle()
                if self.backlog > BACKLOG:
                    self.ending.wait(0.1)
        except Exception as error:  # pylint: disable=broad-except
            self.problem = error
        finally:
            self.calls.close()

    def stop(self):
        self.ending.set()

    def surely(self, call, request):
        """Asks until there is an answer other than that nobody is there."""
        while True:
            try:
                return call(request, timeout=5, wait_for_ready=True)
            except grpc.RpcError as error:
                if error.code() not in PASSING:
                    raise
                if self.ending.is_set():
                    return None

    def submit_one(self):
        request_id = str(uuid.UUID(int=self.random.getrandbits(128)))
        request = pb.SubmitJobRequest(
            request_id=request_id,
            job=self.calls.spec(
                self.random.choice([1, 1, 2, 5]),
                owner=self.owner,
                priority=self.random.randint(1, 4),
            ),
        )
        answer = self.surely(self.calls.jobs.SubmitJob, request)
        if answer is None:
            return
        self.acked[answer.job.name] = (self.owner, request_id)
        if self.random.random() < 0.2:
            again = self.surely(self.calls.jobs.SubmitJob, request)
            if again is not None:
                assert again.replayed, "a second job for one request_id"
                assert again.job.name == answer.job.name
        if self.random.random() < 0.2:
            queue = self.surely(
                self.calls.queues.GetQueue,
                pb.GetQueueRequest(name="queues/default"),
            )
            if queue is not None:
                self.backlog = queue.queued_run_count

    def meddle(self):
        name = self.random.choice(list(self.acked or [""]))
        if not name:
            return
        cancel = pb.CancelJobRequest(name=name)
        retry = pb.RetryJobRequest(name=name)
        call, request = self.random.choice(
            [(self.calls.jobs.CancelJob, cancel),
             (self.calls.jobs.RetryJob, retry)]
        )
        try:
            self.surely(call, request)
        except grpc.RpcError as error:
            # Too late or too early, which is fine; anything else is not.
            if error.code() != grpc.StatusCode.FAILED_PRECONDITION:
                raise


class Chaos:
    """A cluster under load, and how it is brought to rest."""

    def __init__(self, case, seed, submitters=3, **options):
        print(f"SHEAF_CRASH_SEED={seed}")
        self.case = case
        self.random = random.Random(seed)
        self.cluster = case.cluster(
            start=False, lease_duration="2s", worker_grace="300ms", **options
        )
        self.submitters = [
            Submitter(self.cluster, number, seed * 100 + number)
            for number in range(submitters)
        ]

    def begin(self, **start):
        self.cluster.start(**start)
        for number in range(2):
            self.new_worker(number)
        for submitter in self.submitters:
            submitter.start()

    def new_worker(self, number, **options):
        return self.cluster.worker(
            name=f"w{number}", time_scale=0.02, log_level="warn", **options
        )

    def replace_worker(self):
        """One of the workers dies, and another takes its place."""
        alive = [each for each in self.cluster.workers if each.alive()]
        victim = self.random.choice(alive)
        victim.kill()
        self.new_worker(len(self.cluster.workers))

    def finish(self):
        """Quiet, drained, and all as it must be."""
        for submitter in self.submitters:
            submitter.stop()
        for submitter in self.submitters:
            submitter.join(fixture.PATIENCE)
            self.case.assertFalse(submitter.is_alive(), "a submitter hangs")
            if submitter.problem is not None:
                raise submitter.problem
            self.cluster.acked.update(submitter.acked)
        self.cluster.wait_ready()

        def drained():
            queue = self.cluster.queue()
            return queue.queued_run_count + queue.running_run_count == 0

        until(drained, "everything has drained", timeout=120, pause=0.1)
        self.cluster.check()
        invariants.check_drained(self.cluster.database)
        self.case.assertTrue(self.cluster.acked, "nothing was ever submitted")
        return len(self.cluster.acked)


class RandomKillTest(fixture.Case):
    def test_random_kills_of_server_and_workers(self):
        chaos = Chaos(self, SEED)
        chaos.begin()
        worker_kills = 0
        for kill in range(KILLS):
            time.sleep(chaos.random.uniform(0.05, 0.4))
            chaos.cluster.kill()
            if kill % 10 == 9:
                # Now and then somebody looks at what lies there.
                invariants.check(chaos.cluster.database)
            chaos.cluster.start(ready=chaos.random.random() < 0.8)
            if chaos.random.random() < 0.25:
                worker_kills += 1
                chaos.replace_worker()
        jobs = chaos.finish()
        print(f"{KILLS} kills of sheafd, {worker_kills} of workers,"
              f" {jobs} acknowledged jobs")


class WorkerDeathTest(fixture.Case):
    """Workers that die at each of their worst moments, again and again."""

    FAULTS = ["exit@lease", "crash@step=2", "exit@before-finish",
              "exit@after-finish"]

    def test_workers_that_die_wherever_they_can(self):
        chaos = Chaos(self, SEED)
        chaos.begin()
        deaths = 0
        while deaths < 3 * len(self.FAULTS):
            fault = self.FAULTS[deaths % len(self.FAULTS)]
            seed = chaos.random.randrange(10**6)
            worker = chaos.new_worker(
                len(chaos.cluster.workers), fault=f"{fault},p=0.2,seed={seed}"
            )
            until(lambda: not worker.alive(), f"{fault} strikes")
            deaths += 1
        jobs = chaos.finish()
        print(f"{deaths} deaths of workers, {jobs} acknowledged jobs")


class CrashPointTest(fixture.Case):
    """A kill at each place in the code that is named for it."""

    def die_at(self, name, nth=1, act=None):
        """Under load; until the server has died at `name`."""
        chaos = Chaos(self, SEED, submitters=2)
        # The first commit comes before the server listens.
        chaos.begin(
            ready=nth > 1 or act is not None,
            env={"SHEAF_CRASH_POINT": f"{name}:{nth}"},
        )
        if act is not None:
            act(chaos.cluster)
        until(lambda: not chaos.cluster.server.alive(),
              f"the server dies at {name}")
        self.assertEqual(chaos.cluster.server.wait(), -9)
        invariants.check(chaos.cluster.database)
        chaos.cluster.start()
        chaos.finish()

    def test_before_a_commit(self):
        for nth in (1, 40):
            self.die_at("before-commit", nth)

    def test_after_a_commit_before_its_answers(self):
        for nth in (1, 40):
            self.die_at("after-commit", nth)

    def test_within_a_group_of_writes(self):
        self.die_at("mid-group", 60)

    def test_while_a_batch_is_handed_out(self):
        self.die_at("mid-lease", 5)

    def test_while_outcomes_are_stored(self):
        self.die_at("mid-finish", 5)

    def test_within_a_checkpoint(self):
        # The log is folded into the database when nothing is written.
        chaos = Chaos(self, SEED, submitters=0)
        chaos.cluster.start(env={"SHEAF_CRASH_POINT": "mid-checkpoint:1"})
        for _ in range(10):
            chaos.cluster.submit(3)
        until(lambda: not chaos.cluster.server.alive(),
              "the server dies at mid-checkpoint")
        chaos.cluster.start()
        chaos.new_worker(0)
        chaos.finish()

    def test_within_a_backup(self):
        def back_up(cluster):
            with self.assertRaises(grpc.RpcError):
                cluster.admin.Backup(
                    pb.BackupRequest(file_name="dies.db"), timeout=30
                )

        for place in ("mid-backup", "mid-publish"):
            self.die_at(place, act=back_up)

    def test_within_the_first_migration(self):
        chaos = Chaos(self, SEED, submitters=0)
        chaos.cluster.start(
            ready=False, env={"SHEAF_CRASH_POINT": "mid-migration"}
        )
        self.assertEqual(chaos.cluster.server.wait(), -9)
        chaos.cluster.start()
        chaos.cluster.submit(3)
        chaos.new_worker(0)
        chaos.finish()

    def test_every_place_is_tried_here(self):
        named = set()
        for folder in ("base", "queue", "server"):
            for path, _, files in os.walk(os.path.join(fixture.ROOT, folder)):
                for file in files:
                    if file.endswith(".cc"):
                        name = os.path.join(path, file)
                        with open(name, encoding="utf-8") as source:
                            named.update(re.findall(
                                r'SHEAF_CRASH_POINT\("([^"]+)"\)',
                                source.read()))
        with open(__file__, encoding="utf-8") as source:
            ours = source.read()
        self.assertEqual({n for n in named if f'"{n}' not in ours}, set())
        self.assertTrue(named)


if __name__ == "__main__":
    unittest.main()
