"""Events: all of them, in order, from any place on, whatever happens."""

import threading
import unittest

import grpc

import fixture
from fixture import until
from wire import pb


class WatchTest(fixture.Case):
    def work(self, cluster, jobs=10):
        for job in [cluster.submit(3) for _ in range(jobs)]:
            cluster.wait(job)

    def test_a_watch_resumes_from_any_event_without_gaps(self):
        cluster = self.cluster()
        cluster.worker()
        self.work(cluster)
        all_events = cluster.history()
        self.assertEqual([event.sequence for event in all_events],
                         list(range(1, len(all_events) + 1)))
        for after in range(len(all_events)):
            self.assertEqual(next(cluster.events(after)).event,
                             all_events[after])
        cluster.restart()
        self.work(cluster, 2)
        again = cluster.history()
        self.assertEqual(again[:len(all_events)], all_events)
        self.assertEqual([event.sequence for event in again],
                         list(range(1, len(again) + 1)))

    def test_a_listener_misses_nothing_through_kills_of_the_server(self):
        cluster = self.cluster()
        cluster.worker()
        heard, problems, last = [], [], [None]

        def listen():
            while last[0] is None or len(heard) < last[0]:
                try:
                    for response in cluster.events(len(heard), timeout=20):
                        if response.HasField("event"):
                            heard.append(response.event.sequence)
                        elif response.HasField("resync"):
                            problems.append(response)
                        if last[0] is not None and len(heard) >= last[0]:
                            return
                except grpc.RpcError as error:
                    if error.code() not in (
                        grpc.StatusCode.UNAVAILABLE,
                        grpc.StatusCode.CANCELLED,
                        grpc.StatusCode.DEADLINE_EXCEEDED,
                    ):
                        problems.append(error)
                        return

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        for _ in range(5):
            self.work(cluster, 3)
            cluster.restart()
        self.work(cluster, 1)
        last[0] = cluster.info().last_event_sequence
        # Wakes a listener that has heard it all already.
        cluster.submit()
        listener.join(fixture.PATIENCE)
        self.assertEqual(problems, [])
        self.assertEqual(heard[:last[0]], list(range(1, last[0] + 1)))

    def test_a_watch_of_one_job_hears_of_that_job_alone(self):
        cluster = self.cluster()
        cluster.pause()
        one, other = cluster.submit(2), cluster.submit(2)
        cluster.resume()
        cluster.worker()
        cluster.wait(one)
        cluster.wait(other)
        types = []
        for response in cluster.events(0, job=one):
            event = response.event
            types.append(pb.EventType.Name(event.type)[len("EVENT_TYPE_"):])
            self.assertEqual({change.run.rsplit("/runs")[0]
                              for change in event.runs} - {one.name}, set())
            if event.ended_jobs:
                break
        self.assertEqual(types[0], "JOB_SUBMITTED")
        self.assertIn("RUNS_STARTED", types)
        self.assertEqual(types[-1], "RUNS_CHANGED")

    def test_who_asks_for_what_is_no_longer_kept_is_told_so(self):
        cluster = self.cluster(events_max=100, events_keep="0s")
        # Trimmed in strides; far beyond both.
        request = pb.SubmitJobRequest(job=cluster.spec())
        cluster.jobs.SubmitJobs(pb.SubmitJobsRequest(requests=[request] * 3000))

        def trimmed():
            first = next(cluster.events(0))
            return first if first.HasField("resync") else None

        resync = until(trimmed, "old events are gone", pause=0.2).resync
        self.assertGreater(resync.sequence, 2000)
        # And goes on from there.
        cluster.submit()
        event = next(cluster.events(resync.sequence)).event
        self.assertEqual(event.sequence, resync.sequence + 1)

    def test_a_run_that_runs_tells_how_its_batch_fares(self):
        cluster = self.cluster()
        job = cluster.submit(
            [{"seed": 1}, {"seed": 2},
             {"seed": 3, "extra": {"sim.fault": "bad-input"}}],
            shared={"steps": 1000})
        cluster.worker(time_scale=1, allow_faults=True, row_bytes=1000)
        name = f"{job.name}/runs/0"

        def told():
            batch = cluster.run(name).progress.batch
            told = batch.failed_run_count and batch.memory_bytes
            return batch if told else None

        batch = until(told, "one run has failed, and memory was told")
        self.assertEqual(batch.name, cluster.run(name).batch)
        self.assertEqual(batch.running_run_count, 2)
        self.assertEqual(batch.succeeded_run_count, 0)
        self.assertEqual(batch.failed_run_count, 1)
        self.assertEqual(batch.memory_bytes, 3000)
        self.assertEqual(cluster.get(job).success_ratio, 0)
        watched = cluster.jobs.WatchEvents(
            pb.WatchEventsRequest(after_sequence=-1, job=job.name,
                                  progress=True), timeout=30)
        for response in watched:
            if response.HasField("progress"):
                break
        watched.cancel()
        self.assertEqual(response.progress.progress.batch, batch)
        cluster.cancel(job)
        cluster.wait(job)

    def test_from_now_on_means_from_now_on(self):
        cluster = self.cluster()
        before = cluster.submit()
        cluster.restart()
        heard = []

        def listen():
            for response in cluster.events(-1):
                heard.append(response)
                return

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()

        def submitted():
            # One of them comes after the stream has been opened.
            cluster.submit()
            listener.join(0.05)
            return heard

        until(submitted, "an event is heard")
        self.assertEqual(heard[0].event.type, pb.EVENT_TYPE_JOB_SUBMITTED)
        self.assertNotEqual(heard[0].event.job, before.name)

    def test_steps_are_told_to_who_asks_for_them(self):
        cluster = self.cluster(heartbeat_interval="100ms")
        cluster.worker(time_scale=1)
        stream = cluster.jobs.WatchEvents(
            pb.WatchEventsRequest(after_sequence=-1, progress=True),
            timeout=60,
        )
        job = cluster.submit(shared={"steps": 200})
        steps = []
        for response in stream:
            if response.HasField("progress"):
                steps.append(response.progress.progress.step)
                self.assertEqual(response.progress.progress.step_count, 200)
            if len(steps) == 5:
                break
        stream.cancel()
        self.assertEqual(steps, sorted(set(steps)))
        cluster.cancel(job)
        cluster.wait(job)


if __name__ == "__main__":
    unittest.main()
