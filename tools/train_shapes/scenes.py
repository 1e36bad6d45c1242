"""Scenes: one or two shapes on a flat ground, drawn, and told in words.

Everything comes from a numpy Generator: the same seed gives the same scenes,
pixels and captions on every machine. Needs numpy alone.
"""

from dataclasses import dataclass
from typing import Optional, Tuple

import numpy

SIDE = 64  # Pixels of a picture, each way.
FINER = 3  # Drawn this many times as large, then reduced.
GAP = 3.0  # Pixels at least between two objects.

SHAPES = ("circle", "square", "triangle")
COLOURS = {
    "red": (205, 30, 40),
    "green": (30, 150, 60),
    "blue": (35, 70, 215),
    "purple": (130, 40, 160),
    "orange": (235, 115, 20),
    "cyan": (40, 190, 215),
}
BACKGROUNDS = {
    "white": (245, 245, 245),
    "yellow": (255, 225, 70),
    "grey": (150, 150, 150),
    "black": (25, 25, 25),
}
# Width and height of the box around a shape, and how much either way.
SIZES = {"small": 14.0, "medium": 20.0, "large": 27.0}
SIZE_SPREAD = 1.0
# The part of its box that a shape covers.
FILL = {"circle": numpy.pi / 4, "square": 1.0, "triangle": 0.5}
RELATIONS = ("left of", "right of", "above", "below")


@dataclass(frozen=True)
class Thing:
    """One object; x and y are the middle of its box, in pixels."""

    size: str
    colour: str
    shape: str
    x: float
    y: float
    width: float


@dataclass(frozen=True)
class Scene:
    """The first thing stands in `relation` to the second, if there are two."""

    background: str
    things: Tuple[Thing, ...]
    relation: Optional[str]


def coverage(shape, x, y, width, side=SIDE, finer=FINER):
    """What part of each pixel a shape covers: floats, [side, side]."""
    half = width / 2
    left, top = (max(int(middle - half), 0) for middle in (x, y))
    right, bottom = (min(int(middle + half) + 1, side) for middle in (x, y))
    columns = (numpy.arange(left * finer, right * finer) + 0.5) / finer
    rows = (numpy.arange(top * finer, bottom * finer) + 0.5) / finer
    across = numpy.abs(columns[None, :] - x)
    down = rows[:, None] - y
    if shape == "circle":
        inside = across**2 + down**2 <= half**2
    elif shape == "square":
        inside = (across <= half) & (numpy.abs(down) <= half)
    else:  # A triangle stands on its base.
        inside = (numpy.abs(down) <= half) & (across <= (down + half) / 2)
    blocks = inside.reshape(bottom - top, finer, right - left, finer)
    cover = numpy.zeros((side, side), numpy.float32)
    cover[top:bottom, left:right] = blocks.mean((1, 3), dtype=numpy.float32)
    return cover


def paint(ground, layers, side=SIDE):
    """RGB bytes: flat colours over a ground. layers: [(coverage, colour)]."""
    picture = numpy.empty((side, side, 3), numpy.float32)
    picture[:] = ground
    for cover, colour in layers:
        cover = cover[:, :, None]
        picture += cover * (numpy.float32(colour) - picture)
    return numpy.rint(picture).astype(numpy.uint8)


def draw(scene):
    """The scene's picture: bytes, [SIDE, SIDE, 3]."""
    layers = [(coverage(thing.shape, thing.x, thing.y, thing.width),
               COLOURS[thing.colour]) for thing in scene.things]
    return paint(BACKGROUNDS[scene.background], layers)


def pick(rng, names):
    return list(names)[rng.integers(len(names))]


def random_look(rng):
    """Size, colour, shape, and the width that the size has here."""
    size = pick(rng, SIZES)
    width = SIZES[size] + rng.uniform(-SIZE_SPREAD, SIZE_SPREAD)
    return size, pick(rng, COLOURS), pick(rng, SHAPES), width


def random_places(rng, width, count):
    """`count` middles for a box of this width: [count, 2]."""
    margin = width / 2 + 1
    return rng.uniform(margin, SIDE - margin, (count, 2))


def relation_of(first, second, apart=0.0, slant=0.4):
    """How `first` stands to `second`, or None where that is open.

    first, second: (x, y). Clearly beside or clearly over: the other way's
    distance is at most `slant` of this one, and this one is at least `apart`.
    """
    right, down = first[0] - second[0], first[1] - second[1]
    along, off = max(abs(right), abs(down)), min(abs(right), abs(down))
    if along < apart or off > slant * along:
        return None
    if abs(right) > abs(down):
        return "left of" if right < 0 else "right of"
    return "above" if down < 0 else "below"


def random_scene(rng, pairs=0.75):
    """A scene; `pairs` is the share of those with two things."""
    background = pick(rng, BACKGROUNDS)
    *look, width = random_look(rng)
    if rng.random() >= pairs:
        x, y = random_places(rng, width, 1)[0]
        return Scene(background, (Thing(*look, x, y, width),), None)
    wanted = pick(rng, RELATIONS)
    *other_look, other_width = random_look(rng)
    apart = (width + other_width) / 2 + GAP
    while True:
        for place, other in zip(random_places(rng, width, 32).tolist(),
                                random_places(rng, other_width, 32).tolist()):
            if relation_of(place, other, apart) == wanted:
                return Scene(background,
                             (Thing(*look, *place, width),
                              Thing(*other_look, *other, other_width)), wanted)


def article(words):
    return ("an " if words[0] in "aeiou" else "a ") + words


def caption(scene, rng=None):
    """The scene in words. With `rng`, sizes and ground are told often only."""
    def told(share):
        return rng is None or rng.random() < share

    def name(thing):
        size = thing.size + " " if told(0.7) else ""
        return article(f"{size}{thing.colour} {thing.shape}")

    words = name(scene.things[0])
    if scene.relation:
        words += f" {scene.relation} {name(scene.things[1])}"
    if told(0.85):
        words += f" on {article(scene.background)} background"
    return words


def random_scenes(seed, count):
    """`count` scenes of the seed."""
    rng = numpy.random.default_rng(seed)
    return [random_scene(rng) for _ in range(count)]
