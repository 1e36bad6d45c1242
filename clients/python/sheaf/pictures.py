"""The pictures that a description of a job names.

A picture may stand as "artifacts/{sha256}", as the path of a file, as bytes or
as an image of Pillow, in every field of a JobSpec whose rules want an artifact,
and in a sweep over such a field. `Description` finds those that are to be sent;
once each has its name, it is a JobSpec.
"""

from __future__ import annotations

import dataclasses
import functools
import os
from typing import Any, Dict, FrozenSet, List, Mapping, Tuple, Union

from google.protobuf.message import Message

from sheaf import artifacts
from sheaf._pb.sheaf.v1 import rules_pb2
from sheaf.types import JobSpec, RunRequest, Sweep

# A description of a job: a JobSpec, or a mapping with its fields.
Spec = Union[JobSpec, Mapping[str, Any]]


@dataclasses.dataclass(frozen=True)
class Place:
    """A picture to send, and where its name will stand."""

    field: str  # As a user would write it: "runs[0].controls[1].image".
    source: artifacts.Source
    holder: Any  # A list or dict of ours, and its index or key.
    key: Any

    @property
    def identity(self) -> object:
        """Equal for places that certainly have the same picture."""
        if isinstance(self.source, (str, os.PathLike)):
            return os.fspath(self.source)
        return id(self.source)

    def read(self) -> bytes:
        """The picture's bytes. An OSError names the field, too."""
        try:
            return artifacts.read_source(self.source)
        except OSError as error:
            if error.errno is None:
                raise
            what = f"{self.field}: {error.strerror}"
            raise type(error)(error.errno, what, error.filename) from None

    def put(self, name: str) -> None:
        self.holder[self.key] = name


class Description:
    """A description of a job that may name pictures; a copy of its own."""

    def __init__(self, job: Spec, field: str = "") -> None:
        """`field` is put before the names of fields."""
        self.places: List[Place] = []
        self._values = self._read(job, JobSpec.DESCRIPTOR, field)

    def spec(self) -> JobSpec:
        return JobSpec(**self._values)

    def _read(self, described: Any, kind: Any, field: str) -> Dict[str, Any]:
        """The fields of a message of type `kind`, or of its mapping; `field`
        stands before their names."""
        values = _values(described)
        pictures, holders = _fields(kind)
        for name in pictures.intersection(values):
            self._pick(values, name, f"{field}{name}")
        for name in holders.keys() & values.keys():
            value, inner, at = values[name], holders[name], f"{field}{name}"
            if value is None:
                continue
            if isinstance(value, (Mapping, Message)):
                values[name] = self._read(value, inner, f"{at}.")
            else:
                values[name] = [
                    self._read(each, inner, f"{at}[{index}].")
                    for index, each in enumerate(value)
                ]
        if kind is Sweep.DESCRIPTOR:
            self._read_axes(values, field)
        return values

    def _read_axes(self, sweep: Dict[str, Any], field: str) -> None:
        """The values of an axis are pictures if its field is one."""
        pictures, _ = _fields(RunRequest.DESCRIPTOR)
        sweep["axes"] = [_values(axis) for axis in sweep.get("axes") or ()]
        for index, axis in enumerate(sweep["axes"]):
            if axis.get("field") in pictures and axis.get("values"):
                self._pick(axis, "values", f"{field}axes[{index}].values")

    def _pick(self, holder: Any, key: Any, field: str) -> None:
        """Notes the picture, or the list of pictures, at `holder[key]`."""
        source = holder[key]
        if source is None or source == "":
            return
        if isinstance(source, str) and source.startswith("artifacts/"):
            return
        if isinstance(source, artifacts.SOURCES):
            self.places.append(Place(field, source, holder, key))
        elif hasattr(source, "__iter__"):
            holder[key] = list(source)
            for index in range(len(holder[key])):
                self._pick(holder[key], index, f"{field}[{index}]")
        else:
            kind = type(source).__name__
            raise TypeError(
                f"{field}: a picture is a path, bytes, an image or the name "
                f"of an artifact, not {kind}"
            )


def _values(described: Any) -> Dict[str, Any]:
    """The fields of a message or mapping, as a dict of our own."""
    if isinstance(described, Message):
        return {field.name: value for field, value in described.ListFields()}
    return dict(described)


@functools.lru_cache(maxsize=None)
def _fields(kind: Any) -> Tuple[FrozenSet[str], Dict[str, Any]]:
    """The fields of the message type `kind` that hold pictures, and those with
    messages that do, with the types of these."""
    pictures, holders = set(), {}
    for field in kind.fields:
        inner = field.message_type
        if inner is None:
            rules = field.GetOptions().Extensions[rules_pb2.rules]
            if rules.pattern.startswith("artifacts/"):
                pictures.add(field.name)
        elif inner is Sweep.DESCRIPTOR or any(_fields(inner)):
            holders[field.name] = inner
    return frozenset(pictures), holders
