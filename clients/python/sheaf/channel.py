"""The connection of a client: retries, keepalive, sizes."""

import json
from typing import Any, Dict, Iterator, List, Tuple

from sheaf._pb.sheaf.v1 import (
    admin_service_pb2,
    artifact_service_pb2,
    batching_service_pb2,
    job_service_pb2,
    queue_service_pb2,
)

DEFAULT_SERVER = "127.0.0.1:7420"

# A call is made again on these codes, where its method has an idempotency_level
# in proto/: questions, and calls that change nothing the second time, such as
# submits, which carry a request_id. They say that nothing was done, that nobody
# was there, or (OUTCOME_UNKNOWN) that nobody knows. A test holds them to
# base/retry.h.
_RETRYABLE_CODES = ("UNAVAILABLE",)


def _retried() -> Iterator[Dict[str, str]]:
    for module in (
        admin_service_pb2,
        artifact_service_pb2,
        batching_service_pb2,
        job_service_pb2,
        queue_service_pb2,
    ):
        for service in module.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                if method.GetOptions().idempotency_level:
                    yield {"service": service.full_name, "method": method.name}


_SERVICE_CONFIG = {
    "methodConfig": [
        {
            "name": list(_retried()),
            "retryPolicy": {
                "maxAttempts": 5,
                "initialBackoff": "0.1s",
                "maxBackoff": "2s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": list(_RETRYABLE_CODES),
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
