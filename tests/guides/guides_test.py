"""Every page of docs/guides says what is true: each runs word for word."""

import os
import unittest

import guide


class GuidesTest(unittest.TestCase):
    def test_every_page_has_a_test(self):
        pages = {
            name[:-3] for name in os.listdir(guide.GUIDES)
            if name.endswith(".md") and name != "README.md"
        }
        tests = {
            name[len("test_"):].replace("_", "-") for name in dir(self)
            if name.startswith("test_") and name != self._testMethodName
        }
        self.assertEqual(pages, tests)

    def test_memory_sized_batches(self):
        self.run_page("memory-sized-batches")

    def test_adapters_and_controls(self):
        self.run_page("adapters-and-controls")

    def test_smart_batching(self):
        self.run_page("smart-batching")

    def test_concurrent_requests(self):
        self.run_page("concurrent-requests")

    def test_files_and_edits(self):
        self.run_page("files-and-edits")

    def run_page(self, name):
        if not os.access(guide.fixture.program("sheaf-torch-worker"), os.X_OK):
            self.skipTest("built without LibTorch")
        guide.Page(name).run()


if __name__ == "__main__":
    unittest.main()
