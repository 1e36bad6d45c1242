from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sheaf._pb.sheaf.v1 import catalog_pb2 as _catalog_pb2
from sheaf._pb.sheaf.v1 import queue_service_pb2 as _queue_service_pb2
from sheaf._pb.sheaf.v1 import rules_pb2 as _rules_pb2
from sheaf._pb.sheaf.v1 import worker_service_pb2 as _worker_service_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor
WORKER_STATE_BUSY: WorkerState
WORKER_STATE_DRAINING: WorkerState
WORKER_STATE_IDLE: WorkerState
WORKER_STATE_LOST: WorkerState
WORKER_STATE_UNSPECIFIED: WorkerState

class AcceptClockRequest(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class AcceptClockResponse(_message.Message):
    __slots__ = ["step"]
    STEP_FIELD_NUMBER: _ClassVar[int]
    step: _duration_pb2.Duration
    def __init__(self, step: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class BackupRequest(_message.Message):
    __slots__ = ["file_name"]
    FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    file_name: str
    def __init__(self, file_name: _Optional[str] = ...) -> None: ...

class BackupResponse(_message.Message):
    __slots__ = ["job_count", "last_event_sequence", "path", "sha256", "size_bytes"]
    JOB_COUNT_FIELD_NUMBER: _ClassVar[int]
    LAST_EVENT_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    job_count: int
    last_event_sequence: int
    path: str
    sha256: str
    size_bytes: int
    def __init__(self, path: _Optional[str] = ..., size_bytes: _Optional[int] = ..., sha256: _Optional[str] = ..., job_count: _Optional[int] = ..., last_event_sequence: _Optional[int] = ...) -> None: ...

class CalibrateWorkerRequest(_message.Message):
    __slots__ = ["name"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class CheckIntegrityRequest(_message.Message):
    __slots__ = ["full"]
    FULL_FIELD_NUMBER: _ClassVar[int]
    full: bool
    def __init__(self, full: bool = ...) -> None: ...

class CheckIntegrityResponse(_message.Message):
    __slots__ = ["ok", "problems"]
    OK_FIELD_NUMBER: _ClassVar[int]
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    ok: bool
    problems: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, ok: bool = ..., problems: _Optional[_Iterable[str]] = ...) -> None: ...

class ConfigEntry(_message.Message):
    __slots__ = ["key", "value"]
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    key: str
    value: str
    def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class DeviceStats(_message.Message):
    __slots__ = ["description", "identity", "name", "work", "workers"]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    WORKERS_FIELD_NUMBER: _ClassVar[int]
    WORK_FIELD_NUMBER: _ClassVar[int]
    description: str
    identity: str
    name: str
    work: WorkStats
    workers: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., workers: _Optional[_Iterable[str]] = ..., work: _Optional[_Union[WorkStats, _Mapping]] = ..., identity: _Optional[str] = ...) -> None: ...

class DrainWorkerRequest(_message.Message):
    __slots__ = ["name"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetCatalogRequest(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class GetCatalogResponse(_message.Message):
    __slots__ = ["models", "models_left_out", "preprocessors", "samplers"]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    MODELS_LEFT_OUT_FIELD_NUMBER: _ClassVar[int]
    PREPROCESSORS_FIELD_NUMBER: _ClassVar[int]
    SAMPLERS_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[OfferedModel]
    models_left_out: int
    preprocessors: _containers.RepeatedScalarFieldContainer[str]
    samplers: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, models: _Optional[_Iterable[_Union[OfferedModel, _Mapping]]] = ..., samplers: _Optional[_Iterable[str]] = ..., preprocessors: _Optional[_Iterable[str]] = ..., models_left_out: _Optional[int] = ...) -> None: ...

class GetServerInfoRequest(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class GetStatsRequest(_message.Message):
    __slots__ = ["queue", "window"]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    queue: str
    window: _duration_pb2.Duration
    def __init__(self, queue: _Optional[str] = ..., window: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class JobCounts(_message.Message):
    __slots__ = ["cancelled", "failed", "submitted", "succeeded"]
    CANCELLED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    SUBMITTED_FIELD_NUMBER: _ClassVar[int]
    SUCCEEDED_FIELD_NUMBER: _ClassVar[int]
    cancelled: int
    failed: int
    submitted: int
    succeeded: int
    def __init__(self, submitted: _Optional[int] = ..., succeeded: _Optional[int] = ..., failed: _Optional[int] = ..., cancelled: _Optional[int] = ...) -> None: ...

class ListWorkersRequest(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class ListWorkersResponse(_message.Message):
    __slots__ = ["workers"]
    WORKERS_FIELD_NUMBER: _ClassVar[int]
    workers: _containers.RepeatedCompositeFieldContainer[Worker]
    def __init__(self, workers: _Optional[_Iterable[_Union[Worker, _Mapping]]] = ...) -> None: ...

class OfferedModel(_message.Message):
    __slots__ = ["model", "workers"]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    WORKERS_FIELD_NUMBER: _ClassVar[int]
    model: _catalog_pb2.CatalogModel
    workers: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, model: _Optional[_Union[_catalog_pb2.CatalogModel, _Mapping]] = ..., workers: _Optional[_Iterable[str]] = ...) -> None: ...

class OwnerStats(_message.Message):
    __slots__ = ["owner", "predicted_time", "queued_run_count", "running_run_count"]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    PREDICTED_TIME_FIELD_NUMBER: _ClassVar[int]
    QUEUED_RUN_COUNT_FIELD_NUMBER: _ClassVar[int]
    RUNNING_RUN_COUNT_FIELD_NUMBER: _ClassVar[int]
    owner: str
    predicted_time: _duration_pb2.Duration
    queued_run_count: int
    running_run_count: int
    def __init__(self, owner: _Optional[str] = ..., queued_run_count: _Optional[int] = ..., running_run_count: _Optional[int] = ..., predicted_time: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class QueueStats(_message.Message):
    __slots__ = ["batch_size", "cancelled_run_count", "failed_run_count", "jobs", "name", "queued_run_count", "queued_run_count_max", "queued_run_count_max_time", "running_run_count", "since_start", "state", "succeeded_run_count", "window"]
    BATCH_SIZE_FIELD_NUMBER: _ClassVar[int]
    CANCELLED_RUN_COUNT_FIELD_NUMBER: _ClassVar[int]
    FAILED_RUN_COUNT_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    QUEUED_RUN_COUNT_FIELD_NUMBER: _ClassVar[int]
    QUEUED_RUN_COUNT_MAX_FIELD_NUMBER: _ClassVar[int]
    QUEUED_RUN_COUNT_MAX_TIME_FIELD_NUMBER: _ClassVar[int]
    RUNNING_RUN_COUNT_FIELD_NUMBER: _ClassVar[int]
    SINCE_START_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SUCCEEDED_RUN_COUNT_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    batch_size: int
    cancelled_run_count: int
    failed_run_count: int
    jobs: JobCounts
    name: str
    queued_run_count: int
    queued_run_count_max: int
    queued_run_count_max_time: _timestamp_pb2.Timestamp
    running_run_count: int
    since_start: WorkTotals
    state: _queue_service_pb2.QueueState
    succeeded_run_count: int
    window: QueueWindow
    def __init__(self, name: _Optional[str] = ..., state: _Optional[_Union[_queue_service_pb2.QueueState, str]] = ..., queued_run_count: _Optional[int] = ..., running_run_count: _Optional[int] = ..., batch_size: _Optional[int] = ..., queued_run_count_max: _Optional[int] = ..., queued_run_count_max_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., succeeded_run_count: _Optional[int] = ..., failed_run_count: _Optional[int] = ..., cancelled_run_count: _Optional[int] = ..., jobs: _Optional[_Union[JobCounts, _Mapping]] = ..., window: _Optional[_Union[QueueWindow, _Mapping]] = ..., since_start: _Optional[_Union[WorkTotals, _Mapping]] = ...) -> None: ...

class QueueWindow(_message.Message):
    __slots__ = ["batch_count", "batch_fill", "batch_size_average", "cancelled_run_count", "failed_attempt_count", "failed_run_count", "generation", "runs_per_second", "succeeded_run_count", "wait"]
    BATCH_COUNT_FIELD_NUMBER: _ClassVar[int]
    BATCH_FILL_FIELD_NUMBER: _ClassVar[int]
    BATCH_SIZE_AVERAGE_FIELD_NUMBER: _ClassVar[int]
    CANCELLED_RUN_COUNT_FIELD_NUMBER: _ClassVar[int]
    FAILED_ATTEMPT_COUNT_FIELD_NUMBER: _ClassVar[int]
    FAILED_RUN_COUNT_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    RUNS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    SUCCEEDED_RUN_COUNT_FIELD_NUMBER: _ClassVar[int]
    WAIT_FIELD_NUMBER: _ClassVar[int]
    batch_count: int
    batch_fill: float
    batch_size_average: float
    cancelled_run_count: int
    failed_attempt_count: int
    failed_run_count: int
    generation: TimeStats
    runs_per_second: float
    succeeded_run_count: int
    wait: TimeStats
    def __init__(self, succeeded_run_count: _Optional[int] = ..., failed_run_count: _Optional[int] = ..., cancelled_run_count: _Optional[int] = ..., runs_per_second: _Optional[float] = ..., failed_attempt_count: _Optional[int] = ..., batch_count: _Optional[int] = ..., batch_size_average: _Optional[float] = ..., batch_fill: _Optional[float] = ..., wait: _Optional[_Union[TimeStats, _Mapping]] = ..., generation: _Optional[_Union[TimeStats, _Mapping]] = ...) -> None: ...

class ServerInfo(_message.Message):
    __slots__ = ["artifact_bytes", "artifact_count", "boot_check", "data_directory", "database_bytes", "disk_free_bytes", "last_backup_time", "last_event_sequence", "lease_duration", "notes", "now", "problems", "schema_version", "sqlite_version", "start_time", "version", "wal_bytes", "writable"]
    ARTIFACT_BYTES_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_COUNT_FIELD_NUMBER: _ClassVar[int]
    BOOT_CHECK_FIELD_NUMBER: _ClassVar[int]
    DATABASE_BYTES_FIELD_NUMBER: _ClassVar[int]
    DATA_DIRECTORY_FIELD_NUMBER: _ClassVar[int]
    DISK_FREE_BYTES_FIELD_NUMBER: _ClassVar[int]
    LAST_BACKUP_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_EVENT_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    LEASE_DURATION_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    NOW_FIELD_NUMBER: _ClassVar[int]
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_VERSION_FIELD_NUMBER: _ClassVar[int]
    SQLITE_VERSION_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    WAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    WRITABLE_FIELD_NUMBER: _ClassVar[int]
    artifact_bytes: int
    artifact_count: int
    boot_check: str
    data_directory: str
    database_bytes: int
    disk_free_bytes: int
    last_backup_time: _timestamp_pb2.Timestamp
    last_event_sequence: int
    lease_duration: _duration_pb2.Duration
    notes: _containers.RepeatedScalarFieldContainer[str]
    now: _timestamp_pb2.Timestamp
    problems: _containers.RepeatedScalarFieldContainer[str]
    schema_version: int
    sqlite_version: str
    start_time: _timestamp_pb2.Timestamp
    version: str
    wal_bytes: int
    writable: bool
    def __init__(self, version: _Optional[str] = ..., start_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., now: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., data_directory: _Optional[str] = ..., schema_version: _Optional[int] = ..., sqlite_version: _Optional[str] = ..., database_bytes: _Optional[int] = ..., wal_bytes: _Optional[int] = ..., disk_free_bytes: _Optional[int] = ..., artifact_count: _Optional[int] = ..., artifact_bytes: _Optional[int] = ..., last_event_sequence: _Optional[int] = ..., writable: bool = ..., problems: _Optional[_Iterable[str]] = ..., notes: _Optional[_Iterable[str]] = ..., lease_duration: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., last_backup_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., boot_check: _Optional[str] = ...) -> None: ...

class Stats(_message.Message):
    __slots__ = ["config", "devices", "knee", "memory", "now", "owners", "queues", "start_time", "total", "window", "workers"]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    KNEE_FIELD_NUMBER: _ClassVar[int]
    MEMORY_FIELD_NUMBER: _ClassVar[int]
    NOW_FIELD_NUMBER: _ClassVar[int]
    OWNERS_FIELD_NUMBER: _ClassVar[int]
    QUEUES_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    WORKERS_FIELD_NUMBER: _ClassVar[int]
    config: _containers.RepeatedCompositeFieldContainer[ConfigEntry]
    devices: _containers.RepeatedCompositeFieldContainer[DeviceStats]
    knee: int
    memory: _containers.RepeatedCompositeFieldContainer[WorkMemory]
    now: _timestamp_pb2.Timestamp
    owners: _containers.RepeatedCompositeFieldContainer[OwnerStats]
    queues: _containers.RepeatedCompositeFieldContainer[QueueStats]
    start_time: _timestamp_pb2.Timestamp
    total: QueueStats
    window: _duration_pb2.Duration
    workers: _containers.RepeatedCompositeFieldContainer[WorkerStats]
    def __init__(self, now: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., start_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., window: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., total: _Optional[_Union[QueueStats, _Mapping]] = ..., queues: _Optional[_Iterable[_Union[QueueStats, _Mapping]]] = ..., workers: _Optional[_Iterable[_Union[WorkerStats, _Mapping]]] = ..., devices: _Optional[_Iterable[_Union[DeviceStats, _Mapping]]] = ..., config: _Optional[_Iterable[_Union[ConfigEntry, _Mapping]]] = ..., owners: _Optional[_Iterable[_Union[OwnerStats, _Mapping]]] = ..., knee: _Optional[int] = ..., memory: _Optional[_Iterable[_Union[WorkMemory, _Mapping]]] = ...) -> None: ...

class TimeStats(_message.Message):
    __slots__ = ["count", "max", "mean", "p50", "p95"]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    MAX_FIELD_NUMBER: _ClassVar[int]
    MEAN_FIELD_NUMBER: _ClassVar[int]
    P50_FIELD_NUMBER: _ClassVar[int]
    P95_FIELD_NUMBER: _ClassVar[int]
    count: int
    max: _duration_pb2.Duration
    mean: _duration_pb2.Duration
    p50: _duration_pb2.Duration
    p95: _duration_pb2.Duration
    def __init__(self, count: _Optional[int] = ..., p50: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., p95: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., max: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., mean: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class TimeSum(_message.Message):
    __slots__ = ["count", "sum"]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    SUM_FIELD_NUMBER: _ClassVar[int]
    count: int
    sum: _duration_pb2.Duration
    def __init__(self, count: _Optional[int] = ..., sum: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class WorkMemory(_message.Message):
    __slots__ = ["batch_count", "budget_bytes", "control_count", "device", "height", "measured", "model", "peak_bytes", "peak_run_count", "profile", "ran_out_run_count", "recommendation", "run_count_max", "width"]
    BATCH_COUNT_FIELD_NUMBER: _ClassVar[int]
    BUDGET_BYTES_FIELD_NUMBER: _ClassVar[int]
    CONTROL_COUNT_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    MEASURED_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PEAK_BYTES_FIELD_NUMBER: _ClassVar[int]
    PEAK_RUN_COUNT_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    RAN_OUT_RUN_COUNT_FIELD_NUMBER: _ClassVar[int]
    RECOMMENDATION_FIELD_NUMBER: _ClassVar[int]
    RUN_COUNT_MAX_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    batch_count: int
    budget_bytes: int
    control_count: int
    device: str
    height: int
    measured: bool
    model: str
    peak_bytes: int
    peak_run_count: int
    profile: str
    ran_out_run_count: int
    recommendation: str
    run_count_max: int
    width: int
    def __init__(self, device: _Optional[str] = ..., model: _Optional[str] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., run_count_max: _Optional[int] = ..., batch_count: _Optional[int] = ..., peak_bytes: _Optional[int] = ..., peak_run_count: _Optional[int] = ..., budget_bytes: _Optional[int] = ..., ran_out_run_count: _Optional[int] = ..., recommendation: _Optional[str] = ..., profile: _Optional[str] = ..., measured: bool = ..., control_count: _Optional[int] = ...) -> None: ...

class WorkStats(_message.Message):
    __slots__ = ["batch_count", "batch_size_average", "batches", "busy_ratio", "failed_attempt_count", "running_run_count", "since_start", "succeeded_run_count"]
    BATCHES_FIELD_NUMBER: _ClassVar[int]
    BATCH_COUNT_FIELD_NUMBER: _ClassVar[int]
    BATCH_SIZE_AVERAGE_FIELD_NUMBER: _ClassVar[int]
    BUSY_RATIO_FIELD_NUMBER: _ClassVar[int]
    FAILED_ATTEMPT_COUNT_FIELD_NUMBER: _ClassVar[int]
    RUNNING_RUN_COUNT_FIELD_NUMBER: _ClassVar[int]
    SINCE_START_FIELD_NUMBER: _ClassVar[int]
    SUCCEEDED_RUN_COUNT_FIELD_NUMBER: _ClassVar[int]
    batch_count: int
    batch_size_average: float
    batches: _containers.RepeatedScalarFieldContainer[str]
    busy_ratio: float
    failed_attempt_count: int
    running_run_count: int
    since_start: WorkTotals
    succeeded_run_count: int
    def __init__(self, batch_count: _Optional[int] = ..., batch_size_average: _Optional[float] = ..., succeeded_run_count: _Optional[int] = ..., failed_attempt_count: _Optional[int] = ..., busy_ratio: _Optional[float] = ..., batches: _Optional[_Iterable[str]] = ..., running_run_count: _Optional[int] = ..., since_start: _Optional[_Union[WorkTotals, _Mapping]] = ...) -> None: ...

class WorkTotals(_message.Message):
    __slots__ = ["batch_count", "batched_run_count", "generation", "wait"]
    BATCHED_RUN_COUNT_FIELD_NUMBER: _ClassVar[int]
    BATCH_COUNT_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    WAIT_FIELD_NUMBER: _ClassVar[int]
    batch_count: int
    batched_run_count: int
    generation: TimeSum
    wait: TimeSum
    def __init__(self, batch_count: _Optional[int] = ..., batched_run_count: _Optional[int] = ..., wait: _Optional[_Union[TimeSum, _Mapping]] = ..., generation: _Optional[_Union[TimeSum, _Mapping]] = ...) -> None: ...

class Worker(_message.Message):
    __slots__ = ["batch_size_max", "batches", "devices", "display_name", "engine_time", "failed_run_count", "heartbeat_time", "kinds", "measures", "memory", "memory_left_out", "models", "models_left_out", "name", "queues", "register_time", "state", "succeeded_run_count", "version"]
    BATCHES_FIELD_NUMBER: _ClassVar[int]
    BATCH_SIZE_MAX_FIELD_NUMBER: _ClassVar[int]
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    ENGINE_TIME_FIELD_NUMBER: _ClassVar[int]
    FAILED_RUN_COUNT_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_TIME_FIELD_NUMBER: _ClassVar[int]
    KINDS_FIELD_NUMBER: _ClassVar[int]
    MEASURES_FIELD_NUMBER: _ClassVar[int]
    MEMORY_FIELD_NUMBER: _ClassVar[int]
    MEMORY_LEFT_OUT_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    MODELS_LEFT_OUT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    QUEUES_FIELD_NUMBER: _ClassVar[int]
    REGISTER_TIME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SUCCEEDED_RUN_COUNT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    batch_size_max: int
    batches: _containers.RepeatedScalarFieldContainer[str]
    devices: _containers.RepeatedCompositeFieldContainer[_worker_service_pb2.Device]
    display_name: str
    engine_time: _duration_pb2.Duration
    failed_run_count: int
    heartbeat_time: _timestamp_pb2.Timestamp
    kinds: _containers.RepeatedScalarFieldContainer[str]
    measures: bool
    memory: _containers.RepeatedCompositeFieldContainer[WorkMemory]
    memory_left_out: bool
    models: _containers.RepeatedScalarFieldContainer[str]
    models_left_out: int
    name: str
    queues: _containers.RepeatedScalarFieldContainer[str]
    register_time: _timestamp_pb2.Timestamp
    state: WorkerState
    succeeded_run_count: int
    version: str
    def __init__(self, name: _Optional[str] = ..., display_name: _Optional[str] = ..., state: _Optional[_Union[WorkerState, str]] = ..., queues: _Optional[_Iterable[str]] = ..., kinds: _Optional[_Iterable[str]] = ..., models: _Optional[_Iterable[str]] = ..., devices: _Optional[_Iterable[_Union[_worker_service_pb2.Device, _Mapping]]] = ..., batch_size_max: _Optional[int] = ..., version: _Optional[str] = ..., register_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., heartbeat_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., batches: _Optional[_Iterable[str]] = ..., succeeded_run_count: _Optional[int] = ..., failed_run_count: _Optional[int] = ..., memory: _Optional[_Iterable[_Union[WorkMemory, _Mapping]]] = ..., engine_time: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., measures: bool = ..., models_left_out: _Optional[int] = ..., memory_left_out: bool = ...) -> None: ...

class WorkerStats(_message.Message):
    __slots__ = ["devices", "display_name", "name", "work"]
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    WORK_FIELD_NUMBER: _ClassVar[int]
    devices: _containers.RepeatedScalarFieldContainer[str]
    display_name: str
    name: str
    work: WorkStats
    def __init__(self, name: _Optional[str] = ..., display_name: _Optional[str] = ..., devices: _Optional[_Iterable[str]] = ..., work: _Optional[_Union[WorkStats, _Mapping]] = ...) -> None: ...

class WorkerState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
    WORKER_STATE_BUSY: _ClassVar[WorkerState]
    WORKER_STATE_DRAINING: _ClassVar[WorkerState]
    WORKER_STATE_IDLE: _ClassVar[WorkerState]
    WORKER_STATE_LOST: _ClassVar[WorkerState]
    WORKER_STATE_UNSPECIFIED: _ClassVar[WorkerState]
