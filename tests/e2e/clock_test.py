"""The system's clock is set, or wrong; nothing is lost by it."""

import glob
import os
import time
import unittest

import grpc

import fixture
from fixture import until
from wire import from_now, pb, seconds

FAKETIME = next(iter(glob.glob(
    "/usr/lib/*/faketime/libfaketimeMT.so.1")), None)
DAY = 86400


class ClockTest(fixture.Case):
    def cluster_with_clock(self, **options):
        if FAKETIME is None:
            self.skipTest("no libfaketime: apt-get install libfaketime")
        cluster = self.cluster(start=False, **options)
        self.file = os.path.join(cluster.folder, "clock")
        self.set_clock("+0")
        cluster.start(env={
            "LD_PRELOAD": FAKETIME,
            "FAKETIME_TIMESTAMP_FILE": self.file,
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
            # It comes before a sanitizer's library, which minds.
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")
                            + ":verify_asan_link_order=0",
        })
        return cluster

    def set_clock(self, offset):
        with open(self.file + ".new", "w", encoding="ascii") as text:
            text.write(offset + "\n")
        os.replace(self.file + ".new", self.file)

    def server_is_ahead_by(self, cluster):
        return cluster.info().now.ToNanoseconds() / 1e9 - time.time()

    def test_a_clock_that_jumps_ahead_ends_no_lease(self):
        cluster = self.cluster_with_clock(lease_duration="5s")
        cluster.worker(time_scale=1)
        job = cluster.submit(2, shared={"steps": 150})
        until(lambda: set(cluster.states(job)) == {"RUNNING"}, "it runs")
        self.set_clock("+3600")
        until(lambda: self.server_is_ahead_by(cluster) > 3500,
              "the server goes by the new time")
        self.assertEqual(cluster.wait(job).state, pb.JOB_STATE_SUCCEEDED)
        self.assertEqual([run.attempt for run in cluster.runs(job)], [1, 1])

    def test_a_clock_that_jumps_back_stops_nothing(self):
        cluster = self.cluster_with_clock(lease_duration="5s")
        cluster.worker(time_scale=1)
        job = cluster.submit(2, shared={"steps": 100})
        until(lambda: set(cluster.states(job)) == {"RUNNING"}, "it runs")
        self.set_clock("-3600")
        until(lambda: "clock" in " ".join(cluster.info().problems),
              "the server has noticed")
        self.assertEqual(cluster.wait(job).state, pb.JOB_STATE_SUCCEEDED)
        # Time still goes on: what is due soon is done soon, and in order.
        queue = cluster.create_queue("brief")
        soon = cluster.info().now
        soon.FromNanoseconds(soon.ToNanoseconds() + 10**9)
        later = cluster.wait(cluster.submit(run_time=soon))
        self.assertEqual(later.state, pb.JOB_STATE_SUCCEEDED)
        self.assertGreaterEqual(queue.create_time.ToNanoseconds(),
                                job.create_time.ToNanoseconds())
        self.assertGreaterEqual(later.end_time.ToNanoseconds(),
                                soon.ToNanoseconds())
        # Nor does a restart bring the past back.
        cluster.restart()
        again = cluster.submit()
        self.assertGreaterEqual(again.create_time.ToNanoseconds(),
                                later.end_time.ToNanoseconds() - 10**9)

    def waits(self, cluster):
        """What time ends sooner or later, and has not yet."""
        done = cluster.submit()
        cluster.wait(done)
        late = cluster.submit(start_deadline=from_now(3600), queue="slow")
        cluster.queues.PauseQueue(pb.PauseQueueRequest(
            name="queues/held", resume_time=from_now(DAY)))
        return done, late

    def assert_nothing_ended(self, cluster, done, late):
        self.assertEqual(cluster.get(done).state, pb.JOB_STATE_SUCCEEDED)
        self.assertEqual(cluster.get(late).state, pb.JOB_STATE_QUEUED)
        held = cluster.queues.GetQueue(
            pb.GetQueueRequest(name="queues/held"))
        self.assertEqual(held.state, pb.QUEUE_STATE_PAUSED)

    def test_a_clock_that_is_wrong_for_a_moment_ends_nothing(self):
        cluster = self.cluster_with_clock()
        cluster.create_queue("slow")
        cluster.create_queue("held")
        cluster.worker(queues="default")
        done, late = self.waits(cluster)
        self.set_clock("+40d")
        until(lambda: "went ahead by" in " ".join(cluster.info().problems),
              "the server has noticed")
        rounds = cluster.info().last_event_sequence
        cluster.wait(cluster.submit())
        until(lambda: cluster.info().last_event_sequence > rounds, "it works")
        time.sleep(2)  # two rounds of upkeep
        self.assert_nothing_ended(cluster, done, late)
        self.set_clock("+0")
        until(lambda: not cluster.info().problems, "it is right again")
        self.assertLess(abs(self.server_is_ahead_by(cluster)), 5)
        self.assert_nothing_ended(cluster, done, late)
        cluster.restart()
        self.assertLess(abs(self.server_is_ahead_by(cluster)), 5)

    def test_an_operator_accepts_a_step_at_once(self):
        cluster = self.cluster_with_clock()
        cluster.create_queue("slow")
        cluster.create_queue("held")
        cluster.worker(queues="default")
        done, late = self.waits(cluster)
        self.set_clock("+40d")
        until(lambda: cluster.info().problems, "the server has noticed")
        accepted = cluster.admin.AcceptClock(pb.AcceptClockRequest())
        self.assertGreater(accepted.step.seconds, 39 * DAY)
        until(lambda: self.server_is_ahead_by(cluster) > 39 * DAY,
              "the server goes by the new time")
        until(lambda: cluster.get(late).state == pb.JOB_STATE_FAILED,
              "the deadline has passed")

        def is_gone():
            try:
                cluster.get(done)
                return False
            except grpc.RpcError:
                return True

        until(is_gone, "its retention is over")
        # Times written then pin nothing once the clock is right.
        cluster.kill()
        self.set_clock("+0")
        cluster.start()
        self.assertLess(abs(self.server_is_ahead_by(cluster)), 5)
        cluster.wait(cluster.submit())

    def test_a_clock_set_back_lengthens_no_wait(self):
        cluster = self.cluster_with_clock()
        job = cluster.submit(queue="default", kind="nobody")
        self.set_clock("-7200")
        until(lambda: cluster.info().problems, "the server has noticed")
        start = time.monotonic()
        cluster.jobs.WaitJob(
            pb.WaitJobRequest(name=job.name, timeout=seconds(1)), timeout=30)
        self.assertLess(time.monotonic() - start, 15)


if __name__ == "__main__":
    unittest.main()
