"""Says what is right in pictures of shapes, from their pixels.

    check.py PICTURE.png "a small red circle on a white background"
    check.py PICTURE.png --control edge MAP.png
    check.py --folder PICTURES captions.txt [--control seg MAPS]

The first prints each word of the caption with `ok` or `WRONG` and what is seen,
and exits with 1 if any is wrong. The second prints how far the picture obeys a
control picture, from 0 to 1. The third takes the folder's PNGs in the order of
their names, one for each line of the captions, and prints percentages.
"""

import argparse
import os
import sys

import checker
import maps
import png


def describe(seen):
    names = (seen.size, seen.colour or "some colour", seen.shape or "something")
    return " ".join(names) + f" at {seen.x:.0f},{seen.y:.0f}"


def check_one(path, caption):
    """Prints; true if every word is right."""
    picture = png.read(path)
    words = checker.judge(picture, caption)
    for word, right in words:
        print(f"{'ok' if right else 'WRONG':6} {word}")
    look = checker.look(picture)
    print("seen: " + ", ".join(map(describe, look.things)) +
          f" on {look.background or 'some other'}")
    return all(right for _, right in words)


def pictures_of(folder):
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder))
            if name.endswith(".png")]


def check_folder(folder, captions_path):
    with open(captions_path, encoding="utf-8") as file:
        captions = [line.strip() for line in file if line.strip()]
    paths = pictures_of(folder)
    if len(paths) != len(captions):
        sys.exit(f"{len(paths)} pictures, but {len(captions)} captions")
    judged = [checker.judge(png.read(path), caption)
              for path, caption in zip(paths, captions)]
    for name, share in checker.summary(judged).items():
        print(f"{name:10} {100 * share:5.1f}%")


def check_control(kind, paths, map_paths):
    if len(paths) != len(map_paths):
        sys.exit(f"{len(paths)} pictures, but {len(map_paths)} maps")
    shares = [maps.overlap(kind, png.read(path), png.read(other))
              for path, other in zip(paths, map_paths)]
    print(f"{kind:10} {sum(shares) / len(shares):.3f}")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", nargs="?")
    parser.add_argument("caption", nargs="?")
    parser.add_argument("--folder", nargs=2, metavar=("PICTURES", "CAPTIONS"))
    parser.add_argument("--control", nargs=2, metavar=("KIND", "MAP"))
    options = parser.parse_args()
    if options.control and options.control[0] not in maps.KINDS:
        parser.error("KIND is one of " + ", ".join(maps.KINDS))
    if options.folder:
        check_folder(*options.folder)
        if options.control:
            kind, folder = options.control
            check_control(kind, pictures_of(options.folder[0]),
                          pictures_of(folder))
        return 0
    if not options.picture or not (options.caption or options.control):
        parser.error("give a picture with a caption or a control picture")
    if options.control:
        kind, path = options.control
        check_control(kind, [options.picture], [path])
    if options.caption:
        return 0 if check_one(options.picture, options.caption) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
