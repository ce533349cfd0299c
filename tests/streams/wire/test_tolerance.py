"""Gateways differ; what is meant is the same."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from streams.wire import decode
from tests.streams.wire.samples import KEY, SAMPLES, Message, lines


def rows(*messages: Message) -> dict[str, list[dict[str, Any]]]:
    """All rows but for the hash of the content."""
    result = decode(lines(*messages), source="log", first_line=1, first_seq=0, key=KEY)
    assert result.rejects == []
    tables = {name: table.to_pylist() for name, table in result.tables.items()}
    for row in tables["message"]:
        del row["content"]
    return tables


def content(raw: bytes) -> int:
    result = decode([raw], source="log", first_line=1, first_seq=0, key=KEY)
    value: int = result.tables["message"]["content"][0].as_py()
    return value


def each_value(value: Any, change: Any, name: str = "") -> Any:
    """The same JSON with every scalar changed."""
    if isinstance(value, dict):
        return {key: each_value(inner, change, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [each_value(inner, change, name) for inner in value]
    return change(name, value)


AMOUNTS = ("amt", "pay", "dedc", "cnt", "pric", "prop", "balc", "days", "_val", "age", "charge", "wt")


def as_number(name: str, value: Any) -> Any:
    """Amounts as JSON numbers."""
    if isinstance(value, str) and name.endswith(AMOUNTS) and value:
        number = float(value)
        return int(number) if number.is_integer() and "." not in value else number
    return value


def as_text(_: str, value: Any) -> Any:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def without_missing(value: Any) -> Any:
    """The same JSON with every empty text taken away."""
    if isinstance(value, dict):
        return {key: without_missing(inner) for key, inner in value.items() if inner != ""}
    if isinstance(value, list):
        return [without_missing(inner) for inner in value]
    return value


@pytest.mark.parametrize("kind", SAMPLES)
def test_numbers_and_texts_of_numbers_give_the_same_rows(kind: str) -> None:
    expected = rows(SAMPLES[kind])
    assert rows(each_value(SAMPLES[kind], as_number)) == expected
    assert rows({**SAMPLES[kind], **each_value({"data": SAMPLES[kind].get("data")}, as_text)}) == expected


@pytest.mark.parametrize("kind", SAMPLES)
@pytest.mark.parametrize("word", [None, "null", "NULL", "None"])
def test_every_word_for_missing_means_missing(kind: str, word: str | None) -> None:
    expected = rows(SAMPLES[kind])
    assert rows(each_value(SAMPLES[kind], lambda _, value: word if value == "" else value)) == expected
    assert rows(without_missing(SAMPLES[kind])) == expected


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("2301", lambda m: m["input"].update(feedetail=m["input"]["feedetail"][0])),
        ("2301", lambda m: m["response"]["output"].update(result=m["response"]["output"]["result"][0])),
        ("2302", lambda m: m["input"]["data"].pop(1)),
        ("2401", lambda m: m["input"].update(mdtrtinfo=[m["input"]["mdtrtinfo"]])),
        ("2401", lambda m: m["input"].update(diseinfo=m["input"]["diseinfo"][0])),
        ("2402", lambda m: m["response"].update(output="")),
        ("2402", lambda m: m["response"].update(output=[])),
        ("2304", lambda m: m["response"].update(infcode="0")),
        ("2304", lambda m: m["response"].update(infcode="00")),
        ("2304", lambda m: m.update(response=[m["response"]])),
        ("2304", lambda m: m.update(infno=2304)),
        ("3505A", lambda m: m.update(infno="3505a")),
        (
            "9604",
            lambda m: m["response"]["output"].update(chkBedTask=m["response"]["output"]["chkBedTask"][0]),
        ),
        ("2501", lambda m: m.update(input={"data": m["input"]["refmedin"]})),
        ("1101", lambda m: m["response"]["output"].update(extra={"a": [1, 2, {"b": None}]})),
        (
            "2401",
            lambda m: m["input"]["mdtrtinfo"].update(
                exp_content=json.loads(m["input"]["mdtrtinfo"]["exp_content"])
            ),
        ),
        ("2401", lambda m: m["input"]["mdtrtinfo"].update(begntime="2026-11-01T08:20:00")),
        ("2401", lambda m: m["input"]["mdtrtinfo"].update(begntime="2026-11-01 08:20")),
        ("2401", lambda m: m["input"]["mdtrtinfo"].update(begntime=" 2026-11-01 08:20:00.0 ")),
        ("2401", lambda m: m["input"]["mdtrtinfo"].update(geso_val="38.0")),
        ("2401", lambda m: m["input"]["mdtrtinfo"].update(birctrl_matn_date="2026-11-02 00:00:00")),
        ("2304", lambda m: m["response"]["output"]["setlinfo"].update(hifp_pay=" 1160.0000 ")),
        ("2304", lambda m: m["response"]["output"]["setlinfo"].update(hifp_pay="1.16e3")),
        ("2304", lambda m: m["response"]["output"]["setlinfo"].update(hifp_pay="+1160")),
        ("2301", lambda m: m["input"]["feedetail"][0].update(pric="40.0000004")),
        ("2301", lambda m: m["input"]["feedetail"][0].update(cnt="1.00005")),
    ],
)
def test_another_form_of_the_same_message_gives_the_same_rows(kind: str, change: Any) -> None:
    original, other = copy.deepcopy(SAMPLES[kind]), copy.deepcopy(SAMPLES[kind])
    if kind == "2302":
        change(original)
        other["input"]["data"] = original["input"]["data"][0]
    else:
        change(other)
    assert rows(other) == rows(original)


def test_quantities_round_half_to_even_and_money_never_does() -> None:
    message = copy.deepcopy(SAMPLES["2301"])
    message["input"]["feedetail"] = [
        {**message["input"]["feedetail"][0], "feedetl_sn": str(number), "cnt": cnt}
        for number, cnt in enumerate(["1.00005", "1.00015", "1e-7", "-2.5"])
    ]
    assert [str(row["cnt"]) for row in rows(message)["fee_line"]] == ["1.0000", "1.0002", "0.0000", "-2.5000"]


@pytest.mark.parametrize("garbage", ["{", "[]", "7", "{}", "null", '"x"', "自由文本", '{"IPT_TYPE":', 5, 1.5])
def test_garbage_in_the_extension_says_nothing_and_hurts_nobody(garbage: Any) -> None:
    message = copy.deepcopy(SAMPLES["2401"])
    message["input"]["mdtrtinfo"]["exp_content"] = garbage
    row = rows(message)["admission"][0]
    assert (row["ipt_type"], row["trum_flag"]) == (None, None)


@pytest.mark.parametrize("garbage", [[], [1], True, {"IPT_TYPE": [1], "TRUM_FLAG": 1}])
def test_an_extension_of_another_shape_is_read_as_far_as_it_goes(garbage: Any) -> None:
    message = copy.deepcopy(SAMPLES["2401"])
    message["input"]["mdtrtinfo"]["exp_content"] = garbage
    row = rows(message)["admission"][0]
    assert (row["ipt_type"], row["trum_flag"]) == (None, "1" if isinstance(garbage, dict) else None)


def _reordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _reordered(value[key]) for key in reversed(value)}
    return [_reordered(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("kind", SAMPLES)
def test_the_content_does_not_depend_on_the_order_of_keys_or_on_blanks(kind: str) -> None:
    message = SAMPLES[kind]
    usual = content(json.dumps(message, ensure_ascii=False).encode())
    assert content(json.dumps(_reordered(message), separators=(",", ":")).encode()) == usual
    assert content(json.dumps(message, indent=1).replace("\n", "\r").encode()) == usual
    assert content(json.dumps({**message, "unknown": 1}).encode()) == usual


def test_the_content_depends_on_every_field_that_is_kept() -> None:
    seen = {content(lines(SAMPLES["2301"])[0])}
    for name in ("cnt", "pric", "fee_ocur_time", "bilg_dr_codg"):
        message = copy.deepcopy(SAMPLES["2301"])
        message["input"]["feedetail"][0][name] = "2026-11-01 22:00:00" if name == "fee_ocur_time" else "5"
        seen.add(content(lines(message)[0]))
    assert len(seen) == 5


def test_long_identifiers_given_as_numbers_keep_every_digit() -> None:
    message = copy.deepcopy(SAMPLES["2404"])
    message["input"]["data"]["psn_no"] = 99000000000000000001
    assert rows(message)["cancellation"][0]["psn_no"] == "99000000000000000001"
