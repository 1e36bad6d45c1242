"""A client of a Sheaf server."""

from __future__ import annotations

from sheaf.aio.admin import Admin
from sheaf.aio.batching import Batching
from sheaf.aio.events import Events
from sheaf.aio.jobs import Jobs
from sheaf.aio.queues import Queues


class Client(Jobs, Queues, Batching, Events, Admin):
    """Talks to one server.

    Close it when done, or use it in a `with` statement. Every call raises a
    sheaf.Error if the server refuses. Where a call takes a job, run, queue,
    plan, worker or artifact, it takes the message or the name.
    """

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()
