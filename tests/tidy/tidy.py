#!/usr/bin/env python3
"""Holds the tree to what a compiler does not see.

    tidy.py [ROOT]

Checks every file of ours under ROOT: who includes whom (the table of
docs/architecture.md, below as data), `#pragma once`, the width and length of
files, tabs and trailing blanks, how many modules a room has, that tests/ mirrors
the tree, that comments open with their subject, that the files of a room keep no two things
of one name to themselves (homonyms.py), and that nothing names a place outside the
repository. Prints one line per fault, as a compiler would, and exits with 1 if
there is any.
"""

import os
import re
import sys

from homonyms import homonyms

# The includes that a room may have: room -> (rooms of ours, third party). A
# room may always include itself. The longest matching path names the room, so that
# queue/sqlite/ is not queue/.
ANYTHING = None


def floors(folder, stack, below, third_party, extra):
    """Rooms of a folder, from the ground up: each may include those under it.

    `stack` has (room, what it alone may include below); all may include
    `below` and `third_party`; `extra` has what third party single rooms may.
    """
    table, under = {}, []
    for room, more in stack:
        path = f"{folder}/{room}" if room else folder
        table[path] = (
            tuple(under) + tuple(below) + more,
            tuple(third_party) + extra.get(room, ()),
        )
        under.append(path)
    return table


ENGINE = (
    ("weights", ()), ("text", ()), ("schedule", ()), ("random", ()),
    ("image", ()), ("control", ()), ("tensor", ()), ("models", ()),
    ("pipeline", ()), ("families/unet", ()), ("families", ()),
    ("runtime", ()), ("verify", ()), ("cli", ()),
)
TORCH = (
    "tensor", "models", "pipeline", "families/unet", "families", "runtime",
    "verify", "cli",
)
PRICING = "batching/pricing"
BATCHING = tuple(
    "batching/" + room
    for room in ("pricing", "rows", "plan", "continuous", "simulate")
)
TABLE = {
    "base": ((), ("absl", "openssl")),
    "base/log": (("base",), ("absl", "spdlog")),
    "queue": (("base",), ("absl",)),
    "queue/leasing": (("base", "queue"), ("absl",)),
    "queue/sqlite/disk": (("base", "queue"), ("absl", "sqlite")),
    "queue/sqlite/lines": (("base", "queue"), ("absl",)),
    "queue/sqlite": (
        ("base", "queue", "queue/sqlite/disk", "queue/sqlite/lines"),
        ("absl", "sqlite"),
    ),
    "queue/sqlite/offline": (
        ("base", "queue", "queue/sqlite", "queue/sqlite/disk"),
        ("absl", "sqlite"),
    ),
    PRICING: (("base",), ("absl",)),
    **floors(
        "batching",
        (
            ("rows", ()), ("plan", ()), ("continuous", ()),
            ("simulate", ()),
        ),
        ("base", "queue", PRICING),
        ("absl",),
        {},
    ),
    **floors(
        "inference/engine",
        ENGINE,
        ("base",),
        ("absl",),
        {
            "weights": ("json",),
            "text": ("json", "utf8proc"),
            "image": ("json", "jpeg", "png", "webp"),
            **{room: ("json", "torch") for room in TORCH},
        },
    ),
    **floors(
        "inference/worker",
        (
            ("session", ()),
            ("simulated", ("inference/engine/image",)),
            (
                "process",
                (
                    "base/log", "inference/engine/runtime",
                    "inference/engine/image",
                ),
            ),
            (
                "torch",
                (PRICING,)
                + tuple(
                    "inference/engine/" + room
                    for room in (
                        "control", "image", "runtime", "schedule", "tensor",
                        "weights",
                    )
                ),
            ),
        ),
        ("base", "proto"),
        ("absl", "fmt", "protobuf", "spdlog"),
        {
            "session": ("grpc",),
            "process": ("cli11", "grpc"),
            "torch": ("tomlplusplus",),
        },
    ),
    **floors(
        "server",
        (
            ("config", BATCHING),
            ("admission", ()),
            ("blobs", ()),
            ("telemetry", ("queue/leasing",)),
            ("scheduling", ("queue/leasing",) + BATCHING),
            ("use_cases", ("queue/leasing",) + BATCHING),
            ("wire", ("proto", "queue/leasing") + BATCHING),
            ("liveness", ("proto", "queue/leasing")),
            (
                "handlers",
                ("proto", "queue/leasing") + BATCHING,
            ),
            (
                "process",
                (
                    "queue/leasing", "queue/sqlite", "queue/sqlite/offline",
                )
                + BATCHING,
            ),
        ),
        ("base", "base/log", "queue"),
        ("absl", "spdlog"),
        {
            "config": ("cli11", "tomlplusplus"),
            "admission": ("grpc",),
            "wire": ("grpc", "protobuf", "re2"),
            "liveness": ("grpc",),
            "handlers": ("grpc", "protobuf"),
            "process": ("grpc",),
        },
    ),
    **floors(
        "cli",
        (
            ("support", ()), ("commands", ()), ("commands/batch", ()),
            ("commands/job", ()),
        ),
        ("base", "proto", "queue") + BATCHING,
        ("absl", "cli11", "grpc", "protobuf"),
        {"support": ("tomlplusplus",)},
    ),
    "cli": (
        (
            "base", "cli/support", "cli/commands", "cli/commands/batch",
            "cli/commands/job",
        ),
        ("absl", "cli11"),
    ),
    "tests": (ANYTHING, ANYTHING),
    "bench": (ANYTHING, ANYTHING),
}
# A room with more modules (a .cc with its header is one) has a second noun.
MODULES = 24
# Comments whose sentence has a what or who clause as its subject are read twice.
# Their number may only fall (a released migration keeps its words).
INVERTED = re.compile(r"\s*(//+|#|--) (What|Who|Whose|Of|Those) ")
INVERTED_MAX = 6
# Folders of tests/ that mirror no folder of code.
NOT_MIRRORED = ("e2e", "fuzz", "golden", "tidy", "tools", "tsan")

# Which component an include path belongs to; the longest prefix wins.
OURS = {
    **{name + "/": name for name in TABLE},
    "sheaf/v1/": "proto",
    "google/rpc/": "proto",
    "grpc/health/": "proto",
}
THIRD_PARTY = {
    "absl/": "absl",
    "boost/": "boost",
    "CLI/": "cli11",
    "fmt/": "fmt",
    "google/protobuf/": "protobuf",
    "grpc/": "grpc",
    "grpcpp/": "grpc",
    "jerror.h": "jpeg",
    "jpeglib.h": "jpeg",
    "nlohmann/": "json",
    "openssl/": "openssl",
    "png.h": "png",
    "re2/": "re2",
    "spdlog/": "spdlog",
    "sqlite3.h": "sqlite",
    "SQLiteCpp/": "sqlite",
    "toml++/": "tomlplusplus",
    "torch/": "torch",
    "utf8proc.h": "utf8proc",
    "webp/": "webp",
    "ATen/": "torch",
    "c10/": "torch",
    # For tests and measurements only: no component above names them.
    "benchmark/": "benchmark",
    "gmock/": "googletest",
    "gtest/": "googletest",
}
# The language's own headers, and the operating system's.
SYSTEM = re.compile(
    r"<([a-z_0-9]+|(sys|netinet|arpa|net|linux|sanitizer)/[a-z_0-9]+\.h|"
    r"(cxxabi|dirent|dlfcn|fcntl|fts|grp|limits|malloc|netdb|poll|pthread|pwd|"
    r"sched|signal|spawn|stdlib|strings|termios|time|unistd|zlib)\.h)>"
)
# Written by the build, beside the one file that includes them.
GENERATED = re.compile(r'"embedded_[a-z_]+\.inc"')

CODE = (".h", ".cc")
TEXT = CODE + (
    ".proto", ".sql", ".py", ".sh", ".cmake", ".md", ".txt", ".toml", ".json",
    ".service", ".yml", ".supp",
)
# Files whose comments are read for their English.
COMMENTED = CODE + (".proto", ".sql", ".py", ".sh", ".cmake")
PROGRAMS = ("setup", "test", "demo", "run", "generate")
SKIPPED_FOLDERS = (
    "build", "demo-out", "__pycache__", "_pb", "corpus", "golden",
)
COLUMNS = 80
LINES = 450
# In pieces, so that this file does not name them.
OUTSIDE = re.compile(
    r"(?<![\w.])/wo" r"rk(?![\w-])|\.\./sha" r"red\b|\.libr" r"ary\b"
)
INCLUDE = re.compile(r'\s*#\s*include\s*([<"][^>"]+[>"])')
RAW_STRING = re.compile(r'R"([^\s()\\]*)\(')


def component_of(path, prefixes):
    """The component of the longest prefix of `path`, or None."""
    hits = [prefix for prefix in prefixes if path.startswith(prefix)]
    return prefixes[max(hits, key=len)] if hits else None


def include_fault(folder, include):
    """Why a file of component `folder` may not have this include, or None."""
    if SYSTEM.fullmatch(include) or GENERATED.fullmatch(include):
        return None
    ours, third_party = TABLE[folder]
    path = include[1:-1]
    component = component_of(path, OURS)
    if component is not None:
        if ours is ANYTHING or component == folder or component in ours:
            return None
        return f"{folder}/ may not include {component}: {path}"
    component = component_of(path, THIRD_PARTY)
    if component is None:
        return f"{path} belongs to nothing that tests/tidy/tidy.py knows"
    if third_party is ANYTHING or component in third_party:
        return None
    return f"{folder}/ may not include {component}: {path}"


def too_wide(lines):
    """Numbers of the lines over COLUMNS, but for URLs, includes, raw text."""
    end = None  # What closes the raw string we are in.
    for number, line in enumerate(lines, 1):
        raw = end is not None
        if raw:
            end = None if end in line else end
        elif opening := RAW_STRING.search(line):
            raw = True
            closing = f'){opening[1]}"'
            end = None if closing in line[opening.end():] else closing
        if len(line) <= COLUMNS or raw:
            continue
        if "://" in line or INCLUDE.match(line):
            continue
        yield number


def faults_of(path, text):
    """(line, fault) of the file `path`, relative to the root."""
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        if line != line.rstrip():
            yield number, "blanks at the end of the line"
        if "\t" in line:
            yield number, "a tab"
        if OUTSIDE.search(line):
            yield number, "names a place outside the repository"
    if text and not text.endswith("\n"):
        yield len(lines), "no newline at the end of the file"
    if path.endswith(CODE + (".py", ".sql")) and text.count("\n") > LINES:
        yield LINES + 1, f"more than {LINES} lines"
    if path.endswith(CODE):
        yield from code_faults(path, lines)


def code_faults(path, lines):
    for number in too_wide(lines):
        yield number, f"more than {COLUMNS} columns"
    if path.endswith(".h") and "#pragma once" not in lines:
        yield 1, "no #pragma once"
    folder = component_of(path, {name + "/": name for name in TABLE})
    if folder is None:
        yield 1, "in a folder that tests/tidy/tidy.py does not know"
        return
    for number, line in enumerate(lines, 1):
        if match := INCLUDE.match(line):
            if fault := include_fault(folder, match[1]):
                yield number, fault


def module_of(path):
    """The path without its ending: a .cc and its header are one module."""
    return os.path.splitext(path)[0]


def crowded_rooms(paths):
    """(path, line, fault) for each room with more than MODULES modules."""
    rooms = {}
    for path in paths:
        if path.endswith(CODE) and not path.startswith(("tests/", "bench/")):
            rooms.setdefault(os.path.dirname(path), set()).add(module_of(path))
    for room, modules in sorted(rooms.items()):
        if len(modules) > MODULES:
            yield room, 1, f"{len(modules)} modules, more than {MODULES}"


def program_of(path):
    """The top folder; of inference/, which has two programs, the next, too."""
    parts = path.split("/")
    return "/".join(parts[: 2 if parts[0] == "inference" else 1])


def strayed_tests(paths):
    """(path, line, fault) for each test that is not where its module is."""
    rooms = {}  # (program, name) -> rooms with a module of that name
    folders = {os.path.dirname(path) for path in paths}
    for path in paths:
        if path.endswith(CODE) and not path.startswith(("tests/", "bench/")):
            key = program_of(path), os.path.basename(module_of(path))
            rooms.setdefault(key, set()).add(os.path.dirname(path))
    for path in paths:
        parts = path.split("/")
        if (
            parts[0] != "tests"
            or not path.endswith(CODE)
            or len(parts) < 3
            or parts[1] in NOT_MIRRORED
        ):
            continue
        mirrored = "/".join(parts[1:-1])
        if not any((f + "/").startswith(mirrored + "/") for f in folders):
            yield path, 1, f"there is no folder {mirrored}/"
        if not path.endswith("_test.cc"):
            continue
        name = parts[-1].removesuffix("_test.cc")
        homes = rooms.get((program_of(mirrored + "/"), name), set())
        if homes and mirrored not in homes:
            home = sorted(homes)[0]
            yield path, 1, f"belongs into tests/{home}/, where its module is"


def files_of_ours(root):
    """Paths of the files to check, relative to `root`, in order."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(
            name
            for name in folders
            if name not in SKIPPED_FOLDERS
            and (not name.startswith(".") or name == ".ci")
        )
        for name in sorted(names):
            if name.endswith(TEXT) or name in PROGRAMS:
                yield os.path.relpath(os.path.join(folder, name), root)


def check(root):
    """All faults under `root`, as lines to print."""
    paths = list(files_of_ours(root))
    for path, line, fault in (*crowded_rooms(paths), *strayed_tests(paths)):
        yield f"{path}:{line}: {fault}"
    inverted, sources = [], []
    for path in paths:
        try:
            with open(os.path.join(root, path), encoding="utf-8") as file:
                text = file.read()
        except UnicodeDecodeError:
            yield f"{path}:1: not UTF-8"
            continue
        for line, fault in faults_of(path, text):
            yield f"{path}:{line}: {fault}"
        if path.endswith(CODE) and not path.startswith(("tests/", "bench/")):
            sources.append((path, text))
        if path.endswith(COMMENTED):
            for line, words in enumerate(text.split("\n"), 1):
                if INVERTED.match(words):
                    inverted.append(f"{path}:{line}")
    for path, line, fault in homonyms(sources):
        yield f"{path}:{line}: {fault}"
    if len(inverted) > INVERTED_MAX:
        for place in inverted:
            yield f"{place}: the comment opens with a clause for a subject"


def main():
    default = os.path.join(os.path.dirname(__file__), "..", "..")
    root = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else default)
    faults = list(check(root))
    print("\n".join(faults) if faults else "tidy")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
