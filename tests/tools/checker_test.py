"""The checker of pictures, on drawn truth and on drawn lies."""

import dataclasses
import os
import random
import unittest

import numpy

import shapes_path  # noqa: F401
import checker
import scenes

SEED = int(os.environ.get("SHEAF_TEST_SEED", random.randrange(2**31)))
KINDS = {"size": scenes.SIZES, "colour": scenes.COLOURS,
         "shape": scenes.SHAPES}


def thing(words, x, y):
    size, colour, shape = words.split()
    return scenes.Thing(size, colour, shape, x, y, scenes.SIZES[size])


def judged(scene, caption, picture=None):
    if picture is None:
        picture = scenes.draw(scene)
    return checker.judge(picture, caption)


def softened(picture, times):
    """Each pixel and its four neighbours averaged, so many times."""
    picture = picture.astype(numpy.float32)
    for _ in range(times):
        picture = (picture + sum(numpy.roll(picture, way, axis)
                                 for way in (1, -1) for axis in (0, 1))) / 5
    return picture.clip(0, 255).astype(numpy.uint8)


def wrong(words):
    return [word for word, right in words if not right]


class CheckerTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        print(f"SHEAF_TEST_SEED={SEED}", flush=True)

    def setUp(self):
        self.two = scenes.Scene("yellow", (
            thing("small red circle", 15, 30),
            thing("large blue square", 45, 33)), "left of")
        self.caption = scenes.caption(self.two)

    def test_drawn_scenes_are_what_their_captions_say(self):
        count, bad = 400, []
        for scene in scenes.random_scenes(SEED, count):
            caption = scenes.caption(scene)
            if missed := wrong(judged(scene, caption)):
                bad.append((caption, missed))
        self.assertLessEqual(len(bad), count // 200, bad)

    def test_each_look_is_seen_on_each_ground(self):
        for background in scenes.BACKGROUNDS:
            for size in scenes.SIZES:
                for colour in scenes.COLOURS:
                    for shape in scenes.SHAPES:
                        scene = scenes.Scene(background, (thing(
                            f"{size} {colour} {shape}", 30.4, 33.7),), None)
                        caption = scenes.caption(scene)
                        self.assertEqual(wrong(judged(scene, caption)), [],
                                         caption)

    def test_a_wrong_word_is_named(self):
        for said, instead in (("small", "medium"), ("red", "orange"),
                              ("circle", "triangle"), ("blue", "purple"),
                              ("square", "circle"), ("yellow", "white"),
                              ("left of", "right of")):
            caption = self.caption.replace(said, instead, 1)
            with self.subTest(caption):
                self.assertEqual(wrong(judged(self.two, caption)), [instead])

    def test_every_change_of_one_word_is_noticed(self):
        rng = random.Random(SEED)
        for scene in scenes.random_scenes(SEED + 1, 60):
            first = scene.things[0]
            kind = rng.choice(list(KINDS))
            others = [name for name in KINDS[kind]
                      if name != getattr(first, kind)]
            lie = dataclasses.replace(first, **{kind: rng.choice(others)})
            told = scenes.caption(dataclasses.replace(
                scene, things=(lie,) + scene.things[1:]))
            self.assertNotEqual(wrong(judged(scene, told)), [], told)

    def test_what_is_not_told_is_not_judged(self):
        words = judged(self.two, "a red circle left of a blue square")
        self.assertEqual([word for word, _ in words], [
            "red", "circle", "blue", "square", "left of", "count"])
        self.assertEqual(wrong(words), [])

    def test_objects_are_told_in_either_order(self):
        caption = "a blue square right of a red circle"
        self.assertEqual(wrong(judged(self.two, caption)), [])

    def test_like_objects_are_paired_as_the_relation_says(self):
        scene = scenes.Scene("white", (
            thing("small red circle", 20, 12),
            thing("large red circle", 22, 45)), "above")
        caption = "a large red circle below a small red circle"
        self.assertEqual(wrong(judged(scene, caption)), [])

    def test_a_missing_object_fails_its_words_and_the_count(self):
        scene = dataclasses.replace(self.two, things=self.two.things[:1])
        self.assertEqual(
            wrong(judged(scene, self.caption)),
            ["large", "blue", "square", "left of", "count"])

    def test_an_object_too_many_fails_the_count_alone(self):
        caption = "a small red circle on a yellow background"
        self.assertEqual(wrong(judged(self.two, caption)), ["count"])

    def test_an_empty_picture_fails_all_but_its_ground(self):
        picture = scenes.draw(scenes.Scene("yellow", (), None))
        self.assertEqual([word for word, right in
                          judged(None, self.caption, picture) if right],
                         ["yellow"])

    def test_specks_are_no_objects(self):
        picture = scenes.draw(self.two)
        picture[3:7, 3:7] = scenes.COLOURS["green"]
        self.assertEqual(wrong(judged(None, self.caption, picture)), [])

    def test_a_shape_that_is_none_of_ours_has_no_name(self):
        scene = scenes.Scene("white", (thing("large red square", 30, 30),),
                             None)
        picture = scenes.draw(scene)
        picture[24:36, 24:36] = scenes.BACKGROUNDS["white"]
        self.assertIsNone(checker.look(picture).things[0].shape)

    def test_a_colour_that_is_none_of_ours_has_no_name(self):
        cover = scenes.coverage("circle", 32, 32, 27)
        picture = scenes.paint(scenes.BACKGROUNDS["white"],
                               [(cover, (90, 90, 0))])
        self.assertIsNone(checker.look(picture).things[0].colour)

    def test_a_little_blur_and_noise_change_nothing(self):
        rng = numpy.random.default_rng(SEED)
        picture = softened(scenes.draw(self.two), 1).astype(numpy.float32)
        picture += rng.normal(0, 6, picture.shape)
        picture = picture.clip(0, 255).astype(numpy.uint8)
        self.assertEqual(wrong(judged(None, self.caption, picture)), [])

    def test_a_soft_rim_does_not_hide_a_small_things_colour(self):
        for background in scenes.BACKGROUNDS:
            for colour in scenes.COLOURS:
                scene = scenes.Scene(background, (
                    thing(f"small {colour} triangle", 30, 30),), None)
                caption = f"a {colour} triangle"
                picture = softened(scenes.draw(scene), 2)
                self.assertEqual(wrong(judged(None, caption, picture)), [],
                                 scenes.caption(scene))

    def test_captions_of_other_words_are_refused(self):
        for caption in ("", "a dog", "a red circle on a pink background",
                        "a red circle near a blue square",
                        "a tiny red circle"):
            with self.assertRaises(ValueError, msg=caption):
                checker.read_caption(caption)

    def test_the_summary_counts_pictures(self):
        half = checker.summary([[("red", True), ("circle", True),
                                 ("small", True)],
                                [("red", True), ("circle", False),
                                 ("small", True)]])
        self.assertEqual((half["colour"], half["shape"], half["objects"],
                          half["all"]), (1, 0.5, 0.5, 0.5))


if __name__ == "__main__":
    unittest.main()
