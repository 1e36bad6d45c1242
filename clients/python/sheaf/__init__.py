"""Client of Sheaf, a persistent job queue for GPU image generation.

    import sheaf

    with sheaf.Client("127.0.0.1:7420") as client:
        job = client.submit({"shared": {"prompt": "a sheaf of wheat"}})
        job = client.wait(job)
        for run in client.runs(job):
            for output in run.outputs:
                client.download(output, "wheat.png")

`sheaf.aio.Client` has the same calls for asyncio. Several threads may use one
`sheaf.Client` at once.
"""

from sheaf import aio
from sheaf.blocking import Client
from sheaf.channel import DEFAULT_SERVER
from sheaf.errors import *  # noqa: F401,F403
from sheaf.errors import __all__ as _errors
from sheaf.pictures import Spec
from sheaf.plans import Analysis, Execution
from sheaf.types import *  # noqa: F401,F403
from sheaf.types import __all__ as _types
from sheaf.values import Planning, Settings

__version__ = "0.2.0"
__all__ = [
    "Analysis",
    "Client",
    "DEFAULT_SERVER",
    "Execution",
    "Planning",
    "Settings",
    "Spec",
    "aio",
    *_errors,
    *_types,
]
