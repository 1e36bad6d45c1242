"""What clients must not say, over the wire: refused with a code and a reason,
and nothing is changed by it."""

import unittest

import grpc

import fixture
import invariants
from bad_submits import BAD_SUBMITS, NO_ARTIFACT, one, submit
from wire import from_now, mask, pb, refusal, seconds

INVALID = "INVALID_ARGUMENT"
PATHS = ["../x.db", "/etc/passwd", "a/b", "..", ".hidden", "a\0b", "a\\..\\b/c"]


class BadInputTest(fixture.Case):
    def setUp(self):
        self.server = self.cluster()
        self.job = self.server.submit(2, request_id="taken", owner="me")
        self.server.create_queue("calm")
        self.stream = self.server.work.RegisterWorker(
            pb.RegisterWorkerRequest(display_name="idle", queues=["queues/calm"])
        )
        self.worker = next(self.stream).worker
        self.addCleanup(self.stream.cancel)
        self.before = self.content()

    def tearDown(self):
        # Still there, and as good as before.
        self.assertTrue(self.server.server.alive())
        self.assertEqual(self.content(), self.before)
        self.server.submit(3)

    def content(self):
        """Every row of every table."""
        database = invariants.open_database(self.server.database)
        tables = [name for (name,) in database.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table'")]
        content = {
            name: [tuple(row) for row in database.execute(
                f'SELECT * FROM "{name}"')]
            for name in tables
        }
        database.close()
        return content

    def check(self, what, call, request, code, reason, field=None):
        with self.subTest(what):
            refused = refusal(call, request)
            self.assertEqual((refused.code.name, refused.reason),
                             (code, reason), refused)
            if code == "NOT_FOUND" and getattr(request, "name", ""):
                self.assertIn(request.name.split("/runs/")[0], str(refused))
            fields = [each.field for each in refused.details.violations]
            if field is not None:
                self.assertIn(field, fields)
            self.assertEqual(self.content(), self.before)

    def check_all(self, call, rows):
        for what, request, code, reason, *field in rows:
            self.check(what, call, request, code, reason, *field)

    def test_submits(self):
        codes = {"QUEUE_NOT_FOUND": "NOT_FOUND",
                 "ARTIFACT_NOT_FOUND": "NOT_FOUND"}
        for what, request, reason, field in BAD_SUBMITS:
            code = codes.get(reason, INVALID)
            self.check(what, self.server.jobs.SubmitJob, request, code,
                       reason, field)

    def test_all_violations_are_told_at_once(self):
        request = submit(runs=[{"steps": 0, "seed": -1}], kind="X",
                         attempts_max=-1)
        refused = refusal(self.server.jobs.SubmitJob, request)
        self.assertEqual(
            {each.field for each in refused.details.violations},
            {"job.kind", "job.attempts_max", "job.runs[0].steps",
             "job.runs[0].seed"})

    def test_a_bulk_with_one_bad_submit_stores_none(self):
        bulk = pb.SubmitJobsRequest
        self.check_all(self.server.jobs.SubmitJobs, [
            ("one is bad", bulk(requests=[submit()] * 5 + [one(steps=0)]),
             INVALID, "INVALID_FIELD", "requests[5].job.runs[0].steps"),
            ("one asks for a queue that is not there",
             bulk(requests=[submit(), submit(queue="queues/nowhere")]),
             "NOT_FOUND", "QUEUE_NOT_FOUND"),
            ("one is a rehearsal", bulk(requests=[pb.SubmitJobRequest(
                job=submit().job, validate_only=True)]),
             INVALID, "INVALID_FIELD", "requests[0].validate_only"),
            ("too many runs in all",
             bulk(requests=[submit(runs=[{}] * 50_001)] * 2),
             INVALID, "TOO_MANY_RUNS"),
            ("empty", bulk(), INVALID, "INVALID_FIELD", "requests"),
        ])

    def test_a_request_id_with_another_payload(self):
        self.check("other seeds", self.server.jobs.SubmitJob,
                   submit(2, request_id="taken", owner="me"),
                   INVALID, "REQUEST_ID_REUSED")

    def test_names(self):
        jobs, queues = self.server.jobs, self.server.queues
        for what, name, reason in [
            ("unknown", "jobs/999", "JOB_NOT_FOUND"),
            ("zero", "jobs/0", "JOB_NOT_FOUND"),
            ("the largest", "jobs/" + "9" * 18, "JOB_NOT_FOUND"),
            ("too long", "jobs/" + "9" * 19, "INVALID_FIELD"),
            ("negative", "jobs/-1", "INVALID_FIELD"),
            ("a word", "jobs/one", "INVALID_FIELD"),
            ("of something else", "queues/default", "INVALID_FIELD"),
            ("with more", self.job.name + "/runs", "INVALID_FIELD"),
            ("empty", "", "INVALID_FIELD"),
            ("with a NUL", "jobs/1\0", "INVALID_FIELD"),
        ]:
            code = INVALID if reason == "INVALID_FIELD" else "NOT_FOUND"
            for call, request in [
                (jobs.GetJob, pb.GetJobRequest(name=name)),
                (jobs.ListRuns, pb.ListRunsRequest(job=name)),
                (jobs.RetryJob, pb.RetryJobRequest(name=name)),
                (jobs.DeleteJob, pb.DeleteJobRequest(name=name)),
                (jobs.WaitJob, pb.WaitJobRequest(name=name)),
                (jobs.CancelJob, pb.CancelJobRequest(name=name)),
            ]:
                self.check(what, call, request, code, reason)
        for what, name, code, reason in [
            ("a run too far", self.job.name + "/runs/2", "NOT_FOUND",
             "RUN_NOT_FOUND"),
            ("far beyond", self.job.name + "/runs/999999999", "NOT_FOUND",
             "RUN_NOT_FOUND"),
            ("of a job beyond all", "jobs/140737488355329/runs/0",
             "NOT_FOUND", "RUN_NOT_FOUND"),
            ("of no job", "jobs/999/runs/0", "NOT_FOUND", "JOB_NOT_FOUND"),
            ("the job", self.job.name, INVALID, "INVALID_FIELD"),
        ]:
            for call, request in [
                (jobs.GetRun, pb.GetRunRequest(name=name)),
                (jobs.CancelJob, pb.CancelJobRequest(name=name)),
                (jobs.RetryJob, pb.RetryJobRequest(name=name)),
            ]:
                if call is jobs.GetRun or name != self.job.name:
                    self.check(what, call, request, code, reason)
        for name, code, reason in [
            ("queues/nowhere", "NOT_FOUND", "QUEUE_NOT_FOUND"),
            ("queues/UPPER", INVALID, "INVALID_FIELD"),
            ("queues/" + "x" * 64, INVALID, "INVALID_FIELD"),
            ("default", INVALID, "INVALID_FIELD"),
        ]:
            for call, request in [
                (queues.GetQueue, pb.GetQueueRequest(name=name)),
                (queues.PauseQueue, pb.PauseQueueRequest(name=name)),
                (queues.ResumeQueue, pb.ResumeQueueRequest(name=name)),
                (queues.DrainQueue, pb.DrainQueueRequest(name=name)),
                (queues.PurgeQueue, pb.PurgeQueueRequest(name=name)),
                (queues.DeleteQueue, pb.DeleteQueueRequest(name=name)),
            ]:
                self.check(name, call, request, code, reason)

    def test_updates(self):
        job = pb.Job(name=self.job.name, priority=pb.PRIORITY_HIGH)

        def update(*paths, **fields):
            wanted = pb.Job()
            wanted.CopyFrom(job)
            wanted.MergeFrom(pb.Job(**fields))
            return pb.UpdateJobRequest(job=wanted, update_mask=mask(*paths))

        self.check_all(self.server.jobs.UpdateJob, [
            ("without a mask", pb.UpdateJobRequest(job=job), INVALID,
             "INVALID_FIELD", "update_mask"),
            ("an empty mask", update(), INVALID, "INVALID_FIELD",
             "update_mask"),
            ("what nobody may set", update("state"), INVALID,
             "INVALID_FIELD", "update_mask"),
            ("what is not there", update("colour"), INVALID, "INVALID_FIELD",
             "update_mask"),
            ("a stale etag", update("priority", etag="999"), "ABORTED",
             "ETAG_MISMATCH"),
            ("an etag that is none", update("priority", etag="xyz"),
             "ABORTED", "ETAG_MISMATCH"),
            ("a bad label", update("labels", labels={"B AD": "x"}), INVALID,
             "INVALID_FIELD", 'job.labels["B AD"]'),
            ("an unknown priority", update("priority", priority=9), INVALID,
             "INVALID_FIELD", "job.priority"),
            ("no job", update("priority", name="jobs/77"), "NOT_FOUND",
             "JOB_NOT_FOUND"),
        ])
        queue = pb.UpdateQueueRequest
        settings = pb.QueueSettings(batch_size=2)
        name = "queues/default"
        self.check_all(self.server.queues.UpdateQueue, [
            ("without a mask", queue(name=name, settings=settings), INVALID,
             "INVALID_FIELD", "update_mask"),
            ("an unknown setting",
             queue(name=name, settings=settings, update_mask=mask("pace")),
             INVALID, "INVALID_FIELD", "update_mask"),
            ("a huge batch",
             queue(name=name, settings=pb.QueueSettings(batch_size=1025),
                   update_mask=mask("batch_size")),
             INVALID, "INVALID_FIELD", "settings.batch_size"),
            ("a stale etag",
             queue(name=name, settings=settings, etag="999",
                   update_mask=mask("batch_size")),
             "ABORTED", "ETAG_MISMATCH"),
        ])

    def test_queues(self):
        queues = self.server.queues
        self.check_all(queues.CreateQueue, [
            ("exists", pb.CreateQueueRequest(name="queues/calm"),
             "ALREADY_EXISTS", "QUEUE_EXISTS"),
            ("a path", pb.CreateQueueRequest(name="queues/a/b"), INVALID,
             "INVALID_FIELD", "name"),
            ("negative runs",
             pb.CreateQueueRequest(
                 name="queues/x", settings=pb.QueueSettings(runs_max=-1)),
             INVALID, "INVALID_FIELD", "settings.runs_max"),
        ])
        self.check_all(queues.PauseQueue, [
            ("until yesterday",
             pb.PauseQueueRequest(name="queues/calm",
                                  resume_time=from_now(-60)),
             INVALID, "INVALID_FIELD", "resume_time"),
            ("in an unknown way",
             pb.PauseQueueRequest(name="queues/calm", mode=9), INVALID,
             "INVALID_FIELD", "mode"),
            ("for a huge reason",
             pb.PauseQueueRequest(name="queues/calm", reason="x" * 1025),
             INVALID, "INVALID_FIELD", "reason"),
        ])
        self.check("not paused", queues.ResumeQueue,
                   pb.ResumeQueueRequest(name="queues/calm"),
                   "FAILED_PRECONDITION", "QUEUE_NOT_PAUSED")
        self.check("the default one", queues.DeleteQueue,
                   pb.DeleteQueueRequest(name="queues/default"),
                   "FAILED_PRECONDITION", "QUEUE_IS_DEFAULT")

    def test_lists_and_filters(self):
        lists = pb.ListJobsRequest
        first = self.server.jobs.ListJobs(lists(page_size=1))
        rows = [
            ("a negative page", lists(page_size=-1), "INVALID_FIELD"),
            ("an unknown order", lists(order_by="owner"), "INVALID_FIELD"),
            ("a token of nonsense", lists(page_token="nonsense"),
             "BAD_PAGE_TOKEN"),
            ("a token that is no text", lists(page_token="\x01\xff"),
             "BAD_PAGE_TOKEN"),
            ("a huge token", lists(page_token="A" * 513), "INVALID_FIELD"),
            ("a token of another list",
             lists(page_token=first.next_page_token, filter="state = FAILED"),
             "BAD_PAGE_TOKEN"),
            ("a huge filter", lists(filter="x" * 2049), "INVALID_FIELD"),
        ]
        for text in ["state", "state =", "= 1", "state = NOWHERE",
                     "(state = FAILED", "state = FAILED AND",
                     'owner = "x', "state = FAILED OR OR", "colour = red",
                     "1 = 1; DROP TABLE jobs", "'", "(" * 500,
                     'create_time > "yesterday"', "labels. = 1"]:
            rows.append((f"filter {text[:40]}", lists(filter=text),
                         "BAD_FILTER"))
        for what, request, reason in rows:
            self.check(what, self.server.jobs.ListJobs, request, INVALID,
                       reason)
        cancel = pb.CancelJobRequest
        self.check_all(self.server.jobs.CancelJob, [
            ("neither name nor filter", cancel(), INVALID, "INVALID_FIELD",
             "name"),
            ("both", cancel(name=self.job.name, filter="state = QUEUED"),
             INVALID, "INVALID_FIELD", "name"),
            ("a bad filter", cancel(filter="state ="), INVALID,
             "BAD_FILTER"),
        ])

    def test_workers(self):
        work, admin = self.server.work, self.server.admin
        self.check_all(work.RegisterWorker, [
            ("no name", pb.RegisterWorkerRequest(), INVALID, "INVALID_FIELD",
             "display_name"),
            ("a bad queue",
             pb.RegisterWorkerRequest(display_name="x", queues=["all"]),
             INVALID, "INVALID_FIELD", "queues[0]"),
        ])
        self.check_all(work.LeaseBatch, [
            ("a stranger", pb.LeaseBatchRequest(worker="workers/99"),
             "NOT_FOUND", "WORKER_NOT_FOUND"),
            ("nobody", pb.LeaseBatchRequest(), INVALID, "INVALID_FIELD",
             "worker"),
        ])
        finish = pb.FinishRunsRequest(worker=self.worker, batch="batches/1")
        self.check("no outcomes", work.FinishRuns, finish, INVALID,
                   "INVALID_FIELD", "outcomes")
        run = f"{self.job.name}/runs/0"
        finish.outcomes.add(run=run, attempt=1).success.SetInParent()
        finish.secret = b"x" * 16
        self.check("a run that nobody holds", work.FinishRuns, finish,
                   "FAILED_PRECONDITION", "LEASE_LOST")
        finish.outcomes.add(run=run, attempt=1).success.SetInParent()
        self.check("a run twice", work.FinishRuns, finish,
                   "FAILED_PRECONDITION", "LEASE_LOST")
        output = pb.Output(artifact=NO_ARTIFACT, name="../../x.png")
        finish = pb.FinishRunsRequest(worker=self.worker, batch="batches/1")
        finish.outcomes.add(run=run).success.outputs.append(output)
        self.check("an output that is a path", work.FinishRuns, finish,
                   INVALID, "INVALID_FIELD",
                   "outcomes[0].success.outputs[0].name")
        release = pb.ReleaseLeaseRequest(worker=self.worker,
                                         batch="batches/1", epoch=1)
        self.check("a batch that is not there", work.ReleaseLease, release,
                   "FAILED_PRECONDITION", "LEASE_LOST")
        self.check("drain of a stranger", admin.DrainWorker,
                   pb.DrainWorkerRequest(name="workers/99"), "NOT_FOUND",
                   "WORKER_NOT_FOUND")

    def test_file_names_are_never_paths(self):
        for name in PATHS:
            self.check(name, self.server.admin.Backup,
                       pb.BackupRequest(file_name=name), INVALID,
                       "INVALID_FIELD", "file_name")

    def test_artifacts(self):
        artifacts = self.server.artifacts
        for call, kind in [(artifacts.GetArtifact, pb.GetArtifactRequest),
                           (artifacts.DownloadArtifact,
                            pb.DownloadArtifactRequest)]:
            self.check("not there", call, kind(name=NO_ARTIFACT),
                       "NOT_FOUND", "ARTIFACT_NOT_FOUND")
            for name in ["artifacts/..", "artifacts/" + "A" * 64, "x", "",
                         "artifacts/../" + "0" * 61]:
                self.check(name, call, kind(name=name), INVALID,
                           "INVALID_FIELD", "name")
        upload = pb.UploadArtifactRequest
        for what, messages, reason in [
            ("nothing", [], "INVALID_FIELD"),
            ("other bytes than said",
             [upload(expected_name=NO_ARTIFACT, data=b"x")],
             "ARTIFACT_MISMATCH"),
            ("no picture though it was said",
             [upload(media_type="image/png", data=b"GIF89a")],
             "ARTIFACT_TYPE_REFUSED"),
            ("a chunk that is too large", [upload(data=b"x" * 262145)],
             "INVALID_FIELD"),
            ("a name in the second message",
             [upload(data=b"x"), upload(expected_name=NO_ARTIFACT)],
             "INVALID_FIELD"),
        ]:
            self.check(what, lambda each, **kw: artifacts.UploadArtifact(
                iter(each), **kw), messages, INVALID, reason)

    def test_a_watch(self):
        self.check_all(self.server.jobs.WatchEvents, [
            ("from before the beginning",
             pb.WatchEventsRequest(after_sequence=-2), INVALID,
             "INVALID_FIELD", "after_sequence"),
            ("of a job that nobody can have",
             pb.WatchEventsRequest(job="jobs/" + "9" * 18), "NOT_FOUND",
             "JOB_NOT_FOUND"),
            ("of a queue that is none",
             pb.WatchEventsRequest(queue="default"), INVALID,
             "INVALID_FIELD", "queue"),
        ])

    def test_a_call_that_is_too_late_changes_nothing(self):
        with self.assertRaises(grpc.RpcError) as caught:
            self.server.jobs.SubmitJob(submit(), timeout=-1)
        self.assertEqual(caught.exception.code(),
                         grpc.StatusCode.DEADLINE_EXCEEDED)

    def test_bytes_that_are_no_message(self):
        raw = self.server.channel.unary_unary
        for what, method, data in [
            ("invalid UTF-8 in a name", "JobService/GetJob",
             b"\x0a\x06jobs/\xff"),
            ("invalid UTF-8 in a prompt", "JobService/SubmitJob",
             b"\x12\x08\x4a\x06\x0a\x04\xc3\x28\xff\xfe"),
            ("a length beyond the end", "JobService/SubmitJob",
             b"\x0a\xff\xff\xff\xff\x0f"),
            ("a field number of zero", "QueueService/PauseQueue",
             b"\x00\x00"),
            ("noise", "AdminService/Backup", bytes(range(255, 0, -1))),
            ("groups in groups", "JobService/SubmitJob", b"\x13" * 5000),
        ]:
            with self.subTest(what):
                refused = refusal(raw(f"/sheaf.v1.{method}"), data)
                self.assertEqual((refused.code.name, refused.reason),
                                 ("INVALID_ARGUMENT", "MALFORMED_MESSAGE"))
                self.assertEqual(self.content(), self.before)
        with self.assertRaises(grpc.RpcError) as caught:
            raw("/sheaf.v1.JobService/Nothing")(b"", timeout=20)
        self.assertEqual(caught.exception.code(),
                         grpc.StatusCode.UNIMPLEMENTED)

    def test_items_are_counted_before_they_are_parsed(self):
        def resident():
            with open(f"/proc/{self.server.server.pid}/status",
                      encoding="ascii") as status:
                return {line.split()[0]: int(line.split()[1]) << 10
                        for line in status if line.startswith("VmHWM")}

        # A job of four million runs, each of two bytes.
        runs = b"\x52\0" * 4_000_000
        data = b"\x12" + b"\x80\xa4\xe8\x03" + runs
        before = resident()["VmHWM:"]
        refused = refusal(self.server.channel.unary_unary(
            "/sheaf.v1.JobService/SubmitJob"), data)
        self.assertEqual((refused.reason, "job.runs" in str(refused)),
                         ("INVALID_FIELD", True))
        self.assertLess(resident()["VmHWM:"] - before, 16 * len(data))

    def test_a_message_that_is_too_large(self):
        self.server.restart(max_message_bytes=1 << 20)
        self.stream.cancel()
        self.before = self.content()
        request = submit(runs=[{"prompt": "x" * 65536}] * 17)
        with self.assertRaises(grpc.RpcError) as caught:
            self.server.jobs.SubmitJob(request, timeout=20)
        self.assertEqual(caught.exception.code(),
                         grpc.StatusCode.RESOURCE_EXHAUSTED)

    def test_a_wait_of_nonsense_is_no_wait(self):
        for timeout in (seconds(-5), seconds(0)):
            job = self.server.jobs.WaitJob(
                pb.WaitJobRequest(name=self.job.name, timeout=timeout),
                timeout=20,
            )
            self.assertEqual(job.state, pb.JOB_STATE_QUEUED)


if __name__ == "__main__":
    unittest.main()
