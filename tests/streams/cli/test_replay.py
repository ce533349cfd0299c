"""`fundwatch replay`: what a run is, that nothing gets lost on the way, and that only the facts decide."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from base64 import b64decode
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import zstandard

from detectors import engine
from streams.run import Run
from streams.summary import add_up
from streams.unmasking import record
from tests.streams import small_world
from tests.streams.cli.conftest import BAD_LINES, Replayed, fundwatch, machine, replay

FILES = {
    "alerts.jsonl",
    "rejects.jsonl",
    "coverage.jsonl",
    "cancellations.jsonl",
    "evidence.parquet",
    "run.json",
}

ROOT = Path(__file__).parents[3]


class TestTheRun:
    def test_has_these_files_and_is_not_for_everyone(self, base: Replayed) -> None:
        assert {path.name for path in base.folder.iterdir()} == FILES
        assert {path.name for path in base.folder.parent.iterdir()} == {"run", "log.jsonl"}
        assert base.folder.stat().st_mode & 0o777 == 0o750

    def test_has_alerts_of_every_rule_sorted_by_their_id(self, base: Replayed) -> None:
        assert {alert.rule_code for alert in base.alerts} == set(small_world.RULES)
        ids = [alert.jr_id for alert in base.alerts]
        assert ids == sorted(set(ids))

    def test_says_what_went_in_and_what_was_run(self, base: Replayed) -> None:
        described = base.described
        data = base.log.read_bytes()
        expected = {"name": "log.jsonl", "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        assert described["inputs"] == [expected]
        assert [rule["code"] for rule in described["rulebook"]["rules"]] == sorted(small_world.RULES)
        counts = Counter(alert.rule_code for alert in base.alerts)
        assert {
            rule["code"]: sum(rule["alerts"].values()) for rule in described["rulebook"]["rules"]
        } == counts
        hashes = {rule["code"]: rule["hash"] for rule in described["rulebook"]["rules"]}
        assert all(alert.rule_hash == hashes[alert.rule_code] for alert in base.alerts)
        assert {alert.knowledge_batch for alert in base.alerts} == {described["knowledge"]}
        assert described["counts"]["alerts"] == len(base.alerts)

    def test_keeps_all_evidence_of_its_alerts_and_no_other(self, base: Replayed) -> None:
        table = pq.read_table(base.folder / "evidence.parquet")
        kept = set(table["msgid"].to_pylist())
        assert kept == {msgid for alert in base.alerts for msgid in alert.evidence}
        assert len(set(map(str, table.to_pylist()))) == table.num_rows, "duplicates are one"

    def test_judges_each_visit_or_says_what_is_missing(self, base: Replayed) -> None:
        coverage = base.records("coverage.jsonl")
        assert {line["rule_code"] for line in coverage} == set(small_world.RULES)
        assert all(line["not_judged"] == sum(line["missing"].values()) for line in coverage)


class TestCounts:
    def test_every_message_is_accounted_for(self, base: Replayed, log_lines: list[bytes]) -> None:
        counts = base.described["counts"]
        assert counts["read"] == sum(1 for line in log_lines if line.strip())
        together = (
            counts["facts"]
            + counts["duplicates"]
            + sum(counts["not_facts"].values())
            + sum(counts["rejected"].values())
        )
        assert counts["read"] == together
        assert counts["later"] == 0

    def test_copies_bad_lines_and_the_conflict_are_told_apart(
        self, base: Replayed, good_lines: list[bytes]
    ) -> None:
        counts = base.described["counts"]
        facts = [
            m
            for m in map(json.loads, good_lines)
            if "registry" in m or (m["response"]["infcode"] in (0, "0"))
        ]
        trials = {"2101", "2206", "2303"}
        distinct = {m["msgid"] for m in facts if m.get("infno") not in trials}
        assert counts["facts"] == len(distinct)
        assert counts["rejected"]["msgid_conflict"] == 1
        assert sum(counts["rejected"].values()) == 1 + sum(1 for line in BAD_LINES if line)

    def test_the_terminal_says_the_sum(self, base: Replayed) -> None:
        counts = base.described["counts"]
        assert (
            f"{counts['read']:,} messages read = {counts['facts']:,} facts + {counts['duplicates']:,} duplicates"
            in (base.answer.out)
        )
        assert base.answer.err == ""


class TestRejects:
    def test_keep_the_original_bytes_and_the_place(self, base: Replayed, log_lines: list[bytes]) -> None:
        bad = {line: number for number, line in enumerate(log_lines, start=1) if line in BAD_LINES and line}
        found = {
            b64decode(one["raw_base64"]) if "raw_base64" in one else one["raw"].encode(): one
            for one in base.records("rejects.jsonl")
        }
        for line, number in bad.items():
            reject = found[line]
            assert (reject["source"], reject["line"], reject["length"]) == ("log.jsonl", number, len(line))
            assert reject["sha256"] == hashlib.sha256(line).hexdigest()
            offset = reject["byte_offset"]
            assert base.log.read_bytes()[offset : offset + len(line)] == line
            assert reject["sentence"].endswith(".")

    def test_a_second_content_under_a_msgid_is_among_them_whole(
        self, base: Replayed, conflict: bytes
    ) -> None:
        (reject,) = (one for one in base.records("rejects.jsonl") if one["reason_code"] == "msgid_conflict")
        assert reject["raw"].encode() == conflict
        assert (reject["line"], reject["byte_offset"]) == (1, 0)
        assert reject["msgid"] == json.loads(conflict)["msgid"]

    def test_the_other_content_is_no_evidence(self, base: Replayed, tmp_path: Path) -> None:
        alert = next(alert for alert in base.alerts if alert.rule_code == "FP-01")
        line = next(
            line for line in base.log.read_bytes().splitlines() if alert.evidence[-1].encode() in line
        )
        other = json.loads(line)
        other["inf_time"] = "2026-12-01 00:00:00"
        log = tmp_path / "log.jsonl"
        log.write_bytes(base.log.read_bytes() + json.dumps(other).encode() + b"\n")
        assert replay(log, "--out", tmp_path / "run").code == 0
        assert (tmp_path / "run" / "alerts.jsonl").read_bytes() == (base.folder / "alerts.jsonl").read_bytes()
        before, after = (pq.read_table(run / "evidence.parquet") for run in (base.folder, tmp_path / "run"))
        assert after.equals(before)


def in_pieces(base: Replayed, folder: Path) -> list[Path]:
    lines = base.log.read_bytes().splitlines(keepends=True)
    third = len(lines) // 3
    pieces = [folder / f"{n}.jsonl" for n in range(3)]
    for n, piece in enumerate(pieces):
        piece.write_bytes(b"".join(lines[n * third : (n + 1) * third if n < 2 else None]))
    return pieces


def in_a_folder(base: Replayed, folder: Path) -> list[Path]:
    one, two, three = in_pieces(base, folder)
    (folder / "deep").mkdir()
    one.rename(folder / "deep" / "z.jsonl")
    (folder / "two.jsonl.gz").write_bytes(gzip.compress(two.read_bytes()))
    (folder / "three.jsonl.zst").write_bytes(zstandard.compress(three.read_bytes()))
    two.unlink()
    three.unlink()
    (folder / "README.txt").write_text("no log", encoding="utf-8")
    return [folder]


@pytest.mark.parametrize("given", [in_pieces, in_a_folder])
def test_however_the_log_is_given_the_alerts_are_the_same(
    given: Callable[[Replayed, Path], list[Path]], base: Replayed, tmp_path: Path
) -> None:
    (tmp_path / "log").mkdir()
    answer = replay(*given(base, tmp_path / "log"), "--out", tmp_path / "run")
    assert answer.code == 0, answer.err
    assert (tmp_path / "run" / "alerts.jsonl").read_bytes() == (base.folder / "alerts.jsonl").read_bytes()
    assert (tmp_path / "run" / "coverage.jsonl").read_bytes() == (base.folder / "coverage.jsonl").read_bytes()
    assert Run.open(tmp_path / "run").facts["counts"] == base.described["counts"]


def test_a_ledger_in_a_file_gives_the_same_bytes(
    base: Replayed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BYTES_A_FACT", 10**12)
    answer = replay(base.log, "--out", tmp_path / "run")
    assert answer.code == 0, answer.err
    for name in (
        "alerts.jsonl",
        "coverage.jsonl",
        "rejects.jsonl",
        "cancellations.jsonl",
        "evidence.parquet",
    ):
        assert (tmp_path / "run" / name).read_bytes() == (base.folder / name).read_bytes()


def test_standard_input_is_a_log_and_its_rejects_are_whole_too(
    base: Replayed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(base.log.read_bytes())))
    answer = replay("-", "--out", tmp_path / "run")
    assert answer.code == 0, answer.err
    assert (tmp_path / "run" / "alerts.jsonl").read_bytes() == (base.folder / "alerts.jsonl").read_bytes()
    rejects = [json.loads(line) for line in (tmp_path / "run" / "rejects.jsonl").read_bytes().splitlines()]
    assert [{**one, "source": "log.jsonl"} for one in rejects] == base.records("rejects.jsonl")
    assert {one["source"] for one in rejects} == {"stdin"}


def test_as_of_a_time_is_the_replay_of_what_was_known_then(
    base: Replayed, log_lines: list[bytes], tmp_path: Path
) -> None:
    moment = "2026-03-01 00:00:00"
    cut = tmp_path / "cut.jsonl"
    cut.write_bytes(
        small_world.joined(
            [line for line in log_lines if line not in BAD_LINES and json.loads(line)["inf_time"] <= moment]
        )
    )
    assert replay(base.log, "--out", tmp_path / "as-of", "--as-of", moment).code == 0
    assert replay(cut, "--out", tmp_path / "cut").code == 0
    then, there = (Replayed(tmp_path / name, cut, base.answer) for name in ("as-of", "cut"))
    assert 0 < len(then.lines) < len(base.lines)
    for name in ("alerts.jsonl", "coverage.jsonl", "cancellations.jsonl"):
        assert then.read(name) == there.read(name), name
    assert then.described["watermark"] == there.described["watermark"] < moment
    counts = then.described["counts"]
    assert counts["facts"] == there.described["counts"]["facts"]
    assert counts["read"] == base.described["counts"]["read"]
    assert counts["later"] > 0
    together = counts["facts"] + counts["duplicates"] + counts["later"]
    assert counts["read"] == together + sum(counts["not_facts"].values()) + sum(counts["rejected"].values())


def test_filters_choose_alerts_and_never_facts(base: Replayed, tmp_path: Path) -> None:
    places = Counter(alert.fixmedins_code for alert in base.alerts if alert.fixmedins_code)
    place = places.most_common(1)[0][0]
    times = sorted(alert.occurred_at for alert in base.alerts if alert.fixmedins_code == place)
    first, last = times[1], times[-1]
    arguments = ("--institution", place, "--from", first, "--to", last)
    assert replay(base.log, "--out", tmp_path / "run", *arguments).code == 0
    chosen = [
        line
        for line, alert in zip(base.lines, base.alerts, strict=True)
        if alert.fixmedins_code == place and first <= alert.occurred_at < last
    ]
    filtered = Replayed(tmp_path / "run", base.log, base.answer)
    assert 0 < len(chosen) < len(base.lines)
    assert filtered.lines == chosen
    assert filtered.read("coverage.jsonl") == base.read("coverage.jsonl")
    assert filtered.described["filters"] == {"from": first, "to": last, "institutions": [place]}


class TestRefusals:
    """One sentence on standard error, exit code 2, and nothing is left."""

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (["nowhere.jsonl"], "There is no file or folder nowhere.jsonl"),
            (["LOG", "--rules", "GB-88"], "no rule 'GB-88'"),
            (["LOG", "--param", "GB-03.moon=1"], "GB-03 has no parameter 'moon'"),
            (["LOG", "--param", "GB-07.grace=1000"], "GB-07: grace = 1000 h is outside"),
            (["LOG", "--param", "grace"], "write CODE.NAME=VALUE"),
            (["LOG", "--as-of", "yesterday"], "'yesterday' is no time"),
            (["LOG", "--memory", "much"], "'much' is no amount of memory"),
            (["LOG", "--workspace", "nowhere"], "No such file or directory"),
        ],
    )
    def test_table(self, arguments: list[str], sentence: str, base: Replayed, tmp_path: Path) -> None:
        given = [str(base.log) if one == "LOG" else one for one in arguments]
        answer = fundwatch("replay", *given, "--out", tmp_path / "run")
        assert answer.code == 2
        assert sentence in answer.err
        assert "Traceback" not in answer.err
        assert list(tmp_path.iterdir()) == []

    def test_a_folder_that_holds_other_things(self, base: Replayed, tmp_path: Path) -> None:
        out = tmp_path / "run"
        out.mkdir()
        (out / "thesis.txt").write_text("mine", encoding="utf-8")
        for more in ([], ["--replace"]):
            answer = replay(base.log, "--out", out, *more)
            assert (answer.code, "it holds other things" in answer.err) == (2, True)
        assert [path.name for path in tmp_path.rglob("*")] == ["run", "thesis.txt"]

    def test_an_earlier_run_unless_it_may_be_replaced(self, tmp_path: Path, good_lines: list[bytes]) -> None:
        one, two = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
        one.write_bytes(small_world.joined(good_lines[:3]))
        two.write_bytes(small_world.joined(good_lines[:5]))
        out = tmp_path / "run"
        assert replay(one, "--out", out, rules=["GB-07"]).code == 0
        record(out, "an alert", "complaint 17")
        answer = replay(two, "--out", out, rules=["GB-07"])
        assert (answer.code, "add --replace" in answer.err) == (2, True)
        assert Run.open(out).facts["counts"]["read"] == 3
        assert replay(two, "--out", out, "--replace", rules=["GB-07"]).code == 0
        assert Run.open(out).facts["counts"]["read"] == 5
        assert {path.name for path in tmp_path.iterdir()} == {"one.jsonl", "two.jsonl", "run"}
        assert "complaint 17" in (out / "unmasked.jsonl").read_text(encoding="utf-8"), (
            "who was unmasked stays known"
        )

    def test_a_lake_or_ledger_beside_other_inputs(self, base: Replayed, tmp_path: Path) -> None:
        for marker, what in (("lake.json", "lake"), ("ledger.json", "ledger")):
            folder = tmp_path / what
            folder.mkdir()
            (folder / marker).write_text("{}", encoding="utf-8")
            answer = replay(base.log, folder, "--out", tmp_path / "run")
            assert (answer.code, f"a {what} is replayed alone" in answer.err) == (2, True)


class TestProcess:
    """As a process of its own, where a warning is an error."""

    @staticmethod
    def command(*arguments: str | Path) -> list[str]:
        return [sys.executable, "-W", "error", "-m", "streams.cli", *map(str, arguments)]

    def test_a_log_of_bad_lines_alone_is_read_to_its_end(self, tmp_path: Path) -> None:
        log = tmp_path / "log.jsonl"
        log.write_bytes(small_world.joined(BAD_LINES) + b'{"cut off')
        environment = machine()
        del environment["FUNDWATCH_KEY"]
        done = subprocess.run(
            self.command("replay", log, "--out", tmp_path / "run", "--rules", "GB-07"),
            cwd=ROOT, env=environment, capture_output=True, check=False, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert len((tmp_path / "run" / "rejects.jsonl").read_bytes().splitlines()) == len(BAD_LINES)
        assert (tmp_path / "run" / "alerts.jsonl").read_bytes() == b""
        (warning,) = done.stderr.splitlines()
        assert warning.startswith("fundwatch: no site key is set")
        assert "FUNDWATCH_KEY_FILE" in warning

    @pytest.mark.parametrize(
        ("how", "to_the_group", "code"),
        [(signal.SIGINT, False, 130), (signal.SIGINT, True, 130), (signal.SIGTERM, False, 143)],
        ids=["the process", "its group, as Ctrl-C", "ended, as a service manager does"],
    )
    def test_interrupted_it_leaves_nothing(
        self, how: signal.Signals, to_the_group: bool, code: int, base: Replayed, tmp_path: Path
    ) -> None:
        workspace = tmp_path / "workspace"
        workspace.mkdir()
        out = tmp_path / "runs" / "run"
        process = subprocess.Popen(
            self.command("replay", base.log, "--out", out, "--workspace", workspace, "--processes", "2"),
            cwd=ROOT, env=machine(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        deadline = time.monotonic() + 60
        wanted = "fundwatch-*"
        while not list(workspace.glob(wanted)) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        assert list(tmp_path.glob("runs/.run.partial-*")), "it was at work"
        if to_the_group:
            os.killpg(process.pid, how)
        else:
            process.send_signal(how)
        _, err = process.communicate(timeout=60)
        assert (process.returncode, err.strip()) == (
            code,
            "fundwatch: interrupted; nothing was left half written.",
        )
        assert list((tmp_path / "runs").iterdir()) == []
        assert list(workspace.iterdir()) == []


#: Fields of the log that name a person or lead to one.
PERSONAL = {
    "psn_name",
    "certno",
    "mdtrt_cert_no",
    "tel",
    "coner_tel",
    "coner_name",
    "patn_name",
    "member_name",
}


def personal(node: object) -> set[str]:
    """The values of those fields, wherever they stand in a message."""
    if isinstance(node, list):
        return set().union(*map(personal, node))
    if not isinstance(node, dict):
        return set()
    own = {
        value
        for name, value in node.items()
        if name in PERSONAL and isinstance(value, str) and len(value) > 1
    }
    return own.union(*map(personal, node.values()))


def test_no_output_but_the_rejects_holds_a_name_a_certificate_or_a_telephone(base: Replayed) -> None:
    secrets = personal(small_world.messages())
    assert len(secrets) > 50
    texts = [base.answer.out, *map(str, pq.read_table(base.folder / "evidence.parquet").to_pylist())]
    texts += [
        path.read_text(encoding="utf-8")
        for path in base.folder.glob("*.json*")
        if path.name != "rejects.jsonl"
    ]
    together = "\n".join(texts)
    assert sorted(secret for secret in secrets if secret in together) == []


class TestSummary:
    def test_money_on_the_terminal_counts_each_yuan_once(self, base: Replayed) -> None:
        total = add_up(base.alerts)
        assert f"{total.fund:,.2f}" in base.answer.out
        assert total.alerts == len(base.alerts)
        assert total.fund <= sum(Decimal(alert.vola_amt) for alert in base.alerts)

    def test_an_alert_by_itself_is_worth_what_it_says(self, base: Replayed) -> None:
        for alert in base.alerts:
            assert f"{add_up([alert]).fund:.2f}" == alert.vola_amt, alert.jr_id


def test_lateness_moves_the_watermark(good_lines: list[bytes], tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_bytes(small_world.joined(good_lines[-60:]))
    marks = []
    for hours in ("0", "5"):
        assert replay(log, "--out", tmp_path / hours, "--lateness", hours, rules=["GB-07"]).code == 0
        marks.append(datetime.fromisoformat(Run.open(tmp_path / hours).facts["watermark"]))
    assert marks[0] - marks[1] == timedelta(hours=5)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--rules", "GB-01", "--param", "GB-07.grace=12"), "GB-07 does not run; name it in --rules"),
        (("--param", "GB-07=12"), "write CODE.NAME=VALUE"),
    ],
)
def test_a_parameter_without_effect_is_refused(
    tmp_path: Path, options: tuple[str, ...], sentence: str
) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text("", encoding="utf-8")
    done = fundwatch("replay", str(log), "--out", str(tmp_path / "run"), *options)
    assert done.code != 0
    assert sentence in " ".join(done.err.split())
