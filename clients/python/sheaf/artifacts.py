"""Bytes in and out: sends uploads and checks downloads."""

import contextlib
import hashlib
import io
import os
import uuid
from typing import BinaryIO, Iterable, Iterator, Union

from sheaf._pb.sheaf.v1 import artifact_service_pb2 as pb

# A message holds no more.
CHUNK_BYTES = 256 * 1024

Source = Union[bytes, bytearray, memoryview, str, "os.PathLike[str]"]


def open_source(source: Source) -> BinaryIO:
    """Opens `source`, which is bytes or the path of a file, for reading."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return io.BytesIO(source)
    return open(source, "rb")


def upload_messages(
    file: BinaryIO, media_type: str
) -> Iterator[pb.UploadArtifactRequest]:
    """The messages that carry `file`; the first one holds its name and type."""
    digest = hashlib.sha256()
    for chunk in _chunks(file):
        digest.update(chunk)
    file.seek(0)
    head = {
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


def checked(
    name: str, responses: Iterable[pb.DownloadArtifactResponse]
) -> Iterator[bytes]:
    """The bytes of `responses`. Raises ValueError at their end if they
    do not match `name`."""
    digest = hashlib.sha256()
    for response in responses:
        digest.update(response.data)
        yield response.data
    if name != f"artifacts/{digest.hexdigest()}":
        raise ValueError(f"the received bytes are not {name}")


def write_file(
    path: Union[str, "os.PathLike[str]"], data: Iterable[bytes]
) -> None:
    """Writes all of `data` to `path`, or leaves that file as it was."""
    temporary = f"{os.fspath(path)}.{uuid.uuid4().hex}.part"
    try:
        with open(temporary, "xb") as file:
            for chunk in data:
                file.write(chunk)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
