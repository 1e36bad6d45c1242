from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sheaf._pb.sheaf.v1 import rules_pb2 as _rules_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

BATCHING_MODE_BEST: BatchingMode
BATCHING_MODE_MIXED: BatchingMode
BATCHING_MODE_STRICT: BatchingMode
BATCHING_MODE_UNSPECIFIED: BatchingMode
DESCRIPTOR: _descriptor.FileDescriptor
ESTIMATOR_KIND_COST_MODEL: EstimatorKind
ESTIMATOR_KIND_HEURISTIC: EstimatorKind
ESTIMATOR_KIND_UNSPECIFIED: EstimatorKind
PLANNER_KIND_GREEDY: PlannerKind
PLANNER_KIND_OPTIMAL: PlannerKind
PLANNER_KIND_UNSPECIFIED: PlannerKind
PLAN_STATE_ACTIVE: PlanState
PLAN_STATE_READY: PlanState
PLAN_STATE_REPLACED: PlanState
PLAN_STATE_UNDONE: PlanState
PLAN_STATE_UNSPECIFIED: PlanState
PLAN_VERDICT_EXECUTE: PlanVerdict
PLAN_VERDICT_NO_GAIN: PlanVerdict
PLAN_VERDICT_SLOWER: PlanVerdict
PLAN_VERDICT_UNSPECIFIED: PlanVerdict
SIGNATURE_KIND_CONSERVATIVE: SignatureKind
SIGNATURE_KIND_MINIMAL: SignatureKind
SIGNATURE_KIND_UNSPECIFIED: SignatureKind

class AnalyzeAndExecuteRequest(_message.Message):
    __slots__ = ["actor", "batch_size", "min_speedup", "mode", "planner", "planning", "queue", "request_id", "signature"]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    BATCH_SIZE_FIELD_NUMBER: _ClassVar[int]
    MIN_SPEEDUP_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    PLANNER_FIELD_NUMBER: _ClassVar[int]
    PLANNING_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    actor: str
    batch_size: int
    min_speedup: float
    mode: BatchingMode
    planner: PlannerKind
    planning: PlanningSettings
    queue: str
    request_id: str
    signature: SignatureKind
    def __init__(self, queue: _Optional[str] = ..., mode: _Optional[_Union[BatchingMode, str]] = ..., batch_size: _Optional[int] = ..., planner: _Optional[_Union[PlannerKind, str]] = ..., signature: _Optional[_Union[SignatureKind, str]] = ..., min_speedup: _Optional[float] = ..., planning: _Optional[_Union[PlanningSettings, _Mapping]] = ..., request_id: _Optional[str] = ..., actor: _Optional[str] = ...) -> None: ...

class AnalyzeAndExecuteResponse(_message.Message):
    __slots__ = ["executed", "message", "plan"]
    EXECUTED_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    executed: bool
    message: str
    plan: Plan
    def __init__(self, plan: _Optional[_Union[Plan, _Mapping]] = ..., executed: bool = ..., message: _Optional[str] = ...) -> None: ...

class AnalyzeQueueRequest(_message.Message):
    __slots__ = ["batch_size", "estimator", "live", "mode", "planner", "planning", "queue", "signature", "validate_only"]
    BATCH_SIZE_FIELD_NUMBER: _ClassVar[int]
    ESTIMATOR_FIELD_NUMBER: _ClassVar[int]
    LIVE_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    PLANNER_FIELD_NUMBER: _ClassVar[int]
    PLANNING_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    batch_size: int
    estimator: EstimatorKind
    live: bool
    mode: BatchingMode
    planner: PlannerKind
    planning: PlanningSettings
    queue: str
    signature: SignatureKind
    validate_only: bool
    def __init__(self, queue: _Optional[str] = ..., mode: _Optional[_Union[BatchingMode, str]] = ..., batch_size: _Optional[int] = ..., planner: _Optional[_Union[PlannerKind, str]] = ..., signature: _Optional[_Union[SignatureKind, str]] = ..., live: bool = ..., estimator: _Optional[_Union[EstimatorKind, str]] = ..., validate_only: bool = ..., planning: _Optional[_Union[PlanningSettings, _Mapping]] = ...) -> None: ...

class AnalyzeQueueResponse(_message.Message):
    __slots__ = ["batches", "message", "plan"]
    BATCHES_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    batches: _containers.RepeatedCompositeFieldContainer[PlanBatch]
    message: str
    plan: Plan
    def __init__(self, plan: _Optional[_Union[Plan, _Mapping]] = ..., message: _Optional[str] = ..., batches: _Optional[_Iterable[_Union[PlanBatch, _Mapping]]] = ...) -> None: ...

class BatchProfile(_message.Message):
    __slots__ = ["calibrations", "json", "measured", "name"]
    CALIBRATIONS_FIELD_NUMBER: _ClassVar[int]
    JSON_FIELD_NUMBER: _ClassVar[int]
    MEASURED_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    calibrations: _containers.RepeatedCompositeFieldContainer[WorkCalibration]
    json: str
    measured: _containers.RepeatedCompositeFieldContainer[MeasuredProfile]
    name: str
    def __init__(self, name: _Optional[str] = ..., json: _Optional[str] = ..., calibrations: _Optional[_Iterable[_Union[WorkCalibration, _Mapping]]] = ..., measured: _Optional[_Iterable[_Union[MeasuredProfile, _Mapping]]] = ...) -> None: ...

class ExecutePlanRequest(_message.Message):
    __slots__ = ["actor", "name", "queue", "request_id", "unchanged"]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    UNCHANGED_FIELD_NUMBER: _ClassVar[int]
    actor: str
    name: str
    queue: str
    request_id: str
    unchanged: bool
    def __init__(self, name: _Optional[str] = ..., queue: _Optional[str] = ..., request_id: _Optional[str] = ..., actor: _Optional[str] = ..., unchanged: bool = ...) -> None: ...

class ExecutePlanResponse(_message.Message):
    __slots__ = ["message", "plan", "replayed"]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    message: str
    plan: Plan
    replayed: bool
    def __init__(self, plan: _Optional[_Union[Plan, _Mapping]] = ..., message: _Optional[str] = ..., replayed: bool = ...) -> None: ...

class ExplainRunRequest(_message.Message):
    __slots__ = ["other", "run"]
    OTHER_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    other: str
    run: str
    def __init__(self, run: _Optional[str] = ..., other: _Optional[str] = ...) -> None: ...

class ExplainRunResponse(_message.Message):
    __slots__ = ["differences", "mixed", "strict", "text"]
    class Difference(_message.Message):
        __slots__ = ["blocks_mixed", "blocks_strict", "field", "other_value", "value"]
        BLOCKS_MIXED_FIELD_NUMBER: _ClassVar[int]
        BLOCKS_STRICT_FIELD_NUMBER: _ClassVar[int]
        FIELD_FIELD_NUMBER: _ClassVar[int]
        OTHER_VALUE_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        blocks_mixed: bool
        blocks_strict: bool
        field: str
        other_value: str
        value: str
        def __init__(self, field: _Optional[str] = ..., value: _Optional[str] = ..., other_value: _Optional[str] = ..., blocks_strict: bool = ..., blocks_mixed: bool = ...) -> None: ...
    DIFFERENCES_FIELD_NUMBER: _ClassVar[int]
    MIXED_FIELD_NUMBER: _ClassVar[int]
    STRICT_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    differences: _containers.RepeatedCompositeFieldContainer[ExplainRunResponse.Difference]
    mixed: bool
    strict: bool
    text: str
    def __init__(self, differences: _Optional[_Iterable[_Union[ExplainRunResponse.Difference, _Mapping]]] = ..., strict: bool = ..., mixed: bool = ..., text: _Optional[str] = ...) -> None: ...

class ForgetLearnedRequest(_message.Message):
    __slots__ = ["all", "name"]
    ALL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    all: bool
    name: str
    def __init__(self, name: _Optional[str] = ..., all: bool = ...) -> None: ...

class ForgetLearnedResponse(_message.Message):
    __slots__ = ["work_count"]
    WORK_COUNT_FIELD_NUMBER: _ClassVar[int]
    work_count: int
    def __init__(self, work_count: _Optional[int] = ...) -> None: ...

class GetBatchProfileRequest(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class GetPlanRequest(_message.Message):
    __slots__ = ["name"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListPlanBatchesRequest(_message.Message):
    __slots__ = ["page_size", "page_token", "plan"]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    plan: str
    def __init__(self, plan: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListPlanBatchesResponse(_message.Message):
    __slots__ = ["batches", "next_page_token"]
    BATCHES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    batches: _containers.RepeatedCompositeFieldContainer[PlanBatch]
    next_page_token: str
    def __init__(self, batches: _Optional[_Iterable[_Union[PlanBatch, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListPlansRequest(_message.Message):
    __slots__ = ["page_size", "page_token", "queue"]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    queue: str
    def __init__(self, queue: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListPlansResponse(_message.Message):
    __slots__ = ["next_page_token", "plans"]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    PLANS_FIELD_NUMBER: _ClassVar[int]
    next_page_token: str
    plans: _containers.RepeatedCompositeFieldContainer[Plan]
    def __init__(self, plans: _Optional[_Iterable[_Union[Plan, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class MeasuredProfile(_message.Message):
    __slots__ = ["device", "height", "json", "model", "width"]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    JSON_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    device: str
    height: int
    json: str
    model: str
    width: int
    def __init__(self, device: _Optional[str] = ..., model: _Optional[str] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., json: _Optional[str] = ...) -> None: ...

class Plan(_message.Message):
    __slots__ = ["baseline", "batch_count", "batch_size", "create_time", "earlier_run_count", "execute_time", "expire_time", "fullest_batch_count", "fullest_time", "gain", "heuristic_speedup", "job_count", "later_run_count", "live", "measured_actual", "measured_batch_count", "measured_predicted", "mode", "name", "predicted", "profile", "queue", "run_count", "singles", "speedup", "state", "text", "unplanned", "verdict", "warnings"]
    class UnplannedEntry(_message.Message):
        __slots__ = ["key", "value"]
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    BASELINE_FIELD_NUMBER: _ClassVar[int]
    BATCH_COUNT_FIELD_NUMBER: _ClassVar[int]
    BATCH_SIZE_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    EARLIER_RUN_COUNT_FIELD_NUMBER: _ClassVar[int]
    EXECUTE_TIME_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    FULLEST_BATCH_COUNT_FIELD_NUMBER: _ClassVar[int]
    FULLEST_TIME_FIELD_NUMBER: _ClassVar[int]
    GAIN_FIELD_NUMBER: _ClassVar[int]
    HEURISTIC_SPEEDUP_FIELD_NUMBER: _ClassVar[int]
    JOB_COUNT_FIELD_NUMBER: _ClassVar[int]
    LATER_RUN_COUNT_FIELD_NUMBER: _ClassVar[int]
    LIVE_FIELD_NUMBER: _ClassVar[int]
    MEASURED_ACTUAL_FIELD_NUMBER: _ClassVar[int]
    MEASURED_BATCH_COUNT_FIELD_NUMBER: _ClassVar[int]
    MEASURED_PREDICTED_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PREDICTED_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    RUN_COUNT_FIELD_NUMBER: _ClassVar[int]
    SINGLES_FIELD_NUMBER: _ClassVar[int]
    SPEEDUP_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    UNPLANNED_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    baseline: _duration_pb2.Duration
    batch_count: int
    batch_size: int
    create_time: _timestamp_pb2.Timestamp
    earlier_run_count: int
    execute_time: _timestamp_pb2.Timestamp
    expire_time: _timestamp_pb2.Timestamp
    fullest_batch_count: int
    fullest_time: _duration_pb2.Duration
    gain: str
    heuristic_speedup: float
    job_count: int
    later_run_count: int
    live: bool
    measured_actual: _duration_pb2.Duration
    measured_batch_count: int
    measured_predicted: _duration_pb2.Duration
    mode: BatchingMode
    name: str
    predicted: TimeEstimate
    profile: str
    queue: str
    run_count: int
    singles: _duration_pb2.Duration
    speedup: float
    state: PlanState
    text: str
    unplanned: _containers.ScalarMap[str, int]
    verdict: PlanVerdict
    warnings: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., queue: _Optional[str] = ..., state: _Optional[_Union[PlanState, str]] = ..., mode: _Optional[_Union[BatchingMode, str]] = ..., batch_size: _Optional[int] = ..., live: bool = ..., run_count: _Optional[int] = ..., job_count: _Optional[int] = ..., batch_count: _Optional[int] = ..., predicted: _Optional[_Union[TimeEstimate, _Mapping]] = ..., baseline: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., singles: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., gain: _Optional[str] = ..., profile: _Optional[str] = ..., earlier_run_count: _Optional[int] = ..., later_run_count: _Optional[int] = ..., warnings: _Optional[_Iterable[str]] = ..., unplanned: _Optional[_Mapping[str, int]] = ..., text: _Optional[str] = ..., create_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., expire_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., execute_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., measured_batch_count: _Optional[int] = ..., measured_predicted: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., measured_actual: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., heuristic_speedup: _Optional[float] = ..., speedup: _Optional[float] = ..., verdict: _Optional[_Union[PlanVerdict, str]] = ..., fullest_batch_count: _Optional[int] = ..., fullest_time: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class PlanBatch(_message.Message):
    __slots__ = ["actual", "control_types", "jobs", "name", "predicted", "reason", "runs", "weights_list"]
    ACTUAL_FIELD_NUMBER: _ClassVar[int]
    CONTROL_TYPES_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PREDICTED_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    RUNS_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_LIST_FIELD_NUMBER: _ClassVar[int]
    actual: _duration_pb2.Duration
    control_types: _containers.RepeatedScalarFieldContainer[str]
    jobs: _containers.RepeatedScalarFieldContainer[str]
    name: str
    predicted: _duration_pb2.Duration
    reason: str
    runs: _containers.RepeatedScalarFieldContainer[str]
    weights_list: _containers.RepeatedCompositeFieldContainer[Weights]
    def __init__(self, name: _Optional[str] = ..., runs: _Optional[_Iterable[str]] = ..., jobs: _Optional[_Iterable[str]] = ..., control_types: _Optional[_Iterable[str]] = ..., weights_list: _Optional[_Iterable[_Union[Weights, _Mapping]]] = ..., predicted: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., reason: _Optional[str] = ..., actual: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class PlanningSettings(_message.Message):
    __slots__ = ["across_priorities", "harm_max", "knee_percent", "waiting_percent"]
    ACROSS_PRIORITIES_FIELD_NUMBER: _ClassVar[int]
    HARM_MAX_FIELD_NUMBER: _ClassVar[int]
    KNEE_PERCENT_FIELD_NUMBER: _ClassVar[int]
    WAITING_PERCENT_FIELD_NUMBER: _ClassVar[int]
    across_priorities: bool
    harm_max: _duration_pb2.Duration
    knee_percent: int
    waiting_percent: int
    def __init__(self, harm_max: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., waiting_percent: _Optional[int] = ..., knee_percent: _Optional[int] = ..., across_priorities: bool = ...) -> None: ...

class TimeEstimate(_message.Message):
    __slots__ = ["high", "low", "time"]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    high: _duration_pb2.Duration
    low: _duration_pb2.Duration
    time: _duration_pb2.Duration
    def __init__(self, time: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., low: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., high: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class UndoPlanRequest(_message.Message):
    __slots__ = ["actor", "name"]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    actor: str
    name: str
    def __init__(self, name: _Optional[str] = ..., actor: _Optional[str] = ...) -> None: ...

class Weights(_message.Message):
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

class WorkCalibration(_message.Message):
    __slots__ = ["batch_count", "batch_size_max", "calibrated", "control_count", "correction", "device", "height", "high", "low", "model", "recommendation", "width"]
    BATCH_COUNT_FIELD_NUMBER: _ClassVar[int]
    BATCH_SIZE_MAX_FIELD_NUMBER: _ClassVar[int]
    CALIBRATED_FIELD_NUMBER: _ClassVar[int]
    CONTROL_COUNT_FIELD_NUMBER: _ClassVar[int]
    CORRECTION_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    RECOMMENDATION_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    batch_count: int
    batch_size_max: int
    calibrated: bool
    control_count: int
    correction: float
    device: str
    height: int
    high: float
    low: float
    model: str
    recommendation: str
    width: int
    def __init__(self, device: _Optional[str] = ..., model: _Optional[str] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., batch_count: _Optional[int] = ..., calibrated: bool = ..., correction: _Optional[float] = ..., low: _Optional[float] = ..., high: _Optional[float] = ..., batch_size_max: _Optional[int] = ..., recommendation: _Optional[str] = ..., control_count: _Optional[int] = ...) -> None: ...

class BatchingMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
    BATCHING_MODE_BEST: _ClassVar[BatchingMode]
    BATCHING_MODE_MIXED: _ClassVar[BatchingMode]
    BATCHING_MODE_STRICT: _ClassVar[BatchingMode]
    BATCHING_MODE_UNSPECIFIED: _ClassVar[BatchingMode]

class PlannerKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
    PLANNER_KIND_GREEDY: _ClassVar[PlannerKind]
    PLANNER_KIND_OPTIMAL: _ClassVar[PlannerKind]
    PLANNER_KIND_UNSPECIFIED: _ClassVar[PlannerKind]

class SignatureKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
    SIGNATURE_KIND_CONSERVATIVE: _ClassVar[SignatureKind]
    SIGNATURE_KIND_MINIMAL: _ClassVar[SignatureKind]
    SIGNATURE_KIND_UNSPECIFIED: _ClassVar[SignatureKind]

class EstimatorKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
    ESTIMATOR_KIND_COST_MODEL: _ClassVar[EstimatorKind]
    ESTIMATOR_KIND_HEURISTIC: _ClassVar[EstimatorKind]
    ESTIMATOR_KIND_UNSPECIFIED: _ClassVar[EstimatorKind]

class PlanState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
    PLAN_STATE_ACTIVE: _ClassVar[PlanState]
    PLAN_STATE_READY: _ClassVar[PlanState]
    PLAN_STATE_REPLACED: _ClassVar[PlanState]
    PLAN_STATE_UNDONE: _ClassVar[PlanState]
    PLAN_STATE_UNSPECIFIED: _ClassVar[PlanState]

class PlanVerdict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
    PLAN_VERDICT_EXECUTE: _ClassVar[PlanVerdict]
    PLAN_VERDICT_NO_GAIN: _ClassVar[PlanVerdict]
    PLAN_VERDICT_SLOWER: _ClassVar[PlanVerdict]
    PLAN_VERDICT_UNSPECIFIED: _ClassVar[PlanVerdict]
