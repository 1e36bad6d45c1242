"""Events without a gap, over connections that come and go."""

import time
from typing import Callable, Iterable, Iterator, Union

import grpc

from sheaf import errors
from sheaf._pb.sheaf.v1 import job_service_pb2 as pb
from sheaf.types import Event, RunProgressed, WatchResync

Watched = Union[Event, RunProgressed, WatchResync]

_BACKOFF_FIRST = 0.1
_BACKOFF_MAX = 2.0


def follow(
    call: Callable[[int], Iterable[pb.WatchEventsResponse]],
    after_sequence: int,
    patience: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Watched]:
    """Yields the messages of call(after_sequence). When a stream ends, it
    goes on with the next one from the same place. It raises Unavailable
    after `patience` seconds without a message from the server."""
    heard = clock()
    backoff = _BACKOFF_FIRST
    while True:
        try:
            for response in call(after_sequence):
                heard = clock()
                backoff = _BACKOFF_FIRST
                kind = response.WhichOneof("kind")
                if kind is None:
                    continue
                message = getattr(response, kind)
                # Progress has no number; all else moves us on.
                if kind != "progress":
                    after_sequence = message.sequence
                if kind != "heartbeat":
                    yield message
        except grpc.RpcError as error:
            unavailable = error.code() == grpc.StatusCode.UNAVAILABLE
            if not unavailable or clock() - heard > patience:
                errors.raise_from_rpc(error)
        sleep(backoff)
        backoff = min(2 * backoff, _BACKOFF_MAX)
