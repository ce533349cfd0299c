"""Replay: a whole history judged at once, from event logs, a lake or an imported ledger, into a run folder."""

from __future__ import annotations

import hashlib
import json
import resource
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from detectors import engine
from detectors.alert import Alert, encode
from detectors.anomaly.model import ModelSet
from detectors.coverage import Coverage
from detectors.evaluate import judge, prepare, stated
from detectors.evidence import conflicts
from detectors.watermark import LATENESS, watermark
from rules.knowledge import Knowledge
from rules.rulebook import Rulebook
from streams import evidence, run
from streams.errors import Refused
from streams.inputs import FactsInput, LogCounts, only, read_logs
from streams.judging import fill
from streams.lake import is_lake, open_lake
from streams.ledger_files import REJECTS, LedgerFiles, describe, is_ledger, open_ledger
from streams.run import written_whole
from streams.unmasking import UNMASKED

#: Told where a replay stands: the stage, how much of it is done, and how much there is (0: not known).
OnProgress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Filters:
    """Which alerts are written. Facts are never filtered: a rule sees all of them."""

    from_time: datetime | None = None
    until_time: datetime | None = None
    institutions: frozenset[str] = frozenset()

    def keep(self, alert: Alert) -> bool:
        """By `occurred_at` in [from_time, until_time) and institution."""
        when = datetime.fromisoformat(alert.occurred_at)
        return (
            (self.from_time is None or when >= self.from_time)
            and (self.until_time is None or when < self.until_time)
            and (not self.institutions or alert.fixmedins_code in self.institutions)
        )


@dataclass(frozen=True)
class Order:
    """What is to be replayed, and how. `models`: by which the anomaly rules judge; `memory_limit` as DuckDB writes it;
    `processes` decode logs."""

    inputs: Sequence[str]
    out: Path
    key: bytes
    as_of: datetime | None = None
    lateness: timedelta = LATENESS
    filters: Filters = Filters()
    params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    models: ModelSet | None = None
    memory_limit: str = engine.MEMORY_LIMIT
    threads: int | None = None
    processes: int | None = None
    workspace: Path | None = None
    replace: bool = False


@dataclass(frozen=True)
class Report:
    """What a replay did, for the terminal. `events` counts messages read; seconds by step."""

    alerts: list[Alert]
    coverage: list[Coverage]
    counts: LogCounts
    fee_lines: int
    seconds: dict[str, float]
    watermark: datetime | None


class Timer:
    """Wall seconds by step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def step(self, name: str) -> None:
        now = time.perf_counter()
        self.seconds[name] = self.seconds.get(name, 0.0) + now - self._last
        self._last = now


def replay(
    order: Order, rulebook: Rulebook, knowledge: Knowledge, on_progress: OnProgress = lambda *_: None
) -> Report:
    """Judge the inputs and write the run folder. Interrupted, it leaves nothing."""
    timer = Timer()
    with (
        written_whole(order.out, replace=order.replace) as folder,
        tempfile.TemporaryDirectory(prefix="fundwatch-", dir=order.workspace) as workspace,
    ):
        source = _open(order, Path(workspace), on_progress)
        con = engine.connect(
            workspace=Path(workspace),
            memory_limit=order.memory_limit,
            threads=order.threads,
            expected_facts=0 if isinstance(source, LedgerFiles) else source.counts.facts,
        )
        if isinstance(source, LedgerFiles):
            open_ledger(source.folder, con=con)
        timer.step("read")
        counts, mark, rejects, conflicts = _ledger(con, source, rulebook, order)
        fee_lines = _count(con, "fee_line")
        timer.step("ledger")
        prepare(con, knowledge)
        done = 0

        def on_step(name: str) -> None:
            nonlocal done
            done += 1
            timer.step(name)
            on_progress(name, done, len(rulebook.rules) + (2 if order.models else 1))

        result = judge(
            con, rulebook, knowledge, mark, models=order.models, params=order.params, on_step=on_step
        )
        alerts = [alert for alert in result.alerts if order.filters.keep(alert)]
        _write_lines(folder / run.ALERTS, map(encode, alerts))
        _write_lines(folder / run.REJECTS, map(_encode, rejects))
        _write_lines(folder / run.COVERAGE, map(_encode, result.coverage))
        _write_lines(folder / run.CANCELLATIONS, map(_encode, _cancellations(con)))
        timer.step("write")
        rests_on = {msgid for alert in alerts for msgid in alert.evidence}
        if isinstance(source, LedgerFiles):
            evidence.write_ledger_rows(con, rests_on, folder / run.EVIDENCE)
        else:
            evidence.write_facts(con, rests_on, folder / run.EVIDENCE, without=conflicts)
        con.close()
        timer.step("evidence")
        report = Report(alerts, result.coverage, counts, fee_lines, timer.seconds, mark)
        described = _describe(order, rulebook, knowledge, _inputs(source), report)
        if order.out.joinpath(UNMASKED).exists():
            shutil.copy(order.out / UNMASKED, folder)  # who was shown whom outlives the run
        (folder / run.RUN).write_text(
            json.dumps(described, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
        )
    return report


def _open(order: Order, workspace: Path, on_progress: OnProgress) -> FactsInput | LedgerFiles:
    """What the inputs are: a ledger, a lake, or logs."""
    for name in order.inputs:
        if is_ledger(Path(name)):
            return describe(only(order.inputs, "ledger"))
        if is_lake(Path(name)):
            return open_lake(only(order.inputs, "lake"), as_of=order.as_of)
    return read_logs(order.inputs, workspace, order.key, order.processes, on_progress)


def _ledger(
    con: duckdb.DuckDBPyConnection, source: FactsInput | LedgerFiles, rulebook: Rulebook, order: Order
) -> tuple[LogCounts, datetime | None, list[dict[str, Any]], list[int]]:
    """Fill the ledger. Returns the counts of messages, the watermark, the lines of `rejects.jsonl`, and the `seq` of
    the messages that lost against another content under their msgid."""
    if isinstance(source, LedgerFiles):
        if order.as_of is not None:
            raise Refused("--as-of needs messages: an imported ledger does not know what was known when.")
        rows = _count(con, "message")
        return (
            LogCounts(read=rows, facts=rows),
            watermark(con, order.lateness, table="message"),
            _kept_rejects(source),
            [],
        )
    mark = fill(
        con,
        source.facts(order.as_of),
        rulebook,
        expected=source.counts.facts,
        lateness=order.lateness,
        memory_limit=order.memory_limit,
        tables=("cancellation",),
        models=order.models,
    )
    later = _later(con, source, order.as_of)
    duplicates = _count(con, "fact_dropped where reason = 'duplicate'")
    lost = conflicts(con)
    counts = source.counts.settled(duplicates, len(lost), later)
    return counts, mark, [*source.rejects(), *source.conflict_rejects(lost)], lost


def _kept_rejects(source: LedgerFiles) -> list[dict[str, Any]]:
    """What the import rejected, as it was written beside the ledger."""
    path = source.folder / REJECTS
    return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


def _later(con: duckdb.DuckDBPyConnection, source: FactsInput, as_of: datetime | None) -> int:
    """How many facts the platform saw only after the time of --as-of."""
    return 0 if as_of is None else source.counts.facts - _count(con, "fact.message")


def _inputs(source: FactsInput | LedgerFiles) -> list[dict[str, Any]]:
    if isinstance(source, LedgerFiles):
        return [dict(one) for one in source.sources]
    return source.described()


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    row = con.execute(f"select count(*) from {table}").fetchone()
    return int(row[0]) if row else 0


def _cancellations(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """What was taken back, for the comparison with another run."""
    result = con.execute(
        "select msgid, kind, inf_time, psn_no, fixmedins_code, mdtrt_id, setl_id, omsgid from cancellation "
        "where matched order by all"
    )
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


_encode = msgspec.json.Encoder(decimal_format="string").encode


def _write_lines(path: Path, lines: Iterable[bytes]) -> None:
    with path.open("wb") as file:
        for line in lines:
            file.write(line)
            file.write(b"\n")


def _describe(
    order: Order, rulebook: Rulebook, knowledge: Knowledge, inputs: list[dict[str, Any]], report: Report
) -> dict[str, Any]:
    """`run.json`: what went in, what was run, what came out, and how long it took."""
    by_rule: dict[str, Counter[str]] = {rule.code: Counter() for rule in rulebook.rules}
    for alert in report.alerts:
        by_rule[alert.rule_code][alert.sev_deg] += 1
    filters = order.filters
    return {
        "format": run.FORMAT,
        "fundwatch": {"version": version("fundwatch"), "code": code_hash()},
        "inputs": inputs,
        "as_of": _text(order.as_of),
        "watermark": _text(report.watermark),
        "filters": {
            "from": _text(filters.from_time),
            "to": _text(filters.until_time),
            "institutions": sorted(filters.institutions),
        },
        "rulebook": {
            "hash": rulebook.hash,
            "rules": [
                {
                    "code": rule.code,
                    "rule_id": rule.rule_id,
                    "version": rule.version,
                    "status": rule.status,
                    "hash": rule.logic_hash,
                    "params": stated(rule, order.params.get(rule.code), order.models),
                    "alerts": dict(sorted(by_rule[rule.code].items())),
                }
                for rule in rulebook.rules
            ],
        },
        "knowledge": knowledge.batch,
        "models": _models(order.models),
        "counts": {**report.counts.described(), "fee_lines": report.fee_lines, "alerts": len(report.alerts)},
        "seconds": {name: round(seconds, 3) for name, seconds in report.seconds.items()},
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def _models(models: ModelSet | None) -> dict[str, Any] | None:
    if models is None:
        return None
    hashes = {name: model.hash for name, model in sorted(models.models.items())}
    return {"hash": models.hash, "as_of": _text(models.as_of), "models": hashes}


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat(sep=" ") if moment else None


@cache
def code_hash() -> str:
    """Hash of the code that makes alerts: every Python and SQL file of `rules`, `detectors` and `streams`."""
    root = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for package in ("detectors", "rules", "streams"):
        for path in sorted((root / package).rglob("*")):
            if path.suffix in (".py", ".sql"):
                digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
