#!/usr/bin/env python3
"""Writes the modules of a client without asyncio from those of one with it.

    unasync.py FROM TO

Both are folders. Each module of FROM becomes one of TO, word by word: `async`
and `await` go, and names change as NAMES says. Strings and comments stay, so
both clients have the same documentation. Both folders keep the modules in OWN
to themselves.
"""

import io
import os
import sys
import tokenize
from typing import List

NAMES = {
    "AsyncIterator": "Iterator",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "aio": "blocking",
}
DROPPED = ("async", "await")
# They differ in more than words.
OWN = ("__init__.py", "flow.py")


def translated(text: str) -> str:
    """`text` without asyncio."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    result, done = [], 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type != tokenize.NAME:
            continue
        start = starts[token.start[0] - 1] + token.start[1]
        end = starts[token.end[0] - 1] + token.end[1]
        if token.string in DROPPED:
            end += 1  # The blank behind it.
        elif token.string not in NAMES:
            continue
        result += [text[done:start], NAMES.get(token.string, "")]
        done = end
    return "".join([*result, text[done:]])


def modules(folder: str) -> List[str]:
    names = [name for name in os.listdir(folder) if name.endswith(".py")]
    return sorted(set(names) - set(OWN))


def main(source: str, target: str) -> None:
    for name in modules(target):
        os.unlink(os.path.join(target, name))
    for name in modules(source):
        with open(os.path.join(source, name), encoding="utf-8") as file:
            text = file.read()
        notice = f"# Written by clients/python/generate from {source}/{name}.\n"
        with open(os.path.join(target, name), "w", encoding="utf-8") as file:
            file.write(f"{notice}{translated(text)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
