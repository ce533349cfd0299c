"""What is no message, what is no fact, and what is rejected: nothing stops the stream, nothing disappears."""

from __future__ import annotations

import copy
import hashlib
import json
from typing import Any

import pytest

from streams.wire import Decoded, decode
from streams.wire.reject import LONGEST_MESSAGE, LONGEST_RAW, REASONS
from tests.streams.wire.samples import KEY, SAMPLES, event, lines

GOOD = lines(SAMPLES["2304"])[0]


def run(*raw: bytes) -> Decoded:
    result = decode(raw, source="log.jsonl", first_line=10, first_seq=0, key=KEY)
    counts = result.counts
    assert counts.read == sum((counts.facts + counts.rejected).values()) + sum(counts.not_facts.values())
    assert len(result.rejects) == sum((counts.rejected + counts.rejected_rows).values())
    assert {reject.reason_code for reject in result.rejects} <= set(REASONS)
    return result


def changed(kind: str, path: str, value: Any) -> bytes:
    """A sample in which one thing is different; `...` takes it away."""
    message = copy.deepcopy(SAMPLES[kind])
    *above, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    place: Any = message
    for step in above:
        place = place[step]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return lines(message)[0]


@pytest.mark.parametrize(
    ("raw", "reason_code", "sentence"),
    [
        (b"what?", "not_json", "The line is not JSON"),
        (GOOD[:500], "not_json", "The line is not JSON"),
        (GOOD + GOOD, "not_json", "trailing characters"),
        (GOOD + b"\r" + GOOD, "not_json", "Is a line ended by CR alone?"),
        (b"[1]", "not_json", "The line is JSON, but not an object."),
        (b"null", "not_json", "The line is JSON, but not an object."),
        (b"[" * 100_000, "not_json", "The line is not JSON"),
        (b'{"a":' * 100_000, "not_json", "The line is not JSON"),
        (b'{"infno":"2304","x":NaN}', "not_json", "The line is not JSON"),
        (b"\xef\xbb\xbf" + GOOD, "bad_encoding", "byte order mark"),
        (GOOD.replace(b"POS", b"P\0S"), "bad_encoding", "The line has a NUL byte at byte"),
        (GOOD.replace(b"POS", b"P\xffS"), "bad_encoding", "The line is not UTF-8 from byte"),
        (GOOD.decode().encode("gbk"), "bad_encoding", "It may be GBK."),
        (
            GOOD.replace("测试医院".encode(), "测试医院".encode("gbk")),
            "bad_encoding",
            "The line is not UTF-8",
        ),
        (GOOD.replace(b"YB001", b"YB\\u0000"), "bad_encoding", "NUL character"),
        (GOOD.replace(b"YB001", b"YB\\ud800"), "not_json", "The line is not JSON"),
        (b"{}", "no_kind", "neither infno nor registry"),
        (b'{"infno": {"a": 1}}', "no_kind", "neither infno nor registry"),
        (b'{"registry": "weather"}', "no_kind", "registry is none of institution, practitioner, death"),
    ],
)
def test_an_unreadable_line_is_rejected_with_a_sentence(raw: bytes, reason_code: str, sentence: str) -> None:
    result = run(GOOD, raw, GOOD)
    assert result.counts.facts == {"2304": 2}
    (reject,) = result.rejects
    assert reject.reason_code == reason_code
    assert sentence in reject.sentence
    assert (reject.source, reject.line, reject.row) == ("log.jsonl", 11, None)
    assert reject.raw == raw[:LONGEST_RAW]
    assert (reject.length, reject.sha256) == (len(raw), hashlib.sha256(raw).hexdigest())


@pytest.mark.parametrize(
    ("raw", "reason_code", "sentence"),
    [
        (changed("2304", "msgid", ...), "missing_field", "msgid is missing."),
        (changed("2304", "msgid", "null"), "missing_field", "msgid is missing."),
        (changed("2304", "inf_time", ""), "missing_field", "inf_time is missing."),
        (
            changed("2304", "inf_time", "2026-13-01 00:00:00"),
            "bad_value",
            'inf_time is "2026-13-01 00:00:00"',
        ),
        (changed("2304", "fixmedins_code", None), "missing_field", "fixmedins_code is missing."),
        (changed("2304", "response.infcode", ...), "missing_field", "response.infcode is missing."),
        (changed("2304", "response", ...), "missing_field", "response.infcode is missing."),
        (
            changed("2304", "response.output.setlinfo.setl_id", ""),
            "missing_field",
            "response.output.setlinfo.setl_id is missing.",
        ),
        (changed("2304", "response.output", None), "missing_field", "setl_id is missing."),
        (
            changed("2402", "input.dscginfo.psn_no", ...),
            "missing_field",
            "input.dscginfo.psn_no is missing.",
        ),
        (
            changed("2401", "response.output", ""),
            "missing_field",
            "response.output.result.mdtrt_id is missing.",
        ),
        (changed("2301", "input.feedetail", ...), "missing_field", "input.feedetail is missing."),
        (changed("2301", "input.feedetail", ""), "missing_field", "input.feedetail is missing."),
        (
            changed("2301", "input.feedetail", 7),
            "bad_shape",
            "input.feedetail is a number or a flag, where a list",
        ),
        (
            changed("2401", "input.mdtrtinfo", "x"),
            "bad_shape",
            "input.mdtrtinfo is a text, where an object is meant.",
        ),
        (
            changed("2401", "input.mdtrtinfo", [{}, {}]),
            "bad_shape",
            "is a list of 2, where one object is meant.",
        ),
        (
            changed("2401", "input.mdtrtinfo.psn_no", {}),
            "bad_shape",
            "psn_no is an object, where a text or a number",
        ),
        (changed("2401", "input", []), "missing_field", "input.mdtrtinfo.psn_no is missing."),
        (
            changed("2401", "input.mdtrtinfo.begntime", "1899-12-31 00:00:00"),
            "bad_value",
            'input.mdtrtinfo.begntime is "1899-12-31 00:00:00", which is not a time such as 2026-01-31 08:30:00 '
            "between 1900 and 2100.",
        ),
        (changed("2401", "input.mdtrtinfo.begntime", "2026-02-30 10:00:00"), "bad_value", "begntime is"),
        (changed("2401", "input.mdtrtinfo.begntime", "2101-01-01"), "bad_value", "begntime is"),
        (changed("2401", "input.mdtrtinfo.begntime", "01.11.2026"), "bad_value", "begntime is"),
        (changed("2401", "input.mdtrtinfo.begntime", 1793520000), "bad_value", 'begntime is "1793520000"'),
        (changed("2401", "input.mdtrtinfo.geso_val", "38+2"), "bad_value", "which is not a whole number."),
        (
            changed("2503", "input.data.begndate", "2026-1-5"),
            "bad_value",
            "which is not a date such as 2026-01-31",
        ),
        (
            changed("2304", "response.output.setlinfo.medfee_sumamt", "12,50"),
            "bad_value",
            'response.output.setlinfo.medfee_sumamt or input.data.medfee_sumamt is "12,50", which is not a decimal '
            "number of at most 14 digits and 2 decimals.",
        ),
        (changed("2304", "response.output.setlinfo.hifp_pay", "12.345"), "bad_value", "hifp_pay is"),
        (changed("2304", "response.output.setlinfo.hifp_pay", 0.1 + 0.2), "bad_value", "0.30000000000000004"),
        (changed("2304", "response.output.setlinfo.hifp_pay", "100000000000000"), "bad_value", "hifp_pay is"),
        (changed("2304", "response.output.setlinfo.hifp_pay", "NaN"), "bad_value", "hifp_pay is"),
        (changed("2304", "response.output.setlinfo.hifp_pay", "inf"), "bad_value", "hifp_pay is"),
        (changed("2304", "response.output.setlinfo.hifp_pay", "１２"), "bad_value", "hifp_pay is"),
        (changed("2304", "response.output.setlinfo.hifp_pay", "1_000"), "bad_value", "hifp_pay is"),
        (GOOD.replace(b'"1160.00"', b"1e400"), "not_json", "out of range"),
        (changed("death", "data.die_date", "0000-00-00"), "bad_value", "data.die_date is"),
        (changed("institution", "data.longitude", "east"), "bad_value", "data.longitude is"),
        (changed("institution", "data", "x"), "bad_shape", "data is a text, where an object is meant."),
    ],
)
def test_a_message_without_its_key_fields_is_rejected_whole(
    raw: bytes, reason_code: str, sentence: str
) -> None:
    result = run(raw, GOOD)
    assert result.counts.facts == {"2304": 1}
    (reject,) = result.rejects
    assert (reject.reason_code, reject.line) == (reason_code, 10)
    assert sentence in reject.sentence
    assert {row for table in result.tables.values() for row in table["seq"].to_pylist()} == {1}


@pytest.mark.parametrize(
    ("kind", "path", "value", "row", "reason_code", "sentence"),
    [
        (
            "2301",
            "input.feedetail.1.cnt",
            "many",
            "input.feedetail[1]",
            "bad_value",
            'input.feedetail[1].cnt is "many"',
        ),
        ("2301", "input.feedetail.1.cnt", "1e20", "input.feedetail[1]", "bad_value", "at most 12 digits"),
        (
            "2301",
            "input.feedetail.1.feedetl_sn",
            "",
            "input.feedetail[1]",
            "missing_field",
            "feedetl_sn is missing.",
        ),
        (
            "2301",
            "input.feedetail.1.fee_ocur_time",
            "soon",
            "input.feedetail[1]",
            "bad_value",
            "fee_ocur_time is",
        ),
        (
            "2301",
            "input.feedetail.1.det_item_fee_sumamt",
            "1.005",
            "input.feedetail[1]",
            "bad_value",
            "sumamt is",
        ),
        ("2301", "input.feedetail.1", "x", "input.feedetail[1]", "bad_shape", "input.feedetail[1] is a text"),
        (
            "2301",
            "input.feedetail.1",
            None,
            "input.feedetail[1]",
            "bad_shape",
            "input.feedetail[1] is missing",
        ),
        (
            "2301",
            "input.feedetail.1.cnt",
            [],
            "input.feedetail[1]",
            "bad_shape",
            "input.feedetail[1].cnt is a list",
        ),
        (
            "4501",
            "input.iteminfo.1",
            7,
            "input.iteminfo[1]",
            "bad_shape",
            "input.iteminfo[1] is a number or a flag",
        ),
        (
            "2302",
            "input.data.1.psn_no",
            "NULL",
            "input.data[1]",
            "missing_field",
            "input.data[1].psn_no is missing.",
        ),
    ],
)
def test_a_bad_row_is_rejected_alone_and_counted(
    kind: str, path: str, value: Any, row: str, reason_code: str, sentence: str
) -> None:
    sample = copy.deepcopy(SAMPLES[kind])
    if kind == "2301":
        first = sample["input"]["feedetail"][0]
        sample["input"]["feedetail"] = [{**first, "feedetl_sn": number} for number in "123"]
    *above, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    place: Any = sample
    for step in above:
        place = place[step]
    place[last] = value
    result = run(*lines(sample))
    (reject,) = result.rejects
    assert (reject.row, reject.reason_code, reject.msgid) == (row, reason_code, sample["msgid"])
    assert sentence in reject.sentence
    assert result.counts.facts == {kind: 1}
    assert result.tables["message"]["bad_rows"].to_pylist() == [1]
    (rows,) = (table for name, table in result.tables.items() if name != "message")
    assert 1 not in rows["row_no"].to_pylist()
    assert rows.num_rows == {"2301": 2, "4501": 1, "2302": 1}[kind]


def test_a_bad_line_takes_its_trace_codes_with_it_and_a_bad_message_everything() -> None:
    bad_line = run(changed("2102", "input.drugdetail.0.cnt", "x"))
    assert set(bad_line.tables) == {"message", "settlement", "fund_item"}
    assert run(changed("2102", "input.druginfo.begntime", "x")).tables == {}


def test_a_bad_answer_to_a_line_is_rejected_alone_and_the_line_stays() -> None:
    result = run(changed("2301", "response.output.result.0", "x"))
    assert [reject.row for reject in result.rejects] == ["response.output.result[0]"]
    assert result.tables["fee_line"]["med_chrgitm_type"].to_pylist() == [None]
    assert result.tables["message"]["bad_rows"].to_pylist() == [1]


def test_a_bad_trace_code_is_named_by_its_line() -> None:
    result = run(changed("2102", "input.drugdetail.0.durg_trac_info.1", "8100"))
    assert result.rejects[0].row == "input.drugdetail[0].durg_trac_info[1]"
    assert result.tables["trace_scan"].num_rows == 1


def test_failures_and_trials_are_no_facts_before_anything_else_is_looked_at() -> None:
    raw = [
        b'{"infno": "2304", "response": {"infcode": -1, "output": ""}}',
        b'{"infno": "2304", "response": {"infcode": "-1"}}',
        b'{"infno": "2401", "input": 7, "response": {"infcode": 1}}',
        b'{"infno": "2303", "response": {"infcode": 0}}',
        b'{"infno": "2206"}',
        b'{"infno": 2101, "input": []}',
        b'{"infno": "2001", "response": {"infcode": 0, "output": {}}}',
        b'{"infno": "7777", "anything": 1}',
    ]
    result = run(*raw)
    assert result.rejects == []
    assert result.tables == {}
    assert result.counts.not_facts == {
        ("2304", "failed"): 2,
        ("2401", "failed"): 1,
        ("2303", "trial"): 1,
        ("2206", "trial"): 1,
        ("2101", "trial"): 1,
        ("2001", "no facts"): 1,
        ("7777", "no facts"): 1,
    }


def test_blank_lines_are_no_messages_but_keep_their_numbers() -> None:
    result = run(b"", b"  \t", b"\r", b"x", GOOD)
    assert result.counts.read == 2
    assert result.rejects[0].line == 13
    assert result.tables["message"]["seq"].to_pylist() == [4]


def test_a_line_beyond_the_limit_is_rejected_with_its_beginning_length_and_hash() -> None:
    raw = b'{"infno":"2304","x":"' + b"x" * LONGEST_MESSAGE + b'"}'
    (reject,) = run(raw).rejects
    assert (reject.reason_code, len(reject.raw), reject.length) == ("too_long", LONGEST_RAW, len(raw))
    assert reject.sha256 == hashlib.sha256(raw).hexdigest()


def test_a_bad_message_among_good_ones_of_its_kind_spoils_no_other() -> None:
    good = [lines({**SAMPLES["2301"], "msgid": f"G{number}"})[0] for number in range(5)]
    bad = [changed("2301", "msgid", ""), changed("2301", "input.feedetail.0.cnt", "x")]
    result = run(good[0], bad[0], *good[1:3], bad[1], *good[3:])
    assert result.tables["fee_line"]["msgid"].to_pylist() == ["G0", "G1", "G2", "G3", "G4"]
    assert result.tables["message"]["bad_rows"].to_pylist() == [0, 0, 0, 1, 0, 0]


def test_rejects_come_in_the_order_of_their_lines() -> None:
    raw = [
        changed("2301", "msgid", ""),
        b"x",
        changed("2401", "msgid", ""),
        changed("2301", "inf_time", ""),
        b"y",
    ]
    assert [reject.line for reject in run(*raw).rejects] == [10, 11, 12, 13, 14]


def test_an_unknown_field_or_dictionary_value_is_no_error() -> None:
    message = event(
        "2404",
        {"data": {"mdtrt_id": "M", "psn_no": "P", "new": {"deep": [1]}}, "more": [[]]},
        opter_type="Z9",
    )
    result = run(json.dumps({**message, "extra": None}).encode())
    assert result.tables["message"]["opter_type"].to_pylist() == ["Z9"]


def test_what_is_rejected_does_not_depend_on_the_tables_that_are_wanted() -> None:
    good = [line for sample in SAMPLES.values() for line in lines(sample)]
    bad = [
        changed("2207", "response.output.setldetail.0.fund_payamt", "much"),
        changed("3505A", "input.selinfoDetail.0.sel_retn_cnt", "many"),
        b"what?",
    ]
    whole = run(*good, *bad)
    assert whole.counts.rejected.total() + whole.counts.rejected_rows.total() == len(bad)
    for wanted in ({"settlement", "death"}, set()):
        some = decode(
            [*good, *bad], source="log.jsonl", first_line=10, first_seq=0, key=KEY, wanted=frozenset(wanted)
        )
        assert (some.rejects, some.counts) == (whole.rejects, whole.counts)
        assert some.tables.keys() == wanted | {"message"}
        assert all(table.equals(whole.tables[name]) for name, table in some.tables.items())
