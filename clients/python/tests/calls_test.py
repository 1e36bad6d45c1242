"""Each call of the services, and what its arguments become on the wire."""

import datetime
import unittest

import sheaf
from sheaf._pb.sheaf.v1 import (
    admin_service_pb2 as admin_pb,
    artifact_service_pb2 as artifact_pb,
    batching_service_pb2 as batching_pb,
    job_service_pb2 as job_pb,
    queue_service_pb2 as queue_pb,
)
from sheaf.values import duration, enum, fill

from case import ClientTest, twins

SHA = "artifacts/" + "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991" \
    "b7852b855"
YEAR_2030 = datetime.datetime(2030, 1, 1, tzinfo=datetime.timezone.utc)

# For each method of the services: a call, and the request that it makes. An
# iterator is read to its end.
CALLS = {
    "SubmitJob": (
        lambda client: client.submit({"kind": "upscale"}, request_id="a"),
        job_pb.SubmitJobRequest(
            request_id="a", job={"kind": "upscale", "owner": "ann"}
        ),
    ),
    "SubmitJobs": (
        lambda client: client.submit_many([{"owner": "bob"}], request_id="a"),
        job_pb.SubmitJobsRequest(
            requests=[{"request_id": "a-0", "job": {"owner": "bob"}}]
        ),
    ),
    "StreamJobs": (
        lambda client: client.submit_stream([{}], request_id="a"),
        job_pb.SubmitJobRequest(request_id="a-0", job={"owner": "ann"}),
    ),
    "GetJob": (
        lambda client: client.get("jobs/1", full=True),
        job_pb.GetJobRequest(name="jobs/1", view="JOB_VIEW_FULL"),
    ),
    "ListJobs": (
        lambda client: client.list("state = FAILED", order_by="create_time"),
        job_pb.ListJobsRequest(
            filter="state = FAILED", order_by="create_time", page_size=500
        ),
    ),
    "GetRun": (
        lambda client: client.run("jobs/1/runs/0"),
        job_pb.GetRunRequest(name="jobs/1/runs/0"),
    ),
    "ListRuns": (
        lambda client: client.runs("jobs/1", states=["failed"]),
        job_pb.ListRunsRequest(
            job="jobs/1", states=["RUN_STATE_FAILED"], page_size=500
        ),
    ),
    "GetPreview": (
        lambda client: client.preview("jobs/1/runs/0"),
        job_pb.GetPreviewRequest(run="jobs/1/runs/0"),
    ),
    "CancelJob": (
        lambda client: client.cancel(
            filter="x = 1", keep_running=True, validate_only=True, reason="y"
        ),
        job_pb.CancelJobRequest(
            filter="x = 1", keep_running=True, validate_only=True, reason="y"
        ),
    ),
    "RetryJob": (
        lambda client: client.retry("jobs/1"),
        job_pb.RetryJobRequest(name="jobs/1"),
    ),
    "UpdateJob": (
        lambda client: client.update(
            "jobs/1",
            priority="high",
            labels={"team": "art"},
            run_time=YEAR_2030,
            reset=["start_deadline"],
            etag="e",
        ),
        job_pb.UpdateJobRequest(
            job={
                "name": "jobs/1",
                "etag": "e",
                "priority": "PRIORITY_HIGH",
                "labels": {"team": "art"},
                "run_time": {"seconds": 1893456000},
            },
            update_mask={
                "paths": ["start_deadline", "priority", "labels", "run_time"]
            },
        ),
    ),
    "DeleteJob": (
        lambda client: client.delete("jobs/1", etag="e"),
        job_pb.DeleteJobRequest(name="jobs/1", etag="e"),
    ),
    "WaitJob": (
        lambda client: client.wait("jobs/1"),
        job_pb.WaitJobRequest(name="jobs/1", timeout={"seconds": 20}),
    ),
    "WatchEvents": (
        lambda client: client.watch(
            after_sequence=3, queue="fast", job="jobs/1", progress=True
        ),
        job_pb.WatchEventsRequest(
            after_sequence=3, queue="queues/fast", job="jobs/1", progress=True
        ),
    ),
    "CreateQueue": (
        lambda client: client.create_queue("fast", batch_size=8, twins=True),
        queue_pb.CreateQueueRequest(
            name="queues/fast", settings={"batch_size": 8, "twins": True}
        ),
    ),
    "GetQueue": (
        lambda client: client.queue("fast"),
        queue_pb.GetQueueRequest(name="queues/fast"),
    ),
    "ListQueues": (
        lambda client: client.queues(),
        queue_pb.ListQueuesRequest(),
    ),
    "UpdateQueue": (
        lambda client: client.update_queue(
            "fast",
            policy="adaptive",
            wait_max=0.5,
            keep_failed=datetime.timedelta(days=1),
            reset=["preempt_from"],
            etag="e",
        ),
        queue_pb.UpdateQueueRequest(
            name="queues/fast",
            settings={
                "policy": "BATCH_POLICY_ADAPTIVE",
                "wait_max": {"nanos": 500000000},
                "keep_failed": {"seconds": 86400},
            },
            update_mask={
                "paths": ["policy", "wait_max", "keep_failed", "preempt_from"]
            },
            etag="e",
        ),
    ),
    "DeleteQueue": (
        lambda client: client.delete_queue("fast"),
        queue_pb.DeleteQueueRequest(name="queues/fast"),
    ),
    "PauseQueue": (
        lambda client: client.pause(mode="next-step", reason="x", actor="y"),
        queue_pb.PauseQueueRequest(
            name="queues/default",
            mode="PAUSE_MODE_NEXT_STEP",
            reason="x",
            actor="y",
        ),
    ),
    "ResumeQueue": (
        lambda client: client.resume("queues/fast", actor="y"),
        queue_pb.ResumeQueueRequest(name="queues/fast", actor="y"),
    ),
    "DrainQueue": (
        lambda client: client.drain("fast", reason="x", actor="y"),
        queue_pb.DrainQueueRequest(name="queues/fast", reason="x", actor="y"),
    ),
    "PurgeQueue": (
        lambda client: client.purge("fast", actor="y", validate_only=True),
        queue_pb.PurgeQueueRequest(
            name="queues/fast", actor="y", validate_only=True
        ),
    ),
    "UploadArtifact": (
        lambda client: client.upload(b"", media_type="image/png"),
        artifact_pb.UploadArtifactRequest(
            expected_name=SHA, media_type="image/png"
        ),
    ),
    "DownloadArtifact": (
        lambda client: client.download(client.upload(b"")),
        artifact_pb.DownloadArtifactRequest(name=SHA),
    ),
    "GetArtifact": (
        lambda client: client.artifact(sheaf.Output(artifact=SHA)),
        artifact_pb.GetArtifactRequest(name=SHA),
    ),
    "AnalyzeQueue": (
        lambda client: client.analyze(
            "fast",
            mode="mixed",
            batch_size=6,
            planner="greedy",
            signature="conservative",
            estimator="heuristic",
            live=True,
            validate_only=True,
            harm_max=2,
            knee_percent=0,
        ),
        batching_pb.AnalyzeQueueRequest(
            queue="queues/fast",
            mode="BATCHING_MODE_MIXED",
            batch_size=6,
            planner="PLANNER_KIND_GREEDY",
            signature="SIGNATURE_KIND_CONSERVATIVE",
            estimator="ESTIMATOR_KIND_HEURISTIC",
            live=True,
            validate_only=True,
            planning={"harm_max": {"seconds": 2}, "knee_percent": 0},
        ),
    ),
    "AnalyzeAndExecute": (
        lambda client: client.analyze_and_execute(
            "fast",
            min_speedup=1.5,
            mode="strict",
            batch_size=6,
            planner="greedy",
            signature="conservative",
            request_id="a",
            actor="y",
            across_priorities=True,
        ),
        batching_pb.AnalyzeAndExecuteRequest(
            queue="queues/fast",
            min_speedup=1.5,
            mode="BATCHING_MODE_STRICT",
            batch_size=6,
            planner="PLANNER_KIND_GREEDY",
            signature="SIGNATURE_KIND_CONSERVATIVE",
            request_id="a",
            actor="y",
            planning={"across_priorities": True},
        ),
    ),
    "GetPlan": (
        lambda client: client.plan("7"),
        batching_pb.GetPlanRequest(name="plans/7"),
    ),
    "ListPlans": (
        lambda client: client.plans("fast"),
        batching_pb.ListPlansRequest(queue="queues/fast", page_size=500),
    ),
    "ListPlanBatches": (
        lambda client: client.plan_batches("plans/7"),
        batching_pb.ListPlanBatchesRequest(plan="plans/7", page_size=500),
    ),
    "ExecutePlan": (
        lambda client: client.execute(
            queue="fast", unchanged=True, request_id="a", actor="y"
        ),
        batching_pb.ExecutePlanRequest(
            queue="queues/fast", unchanged=True, request_id="a", actor="y"
        ),
    ),
    "UndoPlan": (
        lambda client: client.undo("plans/7", actor="y"),
        batching_pb.UndoPlanRequest(name="plans/7", actor="y"),
    ),
    "ExplainRun": (
        lambda client: client.explain("jobs/1/runs/0", "jobs/2/runs/0"),
        batching_pb.ExplainRunRequest(
            run="jobs/1/runs/0", other="jobs/2/runs/0"
        ),
    ),
    "GetBatchProfile": (
        lambda client: client.batch_profile(),
        batching_pb.GetBatchProfileRequest(),
    ),
    "ForgetLearned": (
        lambda client: client.forget_learned("shapes"),
        batching_pb.ForgetLearnedRequest(name="shapes"),
    ),
    "ListWorkers": (
        lambda client: client.workers(),
        admin_pb.ListWorkersRequest(),
    ),
    "DrainWorker": (
        lambda client: client.drain_worker("3"),
        admin_pb.DrainWorkerRequest(name="workers/3"),
    ),
    "CalibrateWorker": (
        lambda client: client.calibrate_worker("workers/3"),
        admin_pb.CalibrateWorkerRequest(name="workers/3"),
    ),
    "Backup": (
        lambda client: client.backup("monday"),
        admin_pb.BackupRequest(file_name="monday"),
    ),
    "CheckIntegrity": (
        lambda client: client.check_integrity(full=True),
        admin_pb.CheckIntegrityRequest(full=True),
    ),
    "GetCatalog": (
        lambda client: client.catalog(),
        admin_pb.GetCatalogRequest(),
    ),
    "GetServerInfo": (
        lambda client: client.server_info(),
        admin_pb.GetServerInfoRequest(),
    ),
    "AcceptClock": (
        lambda client: client.accept_clock(),
        admin_pb.AcceptClockRequest(),
    ),
    "GetStats": (
        lambda client: client.stats("fast", window=60),
        admin_pb.GetStatsRequest(queue="queues/fast", window={"seconds": 60}),
    ),
}


def methods():
    for module in (admin_pb, artifact_pb, batching_pb, job_pb, queue_pb):
        for service in module.DESCRIPTOR.services_by_name.values():
            yield from (method.name for method in service.methods)


class CallsTest(ClientTest):
    def test_every_method_of_the_services_has_its_call(self):
        self.assertEqual(sorted(CALLS), sorted(methods()))

    def test_a_call_sends_all_that_it_was_told(self):
        for name, (call, request) in CALLS.items():
            with self.subTest(name):
                self.prepare()
                result = call(self.client)
                if name == "WatchEvents":
                    next(result)
                    result.close()
                elif hasattr(result, "__next__"):
                    list(result)
                self.assertEqual(self.server.calls[-1], request)

    def prepare(self):
        """A job that has ended, and an event to come."""
        self.server.by_request_id.clear()
        self.server.jobs.clear()
        self.client.submit({})
        self.server.jobs[0].state = sheaf.JobState.JOB_STATE_SUCCEEDED
        self.server.watches = [
            [job_pb.WatchEventsResponse(event={"sequence": 4})]
        ]


class ValuesTest(unittest.TestCase):
    def test_the_settings_of_a_queue_are_all_known(self):
        fields = sheaf.QueueSettings.DESCRIPTOR.fields_by_name
        self.assertEqual(
            sorted(sheaf.Settings.__annotations__), sorted(fields)
        )

    def test_the_limits_of_a_plan_are_all_known(self):
        fields = sheaf.PlanningSettings.DESCRIPTOR.fields_by_name
        self.assertEqual(
            sorted(sheaf.Planning.__annotations__), sorted(fields)
        )

    def test_an_unknown_setting_is_the_callers_mistake(self):
        with self.assertRaisesRegex(TypeError, "'batchsize' is none of .*batch_size"):
            fill(sheaf.QueueSettings(), {"batchsize": 4})

    def test_a_word_is_a_number_a_name_or_its_end(self):
        for word in (2, "mixed", "Mixed", "BATCHING_MODE_MIXED"):
            self.assertEqual(enum(sheaf.BatchingMode.DESCRIPTOR, word), 2)

    def test_an_unknown_word_is_told_the_known_ones(self):
        with self.assertRaisesRegex(
            ValueError, "policy: 'fast' is none of off, adaptive, economic, auto"
        ):
            fill(sheaf.QueueSettings(), {"policy": "fast"})

    def test_a_time_is_seconds_or_a_timedelta(self):
        self.assertEqual(
            duration(1.5), duration(datetime.timedelta(milliseconds=1500))
        )


twins(globals())

if __name__ == "__main__":
    unittest.main()
