"""Calls of the tests: the raw stubs, and the few calls that everybody makes."""

import itertools
import os
import struct
import threading
import time
import uuid
import zlib

import grpc

from sheaf._pb.sheaf.v1 import (
    admin_service_pb2,
    admin_service_pb2_grpc,
    artifact_service_pb2,
    artifact_service_pb2_grpc,
    batching_service_pb2,
    batching_service_pb2_grpc,
    catalog_pb2,
    event_pb2,
    job_pb2,
    job_service_pb2,
    job_service_pb2_grpc,
    queue_service_pb2,
    queue_service_pb2_grpc,
    worker_service_pb2,
    worker_service_pb2_grpc,
)
from sheaf import errors
from google.protobuf import duration_pb2, field_mask_pb2, timestamp_pb2


class pb:  # noqa: N801
    """Every message and enum value of the contract, under one roof."""


for _module in (
    admin_service_pb2,
    artifact_service_pb2,
    batching_service_pb2,
    catalog_pb2,
    event_pb2,
    job_pb2,
    job_service_pb2,
    queue_service_pb2,
    worker_service_pb2,
):
    for _name in _module.DESCRIPTOR.message_types_by_name:
        setattr(pb, _name, getattr(_module, _name))
    for _name, _enum in _module.DESCRIPTOR.enum_types_by_name.items():
        setattr(pb, _name, getattr(_module, _name))
        for _value in _enum.values_by_name:
            setattr(pb, _value, getattr(_module, _value))

CALL_TIMEOUT = 30


def seconds(count):
    duration = duration_pb2.Duration()
    duration.FromNanoseconds(int(count * 1e9))
    return duration


def from_now(count):
    """The time in so many seconds."""
    stamp = timestamp_pb2.Timestamp()
    stamp.FromNanoseconds(int((time.time() + count) * 1e9))
    return stamp


def mask(*paths):
    return field_mask_pb2.FieldMask(paths=paths)


def reason_of(error):
    """ErrorInfo.reason of a grpc.RpcError; its code where it has none."""
    return errors.from_rpc(error).reason or error.code().name


class Refused(Exception):
    """A call that was refused, as the tests compare it."""

    def __init__(self, error):
        self.details = errors.from_rpc(error)
        self.code = error.code()
        self.reason = self.details.reason
        super().__init__(f"{self.code.name} {self.details}")


def refusal(call, *args, **kwargs):
    """The Refused of a call that must be refused."""
    kwargs.setdefault("timeout", CALL_TIMEOUT)
    try:
        answer = call(*args, **kwargs)
        if isinstance(answer, grpc.Call) and hasattr(answer, "__next__"):
            answer = list(answer)
    except grpc.RpcError as error:
        return Refused(error)
    raise AssertionError(f"should have been refused, but answered: {answer!r}")


class Calls:
    """A client of one server. Remembers what was acknowledged."""

    pb = pb

    def __init__(self, address):
        self.acked = {}  # job name -> (owner, request_id)
        self._address = address
        self._ids = itertools.count()
        self._lock = threading.Lock()
        self.channel = None
        self.connect()

    def connect(self):
        self.channel = grpc.insecure_channel(
            self._address,
            options=[
                ("grpc.initial_reconnect_backoff_ms", 20),
                ("grpc.min_reconnect_backoff_ms", 200),
                ("grpc.max_reconnect_backoff_ms", 200),
                ("grpc.use_local_subchannel_pool", 1),
                ("grpc.max_receive_message_length", 64 << 20),
                ("grpc.max_send_message_length", -1),
            ],
        )
        self.jobs = job_service_pb2_grpc.JobServiceStub(self.channel)
        self.queues = queue_service_pb2_grpc.QueueServiceStub(self.channel)
        self.admin = admin_service_pb2_grpc.AdminServiceStub(self.channel)
        self.artifacts = artifact_service_pb2_grpc.ArtifactServiceStub(
            self.channel
        )
        self.batching = batching_service_pb2_grpc.BatchingServiceStub(
            self.channel
        )
        self.work = worker_service_pb2_grpc.WorkerServiceStub(self.channel)

    def close(self):
        self.channel.close()

    def is_serving(self):
        """What grpc.health.v1 says of the whole server."""
        call = self.channel.unary_unary("/grpc.health.v1.Health/Check")
        try:
            # HealthCheckResponse{status = 1: SERVING}, without its stubs.
            return call(b"", timeout=1, wait_for_ready=True) == b"\x08\x01"
        except grpc.RpcError:
            return False

    # Jobs.

    def spec(self, runs=1, queue="default", **fields):
        """Small pictures with seeds 0, 1, ... unless `runs` lists them."""
        shared = {"prompt": "a fox", "steps": 2, "width": 8, "height": 8}
        shared.update(fields.pop("shared", {}))
        if isinstance(runs, int):
            runs = [{"seed": seed} for seed in range(runs)]
        return pb.JobSpec(
            queue=f"queues/{queue}",
            shared=pb.RunRequest(**shared),
            runs=[pb.RunRequest(**run) for run in runs],
            **fields,
        )

    def submit(self, runs=1, request_id="", timeout=CALL_TIMEOUT, **fields):
        spec = self.spec(runs, **fields)
        request = pb.SubmitJobRequest(request_id=request_id, job=spec)
        job = self.jobs.SubmitJob(request, timeout=timeout).job
        with self._lock:
            self.acked[job.name] = (spec.owner, request_id)
        return job

    def submit_surely(self, runs=1, **fields):
        """Submits, and asks again until there is an answer."""
        request_id = str(uuid.uuid4())
        while True:
            try:
                return self.submit(
                    runs, request_id=request_id, timeout=5, **fields
                )
            except grpc.RpcError as error:
                if error.code() not in (
                    grpc.StatusCode.UNAVAILABLE,
                    grpc.StatusCode.DEADLINE_EXCEEDED,
                ):
                    raise
                time.sleep(0.02)

    def get(self, job, full=False):
        view = pb.JOB_VIEW_FULL if full else pb.JOB_VIEW_BASIC
        return self.jobs.GetJob(
            pb.GetJobRequest(name=name_of(job), view=view),
            timeout=CALL_TIMEOUT,
        )

    def wait(self, job, timeout=60):
        """The job as it ended."""
        end = time.monotonic() + timeout
        while True:
            left = max(0.1, min(10, end - time.monotonic()))
            job = self.jobs.WaitJob(
                pb.WaitJobRequest(name=name_of(job), timeout=seconds(left)),
                timeout=left + CALL_TIMEOUT,
            )
            if job.state not in (pb.JOB_STATE_QUEUED, pb.JOB_STATE_RUNNING):
                return job
            if time.monotonic() > end:
                raise AssertionError(f"{job.name} has not ended: {job}")

    def runs(self, job):
        runs, token = [], ""
        while True:
            page = self.jobs.ListRuns(
                pb.ListRunsRequest(
                    job=name_of(job), page_size=1000, page_token=token
                ),
                timeout=CALL_TIMEOUT,
            )
            runs.extend(page.runs)
            token = page.next_page_token
            if not token:
                return runs

    def run(self, name):
        return self.jobs.GetRun(
            pb.GetRunRequest(name=name), timeout=CALL_TIMEOUT
        )

    def states(self, job):
        """["SUCCEEDED", ...] of the job's runs."""
        return [
            pb.RunState.Name(run.state)[len("RUN_STATE_"):]
            for run in self.runs(job)
        ]

    def cancel(self, name="", **fields):
        return self.jobs.CancelJob(
            pb.CancelJobRequest(name=name and name_of(name), **fields),
            timeout=CALL_TIMEOUT,
        )

    def retry(self, name):
        return self.jobs.RetryJob(
            pb.RetryJobRequest(name=name_of(name)), timeout=CALL_TIMEOUT
        )

    # Queues.

    def create_queue(self, queue, **settings):
        return self.queues.CreateQueue(
            pb.CreateQueueRequest(
                name=f"queues/{queue}", settings=pb.QueueSettings(**settings)
            ),
            timeout=CALL_TIMEOUT,
        )

    def queue(self, queue="default"):
        return self.queues.GetQueue(
            pb.GetQueueRequest(name=f"queues/{queue}"), timeout=CALL_TIMEOUT
        )

    def set_queue(self, queue="default", **settings):
        return self.queues.UpdateQueue(
            pb.UpdateQueueRequest(
                name=f"queues/{queue}",
                settings=pb.QueueSettings(**settings),
                update_mask=mask(*settings),
            ),
            timeout=CALL_TIMEOUT,
        )

    def pause(self, queue="default", **fields):
        return self.queues.PauseQueue(
            pb.PauseQueueRequest(name=f"queues/{queue}", **fields),
            timeout=CALL_TIMEOUT,
        )

    def resume(self, queue="default"):
        return self.queues.ResumeQueue(
            pb.ResumeQueueRequest(name=f"queues/{queue}"),
            timeout=CALL_TIMEOUT,
        )

    # Everything else.

    def info(self):
        return self.admin.GetServerInfo(
            pb.GetServerInfoRequest(), timeout=CALL_TIMEOUT
        )

    def list_workers(self):
        return list(
            self.admin.ListWorkers(
                pb.ListWorkersRequest(), timeout=CALL_TIMEOUT
            ).workers
        )

    def events(self, after=0, job="", queue="", timeout=CALL_TIMEOUT):
        """A stream of WatchEventsResponse; cancel() ends it."""
        return self.jobs.WatchEvents(
            pb.WatchEventsRequest(
                after_sequence=after, job=name_of(job), queue=queue
            ),
            timeout=timeout,
        )

    def history(self, after=0, **filters):
        """All events so far, in order."""
        last = self.info().last_event_sequence
        events = []
        if last <= after:
            return events
        stream = self.events(after)
        for response in stream:
            if response.HasField("event"):
                events.append(response.event)
                if response.event.sequence >= last:
                    break
        stream.cancel()
        return events

    def upload(self, data, chunk=65536, **first):
        def messages():
            yield pb.UploadArtifactRequest(data=data[:chunk], **first)
            for at in range(chunk, len(data), chunk):
                yield pb.UploadArtifactRequest(data=data[at:at + chunk])

        return self.artifacts.UploadArtifact(messages(), timeout=CALL_TIMEOUT)

    def download(self, name):
        stream = self.artifacts.DownloadArtifact(
            pb.DownloadArtifactRequest(name=name), timeout=CALL_TIMEOUT
        )
        return b"".join(response.data for response in stream)


def name_of(thing):
    """The name of a resource, given it or its name."""
    return thing if isinstance(thing, str) else thing.name


def read_png(data):
    """(width, height, {keyword: text}) of a PNG whose checksums hold."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n", data[:8]
    at, size, texts, pixels = 8, None, {}, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        (checksum,) = struct.unpack(">I", data[at + 8 + length:][:4])
        assert checksum == zlib.crc32(kind + body), kind
        if kind == b"IHDR":
            size = struct.unpack(">II", body[:8])
        elif kind == b"IDAT":
            pixels += body
        elif kind == b"tEXt":
            key, _, value = body.partition(b"\0")
            texts[key.decode("latin-1")] = value.decode("latin-1")
        elif kind == b"iTXt":
            key, _, rest = body.partition(b"\0")
            text = rest[2:].split(b"\0", 2)[2]
            texts[key.decode("latin-1")] = text.decode("utf-8")
        at += 12 + length
    width, height = size
    assert len(zlib.decompress(pixels)) == height * (1 + 3 * width)
    return width, height, texts


def make_png(width=8, height=8, shade=128):
    """A small grey picture; another `shade` gives other bytes."""

    def chunk(kind, body):
        packed = kind + body
        return (
            struct.pack(">I", len(body))
            + packed
            + struct.pack(">I", zlib.crc32(packed))
        )

    rows = b"".join(b"\0" + bytes([shade]) * 3 * width for _ in range(height))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def random_bytes(count):
    return os.urandom(count)
