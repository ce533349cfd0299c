"""The watermark: how far event time has come, whatever one clock says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest

from detectors.watermark import LATENESS, watermark
from tests.detectors.bench import a_message, day, ledger

FAR = day(365 * 73)


@pytest.mark.parametrize(
    ("latest", "expected"),
    [
        pytest.param({}, None, id="no institution"),
        pytest.param({None: day(9)}, None, id="registries alone"),
        pytest.param({"H1": day(9)}, day(9), id="one institution: its own"),
        pytest.param({"H1": day(9), "H2": day(5)}, day(5), id="two: the lower"),
        pytest.param({"H1": day(9), "H2": day(5), "H3": day(7)}, day(5), id="three: the lowest"),
        pytest.param(
            {"H1": day(9), "H2": day(5), "H3": day(7), "H4": day(8)}, day(7), id="four: the third-highest"
        ),
        pytest.param({f"H{n}": day(n) for n in range(40)}, day(37), id="many: the third-highest"),
        pytest.param(
            {"H1": day(9), "H2": day(9), "H3": day(9), "H4": day(1)}, day(9), id="the same time counts each"
        ),
        pytest.param({"H1": FAR, "H2": day(5), "H3": day(7), "H4": day(8)}, day(7), id="one clock in 2099"),
        pytest.param({"H1": FAR, "H2": FAR, "H3": day(7), "H4": day(8)}, day(8), id="two clocks in 2099"),
        pytest.param({"H1": FAR, "H2": day(5)}, day(5), id="one of two clocks in 2099"),
        pytest.param({"H1": day(9), None: FAR}, day(9), id="a registry in 2099"),
    ],
)
def test_table(latest: Mapping[str | None, datetime], expected: datetime | None) -> None:
    earlier = [a_message(f"e-{code}", day(-3), code) for code in latest]
    con = ledger(message=[*earlier, *(a_message(f"m-{code}", when, code) for code, when in latest.items())])
    assert watermark(con, timedelta(0), table="message") == expected


def test_a_clock_that_runs_away_moves_nothing() -> None:
    messages = [a_message(f"m{n}", day(n), f"H{n}") for n in range(4)]
    before = watermark(ledger(message=messages), table="message")
    wrong = a_message("w", FAR, "H3")
    assert watermark(ledger(message=[*messages, wrong]), table="message") == before


def test_it_lags_behind_by_the_allowed_lateness() -> None:
    con = ledger(message=[a_message("m1", day(9))])
    assert watermark(con, table="message") == day(9) - LATENESS == day(9) - timedelta(hours=2)
    assert watermark(con, timedelta(minutes=30), table="message") == day(9) - timedelta(minutes=30)


def test_it_only_moves_forward_as_messages_come() -> None:
    arriving = [
        ("H1", 3),
        ("H2", 9),
        ("H1", 1),
        ("H3", 2),
        ("H2", 4),
        ("H4", 8),
        ("H3", 5),
        ("H5", 1),
        ("H1", 9),
    ]
    three = [a_message(f"s{n}", day(0), f"H{n}") for n in (1, 2, 3)]
    con = ledger(message=three)
    marks = []
    for n, (code, when) in enumerate(arriving):
        con.execute("insert into message values (?, ?, '2401', ?)", [f"m{n}", day(when), code])
        marks.append(watermark(con, timedelta(0), table="message"))
    assert marks == sorted(mark for mark in marks if mark is not None)
    assert marks[-1] == day(8)
