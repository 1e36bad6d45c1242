"""Pixels of our PNG files, and what the engine's own command makes."""

import hashlib
import os
import struct
import subprocess
import zlib

import fixture


def pixels(data):
    """(width, height, RGB bytes) of an eight-bit RGB PNG."""
    at, packed, size = 8, b"", None
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        if kind == b"IHDR":
            size = struct.unpack(">II", body[:8])
        elif kind == b"IDAT":
            packed += body
        at += 12 + length
    width, height = size
    raw, stride, above = zlib.decompress(packed), 3 * width, bytes(3 * width)
    rows = []
    for y in range(height):
        start = y * (stride + 1)
        above = unfilter(
            raw[start], raw[start + 1:start + 1 + stride], above
        )
        rows.append(above)
    return width, height, b"".join(rows)


def unfilter(kind, line, above):
    """A line of RGB pixels as it was before PNG's filter."""
    out = bytearray(line)
    for i in range(len(out)):
        left = out[i - 3] if i >= 3 else 0
        corner = above[i - 3] if i >= 3 else 0
        if kind == 1:
            out[i] = (out[i] + left) & 255
        elif kind == 2:
            out[i] = (out[i] + above[i]) & 255
        elif kind == 3:
            out[i] = (out[i] + (left + above[i]) // 2) & 255
        elif kind == 4:
            guess = left + above[i] - corner
            nearest = min(
                (left, above[i], corner), key=lambda one: abs(guess - one)
            )
            out[i] = (out[i] + nearest) & 255
    return bytes(out)


def pixel_hash(data):
    """As `sheaf-engine` prints it."""
    width, height, rgb = pixels(data)
    return hashlib.sha256(b"%dx%d:" % (width, height) + rgb).hexdigest()


def engine_hashes(folder, command, model, **options):
    """Pixel hashes of what `sheaf-engine COMMAND MODEL --option=...` makes.

    With one thread: tests' workers have as many, and with AVX2 the number of
    threads makes a difference.
    """
    args = [fixture.program("sheaf-engine"), command, model]
    for key, value in options.items():
        values = value if isinstance(value, list) else [value]
        for one in values:
            args += ["--" + key.replace("_", "-"), str(one)]
    args += ["--out", os.path.join(folder, "engine.png")]
    done = subprocess.run(
        args, capture_output=True, text=True, timeout=300, check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return [line.split()[-1] for line in done.stdout.splitlines()]
