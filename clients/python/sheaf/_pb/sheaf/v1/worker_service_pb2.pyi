from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sheaf._pb.sheaf.v1 import catalog_pb2 as _catalog_pb2
from sheaf._pb.sheaf.v1 import job_pb2 as _job_pb2
from sheaf._pb.sheaf.v1 import rules_pb2 as _rules_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BatchMemory(_message.Message):
    __slots__ = ["other_bytes", "peak_bytes", "ran_out_row_count", "row_count"]
    OTHER_BYTES_FIELD_NUMBER: _ClassVar[int]
    PEAK_BYTES_FIELD_NUMBER: _ClassVar[int]
    RAN_OUT_ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    other_bytes: int
    peak_bytes: int
    ran_out_row_count: int
    row_count: int
    def __init__(self, row_count: _Optional[int] = ..., peak_bytes: _Optional[int] = ..., other_bytes: _Optional[int] = ..., ran_out_row_count: _Optional[int] = ...) -> None: ...

class CheckpointHeader(_message.Message):
    __slots__ = ["batch", "epoch", "run", "secret", "size_bytes", "step", "worker"]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    batch: str
    epoch: int
    run: str
    secret: bytes
    size_bytes: int
    step: int
    worker: str
    def __init__(self, worker: _Optional[str] = ..., batch: _Optional[str] = ..., epoch: _Optional[int] = ..., run: _Optional[str] = ..., step: _Optional[int] = ..., size_bytes: _Optional[int] = ..., secret: _Optional[bytes] = ...) -> None: ...

class DeregisterWorkerRequest(_message.Message):
    __slots__ = ["worker", "worker_secret"]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    WORKER_SECRET_FIELD_NUMBER: _ClassVar[int]
    worker: str
    worker_secret: bytes
    def __init__(self, worker: _Optional[str] = ..., worker_secret: _Optional[bytes] = ...) -> None: ...

class DeregisterWorkerResponse(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class Device(_message.Message):
    __slots__ = ["build", "description", "driver", "host", "identity", "memory_bytes", "name"]
    BUILD_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    DRIVER_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    build: str
    description: str
    driver: str
    host: str
    identity: str
    memory_bytes: int
    name: str
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., memory_bytes: _Optional[int] = ..., driver: _Optional[str] = ..., build: _Optional[str] = ..., host: _Optional[str] = ..., identity: _Optional[str] = ...) -> None: ...

class FinishRunsRequest(_message.Message):
    __slots__ = ["batch", "engine_time", "epoch", "memory", "outcomes", "secret", "worker"]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    ENGINE_TIME_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    MEMORY_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    batch: str
    engine_time: _duration_pb2.Duration
    epoch: int
    memory: BatchMemory
    outcomes: _containers.RepeatedCompositeFieldContainer[RunOutcome]
    secret: bytes
    worker: str
    def __init__(self, worker: _Optional[str] = ..., batch: _Optional[str] = ..., epoch: _Optional[int] = ..., outcomes: _Optional[_Iterable[_Union[RunOutcome, _Mapping]]] = ..., memory: _Optional[_Union[BatchMemory, _Mapping]] = ..., engine_time: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., secret: _Optional[bytes] = ...) -> None: ...

class FinishRunsResponse(_message.Message):
    __slots__ = ["states"]
    STATES_FIELD_NUMBER: _ClassVar[int]
    states: _containers.RepeatedScalarFieldContainer[_job_pb2.RunState]
    def __init__(self, states: _Optional[_Iterable[_Union[_job_pb2.RunState, str]]] = ...) -> None: ...

class LeaseBatchRequest(_message.Message):
    __slots__ = ["beside", "row_count", "secret", "wait", "worker", "worker_secret"]
    BESIDE_FIELD_NUMBER: _ClassVar[int]
    ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    WAIT_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    WORKER_SECRET_FIELD_NUMBER: _ClassVar[int]
    beside: str
    row_count: int
    secret: bytes
    wait: _duration_pb2.Duration
    worker: str
    worker_secret: bytes
    def __init__(self, worker: _Optional[str] = ..., wait: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., beside: _Optional[str] = ..., row_count: _Optional[int] = ..., secret: _Optional[bytes] = ..., worker_secret: _Optional[bytes] = ...) -> None: ...

class LeaseBatchResponse(_message.Message):
    __slots__ = ["batch", "calibrate", "drain"]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    CALIBRATE_FIELD_NUMBER: _ClassVar[int]
    DRAIN_FIELD_NUMBER: _ClassVar[int]
    batch: LeasedBatch
    calibrate: bool
    drain: bool
    def __init__(self, batch: _Optional[_Union[LeasedBatch, _Mapping]] = ..., drain: bool = ..., calibrate: bool = ...) -> None: ...

class LeasedBatch(_message.Message):
    __slots__ = ["checkpoint_steps", "epoch", "kind", "lease_expire_time", "name", "preview_steps", "queue", "runs", "secret", "shared", "weights_list"]
    CHECKPOINT_STEPS_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    LEASE_EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PREVIEW_STEPS_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    RUNS_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    SHARED_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_LIST_FIELD_NUMBER: _ClassVar[int]
    checkpoint_steps: int
    epoch: int
    kind: str
    lease_expire_time: _timestamp_pb2.Timestamp
    name: str
    preview_steps: int
    queue: str
    runs: _containers.RepeatedCompositeFieldContainer[LeasedRun]
    secret: bytes
    shared: _job_pb2.RunRequest
    weights_list: _containers.RepeatedCompositeFieldContainer[WeightMap]
    def __init__(self, name: _Optional[str] = ..., epoch: _Optional[int] = ..., lease_expire_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., queue: _Optional[str] = ..., kind: _Optional[str] = ..., shared: _Optional[_Union[_job_pb2.RunRequest, _Mapping]] = ..., runs: _Optional[_Iterable[_Union[LeasedRun, _Mapping]]] = ..., weights_list: _Optional[_Iterable[_Union[WeightMap, _Mapping]]] = ..., checkpoint_steps: _Optional[int] = ..., preview_steps: _Optional[int] = ..., secret: _Optional[bytes] = ...) -> None: ...

class LeasedRun(_message.Message):
    __slots__ = ["attempt", "checkpoint_step", "request", "run"]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_STEP_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    attempt: int
    checkpoint_step: int
    request: _job_pb2.RunRequest
    run: str
    def __init__(self, run: _Optional[str] = ..., attempt: _Optional[int] = ..., request: _Optional[_Union[_job_pb2.RunRequest, _Mapping]] = ..., checkpoint_step: _Optional[int] = ...) -> None: ...

class LoadCheckpointRequest(_message.Message):
    __slots__ = ["batch", "epoch", "run", "secret", "worker"]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    batch: str
    epoch: int
    run: str
    secret: bytes
    worker: str
    def __init__(self, worker: _Optional[str] = ..., batch: _Optional[str] = ..., epoch: _Optional[int] = ..., run: _Optional[str] = ..., secret: _Optional[bytes] = ...) -> None: ...

class LoadCheckpointResponse(_message.Message):
    __slots__ = ["data", "size_bytes", "step"]
    DATA_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    size_bytes: int
    step: int
    def __init__(self, step: _Optional[int] = ..., size_bytes: _Optional[int] = ..., data: _Optional[bytes] = ...) -> None: ...

class RegisterWorkerRequest(_message.Message):
    __slots__ = ["batch_size_max", "catalog", "devices", "display_name", "kinds", "measures", "models", "pixel_steps_max", "pixels_max", "queues", "version"]
    BATCH_SIZE_MAX_FIELD_NUMBER: _ClassVar[int]
    CATALOG_FIELD_NUMBER: _ClassVar[int]
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    KINDS_FIELD_NUMBER: _ClassVar[int]
    MEASURES_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    PIXELS_MAX_FIELD_NUMBER: _ClassVar[int]
    PIXEL_STEPS_MAX_FIELD_NUMBER: _ClassVar[int]
    QUEUES_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    batch_size_max: int
    catalog: _catalog_pb2.Catalog
    devices: _containers.RepeatedCompositeFieldContainer[Device]
    display_name: str
    kinds: _containers.RepeatedScalarFieldContainer[str]
    measures: bool
    models: _containers.RepeatedScalarFieldContainer[str]
    pixel_steps_max: int
    pixels_max: int
    queues: _containers.RepeatedScalarFieldContainer[str]
    version: str
    def __init__(self, display_name: _Optional[str] = ..., queues: _Optional[_Iterable[str]] = ..., kinds: _Optional[_Iterable[str]] = ..., models: _Optional[_Iterable[str]] = ..., batch_size_max: _Optional[int] = ..., devices: _Optional[_Iterable[_Union[Device, _Mapping]]] = ..., version: _Optional[str] = ..., measures: bool = ..., pixels_max: _Optional[int] = ..., pixel_steps_max: _Optional[int] = ..., catalog: _Optional[_Union[_catalog_pb2.Catalog, _Mapping]] = ...) -> None: ...

class ReleaseLeaseRequest(_message.Message):
    __slots__ = ["batch", "epoch", "secret", "worker"]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    batch: str
    epoch: int
    secret: bytes
    worker: str
    def __init__(self, worker: _Optional[str] = ..., batch: _Optional[str] = ..., epoch: _Optional[int] = ..., secret: _Optional[bytes] = ...) -> None: ...

class ReleaseLeaseResponse(_message.Message):
    __slots__ = ["run_count"]
    RUN_COUNT_FIELD_NUMBER: _ClassVar[int]
    run_count: int
    def __init__(self, run_count: _Optional[int] = ...) -> None: ...

class ReportProfileRequest(_message.Message):
    __slots__ = ["device", "height", "json", "model", "width", "worker", "worker_secret"]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    JSON_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    WORKER_SECRET_FIELD_NUMBER: _ClassVar[int]
    device: str
    height: int
    json: str
    model: str
    width: int
    worker: str
    worker_secret: bytes
    def __init__(self, worker: _Optional[str] = ..., device: _Optional[str] = ..., model: _Optional[str] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., json: _Optional[str] = ..., worker_secret: _Optional[bytes] = ...) -> None: ...

class ReportProfileResponse(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class ReportProgressRequest(_message.Message):
    __slots__ = ["batch", "epoch", "memory", "secret", "steps", "worker"]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    MEMORY_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    batch: str
    epoch: int
    memory: BatchMemory
    secret: bytes
    steps: _containers.RepeatedCompositeFieldContainer[RunStep]
    worker: str
    def __init__(self, worker: _Optional[str] = ..., batch: _Optional[str] = ..., epoch: _Optional[int] = ..., steps: _Optional[_Iterable[_Union[RunStep, _Mapping]]] = ..., secret: _Optional[bytes] = ..., memory: _Optional[_Union[BatchMemory, _Mapping]] = ...) -> None: ...

class ReportProgressResponse(_message.Message):
    __slots__ = ["cancel_runs", "drain", "lease_expire_time", "lease_lost", "release_runs"]
    CANCEL_RUNS_FIELD_NUMBER: _ClassVar[int]
    DRAIN_FIELD_NUMBER: _ClassVar[int]
    LEASE_EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    LEASE_LOST_FIELD_NUMBER: _ClassVar[int]
    RELEASE_RUNS_FIELD_NUMBER: _ClassVar[int]
    cancel_runs: _containers.RepeatedScalarFieldContainer[str]
    drain: bool
    lease_expire_time: _timestamp_pb2.Timestamp
    lease_lost: bool
    release_runs: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, lease_expire_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., cancel_runs: _Optional[_Iterable[str]] = ..., release_runs: _Optional[_Iterable[str]] = ..., drain: bool = ..., lease_lost: bool = ...) -> None: ...

class RunOutcome(_message.Message):
    __slots__ = ["attempt", "cancelled", "failure", "released", "run", "success"]
    class Success(_message.Message):
        __slots__ = ["outputs"]
        OUTPUTS_FIELD_NUMBER: _ClassVar[int]
        outputs: _containers.RepeatedCompositeFieldContainer[_job_pb2.Output]
        def __init__(self, outputs: _Optional[_Iterable[_Union[_job_pb2.Output, _Mapping]]] = ...) -> None: ...
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    CANCELLED_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    RELEASED_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    attempt: int
    cancelled: bool
    failure: _job_pb2.RunError
    released: bool
    run: str
    success: RunOutcome.Success
    def __init__(self, run: _Optional[str] = ..., attempt: _Optional[int] = ..., success: _Optional[_Union[RunOutcome.Success, _Mapping]] = ..., failure: _Optional[_Union[_job_pb2.RunError, _Mapping]] = ..., cancelled: bool = ..., released: bool = ...) -> None: ...

class RunStep(_message.Message):
    __slots__ = ["preview", "run", "step", "step_count"]
    PREVIEW_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    STEP_COUNT_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    preview: bytes
    run: str
    step: int
    step_count: int
    def __init__(self, run: _Optional[str] = ..., step: _Optional[int] = ..., step_count: _Optional[int] = ..., preview: _Optional[bytes] = ...) -> None: ...

class SaveCheckpointRequest(_message.Message):
    __slots__ = ["data", "header"]
    DATA_FIELD_NUMBER: _ClassVar[int]
    HEADER_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    header: CheckpointHeader
    def __init__(self, header: _Optional[_Union[CheckpointHeader, _Mapping]] = ..., data: _Optional[bytes] = ...) -> None: ...

class SaveCheckpointResponse(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class WeightMap(_message.Message):
    __slots__ = ["weights"]
    class WeightsEntry(_message.Message):
        __slots__ = ["key", "value"]
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    weights: _containers.ScalarMap[str, float]
    def __init__(self, weights: _Optional[_Mapping[str, float]] = ...) -> None: ...

class WorkerSignal(_message.Message):
    __slots__ = ["calibrate", "drain", "heartbeat_interval", "lease_duration", "report_now", "secret", "worker"]
    CALIBRATE_FIELD_NUMBER: _ClassVar[int]
    DRAIN_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    LEASE_DURATION_FIELD_NUMBER: _ClassVar[int]
    REPORT_NOW_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    calibrate: bool
    drain: bool
    heartbeat_interval: _duration_pb2.Duration
    lease_duration: _duration_pb2.Duration
    report_now: bool
    secret: bytes
    worker: str
    def __init__(self, worker: _Optional[str] = ..., lease_duration: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., heartbeat_interval: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., report_now: bool = ..., drain: bool = ..., calibrate: bool = ..., secret: _Optional[bytes] = ...) -> None: ...
