"""Smart batching against the fake server."""

import unittest

import grpc

import sheaf
from sheaf._pb.sheaf.v1 import batching_service_pb2 as pb

from case import ClientTest, twins
from fake_server import refuse

PLAN = {
    "name": "plans/7",
    "queue": "queues/default",
    "speedup": 2.5,
    "verdict": "PLAN_VERDICT_EXECUTE",
    "text": "8 runs from 5 jobs → 3 batches",
}


class BatchingTest(ClientTest):
    def prepare(self, method, **fields):
        response = getattr(pb, f"{method}Response")(**fields)
        self.server.answers[method] = response

    def prepare_plans(self, *plans):
        """The plans of the queue, one a page, newest first."""

        def page(request, context):
            number = int(request.page_token or 0)
            more = str(number + 1) if number + 1 < len(plans) else ""
            return pb.ListPlansResponse(
                plans=plans[number : number + 1], next_page_token=more
            )

        self.server.answers["ListPlans"] = page
        self.server.answers["GetPlan"] = lambda request, _: next(
            pb.Plan(**plan) for plan in plans if plan["name"] == request.name
        )


class AnalyzeTest(BatchingTest):
    def test_an_analysis_has_its_speedup_and_all_batches(self):
        self.prepare("AnalyzeQueue", plan=PLAN, message="analyzed")
        batch = {"runs": ["jobs/1/runs/0"], "weights_list": [{}]}
        batch["weights_list"][0]["weights"] = {"depth": 0.5, "pose": 0}

        def page(request, context):
            more = "" if request.page_token else "1"
            return pb.ListPlanBatchesResponse(
                batches=[batch], next_page_token=more
            )

        self.server.answers["ListPlanBatches"] = page
        analysis = self.client.analyze(mode="mixed")
        self.assertTrue(analysis)
        self.assertEqual(analysis.speedup, 2.5)
        self.assertTrue(analysis.advised)
        verdict = sheaf.PlanVerdict.Value(PLAN["verdict"])
        self.assertEqual(analysis.verdict, verdict)
        self.assertEqual(str(analysis), PLAN["text"])
        self.assertEqual(analysis.name, "plans/7")
        self.assertEqual(len(analysis.batches), 2)
        weights = analysis.batches[1].weights_list[0].weights
        self.assertEqual(dict(weights), {"depth": 0.5, "pose": 0})

    def test_an_analysis_without_a_plan_is_false_and_says_why(self):
        self.prepare("AnalyzeQueue", message="No batchable jobs found: none")
        analysis = self.client.analyze()
        self.assertFalse(analysis)
        self.assertIsNone(analysis.plan)
        self.assertEqual(analysis.speedup, 1)
        self.assertFalse(analysis.advised)
        self.assertEqual(str(analysis), "No batchable jobs found: none")
        self.assertEqual(analysis.text, "")

    def test_a_plan_that_gains_nothing_is_not_advised(self):
        slower = {**PLAN, "verdict": "PLAN_VERDICT_SLOWER", "speedup": 0.88}
        self.prepare("AnalyzeQueue", plan=slower)
        self.assertFalse(self.client.analyze().advised)

    def test_a_look_brings_its_batches_itself_and_has_no_name(self):
        self.prepare(
            "AnalyzeQueue", plan={"speedup": 2}, batches=[{}, {}, {}]
        )
        look = self.client.analyze(validate_only=True)
        self.assertEqual((len(look.batches), look.name), (3, ""))
        with self.assertRaises(ValueError):
            self.client.execute(look)
        self.assertEqual(self.sent(pb.ListPlanBatchesRequest), [])
        self.assertEqual(self.sent(pb.ExecutePlanRequest), [])

    def test_a_wrong_word_is_the_callers_mistake(self):
        with self.assertRaisesRegex(ValueError, "strict, mixed, best"):
            self.client.analyze(mode="mixd")
        self.assertEqual(self.server.calls, [])

    def test_limits_that_are_left_out_are_the_queues(self):
        self.client.analyze()
        request = self.sent(pb.AnalyzeQueueRequest)[0]
        self.assertFalse(request.HasField("planning"))


class ExecuteTest(BatchingTest):
    def test_an_execution_says_what_it_did(self):
        self.prepare("AnalyzeQueue", plan=PLAN)
        self.prepare("ExecutePlan", plan=PLAN, message="reorganized")
        execution = self.client.execute(self.client.analyze())
        self.assertTrue(execution)
        self.assertEqual(execution.message, "reorganized")
        self.assertEqual(execution.speedup, 2.5)
        (request,) = self.sent(pb.ExecutePlanRequest)
        self.assertEqual((request.name, request.queue), ("plans/7", ""))

    def test_without_a_plan_the_server_takes_the_newest(self):
        self.client.execute()
        (request,) = self.sent(pb.ExecutePlanRequest)
        self.assertEqual((request.name, request.queue),
                         ("", "queues/default"))

    def test_the_servers_words_come_with_the_refusal(self):
        stale = "Analysis is stale: jobs/9 came"
        self.server.answers["ExecutePlan"] = lambda _, context: refuse(
            context, grpc.StatusCode.ABORTED, stale
        )
        with self.assertRaisesRegex(sheaf.Conflict, stale):
            self.client.execute()

    def test_one_call_analyzes_and_executes(self):
        self.prepare(
            "AnalyzeAndExecute", plan=PLAN, executed=True, message="done"
        )
        execution = self.client.analyze_and_execute()
        self.assertTrue(execution)
        self.assertEqual((execution.name, execution.speedup),
                         ("plans/7", 2.5))
        (request,) = self.sent(pb.AnalyzeAndExecuteRequest)
        self.assertFalse(request.HasField("min_speedup"))

    def test_a_least_speedup_of_0_is_one(self):
        self.client.analyze_and_execute(min_speedup=0)
        (request,) = self.sent(pb.AnalyzeAndExecuteRequest)
        self.assertTrue(request.HasField("min_speedup"))

    def test_what_was_not_executed_is_false_and_says_why(self):
        self.prepare("AnalyzeAndExecute", plan=PLAN, message="too little")
        execution = self.client.analyze_and_execute()
        self.assertFalse(execution)
        self.assertEqual(execution.message, "too little")
        self.assertEqual(execution.plan.name, "plans/7")
        self.prepare("AnalyzeAndExecute", message="No batchable jobs found")
        self.assertIsNone(self.client.analyze_and_execute().plan)


class PlansTest(BatchingTest):
    newest = {"name": "plans/9", "text": "the newest"}
    executed = {"name": "plans/8", "execute_time": {"seconds": 1}}

    def test_without_a_name_a_plan_is_the_newest(self):
        self.prepare_plans(self.newest, self.executed)
        self.assertEqual(self.client.plan().name, "plans/9")
        self.assertEqual(self.client.preview_text(), "the newest")
        self.assertEqual(self.client.preview_text("8"), "")
        self.assertEqual(len(list(self.client.plans())), 2)

    def test_a_report_is_of_the_last_that_was_executed(self):
        self.prepare_plans(self.newest, self.executed)
        self.assertEqual(self.client.report().name, "plans/8")
        self.assertEqual(self.client.report("plans/9").name, "plans/9")

    def test_a_queue_without_plans_has_no_preview(self):
        self.assertEqual(self.client.preview_text(), "")
        for call in (self.client.plan, self.client.report):
            with self.assertRaises(sheaf.NotFound) as caught:
                call()
            self.assertEqual(caught.exception.reason, "PLAN_NOT_FOUND")

    def test_the_batches_of_the_newest_plan_need_no_name(self):
        self.prepare_plans(self.newest)
        list(self.client.plan_batches())
        (request,) = self.sent(pb.ListPlanBatchesRequest)
        self.assertEqual(request.plan, "plans/9")

    def test_an_analysis_without_a_plan_is_not_taken_for_the_newest(self):
        self.prepare_plans(self.newest)
        for call in (self.client.plan, self.client.undo, self.client.report):
            with self.assertRaises(ValueError):
                call(sheaf.Analysis("No batchable jobs found"))
        with self.assertRaises(ValueError):
            list(self.client.plan_batches(sheaf.Analysis("none")))

    def test_undo_takes_the_plan_that_the_queue_goes_by(self):
        with self.assertRaises(sheaf.FailedPrecondition) as caught:
            self.client.undo()
        self.assertEqual(caught.exception.reason, "PLAN_NOT_ACTIVE")
        self.server.queue.plan = "plans/8"
        self.client.undo()
        self.assertEqual(self.sent(pb.UndoPlanRequest)[0].name, "plans/8")


twins(globals())

if __name__ == "__main__":
    unittest.main()
