"""Breaks each rule of tidy.py in a tree of its own, and sees it red."""

import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tidy  # noqa: E402

HEADER = "#pragma once\n"


class TidyTest(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.TemporaryDirectory()
        self.addCleanup(self.root.cleanup)

    def write(self, path, text):
        path = os.path.join(self.root.name, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def faults(self, path, text):
        self.write(path, text)
        return list(tidy.check(self.root.name))

    def assert_clean(self, path, text):
        self.assertEqual(self.faults(path, text), [])

    def assert_fault(self, path, text, line, words):
        faults = self.faults(path, text)
        self.assertEqual(len(faults), 1, faults)
        self.assertTrue(faults[0].startswith(f"{path}:{line}: "), faults)
        self.assertIn(words, faults[0])

    def test_a_clean_tree_is_clean(self):
        self.write("queue/job.h", HEADER + '#include "base/status.h"\n')
        self.write("queue/sqlite/row.cc", '#include "queue/job.h"\n')
        self.write("server/process/main.cc",
                   '#include "queue/sqlite/sqlite_store.h"\n')
        self.write("tests/queue/job_test.cc", '#include "gtest/gtest.h"\n')
        self.assertEqual(list(tidy.check(self.root.name)), [])

    def test_every_component_may_include_itself_and_the_language(self):
        for folder in tidy.TABLE:
            self.write(
                f"{folder}/a.h",
                HEADER
                + f'#include "{folder}/b.h"\n'
                + "#include <vector>\n#include <sys/stat.h>\n",
            )
        self.assertEqual(list(tidy.check(self.root.name)), [])

    def test_an_include_upwards_is_a_fault(self):
        for folder, path in [
            ("base", "queue/job.h"),
            ("queue", "queue/sqlite/row.h"),
            ("queue", "server/wire/convert.h"),
            ("queue", "sheaf/v1/job.pb.h"),
            ("queue", "queue/leasing/lease.h"),
            ("queue/sqlite", "batching/plan/plan.h"),
            ("queue/sqlite/disk", "queue/sqlite/row.h"),
            ("batching/pricing", "queue/job.h"),
            ("batching/plan", "batching/continuous/choose.h"),
            ("batching/plan", "queue/sqlite/row.h"),
            ("inference/engine/weights", "inference/engine/image/png.h"),
            (
                "inference/engine/pipeline",
                "inference/engine/families/unet/unet.h",
            ),
            (
                "inference/engine/families/unet",
                "inference/engine/families/load_model.h",
            ),
            ("inference/engine/runtime", "inference/worker/session/session.h"),
            ("inference/engine/image", "sheaf/v1/job.pb.h"),
            ("inference/worker/session", "queue/job.h"),
            ("server/blobs", "server/handlers/calls.h"),
            ("server/scheduling", "server/wire/convert.h"),
            ("server/scheduling", "sheaf/v1/job.pb.h"),
            ("server/process", "inference/engine/image/png.h"),
            ("cli/commands", "queue/leasing/lease.h"),
            ("cli/commands", "queue/sqlite/row.h"),
            ("cli/support", "cli/commands/doctor.h"),
            ("cli/commands", "cli/commands/job/follow.h"),
            ("cli", "server/wire/convert.h"),
        ]:
            with self.subTest(folder=folder, path=path):
                self.setUp()
                self.assert_fault(
                    f"{folder}/a.cc", f'\n#include "{path}"\n', 2, path
                )

    def test_a_library_outside_its_component_is_a_fault(self):
        for folder, path in [
            ("base", "grpcpp/grpcpp.h"),
            ("queue", "SQLiteCpp/Database.h"),
            ("queue", "google/protobuf/message.h"),
            ("queue", "torch/torch.h"),
            ("queue/sqlite", "spdlog/spdlog.h"),
            ("inference/engine/schedule", "torch/torch.h"),
            ("inference/engine/models", "grpcpp/grpcpp.h"),
            ("inference/worker/session", "sqlite3.h"),
            ("server/handlers", "SQLiteCpp/Database.h"),
            ("server/telemetry", "grpcpp/grpcpp.h"),
            ("cli/support", "spdlog/spdlog.h"),
            ("cli", "gtest/gtest.h"),
        ]:
            with self.subTest(folder=folder, path=path):
                self.setUp()
                self.assert_fault(
                    f"{folder}/a.cc", f"#include <{path}>\n", 1, path
                )

    def test_a_room_with_too_many_modules_is_a_fault(self):
        for i in range(24):
            self.write(f"base/m{i}.h", HEADER)
            self.write(f"base/m{i}.cc", "\n")
        self.assertEqual(list(tidy.check(self.root.name)), [])
        self.assert_only_fault("base/m24.h", HEADER, "25 modules")

    def assert_only_fault(self, path, text, words):
        faults = self.faults(path, text)
        self.assertEqual(len(faults), 1, faults)
        self.assertIn(words, faults[0])

    def test_a_test_stands_where_its_module_stands(self):
        self.write("server/blobs/store.cc", "\n")
        self.assert_clean("tests/server/blobs/store_test.cc", "int x;\n")
        self.assert_clean("tests/server/blobs/other_test.cc", "int x;\n")
        self.assert_clean("tests/server/fixture.h", HEADER)
        self.assert_only_fault("tests/server/store_test.cc", "int x;\n",
                               "tests/server/blobs/")

    def test_tests_mirror_folders_that_are_there(self):
        self.write("server/blobs/store.cc", "\n")
        self.assert_only_fault("tests/server/attic/a_test.cc", "int x;\n",
                               "server/attic/")

    def test_comments_open_with_their_subject(self):
        self.assert_clean("base/a.cc", "// Who is\n" * tidy.INVERTED_MAX)
        faults = self.faults(
            "base/a.cc", "// Whose is\n" * (tidy.INVERTED_MAX + 1))
        self.assertEqual(len(faults), tidy.INVERTED_MAX + 1)
        self.assertIn("opens with a clause", faults[0])
        self.assert_clean("base/a.cc", "// A run whose\n// What\n" * 9)

    def test_two_things_of_one_name_in_a_room_are_a_fault(self):
        own = "namespace sheaf {{\nnamespace {{\n\n{}\n\n}}  // namespace\n"
        self.write("server/wire/a.cc", own.format("\n".join((
            "constexpr int kMost[] = {1};", "struct Walk {", "  int x;", "};",
            "template <class T>", "int Read(const std::map<int, T>& in,",
            "         int from = 0) {", "  return 0;", "}",
            "double Half(double it) { return it / 2; }",
            "using Text = std::string;"))))
        for declaration in (
            "constexpr double kMost = 1;", "class Walk;",
            "int Read(const std::map<int, T>& them, int last) {", "int Walk() {",
            "double Half(double) {", "using Text = std::string_view;",
        ):
            with self.subTest(declaration):
                self.assert_fault("server/wire/b.cc", own.format(declaration),
                                  4, "is also in server/wire/a.cc")
        for declaration in (
            "int Read(int in) {", "double Half(float it) {",
            "using Text = std::string;", "using std::string;", "  int kMost;",
        ):
            self.assert_clean("server/wire/b.cc", own.format(declaration))
        self.assert_clean("server/wire/b.cc", own.format("int Step::Walk() {"))
        same = own.format("struct Walk {")
        # Another room, the file of a program, and what a file does not hide.
        self.assert_clean("server/handlers/b.cc", same)
        self.assert_clean("server/wire/main.cc", same)
        self.assert_clean("server/wire/c.cc", "struct Walk {\n")
        self.write("server/wire/c.h", HEADER + "class Way final : In {\n")
        self.assert_fault("server/wire/b.cc", own.format("int Way() {"), 4,
                          "is also in server/wire/c.h")

    def test_a_header_of_nobody_is_a_fault(self):
        self.assert_fault(
            "queue/a.cc", '#include "elsewhere/x.h"\n', 1, "elsewhere/x.h"
        )

    def test_code_in_an_unknown_folder_is_a_fault(self):
        self.assert_fault("attic/a.cc", "int x;\n", 1, "in a folder")

    def test_a_header_needs_pragma_once(self):
        self.assert_fault("base/a.h", "int F();\n", 1, "#pragma once")

    def test_a_wide_line_is_a_fault(self):
        self.assert_clean("base/a.cc", "//" + "x" * 78 + "\n")
        self.assert_clean("base/a.cc", "//" + "ä" * 78 + "\n")
        self.assert_fault("base/a.cc", "//" + "x" * 79 + "\n", 1, "columns")

    def test_urls_includes_and_raw_strings_may_be_wide(self):
        wide = "x" * 90
        self.assert_clean("base/a.cc", f"// https://example.org/{wide}\n")
        self.assert_clean("base/a.cc", f'#include "base/{wide}.h"\n')
        self.assert_clean("base/a.cc", f'F(R"({wide})");\n')
        self.assert_clean(
            "base/a.cc", f'F(R"sql(\n)"\n{wide}\n)sql");\n'
        )
        self.assert_fault(
            "base/a.cc", f'F(R"sql(\n{wide}\n)sql");\n//{wide}\n', 4, "columns"
        )

    def test_a_long_file_is_a_fault(self):
        self.assert_clean("base/a.cc", "//\n" * 450)
        self.assert_fault("base/a.cc", "//\n" * 451, 451, "more than 450")

    def test_tabs_and_trailing_blanks_are_faults(self):
        self.assert_fault("docs/a.md", "a \n", 1, "blanks")
        self.assert_fault("docs/a.md", "a\tb\n", 1, "a tab")
        self.assert_fault("docs/a.md", "a", 1, "no newline")

    def test_a_place_outside_the_repository_is_a_fault(self):
        places = ["/wo" + "rk/x", "../sha" + "red/x", "/x/.libr" + "ary/y"]
        for place in places:
            with self.subTest(place=place):
                self.assert_fault("docs/a.md", f"see {place}\n", 1, "outside")
        self.assert_clean("docs/a.md", "inference/wo" + "rk /worker/x\n")

    def test_what_we_do_not_write_is_not_checked(self):
        self.write("build/dev/x.cc", "\t\n")
        self.write("clients/python/sheaf/_pb/x.py", "\t\n")
        # Reference data stays as it was made.
        self.write("tests/golden/x.json", "\t")
        self.assertEqual(list(tidy.check(self.root.name)), [])


if __name__ == "__main__":
    unittest.main()
