#!/usr/bin/env python3
"""A worker of your own: it takes jobs of the kind "swatch" and returns colours.

    worker.py [KIND]

Each run becomes a picture of one colour, which its prompt and seed decide.
Everything that a worker has to do is here; docs/worker-protocol.md explains it
step by step. It talks to the server that SHEAF_SERVER names, or to
127.0.0.1:7420. Ctrl-C hands back its runs.
"""

import hashlib
import os
import struct
import sys
import threading
import time
import zlib
from typing import Iterator, List, Set

import grpc

import sheaf
from sheaf._pb.sheaf.v1 import job_pb2 as job_pb
from sheaf._pb.sheaf.v1 import worker_service_pb2 as pb
from sheaf._pb.sheaf.v1 import worker_service_pb2_grpc as pb_grpc

SERVER = os.environ.get("SHEAF_SERVER", "127.0.0.1:7420")
STEPS = 4
STEP_SECONDS = 0.05
ANSWER_SECONDS = 30


def chunk(kind: bytes, body: bytes) -> bytes:
    packed = kind + body
    return (struct.pack(">I", len(body)) + packed
            + struct.pack(">I", zlib.crc32(packed)))


def swatch(request: job_pb.RunRequest) -> bytes:
    """The picture of a run, as a PNG: equal requests, equal bytes."""
    words = f"{request.prompt}\n{request.seed}".encode()
    colour = hashlib.sha256(words).digest()[:3]
    width, height = request.width or 64, request.height or 64
    rows = (b"\0" + colour * width) * height
    return (b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2,
                                         0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


class Worker:
    """One registration with the server, from hello to goodbye."""

    def __init__(self, channel: grpc.Channel, client: sheaf.Client,
                 kind: str) -> None:
        self._calls = pb_grpc.WorkerServiceStub(channel)
        self._client = client
        # Its being open is what says that we live.
        self._stream = self._calls.RegisterWorker(pb.RegisterWorkerRequest(
            display_name=f"swatch:{os.getpid()}", kinds=[kind],
            batch_size_max=8, devices=[pb.Device(name="python")]))
        hello = next(self._stream)
        self.name = hello.worker
        # Shown with calls in our name: a connection may have to be made anew.
        self._secret = hello.secret
        self._pause = hello.heartbeat_interval.ToMilliseconds() / 1000
        self._report_now = threading.Event()
        self._leaving = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        try:
            for signal in self._stream:
                if signal.report_now:
                    self._report_now.set()
                if signal.drain:
                    self._leaving.set()
        except grpc.RpcError:
            self._leaving.set()  # The server is gone, or we closed it.

    def run(self) -> None:
        """Works on batch after batch, until told to leave."""
        while not self._leaving.is_set():
            request = pb.LeaseBatchRequest(worker=self.name,
                                           worker_secret=self._secret)
            request.wait.FromSeconds(5)
            answer = self._calls.LeaseBatch(request,
                                            timeout=5 + ANSWER_SECONDS)
            if answer.drain:
                return
            if answer.HasField("batch"):
                self._work(answer.batch)

    def _work(self, batch: pb.LeasedBatch) -> None:
        cancelled: Set[str] = set()
        released: Set[str] = set()
        for step in self._steps():
            # As often as agreed, and at once where the server asks.
            told = self._report(batch, step)
            if told is None:
                continue
            if told.lease_lost:
                return  # Someone else has it: nothing more to say.
            cancelled.update(told.cancel_runs)
            released.update(told.release_runs)
        outcomes = [self._outcome(run, cancelled, released)
                    for run in batch.runs]
        self._calls.FinishRuns(
            pb.FinishRunsRequest(worker=self.name, batch=batch.name,
                                 epoch=batch.epoch, secret=batch.secret,
                                 outcomes=outcomes),
            timeout=ANSWER_SECONDS)

    def _steps(self) -> Iterator[int]:
        self._last_report = 0.0
        for step in range(1, STEPS + 1):
            time.sleep(STEP_SECONDS)  # Here the work would be.
            yield step

    def _report(self, batch: pb.LeasedBatch, step: int):
        due = time.monotonic() - self._last_report >= self._pause
        if not due and not self._report_now.is_set():
            return None
        self._report_now.clear()
        self._last_report = time.monotonic()
        steps = [pb.RunStep(run=run.run, step=step, step_count=STEPS)
                 for run in batch.runs]
        return self._calls.ReportProgress(
            pb.ReportProgressRequest(worker=self.name, batch=batch.name,
                                     epoch=batch.epoch, secret=batch.secret,
                                     steps=steps),
            timeout=ANSWER_SECONDS)

    def _outcome(self, run: pb.LeasedRun, cancelled: Set[str],
                 released: Set[str]) -> pb.RunOutcome:
        outcome = pb.RunOutcome(run=run.run, attempt=run.attempt)
        if run.run in cancelled:
            outcome.cancelled = True
        elif run.run in released:
            outcome.released = True
        elif run.request.negative_prompt:
            # This run's alone: the others of its batch go on.
            outcome.failure.error_class = job_pb.ERROR_CLASS_BAD_INPUT
            outcome.failure.message = "a swatch avoids nothing"
        else:
            artifact = self._client.upload(swatch(run.request),
                                           media_type="image/png")
            outcome.success.outputs.add(artifact=artifact.name, name="image",
                                        media_type="image/png")
        return outcome

    def close(self) -> None:
        """Says goodbye: held runs go back to the queue and spend no attempt."""
        try:
            self._calls.DeregisterWorker(
                pb.DeregisterWorkerRequest(worker=self.name,
                                           worker_secret=self._secret),
                timeout=ANSWER_SECONDS)
        finally:
            self._stream.cancel()


def main(words: List[str]) -> int:
    kind = words[0] if words else "swatch"
    with grpc.insecure_channel(SERVER) as channel, \
            sheaf.Client(SERVER) as client:
        worker = Worker(channel, client, kind)
        print(f"{worker.name} takes {kind}", flush=True)
        try:
            worker.run()
        except KeyboardInterrupt:
            pass
        finally:
            worker.close()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except grpc.RpcError as error:
        print(error.details(), file=sys.stderr)
        sys.exit(1)
