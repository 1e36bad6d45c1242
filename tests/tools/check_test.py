"""The command line of the checker."""

import os
import subprocess
import sys
import tempfile
import unittest

import shapes_path
import maps
import png
import scenes


def check(*arguments):
    """(exit status, output) of check.py."""
    done = subprocess.run(
        [sys.executable, os.path.join(shapes_path.TOOLS, "check.py"),
         *arguments], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


class CheckTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.scene = scenes.Scene("white", (scenes.Thing(
            "small", "red", "circle", 30, 30, 14),), None)
        self.picture = self.write("a.png", scenes.draw(self.scene))
        self.caption = "a small red circle on a white background"

    def write(self, name, pixels):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        png.write(path, pixels)
        return path

    def test_a_right_picture_passes(self):
        status, said = check(self.picture, self.caption)
        self.assertEqual(status, 0, said)
        self.assertNotIn("WRONG", said)

    def test_the_wrong_word_and_what_is_seen_are_said(self):
        status, said = check(self.picture, self.caption.replace(
            "circle", "square"))
        self.assertEqual(status, 1)
        self.assertIn("WRONG  square", said)
        self.assertIn("small red circle at 30,30", said)

    def test_a_folder_is_judged_in_percent(self):
        for name, colour in (("1.png", "red"), ("2.png", "blue")):
            self.write("many/" + name, scenes.draw(scenes.Scene(
                "white", (scenes.Thing("small", colour, "circle", 30, 30, 14),),
                None)))
        captions = os.path.join(self.folder, "captions.txt")
        with open(captions, "w", encoding="utf-8") as file:
            file.write((self.caption + "\n") * 2)
        status, said = check("--folder", self.folder + "/many", captions)
        self.assertEqual(status, 0, said)
        self.assertRegex(said, r"colour +50.0%")
        self.assertRegex(said, r"shape +100.0%")

    def test_captions_must_be_as_many_as_pictures(self):
        captions = os.path.join(self.folder, "captions.txt")
        with open(captions, "w", encoding="utf-8") as file:
            file.write((self.caption + "\n") * 2)
        status, said = check("--folder", self.folder, captions)
        self.assertEqual(status, 1)
        self.assertIn("1 pictures, but 2 captions", said)

    def test_the_overlap_with_a_map_is_said(self):
        path = self.write("maps/a.png", maps.map_of(
            "edge", self.scene, png.read(self.picture)))
        status, said = check(self.picture, "--control", "edge", path)
        self.assertEqual((status, said), (0, "edge       1.000\n"))


if __name__ == "__main__":
    unittest.main()
