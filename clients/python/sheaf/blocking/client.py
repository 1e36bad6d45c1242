# Written by clients/python/generate from sheaf/aio/client.py.
"""A client of a Sheaf server."""

from __future__ import annotations

from sheaf.blocking.admin import Admin
from sheaf.blocking.batching import Batching
from sheaf.blocking.events import Events
from sheaf.blocking.jobs import Jobs
from sheaf.blocking.queues import Queues


class Client(Jobs, Queues, Batching, Events, Admin):
    """Talks to one server.

    Close it when done, or use it in a `with` statement. Every call raises a
    sheaf.Error if the server refuses. Where a call takes a job, run, queue,
    plan, worker or artifact, it takes the message or the name.
    """

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
