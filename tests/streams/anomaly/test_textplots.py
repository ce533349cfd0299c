"""Plots of letters: what they show at their ends, and that wide letters keep the columns."""

from __future__ import annotations

import numpy as np

from streams.anomaly import textplots


def test_a_curve_begins_at_the_left_and_ends_at_the_right() -> None:
    drawn = textplots.curves(
        {"x": np.array([0.0, 1.0])}, width=10, height=3, across="across", up="up"
    ).splitlines()
    assert drawn[0] == "up"
    assert drawn[1].startswith(" 100% │")
    assert drawn[1].index("●") > drawn[4].index("●")
    assert drawn[-2].endswith("across")
    assert "● x" in drawn[-1]


def test_the_first_series_is_drawn_over_the_others() -> None:
    same = np.array([0.5, 0.5])
    assert "○" not in "".join(textplots.curves({"a": same, "b": same}, across="", up="").splitlines()[1:-1])


def test_bars_start_in_one_column_whatever_the_letters() -> None:
    one, two = textplots.bars([("abcd", 1.0, "all"), ("甲乙", 0.0, "none")], width=4).splitlines()
    assert one == "abcd ████ all"
    assert two == "甲乙      none"
