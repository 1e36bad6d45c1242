"""A client of a Sheaf server."""

import contextlib
import datetime
import os
import time
import uuid
from typing import (
    Any,
    Callable,
    Iterable,
    Iterator,
    List,
    Mapping,
    Optional,
    Sequence,
    TypeVar,
    Union,
)

import grpc
from google.protobuf.duration_pb2 import Duration

from sheaf import artifacts, channel, errors, watch
from sheaf._pb.sheaf.v1 import admin_service_pb2 as admin_pb
from sheaf._pb.sheaf.v1 import admin_service_pb2_grpc as admin_grpc
from sheaf._pb.sheaf.v1 import artifact_service_pb2 as artifact_pb
from sheaf._pb.sheaf.v1 import artifact_service_pb2_grpc as artifact_grpc
from sheaf._pb.sheaf.v1 import batching_service_pb2 as batching_pb
from sheaf._pb.sheaf.v1 import batching_service_pb2_grpc as batching_grpc
from sheaf._pb.sheaf.v1 import job_service_pb2 as job_pb
from sheaf._pb.sheaf.v1 import job_service_pb2_grpc as job_grpc
from sheaf._pb.sheaf.v1 import queue_service_pb2 as queue_pb
from sheaf._pb.sheaf.v1 import queue_service_pb2_grpc as queue_grpc
from sheaf.types import (
    FINAL_STATES,
    Artifact,
    CancelJobResponse,
    Job,
    JobSpec,
    Output,
    PauseMode,
    Preview,
    Queue,
    Run,
    ServerInfo,
    timestamp,
)

DEFAULT_SERVER = "127.0.0.1:7420"

# One WaitJob asks for no longer, so that a lost connection is noticed.
_WAIT_SECONDS = 20.0
# How long a server may be away before `wait` and `watch` give up.
_PATIENCE_SECONDS = 60.0
_PAGE_SIZE = 500

# A description of a job: a JobSpec, or a mapping with its fields.
Spec = Union[JobSpec, Mapping[str, Any]]
_Response = TypeVar("_Response")


class Client:
    """Talks to one server.

    A client may be used by several threads at once. Close it when done, or use
    it in a `with`. Every call raises an errors.Error if the server refuses.
    """

    def __init__(
        self,
        server: Optional[str] = None,
        *,
        owner: str = "",
        timeout: float = 30.0,
        credentials: Optional[grpc.ChannelCredentials] = None,
    ) -> None:
        """`server` is "host:port" or "unix:PATH"; by default SHEAF_SERVER, or
        DEFAULT_SERVER if that is not set. `owner` is for jobs that name none.
        `timeout` is for one answer, in seconds."""
        self._owner = owner
        self._timeout = timeout
        self._channel = channel.connect(
            server or os.environ.get("SHEAF_SERVER") or DEFAULT_SERVER,
            credentials,
        )
        self._jobs = job_grpc.JobServiceStub(self._channel)
        self._queues = queue_grpc.QueueServiceStub(self._channel)
        self._artifacts = artifact_grpc.ArtifactServiceStub(self._channel)
        self._admin = admin_grpc.AdminServiceStub(self._channel)
        self._batching = batching_grpc.BatchingServiceStub(self._channel)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        self._channel.close()

    # Jobs.

    def submit(
        self,
        job: Spec,
        *,
        request_id: Optional[str] = None,
        validate_only: bool = False,
    ) -> Job:
        """Stores a job; when this returns, it is on the server's disk.

        A second call with the same `request_id` returns the same job. Without
        one the client draws a new id, so that retries within this call are
        safe.
        """
        request = self._submit_request(job, request_id or _new_id())
        request.validate_only = validate_only
        return self._call(self._jobs.SubmitJob, request).job

    def submit_many(
        self, jobs: Iterable[Spec], *, request_id: Optional[str] = None
    ) -> List[Job]:
        """Stores all jobs in one transaction, or none. The jobs have the
        request ids `request_id`-0, `request_id`-1, ..."""
        prefix = request_id or _new_id()
        requests = [
            self._submit_request(job, f"{prefix}-{index}")
            for index, job in enumerate(jobs)
        ]
        if not requests:
            return []
        response = self._call(
            self._jobs.SubmitJobs, job_pb.SubmitJobsRequest(requests=requests)
        )
        return [answer.job for answer in response.responses]

    def get(self, job: Union[str, Job], *, full: bool = False) -> Job:
        """The job as it is now; `full` adds its values and first 100 runs."""
        view = "JOB_VIEW_FULL" if full else "JOB_VIEW_BASIC"
        return self._call(
            self._jobs.GetJob,
            job_pb.GetJobRequest(name=_name(job), view=view),
        )

    def list(self, filter: str = "", *, order_by: str = "") -> Iterator[Job]:
        """All jobs that match, newest first, e.g. 'state = FAILED'."""
        request = job_pb.ListJobsRequest(
            filter=filter, order_by=order_by, page_size=_PAGE_SIZE
        )
        while True:
            page = self._call(self._jobs.ListJobs, request)
            yield from page.jobs
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def runs(
        self, job: Union[str, Job], *, states: Sequence[str] = ()
    ) -> Iterator[Run]:
        """The job's runs in order; only those in `states`, if given, e.g.
        ["RUN_STATE_FAILED"]."""
        request = job_pb.ListRunsRequest(
            job=_name(job), states=states, page_size=_PAGE_SIZE
        )
        while True:
            page = self._call(self._jobs.ListRuns, request)
            yield from page.runs
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def preview(self, run: Union[str, Run]) -> Preview:
        """The unfinished picture of a running run: `image` is a PNG, made after
        step `step`. Raises errors.NotFound if there is none yet, or none any
        more."""
        return self._call(
            self._jobs.GetPreview, job_pb.GetPreviewRequest(run=_name(run))
        )

    def wait(
        self, job: Union[str, Job], *, timeout: Optional[float] = None
    ) -> Job:
        """Returns the job once it has ended, in whatever state. Raises
        errors.WaitTimeout after `timeout` seconds."""
        end = None if timeout is None else time.monotonic() + timeout
        heard = time.monotonic()
        while True:
            seconds = _WAIT_SECONDS
            if end is not None:
                seconds = max(0.0, min(seconds, end - time.monotonic()))
            request = job_pb.WaitJobRequest(
                name=_name(job), timeout=_duration(seconds)
            )
            try:
                answer = self._call(
                    self._jobs.WaitJob, request, seconds + self._timeout
                )
            except errors.Unavailable:
                # The job outlives a restart of its server, so do we.
                if time.monotonic() - heard > _PATIENCE_SECONDS:
                    raise
                time.sleep(1)
                continue
            heard = time.monotonic()
            if answer.state in FINAL_STATES:
                return answer
            if end is not None and heard >= end:
                raise errors.WaitTimeout(answer)

    def watch(
        self,
        *,
        after_sequence: Optional[int] = None,
        queue: str = "",
        job: Union[str, Job] = "",
        progress: bool = False,
        patience: float = _PATIENCE_SECONDS,
    ) -> Iterator[watch.Watched]:
        """Yields events from now on, or after `after_sequence`, without a gap:
        lost connections are made again. With `progress`, it also yields the
        steps of running runs. A WatchResync says that some events are no longer
        kept; read the present state again then. It ends only by an error, or
        when closed."""
        if after_sequence is None:
            after_sequence = self.server_info().last_event_sequence
        request = job_pb.WatchEventsRequest(
            queue=_queue_name(queue) if queue else "",
            job=_name(job),
            progress=progress,
        )

        def call(sequence: int) -> Iterator[job_pb.WatchEventsResponse]:
            request.after_sequence = sequence
            stream = self._jobs.WatchEvents(request)
            # Whoever stops listening must not leave a stream behind.
            with contextlib.closing(_Cancelled(stream)):
                yield from stream

        return watch.follow(call, after_sequence, patience)

    def cancel(
        self,
        job: Union[str, Job, Run] = "",
        *,
        filter: str = "",
        keep_running: bool = False,
        validate_only: bool = False,
        reason: str = "",
    ) -> CancelJobResponse:
        """Cancels a job, a run, or all jobs that match `filter`."""
        return self._call(
            self._jobs.CancelJob,
            job_pb.CancelJobRequest(
                name=_name(job),
                filter=filter,
                keep_running=keep_running,
                validate_only=validate_only,
                reason=reason,
            ),
        )

    def retry(self, job: Union[str, Job, Run]) -> Job:
        """Puts failed and cancelled runs back in the queue."""
        return self._call(
            self._jobs.RetryJob, job_pb.RetryJobRequest(name=_name(job))
        ).job

    # Queues. `queue` is "default" or "queues/default".

    def queue(self, queue: str = "default") -> Queue:
        return self._call(
            self._queues.GetQueue,
            queue_pb.GetQueueRequest(name=_queue_name(queue)),
        )

    def pause(
        self,
        queue: str = "default",
        *,
        reason: str = "",
        actor: str = "",
        resume_time: Optional[datetime.datetime] = None,
        mode: Union[str, int] = PauseMode.PAUSE_MODE_AFTER_BATCH,
    ) -> Queue:
        """The queue hands out nothing until `resume`, also after a restart of
        the server."""
        request = queue_pb.PauseQueueRequest(
            name=_queue_name(queue), reason=reason, actor=actor, mode=mode
        )
        if resume_time is not None:
            request.resume_time.CopyFrom(timestamp(resume_time))
        return self._call(self._queues.PauseQueue, request)

    def resume(self, queue: str = "default", *, actor: str = "") -> Queue:
        return self._call(
            self._queues.ResumeQueue,
            queue_pb.ResumeQueueRequest(name=_queue_name(queue), actor=actor),
        )

    # Artifacts.

    def upload(
        self, source: artifacts.Source, *, media_type: str = ""
    ) -> Artifact:
        """Stores bytes, or the file at a path, under their SHA-256."""
        with artifacts.open_source(source) as file:
            return self._call(
                self._artifacts.UploadArtifact,
                artifacts.upload_messages(file, media_type),
            )

    def download(
        self,
        artifact: Union[str, Artifact, Output],
        path: Union[str, "os.PathLike[str]", None] = None,
    ) -> bytes:
        """Returns the bytes of an artifact, checked against their name. With
        `path` they are written to that file instead, and b"" is returned."""
        name = getattr(artifact, "artifact", "") or _name(artifact)
        try:
            data = artifacts.checked(
                name,
                self._artifacts.DownloadArtifact(
                    artifact_pb.DownloadArtifactRequest(name=name),
                    timeout=self._timeout,
                ),
            )
            if path is None:
                return b"".join(data)
            artifacts.write_file(path, data)
            return b""
        except grpc.RpcError as error:
            errors.raise_from_rpc(error)

    # The server.

    def server_info(self) -> ServerInfo:
        return self._call(
            self._admin.GetServerInfo, admin_pb.GetServerInfoRequest()
        )

    def accept_clock(self) -> datetime.timedelta:
        """Accepts a system clock that went ahead at once, for retention and
        deadlines too. Returns by how much it was ahead, or nothing if no step
        is pending."""
        response = self._call(
            self._admin.AcceptClock, admin_pb.AcceptClockRequest()
        )
        return response.step.ToTimedelta()

    def forget_learned(self, name: str = "", *, all: bool = False) -> int:
        """Forgets the learned figures of the model or device `name`, or of
        `all`; workers teach them again. Returns the number of kinds of work
        that had figures."""
        response = self._call(
            self._batching.ForgetLearned,
            batching_pb.ForgetLearnedRequest(name=name, all=all),
        )
        return response.work_count

    def _submit_request(
        self, job: Spec, request_id: str
    ) -> job_pb.SubmitJobRequest:
        spec = JobSpec()
        spec.CopyFrom(job if isinstance(job, JobSpec) else JobSpec(**job))
        spec.owner = spec.owner or self._owner
        return job_pb.SubmitJobRequest(request_id=request_id, job=spec)

    def _call(
        self,
        method: Callable[..., _Response],
        request: Any,
        timeout: Optional[float] = None,
    ) -> _Response:
        try:
            return method(request, timeout=timeout or self._timeout)
        except grpc.RpcError as error:
            errors.raise_from_rpc(error)


class _Cancelled:
    """Closing it cancels a call."""

    def __init__(self, call: Any) -> None:
        self._call = call

    def close(self) -> None:
        self._call.cancel()


def _new_id() -> str:
    return str(uuid.uuid4())


def _name(named: Any) -> str:
    return named if isinstance(named, str) else named.name


def _queue_name(queue: str) -> str:
    return queue if queue.startswith("queues/") else f"queues/{queue}"


def _duration(seconds: float) -> Duration:
    result = Duration()
    result.FromMilliseconds(int(seconds * 1000))
    return result
