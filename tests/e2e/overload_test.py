"""More questions than the server takes: it answers or refuses, and lives."""

import collections
import threading
import unittest

import grpc

import fixture
import wire
from fixture import until
from wire import pb

CONNECTIONS = 6
WAITS = 1000  # on each connection; the store takes in 4,096 reads
TOUCHES = 4


class OverloadTest(fixture.Case):
    def test_thousands_of_waits_for_one_job_are_all_answered(self):
        cluster = self.cluster(max_concurrent_streams=WAITS + 10)
        job = cluster.submit()
        clients = [wire.Calls(cluster.address) for _ in range(CONNECTIONS)]
        for client in clients:
            self.addCleanup(client.close)
        watcher = cluster.jobs.WatchEvents(
            pb.WatchEventsRequest(after_sequence=-1))
        self.addCleanup(watcher.cancel)
        heard = []
        threading.Thread(target=self.listen, args=(watcher, heard),
                         daemon=True).start()
        waits = [
            client.jobs.WaitJob.future(
                pb.WaitJobRequest(name=job.name, timeout=wire.seconds(300)),
                timeout=300)
            for client in clients for _ in range(WAITS)
        ]
        # Behind them on each connection: they have all come in.
        for client in clients:
            client.jobs.GetJob(pb.GetJobRequest(name=job.name), timeout=60)
        # Whatever happens to the job wakes whoever waits for it.
        touchers = [
            threading.Thread(target=self.touch, args=(cluster, job, i))
            for i in range(40)
        ]
        for thread in touchers:
            thread.start()
        for thread in touchers:
            thread.join()
        cluster.jobs.CancelJob(pb.CancelJobRequest(name=job.name), timeout=60)
        until(lambda: all(wait.done() for wait in waits),
              "every wait has an answer", timeout=120, pause=0.1)
        ends = collections.Counter(self.end_of(wait) for wait in waits)
        self.assertLessEqual(set(ends), {"JOB_STATE_CANCELLED", "OVERLOADED"}, ends)
        self.assertGreater(ends["JOB_STATE_CANCELLED"], 0, ends)
        # As good as new.
        again = cluster.submit()
        self.assertEqual(
            cluster.jobs.GetJob(pb.GetJobRequest(name=again.name),
                                timeout=20).name, again.name)
        until(lambda: heard and heard[-1] >= 2 + 40 * TOUCHES,
              "the watcher has heard of it all")
        for client in clients:
            client.close()
        self.assertEqual(cluster.stop(timeout=30), 0)

    @staticmethod
    def listen(watcher, heard):
        try:
            for response in watcher:
                if response.HasField("event"):
                    heard.append(response.event.sequence)
        except grpc.RpcError:
            pass  # the test is over

    @staticmethod
    def touch(cluster, job, number):
        for i in range(TOUCHES):
            cluster.jobs.UpdateJob(
                pb.UpdateJobRequest(
                    job=pb.Job(name=job.name,
                               labels={"touch": f"{number}-{i}"}),
                    update_mask=wire.mask("labels")),
                timeout=60)

    @staticmethod
    def end_of(wait):
        error = wait.exception()
        if error is None:
            return pb.JobState.Name(wait.result().state)
        return wire.reason_of(error)


if __name__ == "__main__":
    unittest.main()
