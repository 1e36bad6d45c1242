"""Calls about queues."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, List, Optional, Sequence, Union

from sheaf._pb.sheaf.v1 import queue_service_pb2 as pb
from sheaf.aio.connection import Connection
from sheaf.types import PauseMode, Queue, QueueSettings, timestamp
from sheaf.values import Settings, Word, enum, fill, name_in

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Queues(Connection):
    """Reads and controls queues. "default" and "queues/default" are one."""

    async def queue(self, queue: Union[str, Queue] = "default") -> Queue:
        """The queue as it is now: its state, settings and counts of runs."""
        return await self._call(
            self._queues.GetQueue,
            pb.GetQueueRequest(name=name_in("queues", queue)),
        )

    async def queues(self) -> List[Queue]:
        """All queues."""
        answer = await self._call(
            self._queues.ListQueues, pb.ListQueuesRequest()
        )
        return list(answer.queues)

    async def create_queue(
        self, queue: str, **settings: Unpack[Settings]
    ) -> Queue:
        """Makes a queue. sheaf.Settings lists the settings; those that are left
        out have their defaults."""
        return await self._call(
            self._queues.CreateQueue,
            pb.CreateQueueRequest(
                name=name_in("queues", queue),
                settings=fill(QueueSettings(), settings),
            ),
        )

    async def update_queue(
        self,
        queue: Union[str, Queue] = "default",
        *,
        reset: Sequence[str] = (),
        etag: str = "",
        **settings: Unpack[Settings],
    ) -> Queue:
        """Changes the given settings (sheaf.Settings lists them), and no
        others: update_queue("default", policy="adaptive", wait_max=0.5).
        `reset` names settings that go back to their defaults. With `etag` the
        queue must not have changed since."""
        request = pb.UpdateQueueRequest(
            name=name_in("queues", queue),
            settings=fill(QueueSettings(), settings),
            etag=etag,
        )
        request.update_mask.paths.extend([*settings, *reset])
        return await self._call(self._queues.UpdateQueue, request)

    async def set_batch_size(
        self, batch_size: int, queue: Union[str, Queue] = "default"
    ) -> Queue:
        """Sets the most runs in one batch. A plan of the queue that is not
        executed yet is stale then."""
        return await self.update_queue(queue, batch_size=batch_size)

    async def delete_queue(self, queue: Union[str, Queue]) -> None:
        """Removes a queue without unfinished runs."""
        await self._call(
            self._queues.DeleteQueue,
            pb.DeleteQueueRequest(name=name_in("queues", queue)),
        )

    async def pause(
        self,
        queue: Union[str, Queue] = "default",
        *,
        reason: str = "",
        actor: str = "",
        resume_time: Optional[datetime.datetime] = None,
        mode: Word = "after_batch",
    ) -> Queue:
        """The queue hands out nothing until `resume`, or `resume_time`, also
        after a restart of the server. Running runs finish, or with `mode`
        "next_step" are handed back."""
        request = pb.PauseQueueRequest(
            name=name_in("queues", queue),
            reason=reason,
            actor=actor,
            mode=enum(PauseMode.DESCRIPTOR, mode),
        )
        if resume_time is not None:
            request.resume_time.CopyFrom(timestamp(resume_time))
        return await self._call(self._queues.PauseQueue, request)

    async def resume(
        self, queue: Union[str, Queue] = "default", *, actor: str = ""
    ) -> Queue:
        """Ends a pause or a drain."""
        return await self._call(
            self._queues.ResumeQueue,
            pb.ResumeQueueRequest(name=name_in("queues", queue), actor=actor),
        )

    async def drain(
        self,
        queue: Union[str, Queue] = "default",
        *,
        reason: str = "",
        actor: str = "",
    ) -> Queue:
        """The queue takes no new jobs and finishes what it has."""
        return await self._call(
            self._queues.DrainQueue,
            pb.DrainQueueRequest(
                name=name_in("queues", queue), reason=reason, actor=actor
            ),
        )

    async def purge(
        self,
        queue: Union[str, Queue] = "default",
        *,
        actor: str = "",
        validate_only: bool = False,
    ) -> int:
        """Cancels all waiting runs of a queue, and returns their number. With
        `validate_only` it only counts them."""
        answer = await self._call(
            self._queues.PurgeQueue,
            pb.PurgeQueueRequest(
                name=name_in("queues", queue),
                actor=actor,
                validate_only=validate_only,
            ),
        )
        return answer.run_count
