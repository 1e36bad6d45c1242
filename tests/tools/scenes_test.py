"""What the drawn scenes promise, and the words they are told in."""

import os
import random
import unittest

import numpy

import shapes_path  # noqa: F401
import scenes
import tokenizer

SEED = int(os.environ.get("SHEAF_TEST_SEED", random.randrange(2**31)))


class ScenesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        print(f"SHEAF_TEST_SEED={SEED}", flush=True)
        cls.scenes = scenes.random_scenes(SEED, 300)

    def test_a_seed_gives_the_same_scenes(self):
        self.assertEqual(scenes.random_scenes(7, 20),
                         scenes.random_scenes(7, 20))
        self.assertNotEqual(scenes.random_scenes(7, 20),
                            scenes.random_scenes(8, 20))

    def test_things_lie_within_the_picture(self):
        for scene in self.scenes:
            for thing in scene.things:
                for middle in (thing.x, thing.y):
                    self.assertGreaterEqual(middle - thing.width / 2, 1)
                    self.assertLessEqual(middle + thing.width / 2, 63)

    def test_two_things_never_touch(self):
        for scene in self.scenes:
            covers = [scenes.coverage(t.shape, t.x, t.y, t.width) > 0
                      for t in scene.things]
            if len(covers) == 2:
                self.assertFalse((covers[0] & covers[1]).any(), scene)

    def test_the_relation_is_the_one_told(self):
        for scene in self.scenes:
            if scene.relation:
                first, second = ((t.x, t.y) for t in scene.things)
                self.assertEqual(scenes.relation_of(first, second),
                                 scene.relation)

    def test_relations_mean_what_they_say(self):
        for place, name in (((10, 32), "left of"), ((50, 32), "right of"),
                            ((32, 10), "above"), ((32, 50), "below"),
                            ((10, 12), None)):
            self.assertEqual(scenes.relation_of(place, (32, 32)), name)

    def test_a_shape_covers_its_part_of_its_box(self):
        for shape, fill in scenes.FILL.items():
            area = scenes.coverage(shape, 31.3, 30.8, 24).sum() / 24**2
            self.assertAlmostEqual(area, fill, delta=0.02)

    def test_the_inside_has_the_colour_and_the_rest_the_ground(self):
        scene = scenes.Scene("grey", (scenes.Thing(
            "large", "cyan", "triangle", 30, 30, 27),), None)
        picture = scenes.draw(scene)
        self.assertEqual(tuple(picture[38, 30]), scenes.COLOURS["cyan"])
        self.assertEqual(tuple(picture[18, 18]), scenes.BACKGROUNDS["grey"])

    def test_colours_are_far_enough_apart_to_be_told(self):
        colours = [numpy.array(c) for c in scenes.COLOURS.values()]
        for place, colour in enumerate(colours):
            for other in colours[:place]:
                self.assertGreater(numpy.linalg.norm(colour - other), 85)
            for ground in scenes.BACKGROUNDS.values():
                self.assertGreater(
                    numpy.linalg.norm(colour - numpy.array(ground)), 110)

    def test_captions_are_made_of_the_tokenizers_words(self):
        words = tokenizer.Tokenizer()
        rng = numpy.random.default_rng(SEED)
        for scene in self.scenes:
            told = scenes.caption(scene, rng)
            ids = words.encode(told)
            self.assertEqual(len(ids), 77)
            self.assertEqual(ids.index(max(ids)), len(told.split()) + 1)

    def test_every_word_of_ours_is_one_token_in_the_end(self):
        words = tokenizer.Tokenizer()
        for word in tokenizer.WORDS:
            symbols = list(word[:-1]) + [word[-1] + "</w>"]
            for pair in words.merges:
                symbols = tokenizer.merged(symbols, pair)
            self.assertEqual(list(symbols), [word + "</w>"])


if __name__ == "__main__":
    unittest.main()
