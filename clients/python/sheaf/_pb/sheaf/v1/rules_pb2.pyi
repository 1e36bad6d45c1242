from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor
RULES_FIELD_NUMBER: _ClassVar[int]
rules: _descriptor.FieldDescriptor

class FieldRules(_message.Message):
    __slots__ = ["gte", "hint", "key_max_bytes", "key_pattern", "lte", "max_bytes", "max_items", "pattern", "required"]
    GTE_FIELD_NUMBER: _ClassVar[int]
    HINT_FIELD_NUMBER: _ClassVar[int]
    KEY_MAX_BYTES_FIELD_NUMBER: _ClassVar[int]
    KEY_PATTERN_FIELD_NUMBER: _ClassVar[int]
    LTE_FIELD_NUMBER: _ClassVar[int]
    MAX_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_ITEMS_FIELD_NUMBER: _ClassVar[int]
    PATTERN_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_FIELD_NUMBER: _ClassVar[int]
    gte: float
    hint: str
    key_max_bytes: int
    key_pattern: str
    lte: float
    max_bytes: int
    max_items: int
    pattern: str
    required: bool
    def __init__(self, required: bool = ..., max_bytes: _Optional[int] = ..., pattern: _Optional[str] = ..., gte: _Optional[float] = ..., lte: _Optional[float] = ..., max_items: _Optional[int] = ..., key_max_bytes: _Optional[int] = ..., key_pattern: _Optional[str] = ..., hint: _Optional[str] = ...) -> None: ...
