"""Both clients are one: the same calls, arguments and documentation."""

import inspect
import os
import subprocess
import sys
import tempfile
import unittest

import sheaf

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

import unasync  # noqa: E402


def calls(client):
    """What a user may call, by name."""
    return {
        name: member
        for name, member in inspect.getmembers(client, inspect.isfunction)
        if not name.startswith("_") or name == "__init__"
    }


class TwinsTest(unittest.TestCase):
    pairs = sorted(
        (name, call, calls(sheaf.aio.Client).get(name))
        for name, call in calls(sheaf.Client).items()
    )

    def test_they_have_the_same_calls(self):
        self.assertEqual(
            sorted(calls(sheaf.Client)), sorted(calls(sheaf.aio.Client))
        )
        self.assertIn("analyze_and_execute", calls(sheaf.Client))

    def test_a_call_takes_and_returns_the_same(self):
        for name, call, twin in self.pairs:
            with self.subTest(name):
                expected = str(inspect.signature(twin))
                expected = expected.replace("AsyncIterator", "Iterator")
                self.assertEqual(str(inspect.signature(call)), expected)

    def test_a_call_is_documented_once(self):
        self.assertEqual(sheaf.Client.__doc__, sheaf.aio.Client.__doc__)
        for name, call, twin in self.pairs:
            with self.subTest(name):
                self.assertTrue(call.__doc__)
                self.assertEqual(call.__doc__, twin.__doc__)

    def test_one_is_awaited_and_the_other_is_not(self):
        for name, call, twin in self.pairs:
            if name == "__init__":
                continue
            with self.subTest(name):
                self.assertFalse(inspect.iscoroutinefunction(call))
                self.assertFalse(inspect.isasyncgenfunction(call))
                if inspect.isgeneratorfunction(call):
                    self.assertTrue(inspect.isasyncgenfunction(twin))
                else:
                    self.assertTrue(inspect.iscoroutinefunction(twin))


class UnasyncTest(unittest.TestCase):
    def test_words_change_and_texts_stay(self):
        self.assertEqual(
            unasync.translated(
                "from sheaf.aio import flow\n"
                "async def f(x) -> AsyncIterator[int]:\n"
                '    """Call await f() in sheaf.aio."""  # async, too\n'
                "    async for each in await g(x): yield [await each]\n"
            ),
            "from sheaf.blocking import flow\n"
            "def f(x) -> Iterator[int]:\n"
            '    """Call await f() in sheaf.aio."""  # async, too\n'
            "    for each in g(x): yield [each]\n",
        )

    def test_a_module_without_a_source_goes(self):
        with tempfile.TemporaryDirectory() as folder:
            for path in ("from/a.py", "to/b.py", "to/flow.py"):
                path = os.path.join(folder, path)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w", encoding="utf-8") as file:
                    file.write("x = 1\n")
            program = os.path.join(ROOT, "unasync.py")
            command = [sys.executable, program, "from", "to"]
            subprocess.run(command, cwd=folder, check=True)
            left = os.listdir(os.path.join(folder, "to"))
            self.assertEqual(sorted(left), ["a.py", "flow.py"])


if __name__ == "__main__":
    unittest.main()
