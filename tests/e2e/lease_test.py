"""Reports that contradict the lease, and leases that contradict the database:
neither ends the service."""

import sqlite3
import subprocess
import unittest

import fixture
from fixture import until
from wire import from_now, pb, refusal
from worker_test import Hand


class TwinsTest(fixture.Case):
    """Equal runs share a picture: one is made, and its twins have it too."""

    def lease(self):
        cluster = self.cluster(lease_duration="2s")
        cluster.create_queue("t", batch_size=4, twins=True)
        job = cluster.submit([{"seed": 7}, {"seed": 7}, {"seed": 8}],
                             queue="t")
        hand = Hand(cluster)
        self.addCleanup(hand.close)
        batch = hand.lease()
        self.assertEqual(len(batch.runs), 2, "one of the three is a twin")
        return cluster, job, hand, batch

    def report(self, hand, batch, runs):
        request = hand.success(batch)
        del request.outcomes[:]
        for run in runs:
            outcome = request.outcomes.add(run=run, attempt=1)
            outcome.success.SetInParent()
        return request

    def test_the_leases_own_worker_cannot_end_a_twin_twice(self):
        cluster, job, hand, batch = self.lease()
        names = [run.name for run in cluster.runs(job)]
        for runs in (names[:2], names[1::-1], names[1:2], names):
            refused = refusal(cluster.work.FinishRuns,
                              self.report(hand, batch, runs))
            self.assertEqual(refused.reason, "LEASE_LOST")
        self.assertEqual(cluster.get(job).run_counts.running, 3)
        cluster.work.FinishRuns(hand.success(batch))
        self.assertEqual(cluster.wait(job).run_counts.succeeded, 3)
        self.assertEqual(cluster.queue("t").running_run_count, 0)
        # And leasing goes on, in this queue and others.
        for queue in ("t", "default"):
            cluster.submit(queue=queue)
            again = hand.lease()
            cluster.work.FinishRuns(hand.success(again))
        self.assertFalse(cluster.info().problems)

    def test_a_queue_is_kept_while_workers_hold_its_runs(self):
        cluster, job, hand, batch = self.lease()
        refused = refusal(cluster.queues.DeleteQueue,
                          pb.DeleteQueueRequest(name="queues/t"))
        self.assertEqual(refused.reason, "QUEUE_NOT_EMPTY")
        cluster.work.FinishRuns(hand.success(batch))
        cluster.queues.DeleteQueue(pb.DeleteQueueRequest(name="queues/t"))


class DamageTest(fixture.Case):
    """A database as the fault of doubly counted twins left it."""

    def damaged(self, sql):
        cluster = self.cluster(lease_duration="1s")
        cluster.create_queue("t")
        hand = Hand(cluster)
        job = cluster.submit(3, queue="t", owner="ann")
        hand.lease()
        cluster.kill()
        hand.close()
        database = sqlite3.connect(cluster.database)
        with database:
            database.executescript(sql)
        database.close()
        return cluster, job

    # Two of the three have ended, the counts say, and one runs.
    AHEAD = """
        UPDATE jobs SET n_running = 1, n_succeeded = 2;
        UPDATE queues SET running = 1 WHERE name = 't';
        UPDATE owners SET running = 1;
    """

    def test_one_lease_that_cannot_end_stops_nobody(self):
        cluster, job = self.damaged(self.AHEAD)
        cluster.start(events_max=100)
        until(lambda: cluster.info().problems, "it is named")
        self.assertIn("batches/", cluster.info().problems[0])
        self.assertIn("sheafd repair", cluster.info().problems[0])
        # Leases are given, end by reports and by time.
        hand = Hand(cluster)
        self.addCleanup(hand.close)
        done = cluster.submit()
        cluster.work.FinishRuns(hand.success(hand.lease()))
        self.assertEqual(cluster.wait(done).state, pb.JOB_STATE_SUCCEEDED)
        lost = cluster.submit()
        hand.lease()
        until(lambda: cluster.states(lost) == ["QUEUED"], "its lease ends")
        # Deadlines pass.
        late = cluster.submit(queue="t", start_deadline=from_now(0.5))
        cluster.pause("t")
        until(lambda: cluster.states(late) == ["FAILED"], "it is late")
        # And an operator sees it.
        doctor = subprocess.run(
            [fixture.program("sheaf"), "--server", cluster.address, "doctor"],
            capture_output=True, text=True, check=False,
        )
        self.assertNotEqual(doctor.returncode, 0, doctor.stdout)
        self.assertIn("repair", doctor.stdout + doctor.stderr)
        self.mend(cluster, job)

    def test_a_queue_that_is_gone_ends_no_server(self):
        cluster, job = self.damaged("DELETE FROM queues WHERE name = 't'")
        cluster.start()
        until(lambda: cluster.info().problems, "it is named")
        self.assertTrue(cluster.server.alive())
        self.mend(cluster, job)

    def mend(self, cluster, job):
        check = cluster.admin.CheckIntegrity(pb.CheckIntegrityRequest())
        self.assertFalse(check.ok)
        self.assertEqual(cluster.stop(), 0)
        mended = subprocess.run(
            [fixture.program("sheafd"), "repair", "--data-dir", cluster.data],
            capture_output=True, text=True, check=True,
        )
        self.assertIn("queues/t", mended.stdout)
        again = subprocess.run(
            [fixture.program("sheafd"), "repair", "--data-dir", cluster.data],
            capture_output=True, text=True, check=True,
        )
        self.assertIn("nothing had to be changed", again.stdout)
        cluster.start()
        if cluster.queue("t").state != pb.QUEUE_STATE_ACTIVE:
            cluster.resume("t")
        self.assertTrue(
            cluster.admin.CheckIntegrity(pb.CheckIntegrityRequest()).ok)
        until(lambda: "RUNNING" not in cluster.states(job), "its lease ends")
        self.assertFalse(cluster.info().problems)


if __name__ == "__main__":
    unittest.main()
