"""tools/deletions/run draws whole statements, and nothing else."""

import importlib.machinery
import importlib.util
import os
import unittest

import shapes_path

RUN = os.path.join(shapes_path.ROOT, "tools", "deletions", "run")
LOADER = importlib.machinery.SourceFileLoader("deletions", RUN)
deletions = importlib.util.module_from_spec(
    importlib.util.spec_from_loader("deletions", LOADER)
)
LOADER.exec_module(deletions)

TEXT = """#include "a.h"
namespace sheaf {
using Other = int;
int Count(int a,
          int b) {
  // Not this;
  Note(a);
  const int sum = Add(
      a, b);
  if (a > b) Swap(a, b);
  Log(a);
  each([&](int x) {
    total += x;
  });
  for (int i = 0; i < a; ++i) {
    ++b;
  }
  return a + b;
}
int global;
}
"""


class DeletionsTest(unittest.TestCase):
    def drawn(self, text):
        lines = text.split("\n")
        return [lines[number].strip() for number in deletions.statements(text)]

    def test_whole_statements_of_bodies_are_drawn(self):
        self.assertEqual(
            self.drawn(TEXT),
            ["Note(a);", "if (a > b) Swap(a, b);", "total += x;", "++b;"],
        )

    def test_a_line_goes_and_the_others_stay(self):
        self.assertEqual(deletions.without("a\nb\nc\n", 1), "a\nc\n")


if __name__ == "__main__":
    unittest.main()
