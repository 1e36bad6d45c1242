#!/usr/bin/env python3
"""Holds the tree to what a compiler does not see.

    tidy.py [ROOT]

Checks every file of ours under ROOT: who includes whom (the table of
docs/architecture.md, below as data), `#pragma once`, the width and length of
files, tabs and trailing blanks, and that nothing names a place outside the
repository. Prints one line per fault, as a compiler would, and exits with 1 if
there is any.
"""

import os
import re
import sys

# Who may include whom: component -> (ours, third party). A component may
# always include itself. The longest matching path names the component, so
# that queue/sqlite/ is not queue/.
ANYTHING = None
TABLE = {
    "base": ((), ("absl", "openssl")),
    "queue": (("base",), ("absl",)),
    "queue/sqlite": (("base", "queue"), ("absl", "sqlite")),
    "batching": (("base", "queue"), ("absl",)),
    "inference": (("base",), ("absl", "torch", "png", "json", "utf8proc")),
    "inference/worker": (
        ("base", "batching", "inference", "proto"),
        (
            "absl", "cli11", "fmt", "grpc", "protobuf", "spdlog",
            "tomlplusplus",
        ),
    ),
    "server": (
        ("base", "batching", "proto", "queue", "queue/sqlite"),
        (
            "absl", "boost", "cli11", "fmt", "grpc", "openssl", "protobuf",
            "re2", "spdlog", "tomlplusplus",
        ),
    ),
    "cli": (
        ("base", "batching", "proto"),
        ("absl", "cli11", "fmt", "grpc", "protobuf", "tomlplusplus"),
    ),
    "tests": (ANYTHING, ANYTHING),
    "bench": (ANYTHING, ANYTHING),
}

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
    "ATen/": "torch",
    "c10/": "torch",
    # For tests and measurements only: no component above names them.
    "benchmark/": "benchmark",
    "gmock/": "googletest",
    "gtest/": "googletest",
}
# The language's own headers, and the operating system's.
SYSTEM = re.compile(
    r"<([a-z_0-9]+|(sys|netinet|arpa|net|linux)/[a-z_0-9]+\.h|"
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
    for path in files_of_ours(root):
        try:
            with open(os.path.join(root, path), encoding="utf-8") as file:
                text = file.read()
        except UnicodeDecodeError:
            yield f"{path}:1: not UTF-8"
            continue
        for line, fault in faults_of(path, text):
            yield f"{path}:{line}: {fault}"


def main():
    default = os.path.join(os.path.dirname(__file__), "..", "..")
    root = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else default)
    faults = list(check(root))
    print("\n".join(faults) if faults else "tidy")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
