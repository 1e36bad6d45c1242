"""The nouns of the wire, under short names.

They are the generated Protobuf messages themselves, so the server's contract
(proto/sheaf/v1/*.proto) holds for them word for word.
"""

import datetime as _datetime

from google.protobuf.timestamp_pb2 import Timestamp

from sheaf._pb.sheaf.v1.admin_service_pb2 import ServerInfo, Worker
from sheaf._pb.sheaf.v1.artifact_service_pb2 import Artifact
from sheaf._pb.sheaf.v1.event_pb2 import Event, EventType
from sheaf._pb.sheaf.v1.job_pb2 import (
    Attempt,
    Control,
    ErrorClass,
    Job,
    JobSpec,
    JobState,
    Lora,
    Output,
    Priority,
    Progress,
    RandomMode,
    Run,
    RunCounts,
    RunError,
    RunRequest,
    RunState,
    Sweep,
    SweepAxis,
    SweepRange,
)
from sheaf._pb.sheaf.v1.job_service_pb2 import (
    CancelJobResponse,
    Preview,
    RunProgressed,
    WatchResync,
)
from sheaf._pb.sheaf.v1.queue_service_pb2 import (
    PauseMode,
    Queue,
    QueueSettings,
    QueueState,
)

__all__ = [
    "Artifact",
    "Attempt",
    "CancelJobResponse",
    "Control",
    "ErrorClass",
    "Event",
    "EventType",
    "FINAL_STATES",
    "Job",
    "JobSpec",
    "JobState",
    "Lora",
    "Output",
    "PauseMode",
    "Preview",
    "Priority",
    "Progress",
    "Queue",
    "QueueSettings",
    "QueueState",
    "RandomMode",
    "Run",
    "RunCounts",
    "RunError",
    "RunProgressed",
    "RunRequest",
    "RunState",
    "ServerInfo",
    "Sweep",
    "SweepAxis",
    "SweepRange",
    "Timestamp",
    "WatchResync",
    "Worker",
    "timestamp",
]

# A job in one of these will not change any more, unless it is retried.
FINAL_STATES = frozenset(
    JobState.Value(name)
    for name in (
        "JOB_STATE_SUCCEEDED",
        "JOB_STATE_FAILED",
        "JOB_STATE_CANCELLED",
    )
)


def timestamp(time: _datetime.datetime) -> Timestamp:
    """`time` as a message of the wire. It must have a time zone."""
    if time.tzinfo is None:
        raise ValueError("the time needs a time zone")
    result = Timestamp()
    # Protobuf wants UTC without saying so.
    result.FromDatetime(
        time.astimezone(_datetime.timezone.utc).replace(tzinfo=None)
    )
    return result
