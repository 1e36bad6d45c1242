"""How clang reads the tree without a build.

It needs the messages, which protoc writes into a folder of the caller's, and
has one precompiled header of gRPC, the logger and the messages: reading those
takes longer than reading a file of ours.
"""

import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FLAGS = ("-std=c++20", "-I.", "-DSPDLOG_FMT_EXTERNAL")
SLOW = ("grpcpp/grpcpp.h", "spdlog/spdlog.h", "absl/synchronization/mutex.h")
INCLUDE = re.compile(r'^#include "([^"]+)"', re.MULTILINE)
# The formatter's templates are filled in once.
LOG = """inline void Log(const std::string& text, int count) {
  spdlog::info("{} {} {}", text, count, 1.0);
}
"""


def seeing(pattern, texts):
    """The files of `texts` that see `pattern`, over any number of includes."""
    includes = {path: INCLUDE.findall(text) for path, text in texts.items()}
    seen = {path for path, text in texts.items() if pattern.search(text)}
    before = 0
    while len(seen) > before:
        before = len(seen)
        seen |= {path for path in texts if seen.intersection(includes[path])}
    return seen


def write_messages(out):
    """Has protoc write the messages' headers into `out`, as proto/ builds them."""
    proto = ROOT / "proto"
    plugin = subprocess.run(
        ("which", "grpc_cpp_plugin"), check=True, capture_output=True, text=True
    ).stdout.strip()
    protos = [*proto.glob("sheaf/v1/*.proto"), *proto.glob("third_party/**/*.proto")]
    subprocess.run(
        (
            "protoc", f"-I{proto}/third_party", f"-I{proto}",
            f"--cpp_out={out}", f"--grpc_out={out}",
            f"--plugin=protoc-gen-grpc={plugin}", *map(str, protos),
        ),
        check=True,
    )


def precompile(out, flags):
    """One header of what is slow to read; returns its compiled form.

    The services' own headers are not in it: the server must choose how gRPC
    reads a message before it includes them.
    """
    header, compiled = out / "slow.h", out / "slow.pch"
    messages = [
        path.relative_to(out)
        for path in sorted(out.rglob("*.pb.h"))
        if not path.name.endswith(".grpc.pb.h")
    ]
    header.write_text(
        "".join(f"#include <{path}>\n" for path in (*SLOW, *messages)) + LOG
    )
    subprocess.run(
        (
            "clang++-14", *flags, "-isystem", out, "-fpch-instantiate-templates",
            "-xc++-header", header, "-o", compiled,
        ),
        check=True, cwd=ROOT,
    )
    return compiled


def flags_to_read(out, *more):
    """The flags for files of ours, once all that they need is in `out`."""
    flags = (*FLAGS, *more)
    write_messages(out)
    compiled = precompile(out, flags)
    return (*flags, "-isystem", str(out), "-include-pch", str(compiled))
