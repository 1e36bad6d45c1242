from sheaf._pb.sheaf.v1 import job_pb2 as _job_pb2
from sheaf._pb.sheaf.v1 import rules_pb2 as _rules_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

BATCH_CAPABILITY_EQUAL_CONTROLS: BatchCapability
BATCH_CAPABILITY_EQUAL_PICTURES: BatchCapability
BATCH_CAPABILITY_FULL: BatchCapability
BATCH_CAPABILITY_ONE_BY_ONE: BatchCapability
BATCH_CAPABILITY_UNSPECIFIED: BatchCapability
DESCRIPTOR: _descriptor.FileDescriptor

class Catalog(_message.Message):
    __slots__ = ["models", "preprocessors", "samplers"]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    PREPROCESSORS_FIELD_NUMBER: _ClassVar[int]
    SAMPLERS_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[CatalogModel]
    preprocessors: _containers.RepeatedScalarFieldContainer[str]
    samplers: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, models: _Optional[_Iterable[_Union[CatalogModel, _Mapping]]] = ..., samplers: _Optional[_Iterable[str]] = ..., preprocessors: _Optional[_Iterable[str]] = ...) -> None: ...

class CatalogModel(_message.Message):
    __slots__ = ["batching", "controls", "defaults", "family", "is_default", "loras", "name", "pixels_max", "tasks", "vaes"]
    BATCHING_FIELD_NUMBER: _ClassVar[int]
    CONTROLS_FIELD_NUMBER: _ClassVar[int]
    DEFAULTS_FIELD_NUMBER: _ClassVar[int]
    FAMILY_FIELD_NUMBER: _ClassVar[int]
    IS_DEFAULT_FIELD_NUMBER: _ClassVar[int]
    LORAS_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PIXELS_MAX_FIELD_NUMBER: _ClassVar[int]
    TASKS_FIELD_NUMBER: _ClassVar[int]
    VAES_FIELD_NUMBER: _ClassVar[int]
    batching: BatchCapability
    controls: _containers.RepeatedScalarFieldContainer[str]
    defaults: _job_pb2.RunRequest
    family: str
    is_default: bool
    loras: _containers.RepeatedScalarFieldContainer[str]
    name: str
    pixels_max: int
    tasks: _containers.RepeatedScalarFieldContainer[str]
    vaes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., family: _Optional[str] = ..., is_default: bool = ..., defaults: _Optional[_Union[_job_pb2.RunRequest, _Mapping]] = ..., tasks: _Optional[_Iterable[str]] = ..., controls: _Optional[_Iterable[str]] = ..., loras: _Optional[_Iterable[str]] = ..., vaes: _Optional[_Iterable[str]] = ..., pixels_max: _Optional[int] = ..., batching: _Optional[_Union[BatchCapability, str]] = ...) -> None: ...

class BatchCapability(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
    BATCH_CAPABILITY_EQUAL_CONTROLS: _ClassVar[BatchCapability]
    BATCH_CAPABILITY_EQUAL_PICTURES: _ClassVar[BatchCapability]
    BATCH_CAPABILITY_FULL: _ClassVar[BatchCapability]
    BATCH_CAPABILITY_ONE_BY_ONE: _ClassVar[BatchCapability]
    BATCH_CAPABILITY_UNSPECIFIED: _ClassVar[BatchCapability]
