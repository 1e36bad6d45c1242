"""Client of Sheaf, a persistent job queue for GPU image generation.

    import sheaf

    with sheaf.Client("127.0.0.1:7420") as client:
        job = client.submit({"shared": {"prompt": "a sheaf of wheat"}})
        job = client.wait(job)
        for run in client.runs(job):
            for output in run.outputs:
                client.download(output, "wheat.png")
"""

from sheaf.client import DEFAULT_SERVER, Client
from sheaf.errors import *  # noqa: F401,F403
from sheaf.errors import __all__ as _errors
from sheaf.types import *  # noqa: F401,F403
from sheaf.types import __all__ as _types

__version__ = "0.2.0"
__all__ = ["Client", "DEFAULT_SERVER", *_errors, *_types]
