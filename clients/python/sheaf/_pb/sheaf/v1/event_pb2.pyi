from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sheaf._pb.sheaf.v1 import job_pb2 as _job_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor
EVENT_TYPE_CANCEL_REQUESTED: EventType
EVENT_TYPE_JOB_DELETED: EventType
EVENT_TYPE_JOB_SUBMITTED: EventType
EVENT_TYPE_JOB_UPDATED: EventType
EVENT_TYPE_PLAN_EXECUTED: EventType
EVENT_TYPE_PLAN_UNDONE: EventType
EVENT_TYPE_QUEUE_CREATED: EventType
EVENT_TYPE_QUEUE_DELETED: EventType
EVENT_TYPE_QUEUE_DRAINING: EventType
EVENT_TYPE_QUEUE_PAUSED: EventType
EVENT_TYPE_QUEUE_RESUMED: EventType
EVENT_TYPE_QUEUE_UPDATED: EventType
EVENT_TYPE_RUNS_CHANGED: EventType
EVENT_TYPE_RUNS_STARTED: EventType
EVENT_TYPE_UNSPECIFIED: EventType
EVENT_TYPE_WORKER_DRAINING: EventType
EVENT_TYPE_WORKER_JOINED: EventType
EVENT_TYPE_WORKER_LEFT: EventType

class Event(_message.Message):
    __slots__ = ["actor", "batch", "ended_jobs", "job", "queue", "reason", "runs", "sequence", "time", "type", "worker"]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    ENDED_JOBS_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    RUNS_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    actor: str
    batch: str
    ended_jobs: _containers.RepeatedCompositeFieldContainer[JobEnd]
    job: str
    queue: str
    reason: str
    runs: _containers.RepeatedCompositeFieldContainer[RunChange]
    sequence: int
    time: _timestamp_pb2.Timestamp
    type: EventType
    worker: str
    def __init__(self, sequence: _Optional[int] = ..., time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., type: _Optional[_Union[EventType, str]] = ..., queue: _Optional[str] = ..., job: _Optional[str] = ..., batch: _Optional[str] = ..., worker: _Optional[str] = ..., runs: _Optional[_Iterable[_Union[RunChange, _Mapping]]] = ..., ended_jobs: _Optional[_Iterable[_Union[JobEnd, _Mapping]]] = ..., actor: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class JobEnd(_message.Message):
    __slots__ = ["job", "state"]
    JOB_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    job: str
    state: _job_pb2.JobState
    def __init__(self, job: _Optional[str] = ..., state: _Optional[_Union[_job_pb2.JobState, str]] = ...) -> None: ...

class RunChange(_message.Message):
    __slots__ = ["attempt", "error_class", "run", "state"]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    ERROR_CLASS_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    attempt: int
    error_class: _job_pb2.ErrorClass
    run: str
    state: _job_pb2.RunState
    def __init__(self, run: _Optional[str] = ..., state: _Optional[_Union[_job_pb2.RunState, str]] = ..., attempt: _Optional[int] = ..., error_class: _Optional[_Union[_job_pb2.ErrorClass, str]] = ...) -> None: ...

class EventType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
    EVENT_TYPE_CANCEL_REQUESTED: _ClassVar[EventType]
    EVENT_TYPE_JOB_DELETED: _ClassVar[EventType]
    EVENT_TYPE_JOB_SUBMITTED: _ClassVar[EventType]
    EVENT_TYPE_JOB_UPDATED: _ClassVar[EventType]
    EVENT_TYPE_PLAN_EXECUTED: _ClassVar[EventType]
    EVENT_TYPE_PLAN_UNDONE: _ClassVar[EventType]
    EVENT_TYPE_QUEUE_CREATED: _ClassVar[EventType]
    EVENT_TYPE_QUEUE_DELETED: _ClassVar[EventType]
    EVENT_TYPE_QUEUE_DRAINING: _ClassVar[EventType]
    EVENT_TYPE_QUEUE_PAUSED: _ClassVar[EventType]
    EVENT_TYPE_QUEUE_RESUMED: _ClassVar[EventType]
    EVENT_TYPE_QUEUE_UPDATED: _ClassVar[EventType]
    EVENT_TYPE_RUNS_CHANGED: _ClassVar[EventType]
    EVENT_TYPE_RUNS_STARTED: _ClassVar[EventType]
    EVENT_TYPE_UNSPECIFIED: _ClassVar[EventType]
    EVENT_TYPE_WORKER_DRAINING: _ClassVar[EventType]
    EVENT_TYPE_WORKER_JOINED: _ClassVar[EventType]
    EVENT_TYPE_WORKER_LEFT: _ClassVar[EventType]
