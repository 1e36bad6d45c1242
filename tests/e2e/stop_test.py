"""A stop ends within its limit, whatever is under way."""

import signal
import time
import unittest

import grpc

import fixture
from fixture import until
from wire import pb

# Beyond drain_timeout, before the process ends by force.
GRACE = 15


class StopTest(fixture.Case):
    def test_analyses_and_sweeping_calls_do_not_hold_up_a_stop(self):
        cluster = self.cluster(drain_timeout="1s")
        for _ in range(2):
            cluster.submit(20_000, owner="m", timeout=60)
        others = [fixture.wire.Calls(cluster.address) for _ in range(6)]
        calls = [other.batching.AnalyzeQueue.future(
            pb.AnalyzeQueueRequest(queue="queues/default", live=True))
            for other in others]
        calls += [cluster.jobs.CancelJob.future(
            pb.CancelJobRequest(filter="owner = m")) for _ in range(2)]
        cluster.info()  # They are under way.
        start = time.monotonic()
        self.assertEqual(cluster.stop(timeout=60), 0)
        self.assertLess(time.monotonic() - start, 1 + GRACE)
        for call in calls:
            self.assertTrue(call.done() or call.exception(timeout=30))
        for other in others:
            other.close()

    def test_a_server_that_hangs_ends_all_the_same(self):
        cluster = self.cluster(start=False, drain_timeout="1s")
        cluster.start(ready=False, env={"SHEAF_STALL_POINT": "mid-group:6"})
        until(lambda: "listening" in cluster.server.read_log(), "it listens")

        def hangs():
            try:
                cluster.jobs.SubmitJob(
                    pb.SubmitJobRequest(job=cluster.spec()), timeout=1,
                    wait_for_ready=True)
                return False
            except grpc.RpcError:
                return True

        until(hangs, "a write hangs")
        start = time.monotonic()
        cluster.server.signal(signal.SIGTERM)
        self.assertEqual(cluster.server.wait(60), 1)
        self.assertLess(time.monotonic() - start, 1 + GRACE + 5)
        self.assertIn("the stop takes too long", cluster.server.read_log())


if __name__ == "__main__":
    unittest.main()
