"""PNG files of eight bits, to and from numpy arrays, with zlib alone."""

import struct
import zlib

import numpy

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}  # By colour type.


class BadPng(ValueError):
    """Not a PNG, or one of a kind that is not read here."""


def chunks_of(data):
    if data[:8] != SIGNATURE:
        raise BadPng("not a PNG file")
    at = 8
    while at + 12 <= len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        yield kind, data[at + 8:at + 8 + length]
        at += 12 + length


def paeth(left, up, corner):
    """The neighbour nearest to left + up - corner; left wins, then up."""
    guess = left + up - corner
    far = abs(guess - left), abs(guess - up), abs(guess - corner)
    if far[0] <= far[1] and far[0] <= far[2]:
        return left
    return up if far[1] <= far[2] else corner


def unfilter(kind, row, above, step):
    """One row of bytes with its filter undone."""
    if kind == 0:
        return row
    if kind == 2:
        return row + above
    row = row.tolist()
    above = above.tolist()
    for i, value in enumerate(row):
        left = row[i - step] if i >= step else 0
        corner = above[i - step] if i >= step else 0
        if kind == 1:
            value += left
        elif kind == 3:
            value += (left + above[i]) // 2
        elif kind == 4:
            value += paeth(left, above[i], corner)
        else:
            raise BadPng(f"row filter {kind}")
        row[i] = value & 255
    return numpy.array(row, numpy.uint8)


def decode(data):
    """RGB bytes, [height, width, 3]. Grey is spread, opacity is dropped."""
    parts = list(chunks_of(data))
    header = next((body for kind, body in parts if kind == b"IHDR"), None)
    if header is None or len(header) != 13:
        raise BadPng("no header")
    width, height, depth, colour, _, _, interlaced = struct.unpack(
        ">IIBBBBB", header)
    if depth != 8 or colour not in CHANNELS or interlaced:
        raise BadPng("only plain PNGs of eight bits are read")
    channels = CHANNELS[colour]
    try:
        raw = zlib.decompress(b"".join(b for k, b in parts if k == b"IDAT"))
    except zlib.error as error:
        raise BadPng(f"the pixels are broken: {error}") from error
    stride = width * channels
    if len(raw) != height * (stride + 1):
        raise BadPng("the pixels are not as many as the header says")
    rows = numpy.frombuffer(raw, numpy.uint8).reshape(height, stride + 1)
    above = numpy.zeros(stride, numpy.uint8)
    pixels = numpy.empty((height, stride), numpy.uint8)
    for y in range(height):
        above = unfilter(int(rows[y, 0]), rows[y, 1:], above, channels)
        pixels[y] = above
    pixels = pixels.reshape(height, width, channels)
    if channels < 3:
        return pixels[:, :, :1].repeat(3, 2)
    return pixels[:, :, :3].copy()


def chunk(kind, body):
    return (struct.pack(">I", len(body)) + kind + body +
            struct.pack(">I", zlib.crc32(kind + body)))


def encode(pixels):
    """RGB bytes [height, width, 3] as a PNG file's bytes."""
    height, width, _ = pixels.shape
    rows = numpy.zeros((height, 1 + 3 * width), numpy.uint8)
    rows[:, 1:] = pixels.reshape(height, 3 * width)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (SIGNATURE + chunk(b"IHDR", header) +
            chunk(b"IDAT", zlib.compress(rows.tobytes(), 6)) +
            chunk(b"IEND", b""))


def read(path):
    with open(path, "rb") as file:
        return decode(file.read())


def write(path, pixels):
    with open(path, "wb") as file:
        file.write(encode(pixels))
