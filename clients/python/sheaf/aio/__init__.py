"""The client for asyncio: the same calls, to be awaited.

    import sheaf.aio

    async with sheaf.aio.Client("127.0.0.1:7420") as client:
        job = await client.submit({"shared": {"prompt": "a sheaf of wheat"}})
        job = await client.wait(job)
        async for run in client.runs(job):
            for output in run.outputs:
                await client.download(output, "wheat.png")

Make a client inside the running event loop, and use it only there.

The modules of this folder are the source of those in sheaf/blocking/, which
clients/python/generate writes. flow.py has what the two do differently.
"""

from sheaf.aio.client import Client

__all__ = ["Client"]
