#!/usr/bin/env python3
"""tools/beside.py reads what programs print, and judges rates and waits as documented."""
import unittest

import beside


class Figures(unittest.TestCase):
    def test_figure_lines_are_read_as_they_stand(self):
        text = "figure pull 2.5e6 rows/s\npull: 2.00 M/s, bare 2.1 M/s, ratio 0.9\n"
        self.assertEqual(beside.figures(text), {"pull": (2.5e6, "rows/s")})

    def test_text_of_older_builds_is_read_where_there_are_none(self):
        text = (
            "pull, in process: 8.10 M/s, bare 9.00 M/s, ratio 0.9 (quartiles 0.8, 1.0)\n"
            "1 workers, 10 ms of compute:\n"
            "  plain: samples/s 93700 (64400 to 98800), waits for rows 10.5 (1 to 2) ms per step\n"
            "quickstart: 2.8 s in all, 211000 samples/s in training\n"
            "gate criteo_rows_per_second 1.13e+06 >=500000 ok\n"
        )
        found = beside.figures(text)
        self.assertEqual(found["pull_in_process"], (8.1e6, "rows/s"))
        self.assertEqual(found["1_workers_10_ms_of_compute_plain"], (93700, "samples/s"))
        self.assertEqual(found["read_criteo_plain"], (1.13e6, "samples/s"))


class Judgement(unittest.TestCase):
    def fails(self, name, unit, ours, theirs, again=None):
        return beside.judge(name, unit, [ours] * 9, [theirs] * 9, [again] * 9 if again else None)[1]

    def test_a_rate_below_the_bound_fails(self):
        self.assertTrue(self.fails("pull", "rows/s", 96, 100))
        self.assertFalse(self.fails("pull", "rows/s", 98, 100))

    def test_a_duration_counts_by_its_inverse(self):
        self.assertTrue(self.fails("job", "s", 2.0, 1.9))
        self.assertFalse(self.fails("job", "s", 1.8, 1.9))

    def test_a_rate_within_what_the_other_build_shows_beside_itself_passes(self):
        self.assertFalse(self.fails("pull", "rows/s", 96, 100, again=95))
        self.assertTrue(self.fails("pull", "rows/s", 94, 100, again=95))

    def test_waits_are_compared_and_decide_nothing(self):
        self.assertFalse(self.fails("longest_wait", "s", 9, 1))
        self.assertFalse(self.fails("pulls_p99.9", "ms", 9, 1))
        self.assertFalse(self.fails("waits", "ms", 9, 1))

    def test_the_ratio_is_that_of_medians_with_quartiles_of_the_rounds(self):
        self.assertEqual(beside.ratio([1, 2, 3, 4, 5], [2, 2, 2, 2, 2]), (1.5, 1.0, 2.0))


if __name__ == "__main__":
    unittest.main()
