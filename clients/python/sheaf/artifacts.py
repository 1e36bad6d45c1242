"""Bytes in and out: reads what is to be sent, checks what has come."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import uuid
from typing import (
    Any,
    BinaryIO,
    Dict,
    Iterator,
    Optional,
    Protocol,
    Union,
    runtime_checkable,
)

from sheaf._pb.sheaf.v1 import artifact_service_pb2 as pb

# A message holds no more.
CHUNK_BYTES = 256 * 1024


@runtime_checkable
class Image(Protocol):
    """An image of Pillow, or of a library that saves as Pillow does."""

    def save(self, fp: Any, format: Optional[str] = None) -> None:
        """Writes the image to the file `fp`."""


# Bytes, the path of a file, or an image, which is sent as a PNG.
Source = Union[bytes, bytearray, memoryview, str, "os.PathLike[str]", Image]
SOURCES = (bytes, bytearray, memoryview, str, os.PathLike, Image)


def open_source(source: Source) -> BinaryIO:
    """Opens `source` for reading."""
    if isinstance(source, (str, os.PathLike)):
        return open(source, "rb")
    if isinstance(source, (bytes, bytearray, memoryview)):
        return io.BytesIO(source)
    if not isinstance(source, Image):
        kind = type(source).__name__
        raise TypeError(f"neither a path nor bytes nor an image: {kind}")
    file = io.BytesIO()
    source.save(file, format="PNG")
    file.seek(0)
    return file


def read_source(source: Source) -> bytes:
    """All bytes of `source`."""
    with open_source(source) as file:
        return file.read()


def name_of(data: bytes) -> str:
    """The name of the artifact that has these bytes."""
    return f"artifacts/{hashlib.sha256(data).hexdigest()}"


def upload_messages(
    file: BinaryIO, media_type: str
) -> Iterator[pb.UploadArtifactRequest]:
    """The messages that carry `file`; the first one holds its name and type."""
    digest = hashlib.sha256()
    for chunk in _chunks(file):
        digest.update(chunk)
    file.seek(0)
    head: Dict[str, Any] = {
        "expected_name": f"artifacts/{digest.hexdigest()}",
        "media_type": media_type,
    }
    for chunk in _chunks(file):
        yield pb.UploadArtifactRequest(data=chunk, **head)
        head = {}
    if head:
        yield pb.UploadArtifactRequest(**head)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(CHUNK_BYTES):
        yield chunk


class Received:
    """Writes what comes to `file`, and holds it to its name at the end."""

    def __init__(self, name: str, file: BinaryIO) -> None:
        self._name = name
        self._file = file
        self._digest = hashlib.sha256()

    def add(self, data: bytes) -> None:
        self._digest.update(data)
        self._file.write(data)

    def check(self) -> None:
        """Raises ValueError if the bytes do not match the name."""
        if self._name != f"artifacts/{self._digest.hexdigest()}":
            raise ValueError(f"the received bytes are not {self._name}")


@contextlib.contextmanager
def new_file(
    path: Union[str, "os.PathLike[str]", None],
) -> Iterator[BinaryIO]:
    """A file to write. It takes the place of `path` if all goes well; otherwise
    that stays as it was. It lies in memory if there is no path."""
    if path is None:
        yield io.BytesIO()
        return
    temporary = f"{os.fspath(path)}.{uuid.uuid4().hex}.part"
    try:
        with open(temporary, "xb") as file:
            yield file
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
