from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sheaf._pb.sheaf.v1 import rules_pb2 as _rules_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor
ERROR_CLASS_BAD_INPUT: ErrorClass
ERROR_CLASS_CRASH_LOOP: ErrorClass
ERROR_CLASS_DEADLINE: ErrorClass
ERROR_CLASS_ENGINE: ErrorClass
ERROR_CLASS_OUT_OF_MEMORY: ErrorClass
ERROR_CLASS_TRANSIENT: ErrorClass
ERROR_CLASS_UNSPECIFIED: ErrorClass
ERROR_CLASS_WORKER_DIED: ErrorClass
JOB_STATE_CANCELLED: JobState
JOB_STATE_FAILED: JobState
JOB_STATE_QUEUED: JobState
JOB_STATE_RUNNING: JobState
JOB_STATE_SUCCEEDED: JobState
JOB_STATE_UNSPECIFIED: JobState
PRIORITY_HIGH: Priority
PRIORITY_LOW: Priority
PRIORITY_NORMAL: Priority
PRIORITY_UNSPECIFIED: Priority
PRIORITY_URGENT: Priority
RANDOM_MODE_CPU: RandomMode
RANDOM_MODE_PHILOX: RandomMode
RANDOM_MODE_UNSPECIFIED: RandomMode
RUN_STATE_CANCELLED: RunState
RUN_STATE_FAILED: RunState
RUN_STATE_QUEUED: RunState
RUN_STATE_RUNNING: RunState
RUN_STATE_SUCCEEDED: RunState
RUN_STATE_UNSPECIFIED: RunState

class Attempt(_message.Message):
    __slots__ = ["attempt", "batch", "end_time", "epoch", "error", "outcome", "start_time", "worker"]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    attempt: int
    batch: str
    end_time: _timestamp_pb2.Timestamp
    epoch: int
    error: RunError
    outcome: RunState
    start_time: _timestamp_pb2.Timestamp
    worker: str
    def __init__(self, attempt: _Optional[int] = ..., worker: _Optional[str] = ..., batch: _Optional[str] = ..., epoch: _Optional[int] = ..., start_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., outcome: _Optional[_Union[RunState, str]] = ..., error: _Optional[_Union[RunError, _Mapping]] = ...) -> None: ...

class BatchProgress(_message.Message):
    __slots__ = ["failed_run_count", "memory_bytes", "name", "running_run_count", "succeeded_run_count"]
    FAILED_RUN_COUNT_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    RUNNING_RUN_COUNT_FIELD_NUMBER: _ClassVar[int]
    SUCCEEDED_RUN_COUNT_FIELD_NUMBER: _ClassVar[int]
    failed_run_count: int
    memory_bytes: int
    name: str
    running_run_count: int
    succeeded_run_count: int
    def __init__(self, name: _Optional[str] = ..., running_run_count: _Optional[int] = ..., succeeded_run_count: _Optional[int] = ..., failed_run_count: _Optional[int] = ..., memory_bytes: _Optional[int] = ...) -> None: ...

class Control(_message.Message):
    __slots__ = ["end", "image", "preprocess", "start", "type", "weight"]
    END_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    PREPROCESS_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    end: float
    image: str
    preprocess: str
    start: float
    type: str
    weight: float
    def __init__(self, type: _Optional[str] = ..., weight: _Optional[float] = ..., image: _Optional[str] = ..., start: _Optional[float] = ..., end: _Optional[float] = ..., preprocess: _Optional[str] = ...) -> None: ...

class Job(_message.Message):
    __slots__ = ["attempts_max", "create_time", "end_time", "eta", "eta_per_run", "etag", "expire_time", "kind", "labels", "name", "owner", "position", "priority", "queue", "request_id", "run_count", "run_counts", "run_time", "runs", "shared", "start_deadline", "start_time", "state", "success_ratio"]
    class LabelsEntry(_message.Message):
        __slots__ = ["key", "value"]
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ATTEMPTS_MAX_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    ETA_FIELD_NUMBER: _ClassVar[int]
    ETA_PER_RUN_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    RUNS_FIELD_NUMBER: _ClassVar[int]
    RUN_COUNTS_FIELD_NUMBER: _ClassVar[int]
    RUN_COUNT_FIELD_NUMBER: _ClassVar[int]
    RUN_TIME_FIELD_NUMBER: _ClassVar[int]
    SHARED_FIELD_NUMBER: _ClassVar[int]
    START_DEADLINE_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_RATIO_FIELD_NUMBER: _ClassVar[int]
    attempts_max: int
    create_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    eta: _timestamp_pb2.Timestamp
    eta_per_run: _duration_pb2.Duration
    etag: str
    expire_time: _timestamp_pb2.Timestamp
    kind: str
    labels: _containers.ScalarMap[str, str]
    name: str
    owner: str
    position: int
    priority: Priority
    queue: str
    request_id: str
    run_count: int
    run_counts: RunCounts
    run_time: _timestamp_pb2.Timestamp
    runs: _containers.RepeatedCompositeFieldContainer[Run]
    shared: RunRequest
    start_deadline: _timestamp_pb2.Timestamp
    start_time: _timestamp_pb2.Timestamp
    state: JobState
    success_ratio: float
    def __init__(self, name: _Optional[str] = ..., queue: _Optional[str] = ..., kind: _Optional[str] = ..., priority: _Optional[_Union[Priority, str]] = ..., owner: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ..., state: _Optional[_Union[JobState, str]] = ..., run_counts: _Optional[_Union[RunCounts, _Mapping]] = ..., run_count: _Optional[int] = ..., create_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., run_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., start_deadline: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., start_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., expire_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., attempts_max: _Optional[int] = ..., request_id: _Optional[str] = ..., etag: _Optional[str] = ..., shared: _Optional[_Union[RunRequest, _Mapping]] = ..., runs: _Optional[_Iterable[_Union[Run, _Mapping]]] = ..., position: _Optional[int] = ..., eta: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., eta_per_run: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., success_ratio: _Optional[float] = ...) -> None: ...

class JobSpec(_message.Message):
    __slots__ = ["attempts_max", "kind", "labels", "owner", "priority", "queue", "run_time", "runs", "shared", "start_deadline", "sweep"]
    class LabelsEntry(_message.Message):
        __slots__ = ["key", "value"]
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ATTEMPTS_MAX_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    RUNS_FIELD_NUMBER: _ClassVar[int]
    RUN_TIME_FIELD_NUMBER: _ClassVar[int]
    SHARED_FIELD_NUMBER: _ClassVar[int]
    START_DEADLINE_FIELD_NUMBER: _ClassVar[int]
    SWEEP_FIELD_NUMBER: _ClassVar[int]
    attempts_max: int
    kind: str
    labels: _containers.ScalarMap[str, str]
    owner: str
    priority: Priority
    queue: str
    run_time: _timestamp_pb2.Timestamp
    runs: _containers.RepeatedCompositeFieldContainer[RunRequest]
    shared: RunRequest
    start_deadline: _timestamp_pb2.Timestamp
    sweep: Sweep
    def __init__(self, queue: _Optional[str] = ..., kind: _Optional[str] = ..., priority: _Optional[_Union[Priority, str]] = ..., owner: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ..., run_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., start_deadline: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., attempts_max: _Optional[int] = ..., shared: _Optional[_Union[RunRequest, _Mapping]] = ..., runs: _Optional[_Iterable[_Union[RunRequest, _Mapping]]] = ..., sweep: _Optional[_Union[Sweep, _Mapping]] = ...) -> None: ...

class Lora(_message.Message):
    __slots__ = ["name", "weight"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    name: str
    weight: float
    def __init__(self, name: _Optional[str] = ..., weight: _Optional[float] = ...) -> None: ...

class Output(_message.Message):
    __slots__ = ["artifact", "media_type", "name"]
    ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    artifact: str
    media_type: str
    name: str
    def __init__(self, artifact: _Optional[str] = ..., name: _Optional[str] = ..., media_type: _Optional[str] = ...) -> None: ...

class Progress(_message.Message):
    __slots__ = ["batch", "eta", "preview_step", "step", "step_count", "update_time"]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    ETA_FIELD_NUMBER: _ClassVar[int]
    PREVIEW_STEP_FIELD_NUMBER: _ClassVar[int]
    STEP_COUNT_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    batch: BatchProgress
    eta: _timestamp_pb2.Timestamp
    preview_step: int
    step: int
    step_count: int
    update_time: _timestamp_pb2.Timestamp
    def __init__(self, step: _Optional[int] = ..., step_count: _Optional[int] = ..., update_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., eta: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., preview_step: _Optional[int] = ..., batch: _Optional[_Union[BatchProgress, _Mapping]] = ...) -> None: ...

class Run(_message.Message):
    __slots__ = ["attempt", "attempts", "batch", "cancel_requested", "end_time", "error", "failure_count", "index", "name", "outputs", "plan_batch", "progress", "request", "run_time", "start_time", "state", "worker"]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    CANCEL_REQUESTED_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    FAILURE_COUNT_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    PLAN_BATCH_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    RUN_TIME_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    attempt: int
    attempts: _containers.RepeatedCompositeFieldContainer[Attempt]
    batch: str
    cancel_requested: bool
    end_time: _timestamp_pb2.Timestamp
    error: RunError
    failure_count: int
    index: int
    name: str
    outputs: _containers.RepeatedCompositeFieldContainer[Output]
    plan_batch: str
    progress: Progress
    request: RunRequest
    run_time: _timestamp_pb2.Timestamp
    start_time: _timestamp_pb2.Timestamp
    state: RunState
    worker: str
    def __init__(self, name: _Optional[str] = ..., index: _Optional[int] = ..., state: _Optional[_Union[RunState, str]] = ..., request: _Optional[_Union[RunRequest, _Mapping]] = ..., attempt: _Optional[int] = ..., failure_count: _Optional[int] = ..., batch: _Optional[str] = ..., worker: _Optional[str] = ..., run_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., start_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., outputs: _Optional[_Iterable[_Union[Output, _Mapping]]] = ..., error: _Optional[_Union[RunError, _Mapping]] = ..., progress: _Optional[_Union[Progress, _Mapping]] = ..., cancel_requested: bool = ..., attempts: _Optional[_Iterable[_Union[Attempt, _Mapping]]] = ..., plan_batch: _Optional[str] = ...) -> None: ...

class RunCounts(_message.Message):
    __slots__ = ["cancelled", "failed", "queued", "running", "succeeded"]
    CANCELLED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    QUEUED_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    SUCCEEDED_FIELD_NUMBER: _ClassVar[int]
    cancelled: int
    failed: int
    queued: int
    running: int
    succeeded: int
    def __init__(self, queued: _Optional[int] = ..., running: _Optional[int] = ..., succeeded: _Optional[int] = ..., failed: _Optional[int] = ..., cancelled: _Optional[int] = ...) -> None: ...

class RunError(_message.Message):
    __slots__ = ["error_class", "message"]
    ERROR_CLASS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    error_class: ErrorClass
    message: str
    def __init__(self, error_class: _Optional[_Union[ErrorClass, str]] = ..., message: _Optional[str] = ...) -> None: ...

class RunRequest(_message.Message):
    __slots__ = ["clip_skip", "controls", "crop_left", "crop_top", "emphasis", "eta", "extra", "guess_mode", "guidance", "guidance_rescale", "height", "image_guidance", "images", "init_image", "loras", "mask", "model", "negative_prompt", "negative_prompt_2", "original_height", "original_width", "prompt", "prompt_2", "prompt_chunks", "random", "refiner", "refiner_start", "sampler", "seed", "steps", "strength", "target_height", "target_width", "vae", "weights", "width"]
    class ExtraEntry(_message.Message):
        __slots__ = ["key", "value"]
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class WeightsEntry(_message.Message):
        __slots__ = ["key", "value"]
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    CLIP_SKIP_FIELD_NUMBER: _ClassVar[int]
    CONTROLS_FIELD_NUMBER: _ClassVar[int]
    CROP_LEFT_FIELD_NUMBER: _ClassVar[int]
    CROP_TOP_FIELD_NUMBER: _ClassVar[int]
    EMPHASIS_FIELD_NUMBER: _ClassVar[int]
    ETA_FIELD_NUMBER: _ClassVar[int]
    EXTRA_FIELD_NUMBER: _ClassVar[int]
    GUESS_MODE_FIELD_NUMBER: _ClassVar[int]
    GUIDANCE_FIELD_NUMBER: _ClassVar[int]
    GUIDANCE_RESCALE_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    IMAGES_FIELD_NUMBER: _ClassVar[int]
    IMAGE_GUIDANCE_FIELD_NUMBER: _ClassVar[int]
    INIT_IMAGE_FIELD_NUMBER: _ClassVar[int]
    LORAS_FIELD_NUMBER: _ClassVar[int]
    MASK_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    NEGATIVE_PROMPT_2_FIELD_NUMBER: _ClassVar[int]
    NEGATIVE_PROMPT_FIELD_NUMBER: _ClassVar[int]
    ORIGINAL_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    ORIGINAL_WIDTH_FIELD_NUMBER: _ClassVar[int]
    PROMPT_2_FIELD_NUMBER: _ClassVar[int]
    PROMPT_CHUNKS_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    RANDOM_FIELD_NUMBER: _ClassVar[int]
    REFINER_FIELD_NUMBER: _ClassVar[int]
    REFINER_START_FIELD_NUMBER: _ClassVar[int]
    SAMPLER_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    STRENGTH_FIELD_NUMBER: _ClassVar[int]
    TARGET_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    TARGET_WIDTH_FIELD_NUMBER: _ClassVar[int]
    VAE_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    clip_skip: int
    controls: _containers.RepeatedCompositeFieldContainer[Control]
    crop_left: int
    crop_top: int
    emphasis: bool
    eta: float
    extra: _containers.ScalarMap[str, str]
    guess_mode: bool
    guidance: float
    guidance_rescale: float
    height: int
    image_guidance: float
    images: _containers.RepeatedScalarFieldContainer[str]
    init_image: str
    loras: _containers.RepeatedCompositeFieldContainer[Lora]
    mask: str
    model: str
    negative_prompt: str
    negative_prompt_2: str
    original_height: int
    original_width: int
    prompt: str
    prompt_2: str
    prompt_chunks: int
    random: RandomMode
    refiner: str
    refiner_start: float
    sampler: str
    seed: int
    steps: int
    strength: float
    target_height: int
    target_width: int
    vae: str
    weights: _containers.ScalarMap[str, float]
    width: int
    def __init__(self, prompt: _Optional[str] = ..., negative_prompt: _Optional[str] = ..., seed: _Optional[int] = ..., steps: _Optional[int] = ..., guidance: _Optional[float] = ..., sampler: _Optional[str] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., model: _Optional[str] = ..., vae: _Optional[str] = ..., controls: _Optional[_Iterable[_Union[Control, _Mapping]]] = ..., weights: _Optional[_Mapping[str, float]] = ..., loras: _Optional[_Iterable[_Union[Lora, _Mapping]]] = ..., init_image: _Optional[str] = ..., mask: _Optional[str] = ..., strength: _Optional[float] = ..., extra: _Optional[_Mapping[str, str]] = ..., clip_skip: _Optional[int] = ..., prompt_chunks: _Optional[int] = ..., emphasis: bool = ..., guess_mode: bool = ..., eta: _Optional[float] = ..., guidance_rescale: _Optional[float] = ..., image_guidance: _Optional[float] = ..., random: _Optional[_Union[RandomMode, str]] = ..., prompt_2: _Optional[str] = ..., negative_prompt_2: _Optional[str] = ..., original_width: _Optional[int] = ..., original_height: _Optional[int] = ..., crop_left: _Optional[int] = ..., crop_top: _Optional[int] = ..., target_width: _Optional[int] = ..., target_height: _Optional[int] = ..., refiner: _Optional[str] = ..., refiner_start: _Optional[float] = ..., images: _Optional[_Iterable[str]] = ...) -> None: ...

class Sweep(_message.Message):
    __slots__ = ["axes", "mode"]
    class Mode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = []
        MODE_PRODUCT: _ClassVar[Sweep.Mode]
        MODE_UNSPECIFIED: _ClassVar[Sweep.Mode]
        MODE_ZIP: _ClassVar[Sweep.Mode]
    AXES_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    MODE_PRODUCT: Sweep.Mode
    MODE_UNSPECIFIED: Sweep.Mode
    MODE_ZIP: Sweep.Mode
    axes: _containers.RepeatedCompositeFieldContainer[SweepAxis]
    mode: Sweep.Mode
    def __init__(self, mode: _Optional[_Union[Sweep.Mode, str]] = ..., axes: _Optional[_Iterable[_Union[SweepAxis, _Mapping]]] = ...) -> None: ...

class SweepAxis(_message.Message):
    __slots__ = ["field", "range", "values"]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    RANGE_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    field: str
    range: SweepRange
    values: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, field: _Optional[str] = ..., values: _Optional[_Iterable[str]] = ..., range: _Optional[_Union[SweepRange, _Mapping]] = ...) -> None: ...

class SweepRange(_message.Message):
    __slots__ = ["step", "to"]
    FROM_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    step: float
    to: float
    def __init__(self, to: _Optional[float] = ..., step: _Optional[float] = ..., **kwargs) -> None: ...

class Priority(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
    PRIORITY_HIGH: _ClassVar[Priority]
    PRIORITY_LOW: _ClassVar[Priority]
    PRIORITY_NORMAL: _ClassVar[Priority]
    PRIORITY_UNSPECIFIED: _ClassVar[Priority]
    PRIORITY_URGENT: _ClassVar[Priority]

class RunState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
    RUN_STATE_CANCELLED: _ClassVar[RunState]
    RUN_STATE_FAILED: _ClassVar[RunState]
    RUN_STATE_QUEUED: _ClassVar[RunState]
    RUN_STATE_RUNNING: _ClassVar[RunState]
    RUN_STATE_SUCCEEDED: _ClassVar[RunState]
    RUN_STATE_UNSPECIFIED: _ClassVar[RunState]

class JobState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
    JOB_STATE_CANCELLED: _ClassVar[JobState]
    JOB_STATE_FAILED: _ClassVar[JobState]
    JOB_STATE_QUEUED: _ClassVar[JobState]
    JOB_STATE_RUNNING: _ClassVar[JobState]
    JOB_STATE_SUCCEEDED: _ClassVar[JobState]
    JOB_STATE_UNSPECIFIED: _ClassVar[JobState]

class ErrorClass(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
    ERROR_CLASS_BAD_INPUT: _ClassVar[ErrorClass]
    ERROR_CLASS_CRASH_LOOP: _ClassVar[ErrorClass]
    ERROR_CLASS_DEADLINE: _ClassVar[ErrorClass]
    ERROR_CLASS_ENGINE: _ClassVar[ErrorClass]
    ERROR_CLASS_OUT_OF_MEMORY: _ClassVar[ErrorClass]
    ERROR_CLASS_TRANSIENT: _ClassVar[ErrorClass]
    ERROR_CLASS_UNSPECIFIED: _ClassVar[ErrorClass]
    ERROR_CLASS_WORKER_DIED: _ClassVar[ErrorClass]

class RandomMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
    RANDOM_MODE_CPU: _ClassVar[RandomMode]
    RANDOM_MODE_PHILOX: _ClassVar[RandomMode]
    RANDOM_MODE_UNSPECIFIED: _ClassVar[RandomMode]
