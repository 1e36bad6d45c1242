"""The server's refusals, as exceptions.

Every refusal carries a gRPC status code, a reason in UPPER_SNAKE that programs
may rely on, and a text for people. Some also carry the fields that are wrong,
and the time to wait before the next try.
"""

import dataclasses
from typing import Any, Dict, List, NoReturn, Optional, Type

import grpc

# Whoever has googleapis-common-protos must not see a second copy of the same
# files: Protobuf refuses to load two.
try:
    from google.rpc import error_details_pb2, status_pb2
except ImportError:
    from sheaf._pb.google.rpc import error_details_pb2, status_pb2

__all__ = [
    "Conflict",
    "DeadlineExceeded",
    "Error",
    "FailedPrecondition",
    "InvalidArgument",
    "NotFound",
    "PermissionDenied",
    "ResourceExhausted",
    "Unavailable",
    "Violation",
    "WaitTimeout",
]


@dataclasses.dataclass(frozen=True)
class Violation:
    """One field of a request that the server does not accept."""

    field: str
    description: str

    def __str__(self) -> str:
        return f"{self.field}: {self.description}"


class Error(Exception):
    """The server refused a call, or could not be reached."""

    def __init__(
        self,
        code: grpc.StatusCode,
        message: str,
        reason: str = "",
        metadata: Optional[Dict[str, str]] = None,
        violations: Optional[List[Violation]] = None,
        retry_after: Optional[float] = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        # The name that programs may compare: "QUEUE_FULL", "JOB_NOT_FOUND", ...
        self.reason = reason
        self.metadata = metadata or {}
        # All wrong fields of the request at once.
        self.violations = violations or []
        # Seconds, where the server says so.
        self.retry_after = retry_after

    def __str__(self) -> str:
        reason = self.reason or self.code.name
        return "\n  ".join(
            [f"{reason}: {self.message}", *map(str, self.violations)]
        )


class InvalidArgument(Error):
    """This request can never work; see `violations`."""


class NotFound(Error):
    """There is no such job, run, queue or artifact."""


class FailedPrecondition(Error):
    """The present state does not allow the call."""


class Conflict(Error):
    """Another caller was faster, or the thing exists already."""


class ResourceExhausted(Error):
    """A limit is reached; see `retry_after`."""


class PermissionDenied(Error):
    """These credentials do not allow the call."""


class DeadlineExceeded(Error):
    """There was no answer in time. The call may have taken effect."""


class Unavailable(Error):
    """There is no server, or it cannot answer now."""


class WaitTimeout(TimeoutError):
    """The job did not end in time. `job` is its present state."""

    def __init__(self, job: "object") -> None:
        super().__init__(f"{getattr(job, 'name', job)} has not ended yet")
        self.job = job


_CLASSES: Dict[grpc.StatusCode, Type[Error]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidArgument,
    grpc.StatusCode.OUT_OF_RANGE: InvalidArgument,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.FAILED_PRECONDITION: FailedPrecondition,
    grpc.StatusCode.ABORTED: Conflict,
    grpc.StatusCode.ALREADY_EXISTS: Conflict,
    grpc.StatusCode.RESOURCE_EXHAUSTED: ResourceExhausted,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDenied,
    grpc.StatusCode.UNAUTHENTICATED: PermissionDenied,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
}


def from_rpc(error: grpc.RpcError) -> Error:
    """The exception for the gRPC error `error`."""
    result = _CLASSES.get(error.code(), Error)(
        error.code(), error.details() or ""
    )
    metadata: Any = error.trailing_metadata() or ()
    for key, value in metadata:
        if key == "grpc-status-details-bin":
            _add_details(result, value)
    return result


def _add_details(error: Error, serialized: bytes) -> None:
    status = status_pb2.Status.FromString(serialized)
    info = error_details_pb2.ErrorInfo()
    request = error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    for detail in status.details:
        if detail.Unpack(info):
            error.reason = info.reason
            error.metadata = dict(info.metadata)
        elif detail.Unpack(request):
            error.violations = [
                Violation(violation.field, violation.description)
                for violation in request.field_violations
            ]
        elif detail.Unpack(retry):
            delay = retry.retry_delay
            error.retry_after = delay.seconds + delay.nanos / 1e9


def raise_from_rpc(error: grpc.RpcError) -> NoReturn:
    raise from_rpc(error) from error
