"""The runner of guides itself, on pages made up here."""

import os
import shutil
import tempfile
import unittest

import guide


class PatternTest(unittest.TestCase):
    def test_dots_stand_for_anything_and_all_else_for_itself(self):
        shown = "8 runs → ... batches\n...\nlast (1.5)\n"
        guide.check_output(shown, "8 runs → 3 batches\na\nb\nlast (1.5)\n")
        guide.check_output(shown, "8 runs → 12 batches\nlast (1.5)\n")
        for wrong in ("9 runs → 3 batches\nlast (1.5)\n",
                      "8 runs → 3 batches\nlast (1x5)\n",
                      "8 runs → 3 batches\nlast (1.5)\nmore\n", ""):
            with self.assertRaises(guide.Wrong):
                guide.check_output(shown, wrong)


class PageTest(unittest.TestCase):
    def page(self, text):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        page = guide.Page("none")
        page.path = os.path.join(folder.name, "page.md")
        with open(page.path, "w", encoding="utf-8") as file:
            file.write(text)
        return page

    def test_blocks_share_a_folder_a_shell_and_names(self):
        self.page(
            '# A page\n\n```csv name="a.csv"\nx\n```\n\n'
            "```sh\nword=hut\ncat a.csv\n```\n\n```text\nx\n```\n\n"
            "```sh\necho $word\n```\n\n```text\nhut\n```\n\n"
            "```python\nimport pathlib\n"
            "n = len(pathlib.Path('a.csv').read_text())\n```\n\n"
            "```python\nprint(n)\n```\n\n```text\n2\n```\n").run()

    def test_what_fails_is_named_with_its_line(self):
        for text, line in (
                ("```sh\nfalse\necho no\n```\n", 1),
                ("```sh\necho 'no end\n```\n", 1),
                ("\n```python\nraise ValueError('x')\n```\n", 2),
                ("```sh\necho a\n```\n```text\nb\n```\n", 4),
                ("```text\nb\n```\n", 1),
                ("```yaml\nb\n```\n", 1)):
            with self.assertRaisesRegex(guide.Wrong, f"page.md:{line}: "):
                self.page(text).run()

    def test_what_fails_brings_its_logs(self):
        with self.assertRaisesRegex(guide.Wrong, "(?s)a.log.*why it failed"):
            self.page("```sh\necho why it failed > a.log\nfalse\n```\n").run()

    def test_what_is_left_in_the_background_is_ended_first(self):
        end = os.path.join(tempfile.mkdtemp(), "ended")
        self.addCleanup(shutil.rmtree, os.path.dirname(end))
        left = (f"(trap 'sleep 0.2; touch {end}; exit' TERM\n touch up\n"
                "while :; do sleep 0.1; done) &\n"
                "until [ -f up ]; do sleep 0.1; done\n")
        for last in ("true", "false"):
            try:
                self.page(f"```sh\n{left}{last}\n```\n").run()
            except guide.Wrong:
                self.assertEqual(last, "false")
            os.remove(end)

    def test_a_block_that_hangs_is_ended(self):
        with tempfile.TemporaryDirectory() as folder:
            shell = guide.Shell(folder, dict(os.environ))
            with self.assertRaisesRegex(guide.Wrong, "took too long"):
                shell.run("echo before; cat <(sleep 100)", seconds=0.2)
            shell.close()

    def test_a_block_without_an_end_or_a_kind_is_refused(self):
        for text in ("```sh\necho\n", "```\necho\n```\n"):
            with self.assertRaises(guide.Wrong):
                self.page(text).run()


if __name__ == "__main__":
    unittest.main()
