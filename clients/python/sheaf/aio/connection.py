"""What all calls of a client stand on: a channel, and one way to call."""

from __future__ import annotations

import os
from typing import Any, AsyncIterator, Callable, Optional, Set

import grpc

from sheaf import errors
from sheaf._pb.sheaf.v1 import admin_service_pb2_grpc as admin_grpc
from sheaf._pb.sheaf.v1 import artifact_service_pb2_grpc as artifact_grpc
from sheaf._pb.sheaf.v1 import batching_service_pb2_grpc as batching_grpc
from sheaf._pb.sheaf.v1 import job_service_pb2_grpc as job_grpc
from sheaf._pb.sheaf.v1 import queue_service_pb2_grpc as queue_grpc
from sheaf.aio import flow
from sheaf.channel import DEFAULT_SERVER

PAGE_SIZE = 500
# For calls that carry pictures or go through a whole database.
LONG_SECONDS = 600.0


class Connection:
    """A channel to a server, and its services."""

    def __init__(
        self,
        server: Optional[str] = None,
        *,
        owner: str = "",
        timeout: float = 30.0,
        credentials: Optional[grpc.ChannelCredentials] = None,
    ) -> None:
        """`server` is "host:port" or "unix:PATH"; by default SHEAF_SERVER, or
        DEFAULT_SERVER if that is not set. `owner` is for jobs that name none.
        `timeout` is for one answer, in seconds."""
        self._owner = owner
        self._timeout = timeout
        self._channel = flow.connect(
            server or os.environ.get("SHEAF_SERVER") or DEFAULT_SERVER,
            credentials,
        )
        self._jobs = job_grpc.JobServiceStub(self._channel)
        self._queues = queue_grpc.QueueServiceStub(self._channel)
        self._artifacts = artifact_grpc.ArtifactServiceStub(self._channel)
        self._admin = admin_grpc.AdminServiceStub(self._channel)
        self._batching = batching_grpc.BatchingServiceStub(self._channel)
        # Pictures that this client has sent with jobs, by artifact name.
        self._sent: Set[str] = set()

    async def close(self) -> None:
        """Ends the connection, and all calls under way."""
        await self._channel.close()

    async def _call(
        self,
        method: Callable[..., Any],
        request: Any,
        timeout: Optional[float] = None,
    ) -> Any:
        """The answer of `method`; a refusal becomes an errors.Error."""
        try:
            return await method(request, timeout=timeout or self._timeout)
        except grpc.RpcError as error:
            errors.raise_from_rpc(error)

    async def _pages(
        self, method: Callable[..., Any], request: Any
    ) -> AsyncIterator[Any]:
        """The answers of a method that lists, page after page."""
        request.page_size = request.page_size or PAGE_SIZE
        while True:
            page = await self._call(method, request)
            yield page
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token
