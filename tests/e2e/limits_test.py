"""What small requests may cost: memory, disk, and others' time."""

import base64
import contextlib
import threading
import unittest

import fixture
import grpc
import wire
from fixture import until
from wire import mask, pb, refusal

MIB = 1 << 20


def memory(cluster, field="VmHWM"):
    """Of the server, in MiB; the most there was of it so far."""
    with open(f"/proc/{cluster.server.pid}/status", encoding="ascii") as text:
        for line in text:
            if line.startswith(field):
                return int(line.split()[1]) / 1024
    raise AssertionError("no memory")


def wal_bytes(cluster):
    try:
        with open(cluster.database + "-wal", "rb") as wal:
            return len(wal.read())
    except FileNotFoundError:
        return 0


class LimitsTest(fixture.Case):
    def large_run(self):
        """A run of 384 KiB."""
        return pb.RunRequest(
            prompt="p" * 65536,
            negative_prompt="n" * 65536,
            extra={f"k{i:02d}": "e" * 4096 for i in range(64)},
        )

    def sweep(self, bases, count):
        job = pb.JobSpec(runs=[self.large_run() for _ in range(bases)])
        axis = job.sweep.axes.add(field="seed")
        setattr(axis.range, "from", 1)
        axis.range.to = count
        return job

    def test_a_sweep_of_a_large_run_stores_it_once(self):
        cluster = self.cluster()
        before = memory(cluster)
        request = pb.SubmitJobRequest(job=self.sweep(1, 5000))
        job = cluster.jobs.SubmitJob(request).job
        self.assertEqual(job.run_count, 5000)
        self.assertLess(memory(cluster) - before, 100)
        self.assertLess(wal_bytes(cluster), 8 * MIB)
        run = cluster.run(f"{job.name}/runs/7")
        self.assertEqual((run.request.prompt, run.request.seed),
                         ("p" * 65536, 8))

    def test_a_rehearsal_writes_nothing_and_holds_nothing(self):
        cluster = self.cluster()
        cluster.submit()
        wal, before = wal_bytes(cluster), memory(cluster)
        for _ in range(20):
            request = pb.SubmitJobRequest(
                job=self.sweep(1, 5000), request_id="r", validate_only=True
            )
            answer = cluster.jobs.SubmitJob(request)
            self.assertEqual((answer.job.name, answer.job.run_count),
                             ("", 5000))
        self.assertLessEqual(wal_bytes(cluster), wal)
        self.assertLess(memory(cluster) - before, 100)

    def test_a_sweep_that_makes_too_many_bytes_is_refused_before_it_is_made(
        self,
    ):
        cluster = self.cluster()
        before = memory(cluster)
        for dry in (True, False):
            refused = refusal(
                cluster.jobs.SubmitJob,
                pb.SubmitJobRequest(
                    job=self.sweep(2, 40_000), validate_only=dry
                ),
            )
            self.assertEqual(refused.reason, "JOB_TOO_LARGE")
        bulk = [pb.SubmitJobRequest(job=self.sweep(2, 80))] * 2
        refused = refusal(cluster.jobs.SubmitJobs,
                          pb.SubmitJobsRequest(requests=bulk))
        self.assertEqual(refused.reason, "JOB_TOO_LARGE")
        self.assertLess(memory(cluster) - before, 250)

    def test_lanes_are_bounded_by_job(self):
        cluster = self.cluster()
        job = pb.JobSpec(shared=pb.RunRequest(prompt="x"))
        for field in ("width", "height"):
            axis = job.sweep.axes.add(field=field)
            setattr(axis.range, "from", 8)
            axis.range.to = 8 * 316
            axis.range.step = 8
        before = cluster.server.cpu_seconds()
        refused = refusal(cluster.jobs.SubmitJob,
                          pb.SubmitJobRequest(job=job))
        self.assertEqual(refused.reason, "TOO_MANY_LANES")
        self.assertLess(cluster.server.cpu_seconds() - before, 2)

    def test_pages_of_large_runs_fit_a_message(self):
        cluster = self.cluster()
        job = pb.JobSpec(shared=self.large_run(),
                         runs=[pb.RunRequest(seed=i) for i in range(60)])
        name = cluster.jobs.SubmitJob(pb.SubmitJobRequest(job=job)).job.name
        page = cluster.jobs.ListRuns(
            pb.ListRunsRequest(job=name, page_size=1000)
        )
        self.assertLess(page.ByteSize(), 9 * MIB)
        self.assertGreater(len(page.runs), 5)
        self.assertEqual([run.request.seed for run in cluster.runs(name)],
                         list(range(60)))
        full = cluster.get(name, full=True)
        self.assertLess(full.ByteSize(), 10 * MIB)
        self.assertEqual(full.runs[0].request.seed, 0)

    def test_a_page_token_leads_to_no_other_job(self):
        cluster = self.cluster()
        cluster.submit(3)
        job = cluster.submit(3)
        page = cluster.jobs.ListRuns(
            pb.ListRunsRequest(job=job.name, page_size=1)
        )
        mark = base64.urlsafe_b64decode(page.next_page_token + "==")[:12]
        for number, seen in ((b"0", 3), (str(2**63 - 1).encode(), None)):
            token = base64.urlsafe_b64encode(mark + number).decode()
            request = pb.ListRunsRequest(job=job.name,
                                         page_token=token.rstrip("="))
            if seen is None:
                refused = refusal(cluster.jobs.ListRuns, request)
                self.assertEqual(refused.reason, "BAD_PAGE_TOKEN")
                continue
            names = [run.name for run in cluster.jobs.ListRuns(request).runs]
            self.assertEqual(len(names), seen)
            self.assertTrue(all(n.startswith(job.name) for n in names))

    def test_the_last_number_of_all_is_no_event(self):
        cluster = self.cluster()
        cluster.submit()
        for after in (2**63 - 1, 2**62, 2**40):
            first = next(cluster.events(after))
            self.assertTrue(first.HasField("resync"), first)

    def test_events_of_a_large_job_are_many_small_ones(self):
        cluster = self.cluster()
        job = cluster.submit(5000)
        counts = cluster.cancel(job.name)
        self.assertEqual(counts.cancelled_run_count, 5000)
        self.assertEqual(counts.job_count, 1)
        self.assertEqual(cluster.retry(job.name).run_count, 5000)
        cancelled = []
        for event in cluster.history(job=job.name):
            self.assertLessEqual(len(event.runs), 1000)
            if event.type == pb.EVENT_TYPE_RUNS_CHANGED:
                cancelled += [
                    change.run for change in event.runs
                    if change.state == pb.RUN_STATE_CANCELLED
                ]
        self.assertEqual(
            cancelled, [f"{job.name}/runs/{i}" for i in range(5000)]
        )

    def test_cancel_by_filter_goes_through_all_that_match(self):
        cluster = self.cluster()
        request = pb.SubmitJobRequest(job=cluster.spec(2, owner="ann"))
        other = cluster.submit(owner="bob")
        cluster.jobs.SubmitJobs(
            pb.SubmitJobsRequest(requests=[request] * 1200)
        )
        large = cluster.submit(3000, owner="ann")
        ask = pb.CancelJobRequest(filter='owner = "ann"', validate_only=True)
        counts = cluster.jobs.CancelJob(ask)
        wanted = (1201, 5400)
        self.assertEqual((counts.job_count, counts.cancelled_run_count),
                         wanted)
        self.assertEqual(cluster.get(large).state, pb.JOB_STATE_QUEUED)
        ask.validate_only = False
        counts = cluster.jobs.CancelJob(ask)
        self.assertEqual((counts.job_count, counts.cancelled_run_count),
                         wanted)
        self.assertEqual(cluster.get(large).state, pb.JOB_STATE_CANCELLED)
        self.assertEqual(cluster.get(other).state, pb.JOB_STATE_QUEUED)
        self.assertEqual(cluster.jobs.CancelJob(ask).job_count, 0)

    def test_a_request_holds_when_its_job_is_deleted(self):
        cluster = self.cluster()
        job = cluster.submit(request_id="once", owner="ann")
        cluster.cancel(job.name)
        cluster.jobs.DeleteJob(pb.DeleteJobRequest(name=job.name))
        again = pb.SubmitJobRequest(
            request_id="once", job=cluster.spec(owner="ann")
        )
        for _ in range(2):
            refused = refusal(cluster.jobs.SubmitJob, again)
            self.assertEqual(refused.reason, "REQUEST_ID_SPENT")
            self.assertIn(job.name, str(refused))
            cluster.restart()

    def test_a_list_of_workers_fits_a_message(self):
        cluster = self.cluster()
        streams = []
        for worker in range(40):
            names = [f"m{worker}-{i:04d}-{'x' * 200}" for i in range(1024)]
            stream = cluster.work.RegisterWorker(pb.RegisterWorkerRequest(
                display_name=f"w{worker}", models=names))
            next(stream)
            streams.append(stream)
        answer = cluster.admin.ListWorkers(pb.ListWorkersRequest())
        self.assertLess(answer.ByteSize(), 6 * MIB)
        self.assertEqual(len(answer.workers), 40)
        left_out = sum(worker.models_left_out for worker in answer.workers)
        named = sum(len(worker.models) for worker in answer.workers)
        self.assertEqual(left_out + named, 40 * 1024)
        self.assertGreater(left_out, 0)
        self.assertGreater(named, 0)
        for stream in streams:
            stream.cancel()

    def test_an_address_has_512_workers_at_the_most(self):
        cluster = self.cluster()

        # A connection has only so many streams.
        clients = [wire.Calls(cluster.address) for _ in range(9)]
        for client in clients:
            self.addCleanup(client.close)

        streams = []  # that nobody holds ends

        def register(number, timeout=60):
            streams.append(clients[number // 64].work.RegisterWorker(
                pb.RegisterWorkerRequest(display_name="w"), timeout=timeout))
            return next(streams[-1])

        def register_again():
            with contextlib.suppress(grpc.RpcError):
                return register(512)

        first = [register(number) for number in range(512)][0]
        self.assertEqual(refusal(register, 512).reason, "OVERLOADED")
        cluster.work.DeregisterWorker(pb.DeregisterWorkerRequest(
            worker=first.worker, worker_secret=first.secret))
        until(register_again, "there is room for another")

    def test_analyses_of_one_address_are_few_at_a_time(self):
        cluster = self.cluster()
        for _ in range(4):
            cluster.jobs.SubmitJobs(pb.SubmitJobsRequest(requests=[
                pb.SubmitJobRequest(job=cluster.spec(4)) for _ in range(500)
            ]))
        cluster.queues.PauseQueue(
            pb.PauseQueueRequest(name="queues/default"))
        asked = [
            cluster.batching.AnalyzeQueue.future(
                pb.AnalyzeQueueRequest(queue="queues/default"), timeout=60)
            for _ in range(30)
        ]
        errors = [call.exception() for call in asked]
        refused = [wire.Refused(e).reason for e in errors if e]
        self.assertGreaterEqual(errors.count(None), 8)
        self.assertGreater(len(refused), 0)
        self.assertEqual(set(refused), {"OVERLOADED"})

    def test_changes_of_one_address_are_limited(self):
        cluster = self.cluster(changes_per_second=5)
        job = cluster.submit()
        events = cluster.info().last_event_sequence
        reasons = []

        def change(number):
            try:
                cluster.jobs.UpdateJob(pb.UpdateJobRequest(
                    job=pb.Job(name=job.name, labels={"n": str(number)}),
                    update_mask=mask("labels"),
                ))
            except Exception as error:  # pylint: disable=broad-except
                reasons.append(error)

        for number in range(200):
            change(number)
        self.assertGreater(len(reasons), 100)
        self.assertLess(cluster.info().last_event_sequence - events, 100)
        cluster.submit()

    def test_an_update_that_changes_nothing_is_no_event(self):
        cluster = self.cluster()
        job = cluster.submit(labels={"a": "b"})
        events = cluster.info().last_event_sequence
        for _ in range(20):
            same = cluster.jobs.UpdateJob(pb.UpdateJobRequest(
                job=pb.Job(name=job.name, labels={"a": "b"},
                           priority=pb.PRIORITY_NORMAL),
                update_mask=mask("labels", "priority"),
            ))
            self.assertEqual(same.etag, job.etag)
        self.assertEqual(cluster.info().last_event_sequence, events)

    def test_a_stop_does_not_wait_for_a_long_cancel(self):
        cluster = self.cluster(drain_timeout="2s")
        request = pb.SubmitJobRequest(job=cluster.spec(100, owner="ann"))
        for _ in range(10):
            cluster.jobs.SubmitJobs(
                pb.SubmitJobsRequest(requests=[request] * 100)
            )
        outcome = []

        def cancel():
            try:
                outcome.append(cluster.jobs.CancelJob(
                    pb.CancelJobRequest(filter='owner = "ann"')))
            except Exception as error:  # pylint: disable=broad-except
                outcome.append(error)

        thread = threading.Thread(target=cancel)
        thread.start()
        until(lambda: cluster.queue().queued_run_count < 100_000,
              "it has begun")
        self.assertEqual(cluster.server.stop(timeout=20), 0)
        thread.join()
        self.assertEqual(len(outcome), 1)
        cluster.start()


if __name__ == "__main__":
    unittest.main()
