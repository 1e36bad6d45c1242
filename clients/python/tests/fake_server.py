"""A server of a few lines that keeps jobs in memory and fails on order."""

import concurrent.futures
import hashlib
import threading

import grpc
from google.protobuf.any_pb2 import Any

from sheaf._pb.sheaf.v1 import (
    admin_service_pb2 as admin_pb,
    admin_service_pb2_grpc as admin_grpc,
    artifact_service_pb2 as artifact_pb,
    artifact_service_pb2_grpc as artifact_grpc,
    batching_service_pb2 as batching_pb,
    batching_service_pb2_grpc as batching_grpc,
    job_pb2,
    job_service_pb2 as job_pb,
    job_service_pb2_grpc as job_grpc,
    queue_service_pb2 as queue_pb,
    queue_service_pb2_grpc as queue_grpc,
)
from sheaf.errors import error_details_pb2, status_pb2


def refuse(context, code, message, *details):
    """Ends the call as the real server does, with details."""
    status = status_pb2.Status(code=code.value[0], message=message)
    for detail in details:
        packed = Any()
        packed.Pack(detail)
        status.details.append(packed)
    context.set_trailing_metadata(
        (("grpc-status-details-bin", status.SerializeToString()),)
    )
    context.abort(code, message)


def pictures(spec):
    """The artifacts that a job names."""
    for request in (spec.shared, *spec.runs):
        names = [request.init_image, request.mask]
        names += [control.image for control in request.controls]
        yield from filter(None, names)


class FakeServer(
    job_grpc.JobServiceServicer,
    queue_grpc.QueueServiceServicer,
    artifact_grpc.ArtifactServiceServicer,
    admin_grpc.AdminServiceServicer,
    batching_grpc.BatchingServiceServicer,
):
    """Methods that stand here behave somehow. All others (see `plain`) note
    their request and answer `answers[METHOD]`, by default an empty message. It
    is a message, or a function of the request and its context."""

    def __init__(self):
        self.answers = {}
        self.jobs = []
        self.by_request_id = {}
        self.calls = []
        self.unavailable = 0  # That many calls fail before one is let through.
        self.artifacts = {}
        self.corrupt = False
        self.queue = queue_pb.Queue(name="queues/default")
        # One list per stream: responses; a code to end it with; an event to
        # set when the client has ended it.
        self.watches = []
        self.lock = threading.Lock()
        self.server = grpc.server(
            concurrent.futures.ThreadPoolExecutor(max_workers=8)
        )
        job_grpc.add_JobServiceServicer_to_server(self, self.server)
        queue_grpc.add_QueueServiceServicer_to_server(self, self.server)
        artifact_grpc.add_ArtifactServiceServicer_to_server(self, self.server)
        admin_grpc.add_AdminServiceServicer_to_server(self, self.server)
        batching_grpc.add_BatchingServiceServicer_to_server(self, self.server)
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def stop(self):
        self.server.stop(grace=None).wait()

    def note(self, request, context):
        self.calls.append(request)
        if self.unavailable > 0:
            self.unavailable -= 1
            refuse(context, grpc.StatusCode.UNAVAILABLE, "not now")

    # JobService.

    def SubmitJob(self, request, context):
        self.note(request, context)
        if request.job.kind == "Bad Kind":
            refuse(
                context,
                grpc.StatusCode.INVALID_ARGUMENT,
                "2 fields are wrong",
                error_details_pb2.ErrorInfo(
                    reason="INVALID_FIELD",
                    domain="sheaf",
                    metadata={"count": "2"},
                ),
                error_details_pb2.BadRequest(
                    field_violations=[
                        {"field": "job.kind", "description": "no capitals"},
                        {"field": "job.owner", "description": "missing"},
                    ]
                ),
            )
        if request.job.queue == "queues/full":
            retry = error_details_pb2.RetryInfo()
            retry.retry_delay.FromMilliseconds(1500)
            refuse(
                context,
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                "full",
                retry,
                error_details_pb2.ErrorInfo(reason="QUEUE_FULL"),
            )
        with self.lock:
            return self.store(request, context)

    def store(self, request, context):
        for name in pictures(request.job):
            if name not in self.artifacts:
                refuse(
                    context,
                    grpc.StatusCode.NOT_FOUND,
                    f"there is no {name}",
                    error_details_pb2.ErrorInfo(reason="ARTIFACT_NOT_FOUND"),
                )
        if request.request_id in self.by_request_id:
            job = self.by_request_id[request.request_id]
            return job_pb.SubmitJobResponse(job=job, replayed=True)
        job = job_pb2.Job(
            name=f"jobs/{len(self.jobs) + 1}",
            kind=request.job.kind,
            owner=request.job.owner,
            priority=request.job.priority,
            request_id=request.request_id,
            state="JOB_STATE_QUEUED",
        )
        if not request.validate_only:
            self.jobs.append(job)
            self.by_request_id[request.request_id] = job
        return job_pb.SubmitJobResponse(job=job)

    def SubmitJobs(self, request, context):
        self.note(request, context)
        with self.lock:
            responses = [
                self.store(each, context) for each in request.requests
            ]
        return job_pb.SubmitJobsResponse(responses=responses)

    def StreamJobs(self, request_iterator, context):
        for index, request in enumerate(request_iterator):
            self.calls.append(request)
            if request.job.kind == "Bad Kind":
                yield job_pb.StreamJobsResponse(
                    index=index, code=3, reason="INVALID_FIELD"
                )
                continue
            with self.lock:
                job = self.store(request, context).job
            yield job_pb.StreamJobsResponse(index=index, job=job.name)

    def GetPreview(self, request, context):
        self.note(request, context)
        if request.run != "jobs/1/runs/0":
            refuse(
                context,
                grpc.StatusCode.NOT_FOUND,
                f"{request.run} has no preview yet",
                error_details_pb2.ErrorInfo(
                    reason="PREVIEW_NOT_FOUND", domain="sheaf"
                ),
            )
        return job_pb.Preview(run=request.run, step=5, image=b"png")

    def find(self, name, context):
        for job in self.jobs:
            if job.name == name:
                return job
        refuse(
            context,
            grpc.StatusCode.NOT_FOUND,
            f"no {name}",
            error_details_pb2.ErrorInfo(reason="JOB_NOT_FOUND"),
        )

    def GetJob(self, request, context):
        self.note(request, context)
        return self.find(request.name, context)

    def WaitJob(self, request, context):
        self.note(request, context)
        return self.find(request.name, context)

    def ListJobs(self, request, context):
        self.note(request, context)
        start = int(request.page_token or 0)
        page = self.jobs[start : start + 2]
        more = str(start + 2) if start + 2 < len(self.jobs) else ""
        return job_pb.ListJobsResponse(jobs=page, next_page_token=more)

    def ListRuns(self, request, context):
        self.note(request, context)
        runs = [job_pb2.Run(name=f"{request.job}/runs/0")]
        return job_pb.ListRunsResponse(runs=runs)

    def CancelJob(self, request, context):
        self.note(request, context)
        return job_pb.CancelJobResponse(job_count=1)

    def RetryJob(self, request, context):
        self.note(request, context)
        job = self.find(request.name, context)
        return job_pb.RetryJobResponse(job=job, run_count=1)

    def WatchEvents(self, request, context):
        with self.lock:
            self.calls.append(request)
            responses = self.watches.pop(0) if self.watches else []
        for event in responses:
            if isinstance(event, threading.Event):
                context.add_callback(event.set)
        for response in responses:
            if isinstance(response, grpc.StatusCode):
                context.abort(response, "as ordered")
            if isinstance(response, threading.Event):
                response.wait(60)
                return
            yield response

    # QueueService.

    def GetQueue(self, request, context):
        self.note(request, context)
        return self.queue

    def PauseQueue(self, request, context):
        self.note(request, context)
        self.queue.state = queue_pb.QUEUE_STATE_PAUSED
        self.queue.reason = request.reason
        self.queue.resume_time.CopyFrom(request.resume_time)
        return self.queue

    def ResumeQueue(self, request, context):
        self.note(request, context)
        self.queue.state = queue_pb.QUEUE_STATE_ACTIVE
        return self.queue

    # ArtifactService.

    def UploadArtifact(self, request_iterator, context):
        requests = list(request_iterator)
        self.calls.extend(requests)
        data = b"".join(request.data for request in requests)
        name = f"artifacts/{hashlib.sha256(data).hexdigest()}"
        if requests[0].expected_name != name:
            refuse(context, grpc.StatusCode.INVALID_ARGUMENT, "other bytes")
        self.artifacts[name] = data
        return artifact_pb.Artifact(name=name, size_bytes=len(data))

    def DownloadArtifact(self, request, context):
        self.calls.append(request)
        data = self.artifacts.get(request.name)
        if data is None:
            refuse(
                context,
                grpc.StatusCode.NOT_FOUND,
                "no such artifact",
                error_details_pb2.ErrorInfo(reason="ARTIFACT_NOT_FOUND"),
            )
        if self.corrupt:
            data = b"?" + data[1:]
        half = len(data) // 2
        for part in (data[:half], data[half:]):
            yield artifact_pb.DownloadArtifactResponse(data=part)

    # AdminService.

    def GetServerInfo(self, request, context):
        self.note(request, context)
        return admin_pb.ServerInfo(version="fake", last_event_sequence=40)


def plain(name, answer_class):
    def answer(self, request, context):
        self.note(request, context)
        prepared = self.answers.get(name)
        if callable(prepared):
            prepared = prepared(request, context)
        return answer_class() if prepared is None else prepared

    return answer


for module in (job_pb, queue_pb, artifact_pb, admin_pb, batching_pb):
    for service in module.DESCRIPTOR.services_by_name.values():
        for method in service.methods:
            if method.name not in vars(FakeServer):
                answer = plain(method.name, method.output_type._concrete_class)
                setattr(FakeServer, method.name, answer)
