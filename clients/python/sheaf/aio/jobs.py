"""Calls about jobs and their runs."""

from __future__ import annotations

import datetime
import time
from typing import (
    Any,
    AsyncIterator,
    Callable,
    Dict,
    Iterable,
    List,
    Mapping,
    Optional,
    Sequence,
    Union,
)

import grpc

from sheaf import artifacts, errors
from sheaf._pb.sheaf.v1 import job_service_pb2 as pb
from sheaf.aio import flow
from sheaf.aio.artifacts import Artifacts
from sheaf.pictures import Description, Spec
from sheaf.types import (
    FINAL_STATES,
    CancelJobResponse,
    Job,
    JobSpec,
    Preview,
    Priority,
    Run,
    RunState,
    StreamJobsResponse,
    timestamp,
)
from sheaf.values import Word, duration, enum, name_of, new_id

# One WaitJob asks for no longer, so that a lost connection is noticed.
_WAIT_SECONDS = 20.0
# How long a server may be away before `wait` gives up.
_PATIENCE_SECONDS = 60.0


class Jobs(Artifacts):
    """Submits jobs and follows them."""

    async def submit(
        self,
        job: Spec,
        *,
        request_id: Optional[str] = None,
        validate_only: bool = False,
    ) -> Job:
        """Stores a job; when this returns, it is on the server's disk.

        `job` is a JobSpec or a mapping with its fields. A picture in it
        (`init_image`, `mask`, a control's `image`) is the name of an artifact,
        the path of a file, bytes, or an image of Pillow. This client sends each
        picture once.

        A second call with the same `request_id` returns the same job. Without
        one the client draws a new id, so that retries within this call are
        safe. With `validate_only` the server checks the job and stores none.
        """
        request_id = request_id or new_id()

        async def send(specs: List[JobSpec]) -> pb.SubmitJobResponse:
            return await self._call(
                self._jobs.SubmitJob,
                pb.SubmitJobRequest(
                    request_id=request_id,
                    job=specs[0],
                    validate_only=validate_only,
                ),
            )

        return (await self._with_pictures({"": job}, send)).job

    async def submit_many(
        self, jobs: Iterable[Spec], *, request_id: Optional[str] = None
    ) -> List[Job]:
        """Stores all jobs in one transaction, or none. The jobs have the
        request ids `request_id`-0, `request_id`-1, ..."""
        prefix = request_id or new_id()
        described = {f"jobs[{index}].": job for index, job in enumerate(jobs)}
        if not described:
            return []

        async def send(specs: List[JobSpec]) -> pb.SubmitJobsResponse:
            requests = [
                pb.SubmitJobRequest(request_id=f"{prefix}-{index}", job=spec)
                for index, spec in enumerate(specs)
            ]
            return await self._call(
                self._jobs.SubmitJobs, pb.SubmitJobsRequest(requests=requests)
            )

        answer = await self._with_pictures(described, send)
        return [each.job for each in answer.responses]

    async def submit_stream(
        self, jobs: Iterable[Spec], *, request_id: Optional[str] = None
    ) -> AsyncIterator[StreamJobsResponse]:
        """Submits jobs one after another without waiting for each answer, and
        yields the answers in the same order.

        Each job is stored or refused by itself: `code`, `reason` and `message`
        of its answer say why. Request ids are as those of `submit_many`.
        """
        prefix = request_id or new_id()
        failures: List[Exception] = []

        async def requests() -> AsyncIterator[pb.SubmitJobRequest]:
            # gRPC would keep an error to itself.
            try:
                for index, job in enumerate(jobs):
                    (spec,) = await self._specs({f"jobs[{index}].": job})
                    yield pb.SubmitJobRequest(
                        request_id=f"{prefix}-{index}", job=spec
                    )
            except Exception as error:
                failures.append(error)

        stream = self._jobs.StreamJobs(requests())
        try:
            async for answer in stream:
                yield answer
        except grpc.RpcError as error:
            errors.raise_from_rpc(error)
        finally:
            stream.cancel()
        if failures:
            raise failures[0]

    async def get(self, job: Union[str, Job], *, full: bool = False) -> Job:
        """The job as it is now; `full` adds its values and first 100 runs."""
        view = pb.JOB_VIEW_FULL if full else pb.JOB_VIEW_BASIC
        return await self._call(
            self._jobs.GetJob, pb.GetJobRequest(name=name_of(job), view=view)
        )

    async def list(
        self, filter: str = "", *, order_by: str = ""
    ) -> AsyncIterator[Job]:
        """All jobs that match, newest first, e.g. 'state = FAILED'
        (docs/filters.md). With `order_by` "create_time", oldest first."""
        request = pb.ListJobsRequest(filter=filter, order_by=order_by)
        async for page in self._pages(self._jobs.ListJobs, request):
            for job in page.jobs:
                yield job

    async def run(self, run: Union[str, Run]) -> Run:
        """The run as it is now, with its attempts."""
        return await self._call(
            self._jobs.GetRun, pb.GetRunRequest(name=name_of(run))
        )

    async def runs(
        self, job: Union[str, Job], *, states: Sequence[Word] = ()
    ) -> AsyncIterator[Run]:
        """The job's runs in order; only those in `states`, if given, e.g.
        ["failed"]."""
        request = pb.ListRunsRequest(
            job=name_of(job),
            states=[enum(RunState.DESCRIPTOR, state) for state in states],
        )
        async for page in self._pages(self._jobs.ListRuns, request):
            for run in page.runs:
                yield run

    async def preview(self, run: Union[str, Run]) -> Preview:
        """The unfinished picture of a running run: `image` is a PNG, made after
        step `step`. Raises errors.NotFound if there is none yet, or none any
        more."""
        return await self._call(
            self._jobs.GetPreview, pb.GetPreviewRequest(run=name_of(run))
        )

    async def wait(
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
            request = pb.WaitJobRequest(
                name=name_of(job), timeout=duration(seconds)
            )
            try:
                answer = await self._call(
                    self._jobs.WaitJob, request, seconds + self._timeout
                )
            except errors.Unavailable:
                # The job outlives a restart of its server, so do we.
                if time.monotonic() - heard > _PATIENCE_SECONDS:
                    raise
                await flow.sleep(1)
                continue
            heard = time.monotonic()
            if answer.state in FINAL_STATES:
                return answer
            if end is not None and heard >= end:
                raise errors.WaitTimeout(answer)

    async def cancel(
        self,
        job: Union[str, Job, Run] = "",
        *,
        filter: str = "",
        keep_running: bool = False,
        validate_only: bool = False,
        reason: str = "",
    ) -> CancelJobResponse:
        """Cancels a job, a run, or all jobs that match `filter`. With
        `keep_running` it leaves running runs alone; with `validate_only` it
        only counts."""
        return await self._call(
            self._jobs.CancelJob,
            pb.CancelJobRequest(
                name=name_of(job),
                filter=filter,
                keep_running=keep_running,
                validate_only=validate_only,
                reason=reason,
            ),
        )

    async def retry(self, job: Union[str, Job, Run]) -> Job:
        """Puts failed and cancelled runs back in the queue."""
        answer = await self._call(
            self._jobs.RetryJob, pb.RetryJobRequest(name=name_of(job))
        )
        return answer.job

    async def update(
        self,
        job: Union[str, Job],
        *,
        priority: Optional[Word] = None,
        labels: Optional[Mapping[str, str]] = None,
        run_time: Optional[datetime.datetime] = None,
        start_deadline: Optional[datetime.datetime] = None,
        reset: Sequence[str] = (),
        etag: str = "",
    ) -> Job:
        """Changes what is given, while the job waits. `labels` replaces all
        labels. `reset` names the values to take away, e.g. ["run_time"]. With
        `etag` the job must not have changed since."""
        change = Job(name=name_of(job), etag=etag)
        paths = list(reset)
        if priority is not None:
            change.priority = enum(Priority.DESCRIPTOR, priority)
            paths.append("priority")
        if labels is not None:
            change.labels.update(labels)
            paths.append("labels")
        times: Dict[str, Optional[datetime.datetime]] = {
            "run_time": run_time,
            "start_deadline": start_deadline,
        }
        for name, value in times.items():
            if value is not None:
                getattr(change, name).CopyFrom(timestamp(value))
                paths.append(name)
        request = pb.UpdateJobRequest(job=change)
        request.update_mask.paths.extend(paths)
        return await self._call(self._jobs.UpdateJob, request)

    async def delete(self, job: Union[str, Job], *, etag: str = "") -> None:
        """Removes an ended job and its runs."""
        await self._call(
            self._jobs.DeleteJob,
            pb.DeleteJobRequest(name=name_of(job), etag=etag),
        )

    async def _with_pictures(
        self,
        jobs: Mapping[str, Spec],
        send: Callable[[List[JobSpec]], Any],
    ) -> Any:
        """The answer of `send` to the jobs whose pictures the server has."""
        try:
            return await send(await self._specs(jobs))
        except errors.NotFound as error:
            # The server removes pictures that no job refers to after a while.
            if error.reason != "ARTIFACT_NOT_FOUND" or not self._sent:
                raise
            self._sent.clear()
            return await send(await self._specs(jobs))

    async def _specs(self, jobs: Mapping[str, Spec]) -> List[JobSpec]:
        """The jobs, by what stands before their fields in errors. Sends their
        pictures."""
        described = [Description(job, field) for field, job in jobs.items()]
        names: Dict[object, str] = {}
        for place in [each for one in described for each in one.places]:
            if place.identity not in names:
                data = await flow.apart(place.read)
                name = artifacts.name_of(data)
                if name not in self._sent:
                    await self.upload(data)
                    self._sent.add(name)
                names[place.identity] = name
            place.put(names[place.identity])
        specs = [one.spec() for one in described]
        for spec in specs:
            spec.owner = spec.owner or self._owner
        return specs
