"""The pictures that a description of a job names.

A picture may stand as "artifacts/{sha256}", as the path of a file, as bytes or
as an image of Pillow: in `init_image`, in `mask`, in the `image` of a control,
and in a sweep over the first two. `Description` finds those that are to be
sent; once each has its name, it is a JobSpec.
"""

from __future__ import annotations

import dataclasses
import os
from typing import Any, Dict, List, Mapping, Union

from google.protobuf.message import Message

from sheaf import artifacts
from sheaf.types import JobSpec

# A description of a job: a JobSpec, or a mapping with its fields.
Spec = Union[JobSpec, Mapping[str, Any]]

# Fields of a RunRequest that hold a picture.
_FIELDS = ("init_image", "mask")


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
        self._values = _values(job)
        if shared := self._values.get("shared"):
            self._values["shared"] = self._request(shared, f"{field}shared")
        if runs := self._values.get("runs"):
            self._values["runs"] = [
                self._request(run, f"{field}runs[{index}]")
                for index, run in enumerate(runs)
            ]
        if sweep := self._values.get("sweep"):
            self._values["sweep"] = self._sweep(sweep, f"{field}sweep")

    def spec(self) -> JobSpec:
        return JobSpec(**self._values)

    def _request(self, request: Any, field: str) -> Dict[str, Any]:
        values = _values(request)
        for name in _FIELDS:
            if name in values:
                self._note(values, name, f"{field}.{name}")
        if controls := values.get("controls"):
            controls = [_values(control) for control in controls]
            for index, control in enumerate(controls):
                if "image" in control:
                    place = f"{field}.controls[{index}].image"
                    self._note(control, "image", place)
            values["controls"] = controls
        return values

    def _sweep(self, sweep: Any, field: str) -> Dict[str, Any]:
        values = _values(sweep)
        axes = [_values(axis) for axis in values.get("axes") or ()]
        for number, axis in enumerate(axes):
            if axis.get("field") not in _FIELDS:
                continue
            axis["values"] = list(axis.get("values") or ())
            for index in range(len(axis["values"])):
                place = f"{field}.axes[{number}].values[{index}]"
                self._note(axis["values"], index, place)
        values["axes"] = axes
        return values

    def _note(self, holder: Any, key: Any, field: str) -> None:
        source = holder[key]
        if source is None or source == "":
            return
        if isinstance(source, str) and source.startswith("artifacts/"):
            return
        if not isinstance(source, artifacts.SOURCES):
            kind = type(source).__name__
            raise TypeError(
                f"{field}: a picture is a path, bytes, an image or the name "
                f"of an artifact, not {kind}"
            )
        self.places.append(Place(field, source, holder, key))


def _values(described: Any) -> Dict[str, Any]:
    """The fields of a message or mapping, as a dict of our own."""
    if isinstance(described, Message):
        return {field.name: value for field, value in described.ListFields()}
    return dict(described)
