"""How the client without asyncio waits and connects."""

from __future__ import annotations

import time
from typing import Any, Callable, Optional, TypeVar

import grpc

from sheaf import channel

_Result = TypeVar("_Result")


def connect(
    server: str, credentials: Optional[grpc.ChannelCredentials]
) -> grpc.Channel:
    """A channel to `server` ("host:port" or "unix:PATH")."""
    if credentials is None:
        return grpc.insecure_channel(server, options=channel.OPTIONS)
    return grpc.secure_channel(server, credentials, options=channel.OPTIONS)


def sleep(seconds: float) -> None:
    time.sleep(seconds)


def apart(function: Callable[..., _Result], *arguments: Any) -> _Result:
    """The result of `function`."""
    return function(*arguments)
