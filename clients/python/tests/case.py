"""What the tests against the fake server have in common.

    class SomeTest(case.ClientTest):
        def test_something(self):
            self.client.pause()

    case.twins(globals())  # The same tests with the client for asyncio.
"""

import asyncio
import inspect
import unittest
from unittest import mock

import sheaf

from fake_server import FakeServer


# One for all tests: gRPC goes on with the first that it sees.
_LOOP = asyncio.new_event_loop()
asyncio.set_event_loop(_LOOP)


class Bridge:
    """A sheaf.aio.Client, for tests that call it as if it were a sheaf.Client."""

    def __init__(self, *arguments, **options):
        async def make():
            return sheaf.aio.Client(*arguments, **options)

        self._client = _LOOP.run_until_complete(make())

    def close(self):
        _LOOP.run_until_complete(self._client.close())

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def __getattr__(self, name):
        method = getattr(self._client, name)

        def call(*arguments, **options):
            result = method(*arguments, **options)
            if inspect.isasyncgen(result):
                return self._each(result)
            return _LOOP.run_until_complete(result)

        return call

    def _each(self, generator):
        try:
            while True:
                try:
                    step = generator.__anext__()
                    yield _LOOP.run_until_complete(step)
                except StopAsyncIteration:
                    return
        finally:
            _LOOP.run_until_complete(generator.aclose())


class ClientTest(unittest.TestCase):
    make_client = sheaf.Client

    def setUp(self):
        self.server = FakeServer()
        self.addCleanup(self.server.stop)
        self.client = self.make_client(self.server.address, owner="ann")
        self.addCleanup(self.client.close)

    def patch(self, name, *value):
        """Patches `name` in sheaf.blocking and in sheaf.aio."""
        for folder in ("blocking", "aio"):
            patch = mock.patch(f"sheaf.{folder}.{name}", *value)
            patch.start()
            self.addCleanup(patch.stop)

    def submit(self, **fields):
        return self.client.submit({"shared": {"prompt": "a fox"}, **fields})

    def sent(self, kind):
        """The requests of the type `kind`."""
        return [call for call in self.server.calls if isinstance(call, kind)]


def twins(module):
    """Adds to a module, for each test with a client, the same with Bridge."""
    for name, test in list(module.items()):
        if not isinstance(test, type) or not issubclass(test, ClientTest):
            continue
        if test.__module__ == module["__name__"]:
            module[f"Async{name}"] = type(
                f"Async{name}",
                (test,),
                {"make_client": Bridge, "__module__": test.__module__},
            )
