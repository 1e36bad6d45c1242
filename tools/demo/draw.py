"""Draws the control pictures that ./demo shows: edge.png and seg.png.

Needs numpy. Both are in the repository; run this only to change them.
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "train_shapes"))

import maps  # noqa: E402
import png  # noqa: E402
import scenes  # noqa: E402

# The demo's prompts say what these hold, apart from the colours.
SCENES = {
    "edge": scenes.Scene("white", (
        scenes.Thing("large", "red", "triangle", 20, 32, 27),
        scenes.Thing("medium", "blue", "circle", 48, 32, 20)), "left of"),
    "seg": scenes.Scene("white", (
        scenes.Thing("medium", "red", "square", 32, 14, 20),
        scenes.Thing("large", "blue", "circle", 32, 46, 27)), "above"),
}


def main():
    for kind, scene in SCENES.items():
        picture = maps.map_of(kind, scene, scenes.draw(scene))
        png.write(os.path.join(HERE, kind + ".png"), picture)


if __name__ == "__main__":
    main()
