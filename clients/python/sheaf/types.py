"""The nouns of the wire, under short names.

They are the generated Protobuf messages themselves, so the server's contract
(proto/sheaf/v1/*.proto) holds for them word for word.
"""

import datetime as _datetime
from typing import Union

from google.protobuf.timestamp_pb2 import Timestamp

from sheaf._pb.sheaf.v1.admin_service_pb2 import (
    BackupResponse,
    CheckIntegrityResponse,
    QueueStats,
    ServerInfo,
    Stats,
    Worker,
    WorkerState,
)
from sheaf._pb.sheaf.v1.admin_service_pb2 import (
    GetCatalogResponse as Catalog,
)
from sheaf._pb.sheaf.v1.artifact_service_pb2 import Artifact
from sheaf._pb.sheaf.v1.batching_service_pb2 import (
    BatchingMode,
    BatchProfile,
    EstimatorKind,
    Plan,
    PlanBatch,
    PlannerKind,
    PlanningSettings,
    PlanState,
    PlanVerdict,
    SignatureKind,
)
from sheaf._pb.sheaf.v1.batching_service_pb2 import (
    ExplainRunResponse as Explanation,
)
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
    StreamJobsResponse,
    WatchResync,
)
from sheaf._pb.sheaf.v1.queue_service_pb2 import (
    BatchPolicy,
    PauseMode,
    Queue,
    QueueSettings,
    QueueState,
)

__all__ = [
    "Artifact",
    "Attempt",
    "BackupResponse",
    "BatchPolicy",
    "BatchProfile",
    "BatchingMode",
    "CancelJobResponse",
    "Catalog",
    "CheckIntegrityResponse",
    "Control",
    "ErrorClass",
    "EstimatorKind",
    "Event",
    "EventType",
    "Explanation",
    "FINAL_STATES",
    "Job",
    "JobSpec",
    "JobState",
    "Lora",
    "Output",
    "PauseMode",
    "Plan",
    "PlanBatch",
    "PlanState",
    "PlanVerdict",
    "PlannerKind",
    "PlanningSettings",
    "Preview",
    "Priority",
    "Progress",
    "Queue",
    "QueueSettings",
    "QueueState",
    "QueueStats",
    "RandomMode",
    "Run",
    "RunCounts",
    "RunError",
    "RunProgressed",
    "RunRequest",
    "RunState",
    "ServerInfo",
    "SignatureKind",
    "Stats",
    "StreamJobsResponse",
    "Sweep",
    "SweepAxis",
    "SweepRange",
    "Timestamp",
    "WatchResync",
    "Watched",
    "Worker",
    "WorkerState",
    "timestamp",
]

# `watch` yields these.
Watched = Union[Event, RunProgressed, WatchResync]

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
