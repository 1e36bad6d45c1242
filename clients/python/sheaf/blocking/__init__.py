"""The client without asyncio, as `sheaf.Client`.

All modules but flow.py are written by clients/python/generate from those of
the same names in sheaf/aio/. Change those.
"""

from sheaf.blocking.client import Client

__all__ = ["Client"]
