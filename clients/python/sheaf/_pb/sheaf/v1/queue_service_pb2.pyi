from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sheaf._pb.sheaf.v1 import job_pb2 as _job_pb2
from sheaf._pb.sheaf.v1 import rules_pb2 as _rules_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

BATCH_POLICY_ADAPTIVE: BatchPolicy
BATCH_POLICY_AUTO: BatchPolicy
BATCH_POLICY_ECONOMIC: BatchPolicy
BATCH_POLICY_OFF: BatchPolicy
BATCH_POLICY_UNSPECIFIED: BatchPolicy
DESCRIPTOR: _descriptor.FileDescriptor
PAUSE_MODE_AFTER_BATCH: PauseMode
PAUSE_MODE_NEXT_STEP: PauseMode
PAUSE_MODE_UNSPECIFIED: PauseMode
QUEUE_STATE_ACTIVE: QueueState
QUEUE_STATE_DRAINING: QueueState
QUEUE_STATE_PAUSED: QueueState
QUEUE_STATE_UNSPECIFIED: QueueState

class CreateQueueRequest(_message.Message):
    __slots__ = ["name", "settings"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    name: str
    settings: QueueSettings
    def __init__(self, name: _Optional[str] = ..., settings: _Optional[_Union[QueueSettings, _Mapping]] = ...) -> None: ...

class DeleteQueueRequest(_message.Message):
    __slots__ = ["name"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class DeleteQueueResponse(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class DrainQueueRequest(_message.Message):
    __slots__ = ["actor", "name", "reason"]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    actor: str
    name: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., reason: _Optional[str] = ..., actor: _Optional[str] = ...) -> None: ...

class GetQueueRequest(_message.Message):
    __slots__ = ["name"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListQueuesRequest(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class ListQueuesResponse(_message.Message):
    __slots__ = ["queues"]
    QUEUES_FIELD_NUMBER: _ClassVar[int]
    queues: _containers.RepeatedCompositeFieldContainer[Queue]
    def __init__(self, queues: _Optional[_Iterable[_Union[Queue, _Mapping]]] = ...) -> None: ...

class PauseQueueRequest(_message.Message):
    __slots__ = ["actor", "mode", "name", "reason", "resume_time"]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    RESUME_TIME_FIELD_NUMBER: _ClassVar[int]
    actor: str
    mode: PauseMode
    name: str
    reason: str
    resume_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., reason: _Optional[str] = ..., actor: _Optional[str] = ..., resume_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., mode: _Optional[_Union[PauseMode, str]] = ...) -> None: ...

class PurgeQueueRequest(_message.Message):
    __slots__ = ["actor", "name", "validate_only"]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    actor: str
    name: str
    validate_only: bool
    def __init__(self, name: _Optional[str] = ..., validate_only: bool = ..., actor: _Optional[str] = ...) -> None: ...

class PurgeQueueResponse(_message.Message):
    __slots__ = ["run_count"]
    RUN_COUNT_FIELD_NUMBER: _ClassVar[int]
    run_count: int
    def __init__(self, run_count: _Optional[int] = ...) -> None: ...

class Queue(_message.Message):
    __slots__ = ["actor", "create_time", "etag", "name", "pause_mode", "pause_time", "plan", "queued_run_count", "reason", "resume_time", "revision", "running_run_count", "settings", "state"]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PAUSE_MODE_FIELD_NUMBER: _ClassVar[int]
    PAUSE_TIME_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    QUEUED_RUN_COUNT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    RESUME_TIME_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    RUNNING_RUN_COUNT_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    actor: str
    create_time: _timestamp_pb2.Timestamp
    etag: str
    name: str
    pause_mode: PauseMode
    pause_time: _timestamp_pb2.Timestamp
    plan: str
    queued_run_count: int
    reason: str
    resume_time: _timestamp_pb2.Timestamp
    revision: int
    running_run_count: int
    settings: QueueSettings
    state: QueueState
    def __init__(self, name: _Optional[str] = ..., state: _Optional[_Union[QueueState, str]] = ..., settings: _Optional[_Union[QueueSettings, _Mapping]] = ..., revision: _Optional[int] = ..., create_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., etag: _Optional[str] = ..., reason: _Optional[str] = ..., actor: _Optional[str] = ..., pause_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., resume_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., pause_mode: _Optional[_Union[PauseMode, str]] = ..., queued_run_count: _Optional[int] = ..., running_run_count: _Optional[int] = ..., plan: _Optional[str] = ...) -> None: ...

class QueueSettings(_message.Message):
    __slots__ = ["across_priorities", "attempts_max", "batch_min", "batch_size", "gain_min_percent", "harm_max", "keep_cancelled", "keep_failed", "keep_succeeded", "knee_percent", "policy", "preempt_from", "run_duration_max", "runs_max", "threshold", "twins", "wait_max", "wait_min", "waiting_percent"]
    ACROSS_PRIORITIES_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_MAX_FIELD_NUMBER: _ClassVar[int]
    BATCH_MIN_FIELD_NUMBER: _ClassVar[int]
    BATCH_SIZE_FIELD_NUMBER: _ClassVar[int]
    GAIN_MIN_PERCENT_FIELD_NUMBER: _ClassVar[int]
    HARM_MAX_FIELD_NUMBER: _ClassVar[int]
    KEEP_CANCELLED_FIELD_NUMBER: _ClassVar[int]
    KEEP_FAILED_FIELD_NUMBER: _ClassVar[int]
    KEEP_SUCCEEDED_FIELD_NUMBER: _ClassVar[int]
    KNEE_PERCENT_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    PREEMPT_FROM_FIELD_NUMBER: _ClassVar[int]
    RUNS_MAX_FIELD_NUMBER: _ClassVar[int]
    RUN_DURATION_MAX_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    TWINS_FIELD_NUMBER: _ClassVar[int]
    WAITING_PERCENT_FIELD_NUMBER: _ClassVar[int]
    WAIT_MAX_FIELD_NUMBER: _ClassVar[int]
    WAIT_MIN_FIELD_NUMBER: _ClassVar[int]
    across_priorities: bool
    attempts_max: int
    batch_min: int
    batch_size: int
    gain_min_percent: int
    harm_max: _duration_pb2.Duration
    keep_cancelled: _duration_pb2.Duration
    keep_failed: _duration_pb2.Duration
    keep_succeeded: _duration_pb2.Duration
    knee_percent: int
    policy: BatchPolicy
    preempt_from: _job_pb2.Priority
    run_duration_max: _duration_pb2.Duration
    runs_max: int
    threshold: int
    twins: bool
    wait_max: _duration_pb2.Duration
    wait_min: _duration_pb2.Duration
    waiting_percent: int
    def __init__(self, batch_size: _Optional[int] = ..., attempts_max: _Optional[int] = ..., runs_max: _Optional[int] = ..., keep_succeeded: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., keep_failed: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., keep_cancelled: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., policy: _Optional[_Union[BatchPolicy, str]] = ..., batch_min: _Optional[int] = ..., wait_max: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., threshold: _Optional[int] = ..., gain_min_percent: _Optional[int] = ..., twins: bool = ..., preempt_from: _Optional[_Union[_job_pb2.Priority, str]] = ..., run_duration_max: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., wait_min: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., harm_max: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., waiting_percent: _Optional[int] = ..., knee_percent: _Optional[int] = ..., across_priorities: bool = ...) -> None: ...

class ResumeQueueRequest(_message.Message):
    __slots__ = ["actor", "name"]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    actor: str
    name: str
    def __init__(self, name: _Optional[str] = ..., actor: _Optional[str] = ...) -> None: ...

class UpdateQueueRequest(_message.Message):
    __slots__ = ["etag", "name", "settings", "update_mask"]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    etag: str
    name: str
    settings: QueueSettings
    update_mask: _field_mask_pb2.FieldMask
    def __init__(self, name: _Optional[str] = ..., settings: _Optional[_Union[QueueSettings, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., etag: _Optional[str] = ...) -> None: ...

class QueueState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
    QUEUE_STATE_ACTIVE: _ClassVar[QueueState]
    QUEUE_STATE_DRAINING: _ClassVar[QueueState]
    QUEUE_STATE_PAUSED: _ClassVar[QueueState]
    QUEUE_STATE_UNSPECIFIED: _ClassVar[QueueState]

class PauseMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
    PAUSE_MODE_AFTER_BATCH: _ClassVar[PauseMode]
    PAUSE_MODE_NEXT_STEP: _ClassVar[PauseMode]
    PAUSE_MODE_UNSPECIFIED: _ClassVar[PauseMode]

class BatchPolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
    BATCH_POLICY_ADAPTIVE: _ClassVar[BatchPolicy]
    BATCH_POLICY_AUTO: _ClassVar[BatchPolicy]
    BATCH_POLICY_ECONOMIC: _ClassVar[BatchPolicy]
    BATCH_POLICY_OFF: _ClassVar[BatchPolicy]
    BATCH_POLICY_UNSPECIFIED: _ClassVar[BatchPolicy]
