"""Owners who share the workers, workers who share the work, and runs that share
a picture, with real processes."""

import json
import time
import unittest

import grpc

import fixture
from fixture import until
from wire import pb, refusal, seconds
from worker_test import Hand

# Twice the runs take twice the time: a batch may as well be split.
LINEAR = {
    "linear": {
        "step": {"h": 0, "a": 0, "b": 10},
        "control": {"h": 0, "a": 0, "b": 0},
        "encode": {"a": 0, "b": 0},
        "decode": {"a": 0, "b": 0},
        "swap": 3000,
    }
}


class Case(fixture.Case):
    def one_by_one(self, **options):
        """A cluster in whose queue each job goes by itself."""
        cluster = self.cluster(start=False)
        return cluster.start(first_queue_settings="policy=off", **options)

    def measured(self, **options):
        """A cluster whose device profile was measured."""
        cluster = self.cluster(start=False)
        profiles = f"{cluster.folder}/profiles.json"
        with open(profiles, "w", encoding="utf-8") as file:
            json.dump(LINEAR, file)
        return cluster.start(device_profile=profiles, **options)

    def done(self, hand):
        """The jobs of the batch that the hand gets, and ends."""
        batch = hand.lease(wait=2)
        if batch.runs:
            hand.cluster.work.FinishRuns(hand.success(batch))
        return [run.run.rsplit("/", 2)[0] for run in batch.runs]


class OwnersTest(Case):
    def test_a_flood_delays_a_newcomer_by_one_batch(self):
        cluster = self.one_by_one()
        hand = Hand(cluster)
        self.addCleanup(hand.close)
        flood = [cluster.submit(owner="flood").name for _ in range(20)]
        self.assertEqual(self.done(hand), flood[:1])
        new = [cluster.submit(owner="new").name for _ in range(2)]
        self.assertEqual([self.done(hand)[0] for _ in range(4)],
                         [new[0], flood[1], new[1], flood[2]])

    def test_weights_divide_the_time(self):
        cluster = self.one_by_one(fair_weights="ann:3")
        for _ in range(30):
            cluster.submit(owner="ann")
            cluster.submit(owner="bob")
        hand = Hand(cluster)
        self.addCleanup(hand.close)
        names = [self.done(hand)[0] for _ in range(20)]
        owners = [cluster.jobs.GetJob(pb.GetJobRequest(name=name)).owner
                  for name in names]
        self.assertIn(owners.count("ann"), (14, 15, 16))

    def test_quotas(self):
        cluster = self.one_by_one(owner_queued_max=3, owner_running_max=2)
        job = cluster.submit(3, owner="ann")
        refused = self.refused_submit(cluster, owner="ann")
        self.assertEqual((refused.code, refused.reason),
                         (grpc.StatusCode.RESOURCE_EXHAUSTED, "OWNER_QUOTA"))
        other = cluster.submit(owner="bob")
        first, second = Hand(cluster, "first"), Hand(cluster, "second")
        self.addCleanup(first.close)
        self.addCleanup(second.close)
        held = first.lease()
        self.assertEqual(len(held.runs), 2)
        # Ann has her two; it is bob's turn, then nobody's.
        self.assertEqual(self.done(second), [other.name])
        self.assertEqual(self.done(second), [])
        stats = cluster.admin.GetStats(pb.GetStatsRequest())
        self.assertEqual(
            [(o.owner, o.queued_run_count, o.running_run_count)
             for o in stats.owners], [("ann", 1, 2)])
        self.assertGreater(stats.owners[0].predicted_time.ToNanoseconds(), 0)
        # As soon as one of hers has ended the next goes, to whoever waits.
        waiting = second.cluster.work.LeaseBatch.future(
            pb.LeaseBatchRequest(worker=second.worker,
                                 wait=seconds(20)))
        cluster.work.FinishRuns(first.success(held))
        self.assertEqual(waiting.result().batch.runs[0].run,
                         f"{job.name}/runs/2")
        cluster.work.FinishRuns(second.success(waiting.result().batch))

    def refused_submit(self, cluster, **fields):
        def submit(timeout=None):
            return cluster.submit(**fields)
        return refusal(submit)


class WorkersTest(Case):
    def waiting(self, hands):
        """Calls that wait for work. Nobody tells when they have arrived; who is
        late counts as not there, and then the test tries again."""
        calls = [
            hand.cluster.work.LeaseBatch.future(pb.LeaseBatchRequest(
                worker=hand.worker, wait=seconds(20)))
            for hand in hands]
        time.sleep(0.2)
        return calls

    def test_a_batch_is_split_over_idle_workers_that_have_the_model(self):
        cluster = self.measured()
        cluster.set_queue(batch_size=8)
        hands = [Hand(cluster, f"hand{i}") for i in range(2)]
        for hand in hands:
            self.addCleanup(hand.close)
            cluster.submit()
            self.done(hand)

        def split():
            calls = self.waiting(hands)
            job = cluster.submit(8)
            until(lambda: "QUEUED" not in cluster.states(job)
                  or all(call.done() for call in calls), "they are taken")
            sizes = []
            for hand, call in zip(hands, calls):
                if call.done():
                    batch = call.result().batch
                    sizes.append(len(batch.runs))
                    cluster.work.FinishRuns(hand.success(batch))
                call.cancel()
            while "QUEUED" in cluster.states(job):
                self.done(hands[0])
            return sizes == [4, 4]

        until(split, "the batch is split")

    def test_a_run_goes_where_its_model_is(self):
        cluster = self.measured()
        hands = {}
        for model in ("a", "b"):
            hand = hands[model] = Hand(cluster, model)
            self.addCleanup(hand.close)
            cluster.submit(shared={"model": model})
            self.done(hand)
        def goes(model):
            calls = dict(zip(hands, self.waiting(hands.values())))
            cluster.submit(shared={"model": model})
            until(lambda: any(call.done() for call in calls.values()),
                  "it is taken")
            taken = {name for name, call in calls.items() if call.done()}
            for name, call in calls.items():
                if not call.done():
                    call.cancel()
                    continue
                batch = call.result().batch
                cluster.work.FinishRuns(hands[name].success(batch))
                # Whoever took it has that model now.
                if name != model:
                    self.give(cluster, hands[name], name)
            return taken == {model}

        for model in ("b", "a", "a", "b"):
            until(lambda: goes(model), f"{model} goes to {model}")

    def give(self, cluster, hand, model):
        cluster.submit(shared={"model": model})
        self.done(hand)


class TwinsTest(Case):
    def test_equal_runs_share_a_picture(self):
        cluster = self.cluster()
        cluster.set_queue(twins=True)
        cluster.pause()
        jobs = [cluster.submit(runs=[{}, {}],
                               shared={"seed": 5, "prompt": "a hut"})
                for _ in range(2)]
        cluster.resume()
        cluster.worker()
        outputs = set()
        for job in jobs:
            self.assertEqual(cluster.wait(job).state, pb.JOB_STATE_SUCCEEDED)
            for run in cluster.runs(job):
                outputs.add(run.outputs[0].artifact)
        self.assertEqual(len(outputs), 1)
        stats = cluster.admin.GetStats(pb.GetStatsRequest())
        self.assertEqual(stats.total.succeeded_run_count, 4)


if __name__ == "__main__":
    unittest.main()
