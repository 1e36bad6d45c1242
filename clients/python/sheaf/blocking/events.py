# Written by clients/python/generate from sheaf/aio/events.py.
"""Events without a gap, over connections that come and go."""

from __future__ import annotations

import time
from typing import Iterator, Optional, Union

import grpc

from sheaf import errors
from sheaf._pb.sheaf.v1 import admin_service_pb2 as admin_pb
from sheaf._pb.sheaf.v1 import job_service_pb2 as pb
from sheaf.blocking import flow
from sheaf.blocking.connection import Connection
from sheaf.types import Job, Queue, Watched
from sheaf.values import name_in, name_of

_BACKOFF_FIRST = 0.1
_BACKOFF_MAX = 2.0
# How long a server may be away before `watch` gives up.
_PATIENCE_SECONDS = 60.0


class Events(Connection):
    """Follows what happens."""

    def watch(
        self,
        *,
        after_sequence: Optional[int] = None,
        queue: Union[str, Queue] = "",
        job: Union[str, Job] = "",
        progress: bool = False,
        patience: float = _PATIENCE_SECONDS,
    ) -> Iterator[Watched]:
        """Yields all events, or those of a queue or job, from now on, or after
        `after_sequence` (0: from the oldest kept), without a gap: lost
        connections are made again.

        With `progress`, it also yields the steps of running runs. A WatchResync
        says that some events are no longer kept; read the present state again
        then. It ends only by an error, or when closed: Unavailable comes after
        `patience` seconds without a word from the server.
        """
        if after_sequence is None:
            info = self._call(
                self._admin.GetServerInfo, admin_pb.GetServerInfoRequest()
            )
            after_sequence = info.last_event_sequence
        request = pb.WatchEventsRequest(
            after_sequence=after_sequence,
            queue=name_in("queues", queue) if queue else "",
            job=name_of(job),
            progress=progress,
        )
        heard = time.monotonic()
        backoff = _BACKOFF_FIRST
        while True:
            stream = self._jobs.WatchEvents(request)
            try:
                for response in stream:
                    heard = time.monotonic()
                    backoff = _BACKOFF_FIRST
                    kind = response.WhichOneof("kind")
                    if kind is None:
                        continue
                    message = getattr(response, kind)
                    # Progress has no number; all else moves us on.
                    if kind != "progress":
                        request.after_sequence = message.sequence
                    if kind != "heartbeat":
                        yield message
            except grpc.RpcError as error:
                unavailable = error.code() == grpc.StatusCode.UNAVAILABLE
                if not unavailable or time.monotonic() - heard > patience:
                    errors.raise_from_rpc(error)
            finally:
                # Whoever stops listening must not leave a stream behind.
                stream.cancel()
            flow.sleep(backoff)
            backoff = min(2 * backoff, _BACKOFF_MAX)
