"""Calls about the server and its workers."""

from __future__ import annotations

import datetime
from typing import List, Optional, Union

from sheaf._pb.sheaf.v1 import admin_service_pb2 as pb
from sheaf.aio.connection import LONG_SECONDS, Connection
from sheaf.types import (
    BackupResponse,
    Catalog,
    CheckIntegrityResponse,
    Queue,
    ServerInfo,
    Stats,
    Worker,
)
from sheaf.values import Seconds, duration, name_in


class Admin(Connection):
    """For operators."""

    async def server_info(self) -> ServerInfo:
        """The server and its store. `problems` needs someone's attention."""
        return await self._call(
            self._admin.GetServerInfo, pb.GetServerInfoRequest()
        )

    async def stats(
        self,
        queue: Union[str, Queue] = "",
        *,
        window: Optional[Seconds] = None,
    ) -> Stats:
        """How much is being done, how fast, and by whom: of all queues, or of
        one. `window` is how far back its rates reach: 5 minutes if None, an
        hour at most."""
        return await self._call(
            self._admin.GetStats,
            pb.GetStatsRequest(
                queue=name_in("queues", queue) if queue else "",
                window=None if window is None else duration(window),
            ),
        )

    async def catalog(self) -> Catalog:
        """What runs may name: the models of all workers with their defaults,
        controls and VAEs, and the samplers."""
        return await self._call(
            self._admin.GetCatalog, pb.GetCatalogRequest()
        )

    async def workers(self) -> List[Worker]:
        """The workers that are registered now."""
        answer = await self._call(
            self._admin.ListWorkers, pb.ListWorkersRequest()
        )
        return list(answer.workers)

    async def drain_worker(self, worker: Union[str, Worker]) -> Worker:
        """The worker finishes what it holds, takes no more, and leaves."""
        return await self._call(
            self._admin.DrainWorker,
            pb.DrainWorkerRequest(name=name_in("workers", worker)),
        )

    async def calibrate_worker(self, worker: Union[str, Worker]) -> Worker:
        """The worker measures its models again as soon as it holds no work."""
        return await self._call(
            self._admin.CalibrateWorker,
            pb.CalibrateWorkerRequest(name=name_in("workers", worker)),
        )

    async def backup(
        self, file_name: str = "", *, timeout: float = LONG_SECONDS
    ) -> BackupResponse:
        """Copies the database to a file in the server's backup directory, and
        verifies the copy. `file_name` is never a path; by default the server
        makes one of the time."""
        return await self._call(
            self._admin.Backup, pb.BackupRequest(file_name=file_name), timeout
        )

    async def check_integrity(
        self, *, full: bool = False, timeout: float = LONG_SECONDS
    ) -> CheckIntegrityResponse:
        """Checks the database file and recounts the runs; `full` also compares
        every index with its table. `problems` is empty if all is `ok`."""
        return await self._call(
            self._admin.CheckIntegrity,
            pb.CheckIntegrityRequest(full=full),
            timeout,
        )

    async def accept_clock(self) -> datetime.timedelta:
        """Accepts a system clock that went ahead at once, for retention and
        deadlines too. Returns by how much it was ahead, or nothing if no step
        is pending."""
        answer = await self._call(
            self._admin.AcceptClock, pb.AcceptClockRequest()
        )
        return answer.step.ToTimedelta()
