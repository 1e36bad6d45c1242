# Written by clients/python/generate from sheaf/aio/artifacts.py.
"""Calls about artifacts: bytes that are named by their SHA-256."""

from __future__ import annotations

import os
from typing import Union

import grpc

from sheaf import artifacts, errors
from sheaf._pb.sheaf.v1 import artifact_service_pb2 as pb
from sheaf.blocking import flow
from sheaf.blocking.connection import LONG_SECONDS, Connection
from sheaf.types import Artifact, Output
from sheaf.values import name_of


class Artifacts(Connection):
    """Sends and fetches pictures."""

    def upload(
        self, source: artifacts.Source, *, media_type: str = ""
    ) -> Artifact:
        """Stores bytes, the file at a path, or an image of Pillow (as a PNG),
        under their SHA-256. A job that names a picture by its path needs no
        upload."""
        with flow.apart(artifacts.open_source, source) as file:
            return self._call(
                self._artifacts.UploadArtifact,
                artifacts.upload_messages(file, media_type),
                max(self._timeout, LONG_SECONDS),
            )

    def download(
        self,
        artifact: Union[str, Artifact, Output],
        path: Union[str, "os.PathLike[str]", None] = None,
    ) -> bytes:
        """Returns the bytes of an artifact, checked against their name. With
        `path` they are written to that file instead, and b"" is returned."""
        name = getattr(artifact, "artifact", "") or name_of(artifact)
        with artifacts.new_file(path) as file:
            received = artifacts.Received(name, file)
            stream = self._artifacts.DownloadArtifact(
                pb.DownloadArtifactRequest(name=name),
                timeout=max(self._timeout, LONG_SECONDS),
            )
            try:
                for response in stream:
                    received.add(response.data)
            except grpc.RpcError as error:
                errors.raise_from_rpc(error)
            received.check()
            if path is not None:
                return b""
            file.seek(0)
            return file.read()

    def artifact(
        self, artifact: Union[str, Artifact, Output]
    ) -> Artifact:
        """Describes an artifact: its size, its type, and whether a job refers
        to it."""
        name = getattr(artifact, "artifact", "") or name_of(artifact)
        return self._call(
            self._artifacts.GetArtifact, pb.GetArtifactRequest(name=name)
        )
