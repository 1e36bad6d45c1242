"""Looks at a picture's pixels and says what is in it, word by word.

Knows the scenes' palette and shapes, and nothing of how a picture was made.
Needs numpy alone.
"""

from dataclasses import dataclass
from itertools import permutations
from typing import Optional, Tuple

import numpy

import scenes

# A pixel this far from the ground's colour (in RGB) may be an object's. The
# nearest pair of a ground and a colour is twice as far.
APART = 55.0
# A measured colour is called by a name no farther away than this.
NAMED = 75.0
# Fewer pixels are a speck. The smallest object has 84.
SPECK = 25
# How much of what it and the true shape cover together, they share, at least.
FIT = 0.7
# A picture may set things more aslant than the scenes it was learned from do.
SLANT = 0.8


@dataclass(frozen=True)
class Seen:
    """One object. Names are None where nothing known is near enough."""

    size: str
    colour: Optional[str]
    shape: Optional[str]
    x: float  # The middle of the shape's box.
    y: float
    width: float
    fit: float
    cover: numpy.ndarray  # What part of each pixel is the object's.


@dataclass(frozen=True)
class Look:
    background: Optional[str]
    things: Tuple[Seen, ...]


def nearest(colour, palette):
    far = {name: float(numpy.linalg.norm(colour - numpy.float32(value)))
           for name, value in palette.items()}
    name = min(far, key=far.get)
    return name if far[name] <= NAMED else None


def neighbours(mask):
    """The four neighbours of each pixel, false beyond the border."""
    wide = numpy.pad(mask, 1)
    return wide[:-2, 1:-1], wide[2:, 1:-1], wide[1:-1, :-2], wide[1:-1, 2:]


def shrink(mask):
    up, down, left, right = neighbours(mask)
    return mask & up & down & left & right


def grow(mask):
    up, down, left, right = neighbours(mask)
    return mask | up | down | left | right


def parts_of(mask):
    """The connected parts of a mask, as masks, largest first."""
    parts, rest = [], mask.copy()
    while rest.any():
        part = numpy.zeros_like(rest)
        part.flat[rest.argmax()] = True
        while True:
            more = grow(part) & rest
            if (more == part).all():
                break
            part = more
        parts.append(part)
        rest &= ~part
    return sorted(parts, key=lambda part: -part.sum())


def core_colour(picture, part):
    """The colour of a part's inside, away from its blended rim."""
    inside = part
    for _ in range(2):
        smaller = shrink(inside)
        if smaller.sum() < 4:
            break
        inside = smaller
    return numpy.median(picture[inside], axis=0)


def cover_of(picture, part, ground, colour):
    """How far each pixel in and around a part is from ground to colour."""
    way = colour - ground
    share = ((picture - ground) @ way) / max(float(way @ way), 1.0)
    return numpy.clip(share, 0, 1) * grow(part)


def shape_of(cover):
    """(fit, shape, x, y, width) of the best of the known shapes."""
    area = float(cover.sum())
    side = cover.shape[0]
    at = numpy.arange(side) + 0.5
    middle_x = float((cover.sum(0) * at).sum()) / area
    middle_y = float((cover.sum(1) * at).sum()) / area
    best = (-1.0,)
    for shape, fill in scenes.FILL.items():
        width = (area / fill) ** 0.5
        # A triangle's mass lies under the middle of its box.
        y = middle_y - (width / 6 if shape == "triangle" else 0)
        ideal = scenes.coverage(shape, middle_x, y, width, side)
        fit = float(numpy.minimum(ideal, cover).sum() /
                    numpy.maximum(ideal, cover).sum())
        best = max(best, (fit, shape, middle_x, y, width))
    return best


def size_of(width):
    return min(scenes.SIZES, key=lambda name: abs(scenes.SIZES[name] - width))


def look(picture):
    """What is in a picture: bytes, [side, side, 3]."""
    picture = picture.astype(numpy.float32)
    rim = numpy.ones(picture.shape[:2], bool)
    rim[2:-2, 2:-2] = False
    ground = numpy.median(picture[rim], axis=0)
    mask = numpy.linalg.norm(picture - ground, axis=2) > APART
    things = []
    for part in parts_of(mask):
        if part.sum() < SPECK:
            continue
        colour = core_colour(picture, part)
        cover = cover_of(picture, part, ground, colour)
        fit, shape, x, y, width = shape_of(cover)
        things.append(Seen(size_of(width), nearest(colour, scenes.COLOURS),
                           shape if fit >= FIT else None, x, y, width, fit,
                           cover))
    return Look(nearest(ground, scenes.BACKGROUNDS), tuple(things))


@dataclass(frozen=True)
class Wanted:
    """A caption, read. What it does not say is None."""

    background: Optional[str]
    things: Tuple[Tuple[Optional[str], str, str], ...]  # Size, colour, shape.
    relation: Optional[str]


def read_thing(words, caption):
    words = [word for word in words.split() if word not in ("a", "an")]
    size = words.pop(0) if words and words[0] in scenes.SIZES else None
    if (len(words) != 2 or words[0] not in scenes.COLOURS or
            words[1] not in scenes.SHAPES):
        raise ValueError(f"not a caption of such scenes: {caption!r}")
    return size, words[0], words[1]


def read_caption(caption):
    """Raises ValueError for other words than captions are made of."""
    rest, background, relation = caption.strip().lower(), None, None
    if rest.endswith(" background") and " on " in rest:
        rest, ground = rest[:-len(" background")].split(" on ", 1)
        background = ground.split()[-1]
        if background not in scenes.BACKGROUNDS:
            raise ValueError(f"no such background: {background!r}")
    things = [rest]
    for name in scenes.RELATIONS:
        if f" {name} " in rest:
            relation, things = name, rest.split(f" {name} ", 1)
    return Wanted(background, tuple(read_thing(t, caption) for t in things),
                  relation)


def judge_thing(wanted, seen):
    """[(word, right?)...] of one object; seen may be None."""
    found = (seen.size, seen.colour, seen.shape) if seen else (None,) * 3
    return [(word, word == is_there)
            for word, is_there in zip(wanted, found) if word]


def judge_pairing(wanted, seen):
    """The words of all objects, the k-th wanted being the k-th seen."""
    words = []
    for thing, there in zip(wanted.things, seen):
        words += judge_thing(thing, there)
    if wanted.relation:
        first, second = seen
        right = first and second and scenes.relation_of(
            (first.x, first.y), (second.x, second.y),
            slant=SLANT) == wanted.relation
        words.append((wanted.relation, bool(right)))
    return words


def judge(picture, caption):
    """[(word, right?)...] of a caption, in order of objects, relation, ground.

    The last is ("count", right?): as many objects as the caption names. Of all
    ways to take the picture's objects for the caption's, the best counts.
    """
    wanted, seen = read_caption(caption), look(picture)
    missing = (None,) * max(len(wanted.things) - len(seen.things), 0)
    words = max(
        (judge_pairing(wanted, chosen) for chosen in permutations(
            seen.things[:6] + missing, len(wanted.things))),
        key=lambda words: sum(right for _, right in words))
    if wanted.background:
        words.append((wanted.background, wanted.background == seen.background))
    words.append(("count", len(seen.things) == len(wanted.things)))
    return words


def kind_of(word):
    """What a judged word is about: "colour", "shape"..."""
    for kind, names in (("size", scenes.SIZES), ("colour", scenes.COLOURS),
                        ("shape", scenes.SHAPES),
                        ("relation", scenes.RELATIONS),
                        ("background", scenes.BACKGROUNDS)):
        if word in names:
            return kind
    return word


def summary(judged):
    """Shares of pictures from many answers of judge().

    "objects": colour, shape and count are right for all; "related": and the
    relation; "all": every word.
    """
    def right(words, kinds):
        return all(ok for word, ok in words if kind_of(word) in kinds)

    groups = {kind: (kind,) for kind in
              ("size", "colour", "shape", "relation", "background", "count")}
    groups["objects"] = ("colour", "shape", "count")
    groups["related"] = groups["objects"] + ("relation",)
    groups["all"] = tuple(groups["related"]) + ("size", "background")
    return {name: sum(right(words, kinds) for words in judged) / len(judged)
            for name, kinds in groups.items()}
