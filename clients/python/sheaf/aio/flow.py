"""How the client for asyncio waits and connects."""

from __future__ import annotations

import asyncio
from typing import Any, Callable, Optional, TypeVar

import grpc
import grpc.aio

from sheaf import channel

_Result = TypeVar("_Result")


def connect(
    server: str, credentials: Optional[grpc.ChannelCredentials]
) -> grpc.aio.Channel:
    """A channel to `server` ("host:port" or "unix:PATH")."""
    if credentials is None:
        return grpc.aio.insecure_channel(server, options=channel.OPTIONS)
    return grpc.aio.secure_channel(
        server, credentials, options=channel.OPTIONS
    )


async def sleep(seconds: float) -> None:
    await asyncio.sleep(seconds)


async def apart(function: Callable[..., _Result], *arguments: Any) -> _Result:
    """The result of `function`, which may make its thread wait for a disk."""
    return await asyncio.to_thread(function, *arguments)
