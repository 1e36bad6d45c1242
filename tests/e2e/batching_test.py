"""Plans from end to end: analyze, preview, execute, undo, with real processes."""

import random
import threading
import time
import unittest

import grpc

from batching_calls import Case, weights
from fixture import until
from wire import CALL_TIMEOUT, pb
from worker_test import Hand


class PlanTest(Case):
    def test_mixed_controls_go_together_each_with_its_own_weights(self):
        cluster = self.paused()
        edges = cluster.submit([weights(edge=w) for w in (0.1, 0.2)])
        depth = cluster.submit([weights(depth=0.5, edge=0)])
        plain = cluster.submit(1)
        answer = self.analyze(cluster, pb.BATCHING_MODE_MIXED)
        self.assertEqual(answer.message, "4 runs from 3 jobs → 1 batch")
        (batch,) = self.batches(cluster, answer.plan)
        self.assertEqual(list(batch.control_types), ["depth", "edge"])
        self.assertEqual(list(batch.jobs),
                         [edges.name, depth.name, plain.name])
        planned = {
            run: dict(each.weights)
            for run, each in zip(batch.runs, batch.weights_list, strict=True)
        }
        self.assertEqual(planned, {
            f"{edges.name}/runs/0": {"depth": 0, "edge": 0.1},
            f"{edges.name}/runs/1": {"depth": 0, "edge": 0.2},
            f"{depth.name}/runs/0": {"depth": 0.5, "edge": 0},
            f"{plain.name}/runs/0": {"depth": 0, "edge": 0},
        })
        self.assertIn("Batch 1: 4 runs from 3 jobs (depth, edge)",
                      answer.plan.text)
        self.assertIn("uncalibrated", answer.plan.gain)
        executed = self.execute(cluster)
        self.assertEqual(
            executed.message,
            "Queue reorganized successfully. 3 jobs → 1 batch")
        self.assertEqual(executed.plan.state, pb.PLAN_STATE_ACTIVE)
        self.assertEqual(cluster.queue().plan, answer.plan.name)
        where = f"{answer.plan.name}/batches/1"
        self.assertEqual([r.plan_batch for r in cluster.runs(edges)],
                         [where, where])
        hand = Hand(cluster)
        cluster.resume()
        leased = hand.lease()
        self.assertEqual([run.run for run in leased.runs], list(batch.runs))
        for run, each in zip(leased.runs, leased.weights_list, strict=True):
            self.assertEqual(dict(each.weights), planned[run.run])
        cluster.work.FinishRuns(hand.success(leased), timeout=CALL_TIMEOUT)
        for job in (edges, depth, plain):
            self.assertEqual(cluster.get(job).state, pb.JOB_STATE_SUCCEEDED)
        hand.close()

    def test_batches_start_in_the_plans_order_whoever_owns_them(self):
        cluster = self.paused()
        for i in range(14):
            controls = [weights(edge=0.5), weights(depth=0.4), {}][i % 3]
            cluster.submit([dict(controls, steps=10 + 5 * (i % 4))] * (1 + i % 3),
                           owner=f"owner{i % 6}")
        plan = self.analyze(cluster, pb.BATCHING_MODE_STRICT).plan
        planned = [sorted(batch.runs) for batch in self.batches(cluster, plan)]
        self.assertGreater(len(planned), 6)
        self.execute(cluster)
        hand = Hand(cluster)
        cluster.resume()
        started = [sorted(run.run for run in hand.lease().runs)
                   for _ in planned]
        self.assertEqual(started, planned)
        hand.close()

    def test_owners_take_turns_within_a_plan(self):
        cluster = self.paused()
        for owner in ("ann", "ann", "ann", "bob"):
            cluster.submit([weights(edge=0.5)] * 4, owner=owner)
        plan = self.analyze(cluster).plan
        owners = [
            {cluster.get(job).owner for job in batch.jobs}
            for batch in self.batches(cluster, plan)
        ]
        self.assertIn("bob", owners[0] | owners[1])

    def test_a_look_stores_nothing(self):
        cluster = self.paused()
        for _ in range(6):
            cluster.submit([weights(edge=0.5)])
        answer = self.analyze(cluster, validate_only=True)
        self.assertEqual(answer.plan.name, "")
        self.assertEqual(answer.plan.run_count, 6)
        self.assertEqual(
            sum(len(batch.runs) for batch in answer.batches), 6)
        self.assertEqual(
            dict(answer.batches[0].weights_list[0].weights), {"edge": 0.5})
        self.assertEqual(
            self.refused(self.execute, cluster).reason, "NO_ANALYSIS")

    def test_a_plan_that_does_not_pay_says_so(self):
        cluster = self.paused()
        cluster.submit([weights(edge=0.5)] * 4)
        plan = self.analyze(cluster).plan
        self.assertEqual(plan.verdict, pb.PLAN_VERDICT_NO_GAIN)
        self.assertEqual(plan.speedup, 1)

    def test_two_schedulers_share_a_queue_without_a_pause(self):
        cluster = self.cluster()
        for _ in range(8):
            cluster.submit([weights(edge=0.5)])
        ask = pb.AnalyzeAndExecuteRequest(
            queue="queues/default", min_speedup=1.2, request_id="one")
        first = cluster.batching.AnalyzeAndExecute(ask, timeout=CALL_TIMEOUT)
        self.assertTrue(first.executed, first.message)
        self.assertEqual(
            first.message, "Queue reorganized successfully. 8 jobs → 2 batches")
        again = cluster.batching.AnalyzeAndExecute(ask, timeout=CALL_TIMEOUT)
        self.assertEqual(again.plan.name, first.plan.name)
        ask.request_id, ask.min_speedup = "two", 50
        left = cluster.batching.AnalyzeAndExecute(ask, timeout=CALL_TIMEOUT)
        self.assertFalse(left.executed)
        self.assertIn("below 50.00x", left.message)
        self.assertEqual(cluster.queue().plan, first.plan.name)
        self.assertEqual(cluster.queue().state, pb.QUEUE_STATE_ACTIVE)

    def test_strict_keeps_controls_apart(self):
        cluster = self.paused()
        cluster.submit([weights(edge=0.1 * n) for n in (1, 2, 3)])
        cluster.submit([weights(depth=0.1 * n) for n in (1, 2)])
        plan = self.analyze(cluster, pb.BATCHING_MODE_STRICT).plan
        self.assertEqual(
            [list(b.control_types) for b in self.batches(cluster, plan)],
            [["edge"], ["depth"]])

    def test_a_change_makes_the_plan_stale_and_is_named(self):
        cluster = self.paused()
        first = cluster.submit(2)
        cluster.submit(2)
        plan = self.analyze(cluster).plan
        # As many runs as before, but not the same.
        cluster.cancel(first)
        cluster.submit(2)
        refused = self.refused(self.execute, cluster, plan.name)
        self.assertEqual((refused.code, refused.reason),
                         (grpc.StatusCode.ABORTED, "ANALYSIS_STALE"))
        self.assertIn("Analysis is stale - queue has changed. Please "
                      "re-analyze.", str(refused))
        self.assertIn("1 job was submitted (jobs/3)", str(refused))
        self.assertIn("2 runs were cancelled", str(refused))
        self.assertEqual(cluster.queue().plan, "")

    def test_without_analysis_nothing_is_executed(self):
        cluster = self.paused()
        cluster.submit(2)
        refused = self.refused(self.execute, cluster)
        self.assertEqual((refused.code, refused.reason),
                         (grpc.StatusCode.FAILED_PRECONDITION, "NO_ANALYSIS"))
        self.assertIn("No analysis available", str(refused))

    def test_a_queue_that_runs_is_analyzed_only_live(self):
        cluster = self.cluster()
        cluster.submit(2)
        refused = self.refused(self.analyze, cluster)
        self.assertEqual(refused.reason, "QUEUE_NOT_PAUSED")
        plan = self.analyze(cluster, live=True).plan
        cluster.submit(1)
        refused = self.refused(
            self.execute, cluster, plan.name, unchanged=True)
        self.assertEqual(refused.reason, "ANALYSIS_STALE")
        self.assertEqual(self.execute(cluster, plan.name).plan.live, True)

    def test_nothing_to_batch_says_why(self):
        cluster = self.paused()
        cluster.submit(2, kind="upscale")
        answer = self.analyze(cluster)
        self.assertFalse(answer.HasField("plan"))
        self.assertIn("No batchable jobs found", answer.message)
        self.assertIn("2", answer.message)

    def test_execute_twice_is_execute_once_and_undo_brings_back(self):
        cluster = self.paused()
        jobs = [cluster.submit([weights(edge=0.5)]) for _ in range(3)]
        before = [cluster.runs(job)[0] for job in jobs]
        plan = self.analyze(cluster).plan
        first = self.execute(cluster, plan.name, request_id="r1")
        again = self.execute(cluster, plan.name, request_id="r1")
        self.assertEqual((first.replayed, again.replayed), (False, True))
        self.assertEqual(again.plan, first.plan)
        undone = self.undo(cluster, plan.name)
        self.assertEqual(undone.state, pb.PLAN_STATE_UNDONE)
        self.assertEqual(cluster.queue().plan, "")
        self.assertEqual([cluster.runs(job)[0] for job in jobs], before)
        refused = self.refused(self.undo, cluster, plan.name)
        self.assertEqual(refused.reason, "PLAN_NOT_ACTIVE")
        types = [pb.EventType.Name(e.type) for e in cluster.history()]
        self.assertEqual(
            types[-2:], ["EVENT_TYPE_PLAN_EXECUTED", "EVENT_TYPE_PLAN_UNDONE"])

    def test_a_started_plan_cannot_be_undone(self):
        cluster = self.paused()
        for _ in range(4):
            cluster.submit(1)
        plan = self.analyze(cluster, batch_size=2).plan
        self.execute(cluster, plan.name)
        hand = Hand(cluster)
        cluster.resume()
        self.assertEqual(len(hand.lease().runs), 2)
        self.assertEqual(self.refused(self.undo, cluster, plan.name).reason,
                         "PLAN_STARTED")
        hand.close()

    def test_regrouped_twice_keeps_every_weight(self):
        cluster = self.paused()
        jobs = [
            cluster.submit([weights(edge=0.1 * n, depth=1 - 0.1 * n)])
            for n in range(1, 6)
        ]
        wanted = [dict(cluster.runs(job)[0].request.weights) for job in jobs]
        for size in (2, 3):
            plan = self.analyze(cluster, batch_size=size).plan
            self.execute(cluster, plan.name)
        hand = Hand(cluster)
        cluster.resume()
        seen = {}
        while len(seen) < 5:
            batch = hand.lease()
            for run, each in zip(batch.runs, batch.weights_list, strict=True):
                seen[run.run] = dict(each.weights)
            cluster.work.FinishRuns(hand.success(batch), timeout=CALL_TIMEOUT)
        self.assertEqual([seen[f"{job.name}/runs/0"] for job in jobs], wanted)
        hand.close()

    def test_a_plan_outlives_the_server(self):
        cluster = self.paused()
        for _ in range(5):
            cluster.submit(1)
        plan = self.execute(cluster, self.analyze(cluster).plan.name).plan
        cluster.restart()
        self.assertEqual(cluster.queue().plan, plan.name)
        cluster.worker()
        cluster.resume()
        until(lambda: cluster.queue().queued_run_count == 0, "all have run")

    def test_pictures_do_not_depend_on_the_plan(self):
        pictures = []
        for planned in (False, True):
            cluster = self.paused()
            jobs = [
                cluster.submit([
                    {"seed": n, **weights(edge=0.3)},
                    {"seed": n, **weights(depth=0.2 * n)},
                ])
                for n in range(4)
            ]
            if planned:
                plan = self.analyze(cluster, pb.BATCHING_MODE_MIXED,
                                    batch_size=8).plan
                self.execute(cluster, plan.name)
            cluster.worker()
            cluster.resume()
            for job in jobs:
                cluster.wait(job)
            pictures.append([
                run.outputs[0].artifact
                for job in jobs for run in cluster.runs(job)
            ])
        self.assertEqual(pictures[0], pictures[1])


class RaceTest(Case):
    def test_analyze_execute_lease_cancel_and_submit_at_once(self):
        seed = random.randrange(1 << 30)
        print(f"seed {seed}")
        cluster = self.cluster()
        for _ in range(2):
            cluster.worker(time_scale=0.001)
        end = time.monotonic() + 6
        executed = []
        failures = []

        def submits(rng):
            controls = rng.sample(["edge", "depth", "vis"], rng.randint(0, 2))
            cluster.submit([
                weights(**{name: rng.random() for name in controls})
                for _ in range(rng.randint(1, 5))
            ])

        def cancels(rng):
            if cluster.acked:
                cluster.cancel(rng.choice(sorted(cluster.acked)))

        def plans(rng):
            answer = self.analyze(
                cluster, rng.choice([1, 2, 3]), live=True,
                batch_size=rng.randint(1, 8))
            if not answer.HasField("plan"):
                return
            self.execute(cluster, answer.plan.name)
            executed.append(answer.plan.name)
            if rng.random() < 0.3:
                self.undo(cluster, answer.plan.name)

        def repeat(act, number):
            rng = random.Random(seed + number)
            while time.monotonic() < end:
                try:
                    act(rng)
                except grpc.RpcError as error:
                    if error.code() not in (
                        grpc.StatusCode.FAILED_PRECONDITION,
                        grpc.StatusCode.ABORTED,
                    ):
                        failures.append(error)
                        return
                time.sleep(rng.random() * 0.02)

        acts = [submits, submits, cancels, plans, plans]
        threads = [
            threading.Thread(target=repeat, args=(act, number))
            for number, act in enumerate(acts)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertGreater(len(executed), 3)
        for job in sorted(cluster.acked):
            cluster.wait(job)
            for run in cluster.runs(job):
                self.assertIn(run.state, (pb.RUN_STATE_SUCCEEDED,
                                          pb.RUN_STATE_CANCELLED))


if __name__ == "__main__":
    unittest.main()
