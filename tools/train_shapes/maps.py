"""The control pictures of a scene or of any picture, and how one obeys them.

All are RGB bytes of the picture's size, as ControlNets take them. Needs numpy
alone.
"""

import numpy

import checker
import scenes

KINDS = ("edge", "seg", "depth", "vis")

# Colours of the usual palette of segmentation maps, so that a program which
# snaps maps to that palette leaves them as they are.
SEG_GROUND = (120, 120, 120)
SEG_COLOURS = {
    "circle": (255, 0, 0), "square": (20, 255, 0), "triangle": (0, 0, 255),
}
# Near is white: the largest thing, then the other, then the ground.
DEPTHS = (240, 150)
DEPTH_GROUND = 30
EDGE_LOW, EDGE_HIGH = 100, 200
BLUR = 6.0  # Standard deviation, pixels.


def sobel(plane):
    """(right, down) gradients; the border is repeated."""
    p = numpy.pad(plane.astype(numpy.int32), 1, "edge")
    columns = p[:-2] + 2 * p[1:-1] + p[2:]
    rows = p[:, :-2] + 2 * p[:, 1:-1] + p[:, 2:]
    return columns[:, 2:] - columns[:, :-2], rows[2:] - rows[:-2]


def strongest(picture):
    """Of each pixel's channels, the gradient that is largest: right, down."""
    right, down = zip(*(sobel(picture[:, :, c]) for c in range(3)))
    right, down = numpy.stack(right), numpy.stack(down)
    which = (abs(right) + abs(down)).argmax(0)[None]
    return (numpy.take_along_axis(right, which, 0)[0],
            numpy.take_along_axis(down, which, 0)[0])


def ridges(right, down):
    """Where the gradient is largest across the edge, in eight directions."""
    size = abs(right) + abs(down)
    wide = numpy.pad(size, 1)
    height, width = size.shape

    def at(dx, dy):
        return wide[1 + dy:1 + dy + height, 1 + dx:1 + dx + width]

    steep = abs(down) > numpy.tan(3 * numpy.pi / 8) * abs(right)
    flat = abs(down) < numpy.tan(numpy.pi / 8) * abs(right)
    falling = (right ^ down) < 0
    slanted = numpy.where(falling,
                          (size > at(1, -1)) & (size > at(-1, 1)),
                          (size > at(-1, -1)) & (size > at(1, 1)))
    return numpy.where(
        flat, (size > at(-1, 0)) & (size >= at(1, 0)),
        numpy.where(steep, (size > at(0, -1)) & (size >= at(0, 1)), slanted))


def spread(mask):
    """A mask and the eight neighbours of its pixels."""
    wide = numpy.pad(mask, 1)
    rows = wide[:-2] | wide[1:-1] | wide[2:]
    return rows[:, :-2] | rows[:, 1:-1] | rows[:, 2:]


def edges(picture):
    """Canny's rule: ridges that are strong, or that touch strong ones."""
    right, down = strongest(picture)
    size = abs(right) + abs(down)
    maybe = ridges(right, down) & (size > EDGE_LOW)
    sure = maybe & (size > EDGE_HIGH)
    while True:
        more = spread(sure) & maybe
        if (more == sure).all():
            return sure
        sure = more


def blur(picture):
    """Gaussian; the border is mirrored about its last pixel."""
    reach = int(round(3 * BLUR))
    taps = numpy.exp(-numpy.arange(-reach, reach + 1)**2 / (2 * BLUR**2))
    taps = (taps / taps.sum()).astype(numpy.float32)
    height, width, _ = picture.shape
    wide = numpy.pad(picture.astype(numpy.float32),
                     ((reach, reach), (reach, reach), (0, 0)), "reflect")
    rows = sum(tap * wide[i:i + height] for i, tap in enumerate(taps))
    both = sum(tap * rows[:, i:i + width] for i, tap in enumerate(taps))
    return numpy.rint(both).astype(numpy.uint8)


def grey(plane):
    return numpy.repeat(plane[:, :, None], 3, 2)


def layered(kind, things):
    """`seg` and `depth`, of [(shape, width, coverage)...]."""
    far_first = sorted(things, key=lambda thing: thing[1])
    levels = dict(zip(range(len(things)), DEPTHS[:len(things)][::-1]))
    layers = []
    for place, (shape, _, cover) in enumerate(far_first):
        inside = (cover > 0.5).astype(numpy.float32)
        layers.append((inside, SEG_COLOURS[shape] if kind == "seg" else
                       (levels[place],) * 3))
    return scenes.paint(SEG_GROUND if kind == "seg" else (DEPTH_GROUND,) * 3,
                        layers)


def map_of(kind, scene, picture):
    """The control picture of a scene and its drawing."""
    if kind == "edge":
        return grey(edges(picture).astype(numpy.uint8) * 255)
    if kind == "vis":
        return blur(picture)
    return layered(kind, [
        (thing.shape, thing.width,
         scenes.coverage(thing.shape, thing.x, thing.y, thing.width))
        for thing in scene.things])


def same_edges(mine, theirs):
    """Of all edge pixels of both, the share beside one of the other's."""
    count = int(mine.sum() + theirs.sum())
    near = (mine & spread(theirs)).sum() + (theirs & spread(mine)).sum()
    return float(near) / count if count else 1.0


def shared(mine, theirs):
    """Of what two masks cover, the share that both do."""
    either = int((mine | theirs).sum())
    return float((mine & theirs).sum()) / either if either else 1.0


def seen_map(kind, picture):
    """`seg` or `depth` of what the checker sees."""
    things = sorted(checker.look(picture).things, key=lambda t: -t.width)
    return layered(kind, [(thing.shape, thing.width, thing.cover)
                          for thing in things[:2] if thing.shape])


def overlap(kind, picture, control):
    """From 0 to 1, how far a picture is what its control picture says."""
    if kind == "edge":
        return same_edges(edges(picture), control[:, :, 0] > 127)
    if kind == "vis":
        want = control.astype(numpy.float32)
        missed = ((blur(picture) - want)**2).sum()
        spread_out = ((want - want.mean((0, 1)))**2).sum()
        return max(0.0, 1 - float(missed) / max(float(spread_out), 1.0))
    seen = seen_map(kind, picture)
    if kind == "depth":
        return shared(seen[:, :, 0] > DEPTH_GROUND, control[:, :, 0] > 80)
    shares = []
    for colour in SEG_COLOURS.values():
        mine = (seen == numpy.uint8(colour)).all(2)
        theirs = (control == numpy.uint8(colour)).all(2)
        if mine.any() or theirs.any():
            shares.append(shared(mine, theirs))
    return sum(shares) / len(shares) if shares else 1.0
