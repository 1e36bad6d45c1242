"""Calls of workers are bound to who holds the lease: a stranger who knows all
that is public changes nothing, and neither does a worker beyond its own lease."""

import sqlite3
import subprocess
import threading
import unittest

import grpc

import fixture
import wire
from fixture import until
from wire import pb, refusal
from worker_test import Hand

DEVICE = pb.Device(name="cuda:0", memory_bytes=1 << 34)


class Case(fixture.Case):
    def stranger(self, cluster):
        """Another connection, which registered nothing."""
        calls = wire.Calls(cluster.address)
        self.addCleanup(calls.close)
        return calls

    def hand(self, cluster, name="hand", **fields):
        hand = Hand(cluster, name, **fields)
        self.addCleanup(hand.close)
        return hand

    def forged(self, hand, batch):
        """What anybody can say of a lease: names and epochs are public."""
        hold = hand.hold(batch)
        del hold["secret"]
        return [
            hold,
            {**hold, "secret": b"x" * 16},
            {**hold, "secret": batch.secret[:-1]},
            {**hold, "secret": batch.secret, "worker": "workers/999"},
            {**hold, "secret": batch.secret, "epoch": batch.epoch + 1},
        ]


class LeaseTest(Case):
    def test_no_report_is_taken_without_the_secret(self):
        cluster = self.cluster(preview_steps=1)
        job = cluster.submit(2)
        hand = self.hand(cluster, devices=[DEVICE])
        stranger = self.stranger(cluster)
        batch = hand.lease()
        self.assertEqual(len(batch.secret), 16)
        before = cluster.list_workers()[0]
        for hold in self.forged(hand, batch):
            finish = pb.FinishRunsRequest(
                **hold, memory=pb.BatchMemory(row_count=1, peak_bytes=2**62))
            finish.engine_time.FromSeconds(1000)
            for run in batch.runs:
                finish.outcomes.add(
                    run=run.run, attempt=1).success.SetInParent()
            refused = refusal(stranger.work.FinishRuns, finish)
            self.assertEqual(refused.reason, "LEASE_LOST")
            refused = refusal(stranger.work.ReleaseLease,
                              pb.ReleaseLeaseRequest(**hold))
            self.assertEqual(refused.reason, "LEASE_LOST")
            report = pb.ReportProgressRequest(**hold)
            report.steps.add(run=batch.runs[0].run, step=1, step_count=2,
                             preview=wire.make_png())
            try:
                self.assertTrue(stranger.work.ReportProgress(report).lease_lost)
            except grpc.RpcError as error:
                self.assertEqual(wire.reason_of(error), "LEASE_LOST")
                self.assertIn("update", error.details())
        after = cluster.list_workers()[0]
        self.assertEqual(after, before, "nobody was heard, nothing learned")
        preview = refusal(cluster.jobs.GetPreview,
                          pb.GetPreviewRequest(run=batch.runs[0].run))
        self.assertEqual(preview.reason, "PREVIEW_NOT_FOUND")
        self.assertEqual(cluster.states(job), ["RUNNING", "RUNNING"])
        # The worker's own report stands, and its repetition is answered.
        for _ in range(2):
            states = cluster.work.FinishRuns(hand.success(batch)).states
            self.assertEqual(states, [pb.RUN_STATE_SUCCEEDED] * 2)
        # Nobody else learns by a report what became of it.
        for hold in self.forged(hand, batch):
            late = hand.success(batch)
            late.ClearField("secret")
            late.MergeFrom(pb.FinishRunsRequest(**hold))
            refused = refusal(stranger.work.FinishRuns, late)
            self.assertEqual(refused.reason, "LEASE_LOST")

    def test_the_secret_is_told_to_nobody_else(self):
        cluster = self.cluster(log_level="debug")
        job = cluster.submit()
        hand = self.hand(cluster)
        batch = hand.lease()
        told = [cluster.get(job, full=True), *cluster.runs(job),
                *cluster.history(), *cluster.list_workers(), cluster.info()]
        for secret in (batch.secret, hand.secret):
            for message in told:
                self.assertNotIn(secret, message.SerializeToString())
            log = cluster.server.read_log()
            self.assertNotIn(secret.hex(), log.lower())

    def test_progress_is_kept_of_runs_of_the_lease_alone(self):
        cluster = self.cluster(preview_steps=1)
        other = cluster.submit()
        victim = self.hand(cluster, "victim")
        victim.lease()
        mine = cluster.submit()
        hand = self.hand(cluster)
        batch = hand.lease()
        report = pb.ReportProgressRequest(**hand.hold(batch))
        for run in (f"{other.name}/runs/0", "jobs/999/runs/9",
                    batch.runs[0].run):
            report.steps.add(run=run, step=7, step_count=9,
                             preview=wire.make_png())
        cluster.work.ReportProgress(report)
        self.assertEqual(cluster.runs(mine)[0].progress.step, 7)
        self.assertEqual(cluster.runs(other)[0].progress.step, 0)
        refused = refusal(cluster.jobs.GetPreview, pb.GetPreviewRequest(
            run=f"{other.name}/runs/0"))
        self.assertEqual(refused.reason, "PREVIEW_NOT_FOUND")

    def test_leases_of_a_version_without_secrets_are_handed_back(self):
        cluster = self.cluster(lease_duration="10m")
        job = cluster.submit(2, attempts_max=1)
        hand = self.hand(cluster)
        hand.lease()
        cluster.kill()
        database = sqlite3.connect(cluster.database)
        with database:
            database.execute("UPDATE batches SET secret = NULL")
        database.close()
        cluster.start()
        self.assertEqual(cluster.states(job), ["QUEUED", "QUEUED"])
        for run in cluster.runs(job):
            self.assertEqual(run.failure_count, 0)


class NameTest(Case):
    def test_a_worker_speaks_over_its_connection_or_by_its_secret(self):
        cluster = self.cluster()
        hand = self.hand(cluster, devices=[DEVICE])
        stranger = self.stranger(cluster)
        line = '{"a": 1, "b": 1}'
        hinge = '{"h": 9, "a": 1, "b": 1}'
        profile = (f'{{"p": {{"step": {hinge}, "control": {hinge}, '
                   f'"encode": {line}, "decode": {line}, "swap": 5}}}}')

        def calls(work, **claim):
            name = {"worker": hand.worker, **claim}
            yield work.LeaseBatch, pb.LeaseBatchRequest(**name)
            yield work.ReportProfile, pb.ReportProfileRequest(
                device="cuda:0", model="m", json=profile, **name)
            yield work.DeregisterWorker, pb.DeregisterWorkerRequest(**name)

        for claim in ({}, {"worker_secret": b"x" * 16}):
            for call, request in calls(stranger.work, **claim):
                refused = refusal(call, request)
                self.assertEqual(refused.reason, "WORKER_NOT_FOUND")
        self.assertEqual(len(cluster.list_workers()), 1)
        # Over its own connection without a word, and over any with its secret.
        for call, request in list(calls(cluster.work))[:2]:
            call(request)
        for call, request in calls(stranger.work, worker_secret=hand.secret):
            call(request)
        until(lambda: not cluster.list_workers(), "it has left")

    def test_joining_a_batch_needs_its_secret(self):
        cluster = self.cluster()
        cluster.set_queue(policy=pb.BATCH_POLICY_ADAPTIVE)
        hand = self.hand(cluster)
        cluster.submit()
        batch = hand.lease()
        request = pb.LeaseBatchRequest(worker=hand.worker, beside=batch.name,
                                       row_count=1)
        refused = refusal(cluster.work.LeaseBatch, request)
        self.assertEqual(refused.reason, "LEASE_LOST")
        request.secret = batch.secret
        cluster.work.LeaseBatch(request)

    def test_a_worker_that_knows_no_secrets_is_told_to_update(self):
        cluster = self.cluster()
        refused = refusal(cluster.work.RegisterWorker, pb.RegisterWorkerRequest(
            display_name="old", version="0.1.0"))
        self.assertEqual(refused.reason, "WORKER_OUTDATED")
        self.assertIn("update", str(refused))
        for version in ("", "0.2.0", "mine-7"):
            self.hand(cluster, version=version)


class CheckpointTest(Case):
    def header(self, hold, batch, **fields):
        return pb.SaveCheckpointRequest(header=pb.CheckpointHeader(
            **{"run": batch.runs[0].run, "step": 2, "size_bytes": 64 << 20,
               **hold, **fields}))

    def test_no_byte_is_taken_before_the_lease_is_shown(self):
        cluster = self.cluster(checkpoint_steps=1)
        cluster.submit()
        hand = self.hand(cluster)
        batch = hand.lease()
        stranger = self.stranger(cluster)
        stop = threading.Event()
        self.addCleanup(stop.set)

        def idle(first):
            yield first
            stop.wait()

        # As many as there are places, and then some; they never end.
        for hold in self.forged(hand, batch)[:2]:
            calls = [stranger.work.SaveCheckpoint.future(
                idle(self.header(hold, batch))) for _ in range(80)]
            for call in calls:
                self.assertEqual(wire.reason_of(call.exception(30)),
                                 "LEASE_LOST")
        state = b"state"
        cluster.work.SaveCheckpoint(iter([
            self.header(hand.hold(batch), batch, size_bytes=len(state)),
            pb.SaveCheckpointRequest(data=state)]), timeout=30)

    def test_a_lease_has_few_streams_and_steps_that_can_be(self):
        cluster = self.cluster(checkpoint_steps=1)
        cluster.submit(shared={"steps": 10})
        hand = self.hand(cluster)
        batch = hand.lease()
        hold = hand.hold(batch)
        for step in (2**31 - 1, 1000, 21):
            refused = refusal(cluster.work.SaveCheckpoint, iter(
                [self.header(hold, batch, step=step, size_bytes=0)]))
            self.assertEqual(refused.reason, "INVALID_FIELD")
        stop = threading.Event()
        self.addCleanup(stop.set)

        def idle():
            yield self.header(hold, batch)
            stop.wait()

        calls = [cluster.work.SaveCheckpoint.future(idle()) for _ in range(9)]
        until(lambda: sum(call.done() for call in calls) >= 5,
              "all but a few are refused")
        for call in calls:
            if call.done():
                self.assertEqual(wire.reason_of(call.exception()), "OVERLOADED")
            call.cancel()


class LearnedTest(Case):
    def size(self, hand, cluster, **report):
        """How many runs the next batch has; told with `report`."""
        job = cluster.submit(8)
        batch = hand.lease()
        request = hand.success(batch)
        memory = {"row_count": len(batch.runs),
                  "peak_bytes": len(batch.runs) << 28, **report}
        request.memory.CopyFrom(pb.BatchMemory(**memory))
        cluster.work.FinishRuns(request)
        if cluster.get(job).run_counts.queued:
            cluster.cancel(job)
        return len(batch.runs)

    def test_forged_figures_do_not_outlive_honest_ones(self):
        cluster = self.cluster()
        hand = self.hand(cluster, devices=[DEVICE])
        sizes = [self.size(hand, cluster) for _ in range(4)]
        self.assertEqual(sizes[-1], 4)
        mallory = self.hand(cluster, "mallory", devices=[DEVICE])
        self.size(mallory, cluster, row_count=1, peak_bytes=2**62,
                  ran_out_row_count=1)
        self.size(hand, cluster)
        self.assertEqual(self.size(hand, cluster), 4)

    def test_what_was_learned_is_forgotten_on_demand(self):
        cluster = self.cluster()
        hand = self.hand(cluster, devices=[DEVICE])
        self.size(hand, cluster)
        self.assertTrue(cluster.list_workers()[0].memory)
        said = subprocess.run(
            [fixture.program("sheaf"), "--server", cluster.address, "batch",
             "forget", "cuda"], capture_output=True, text=True, check=True)
        self.assertIn("1 kind", said.stdout)
        self.assertFalse(cluster.list_workers()[0].memory)
        neither = refusal(cluster.batching.ForgetLearned,
                          pb.ForgetLearnedRequest())
        self.assertEqual(neither.reason, "INVALID_FIELD")
        # Also for whoever comes after a restart.
        cluster.stop()
        cluster.start()
        profile = cluster.batching.GetBatchProfile(pb.GetBatchProfileRequest())
        self.assertFalse(profile.calibrations)


if __name__ == "__main__":
    unittest.main()
