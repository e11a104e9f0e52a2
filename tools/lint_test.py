#!/usr/bin/env python3
"""Each check of tools/lint.py finds what it is for, and lets the rest pass."""
import pathlib
import tempfile
import unittest

import lint


def comments(text):
    return [what for _, what in lint.check_comments(text)]


class Comments(unittest.TestCase):
    def test_a_block_that_opens_with_a_dangling_word_is_found(self):
        self.assertEqual(len(comments("int a;\n// What it is.\nint b;\n")), 1)
        self.assertEqual(len(comments("  // Of a slot.\n")), 1)

    def test_only_the_first_word_of_a_block_counts(self):
        self.assertEqual(comments("// A row. It has weights.\n// What it lacks: a name.\n"), [])
        self.assertEqual(comments("int a;  // of a slot\n"), [])

    def test_a_word_that_a_reflow_left_alone_is_found(self):
        long = "// A comment that is long enough to fill its line to the hundredth column or nearly so,\n"
        self.assertEqual(len(comments(long + "// which\n// goes on here.\n")), 1)

    def test_a_last_line_of_one_word_is_prose(self):
        long = "// A comment that is long enough to fill its line to the hundredth column or nearly so,\n"
        self.assertEqual(comments(long + "// too.\nint a;\n"), [])
        self.assertEqual(comments(long + "// too.\n// Another sentence.\n"), [])


class Names(unittest.TestCase):
    def names(self, text):
        return len(list(lint.check_names(text)))

    def test_an_article_for_per_is_found(self):
        self.assertEqual(self.names("size_t floats_a_row = 3;"), 1)
        self.assertEqual(self.names("constexpr int kBytesARow = 3;"), 1)

    def test_per_is_right_and_so_are_other_names(self):
        self.assertEqual(self.names("size_t floats_per_row, is_a_row, a_row; kAPart"), 0)


class Pages(unittest.TestCase):
    def test_anchors_are_those_of_headings_outside_code(self):
        text = "# One step\n```\n# no heading\n```\n## A `b`: c\n## One step\n"
        self.assertEqual(lint.anchors(text), {"one-step", "a-b-c", "one-step-1"})

    def test_a_link_to_a_missing_file_or_heading_is_found(self):
        with tempfile.TemporaryDirectory() as folder:
            page = pathlib.Path(folder) / "a.md"
            page.write_text("# Here\n[x](#here) [x](#there) [x](b.md) [x](a.md#here) [x](https://a.b)\n")
            found = [what for _, what in lint.check_links(page, page.read_text())]
        self.assertEqual(found, ["link to #there: no such heading", "link to b.md: no such file"])

    def test_sentences_are_counted_without_code_tables_and_headings(self):
        text = "# Title\n\nOne two. Three `four five` six.\n\n| a | b. C |\n\n- Seven.\n```\ncode. Code.\n```\n"
        self.assertEqual([lint.length(s) for _, s in lint.sentences(text)], [2, 3, 1])

    def test_a_long_sentence_is_found_and_so_is_a_page_of_long_ones(self):
        self.assertEqual(len(list(lint.check_sentences("word " * 51 + ".\n\nShort.\n"))), 2)
        self.assertEqual(len(list(lint.check_sentences("Short. Short.\n"))), 0)


if __name__ == "__main__":
    unittest.main()
