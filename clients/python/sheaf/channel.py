"""The connection of a client: retries, keepalive, sizes."""

import json
from typing import Any, List, Optional, Tuple

import grpc

# The calls that may be repeated without finding out whether they were done:
# questions, and submits, which carry a request_id. They are repeated only on
# UNAVAILABLE, which says that nothing was done, that nobody was there, or
# (OUTCOME_UNKNOWN) that nobody knows.
_RETRIED = {
    "sheaf.v1.JobService": (
        "SubmitJob",
        "SubmitJobs",
        "GetJob",
        "ListJobs",
        "GetRun",
        "ListRuns",
        "GetPreview",
        "WaitJob",
    ),
    "sheaf.v1.QueueService": ("GetQueue", "ListQueues"),
    "sheaf.v1.ArtifactService": ("GetArtifact",),
    "sheaf.v1.AdminService": ("GetServerInfo", "ListWorkers"),
}

_SERVICE_CONFIG = {
    "methodConfig": [
        {
            "name": [
                {"service": service, "method": method}
                for service, methods in _RETRIED.items()
                for method in methods
            ],
            "retryPolicy": {
                "maxAttempts": 5,
                "initialBackoff": "0.1s",
                "maxBackoff": "2s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ],
    "retryThrottling": {"maxTokens": 100, "tokenRatio": 0.1},
}

_MAX_RECEIVE_BYTES = 64 << 20

OPTIONS: List[Tuple[str, Any]] = [
    ("grpc.enable_retries", 1),
    ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
    ("grpc.max_receive_message_length", _MAX_RECEIVE_BYTES),
    # A dead connection is noticed within 40 s while a call waits on it.
    ("grpc.keepalive_time_ms", 30000),
    ("grpc.keepalive_timeout_ms", 10000),
    # Coming back quickly after a server's restart.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1000),
    ("grpc.max_reconnect_backoff_ms", 5000),
]


def connect(
    server: str, credentials: Optional[grpc.ChannelCredentials]
) -> grpc.Channel:
    """A channel to `server` ("host:port" or "unix:PATH")."""
    if credentials is None:
        return grpc.insecure_channel(server, options=OPTIONS)
    return grpc.secure_channel(server, credentials, options=OPTIONS)
