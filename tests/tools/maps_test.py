"""Control pictures, how a picture's obedience is measured, and PNG files."""

import os
import random
import unittest

import numpy

import shapes_path  # noqa: F401
import maps
import png
import scenes

SEED = int(os.environ.get("SHEAF_TEST_SEED", random.randrange(2**31)))


class MapsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        print(f"SHEAF_TEST_SEED={SEED}", flush=True)
        cls.scenes = scenes.random_scenes(SEED, 40)
        cls.pictures = [scenes.draw(scene) for scene in cls.scenes]

    def mean_overlap(self, kind, turn):
        """Of each picture with the map of the one `turn` places on."""
        controls = [maps.map_of(kind, scene, picture) for scene, picture
                    in zip(self.scenes, self.pictures)]
        controls = controls[turn:] + controls[:turn]
        return numpy.mean([maps.overlap(kind, picture, control) for
                           picture, control in zip(self.pictures, controls)])

    def test_a_drawn_scene_obeys_its_own_maps(self):
        for kind in maps.KINDS:
            with self.subTest(kind):
                self.assertGreater(self.mean_overlap(kind, 0), 0.95)

    def test_another_scene_does_not(self):
        for kind in maps.KINDS:
            with self.subTest(kind):
                self.assertLess(self.mean_overlap(kind, 1), 0.4)

    def test_an_edge_is_one_line_around_each_thing(self):
        picture = scenes.draw(scenes.Scene("white", (scenes.Thing(
            "large", "blue", "square", 32, 32, 26),), None))
        edges = maps.edges(picture)
        self.assertFalse(edges[25:40, 25:40].any())
        self.assertFalse(edges[:17].any())
        for line in (edges[32], edges[:, 32]):
            self.assertEqual(line.sum(), 2)

    def test_a_flat_picture_has_no_edges(self):
        self.assertFalse(maps.edges(numpy.full((9, 9, 3), 80)).any())

    def test_a_faint_step_is_no_edge(self):
        picture = numpy.full((20, 20, 3), 100, numpy.uint8)
        picture[:, 10:] = 112
        self.assertFalse(maps.edges(picture).any())
        picture[:, 10:] = 200
        self.assertTrue(maps.edges(picture).any())

    def test_each_kind_has_a_seg_colour_of_its_own(self):
        colours = {maps.SEG_GROUND, *maps.SEG_COLOURS.values()}
        self.assertEqual(len(colours), len(scenes.SHAPES) + 1)

    def test_seg_has_a_colour_for_each_kind(self):
        scene = scenes.Scene("white", (
            scenes.Thing("large", "red", "circle", 16, 32, 26),
            scenes.Thing("small", "red", "triangle", 48, 32, 14)), "left of")
        seg = maps.map_of("seg", scene, scenes.draw(scene))
        self.assertEqual(tuple(seg[32, 16]), maps.SEG_COLOURS["circle"])
        self.assertEqual(tuple(seg[34, 48]), maps.SEG_COLOURS["triangle"])
        self.assertEqual(len(numpy.unique(seg.reshape(-1, 3), axis=0)), 3)

    def test_the_larger_thing_is_nearer(self):
        scene = scenes.Scene("white", (
            scenes.Thing("small", "red", "circle", 16, 32, 14),
            scenes.Thing("large", "red", "circle", 45, 32, 26)), "left of")
        depth = maps.map_of("depth", scene, scenes.draw(scene))
        self.assertLess(depth[2, 2, 0], depth[32, 16, 0])
        self.assertLess(depth[32, 16, 0], depth[32, 45, 0])

    def test_a_blur_keeps_a_flat_picture(self):
        flat = numpy.full((20, 30, 3), 77, numpy.uint8)
        self.assertTrue((maps.blur(flat) == 77).all())


class PngTest(unittest.TestCase):
    def test_pixels_come_back(self):
        rng = numpy.random.default_rng(SEED)
        pixels = rng.integers(0, 256, (5, 7, 3), numpy.uint8)
        self.assertTrue((png.decode(png.encode(pixels)) == pixels).all())

    def test_a_guess_is_the_neighbour_nearest_to_it(self):
        self.assertEqual(png.paeth(10, 20, 15), 15)
        self.assertEqual(png.paeth(10, 20, 20), 10)
        self.assertEqual(png.paeth(10, 20, 9), 20)

    def test_every_row_filter_is_undone(self):
        above = numpy.array([10, 20, 30, 40, 50, 60], numpy.uint8)
        row = numpy.array([200, 7, 90, 3, 250, 61], numpy.uint8)
        left = numpy.array([0, 0, 0, 200, 7, 90])
        corner = numpy.array([0, 0, 0, 10, 20, 30])
        guess = [png.paeth(int(a), int(b), int(c))
                 for a, b, c in zip(left, above, corner)]
        for kind, taken in enumerate((0, left, above, (left + above) // 2,
                                      numpy.array(guess))):
            filtered = ((row.astype(int) - taken) & 255).astype(numpy.uint8)
            back = png.unfilter(kind, filtered, above, 3)
            self.assertEqual(back.tolist(), row.tolist(), kind)

    def test_what_is_not_such_a_file_is_refused(self):
        good = png.encode(numpy.zeros((2, 2, 3), numpy.uint8))
        for data in (b"", b"GIF89a", good[:30],
                     good.replace(b"\x08\x02\x00", b"\x10\x02\x00")):
            with self.assertRaises(png.BadPng):
                png.decode(data)


if __name__ == "__main__":
    unittest.main()
