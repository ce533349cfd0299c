"""Runs the cases of a rule: small tables in, the expected violations out.

`python -m detectors.cases GB-07` runs those of one rule, without a code those of all.
"""

from __future__ import annotations

import sys
import time  # pure: how long a case took is shown, and decides nothing
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from string import Formatter
from typing import Any

import duckdb
import msgspec

from detectors import engine
from detectors.alert import told
from detectors.errors import RuleError
from detectors.evaluate import prepare, provide, violations, word
from detectors.fillins import Tables, complete
from rules import knowledge as knowledge_tables
from rules.casefile import Case, read_cases
from rules.knowledge import Knowledge
from rules.rulebook import Rule, Rulebook, RulebookError, load
from rules.schema import LEDGER_SQL, ledger_columns, ledger_names, model_columns
from rules.yamltext import SourceError

#: What an expected row may state beside the query's own columns: taken from the alert that the kernel makes.
_OF_ALERT = frozenset({"amount", "items", "sentence"})


@dataclass(frozen=True)
class Outcome:
    """What became of a case: the differences, none where it holds, and how long it took."""

    rule: Rule
    case: Case
    differences: tuple[str, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether the rule found exactly what the case expects."""
        return not self.differences


class Bench:
    """An empty ledger in which cases run one after the other, each leaving it empty."""

    def __init__(self, knowledge: Knowledge | None = None, planned: Sequence[Rule] = ()) -> None:
        """`planned`: rules that are planned once, as live."""
        self._knowledge = knowledge
        self._planned = planned

    @cached_property
    def knowledge(self) -> Knowledge:
        """The knowledge that the rules join with."""
        return self._knowledge or knowledge_tables.load()

    @cached_property
    def con(self) -> duckdb.DuckDBPyConnection:
        """The ledger, with macros and knowledge, closed to the outside world."""
        con = engine.connect(threads=1)
        con.execute(LEDGER_SQL.read_text(encoding="utf-8"))
        provide(con, ledger_names())
        prepare(con, self.knowledge, [rule.text() for rule in self._planned])
        return con

    def run(self, rule: Rule, case: Case) -> Outcome:
        """Run one case. A rule that breaks its contract, or a case that does, is a difference too."""
        begun = time.perf_counter()
        try:
            with self._filled(case) as tables:
                differences = self._compare(rule, case, tables)
        except (SourceError, RuleError, RulebookError, duckdb.Error) as error:
            differences = [str(error)]
        return Outcome(rule, case, tuple(differences), time.perf_counter() - begun)

    def run_all(self, rule: Rule) -> list[Outcome]:
        """Run all cases of a rule, in the order of the file. Raises `SourceError` where the file is wrong."""
        return [self.run(rule, case) for case in read_cases(rule)]

    @contextmanager
    def _filled(self, case: Case) -> Iterator[Tables]:
        """The ledger with the rows of a case, for as long as the block lasts."""
        self._check(case)
        tables = complete(case.given)
        tables["message"] = [*tables.get("message", []), *_messages(tables)]
        self.con.execute("begin")
        try:
            for name, rows in tables.items():
                self._insert(case, name, rows)
            yield tables
        finally:
            self.con.execute("rollback")

    def _check(self, case: Case) -> None:
        """Refuse tables and columns that are not there, and texts that YAML read as numbers."""
        for table, rows in case.given.items():
            columns = self._columns(table)
            if columns is None:
                raise case.document.error(
                    f"no table '{table}'; ledger.sql and models.sql list them", case.number, "given", table
                )
            for row_number, row in enumerate(rows):
                for column, value in row.items():
                    where = (case.number, "given", table, row_number, column)
                    if column not in columns:
                        raise case.document.error(f"{table} has no column '{column}'", *where)
                    if columns[column] == "VARCHAR" and value is not None and not isinstance(value, str):
                        raise case.document.error(f'{table}.{column} is a text; quote it: "…"', *where)

    def _columns(self, table: str) -> Mapping[str, str] | None:
        if table == "provided":
            return {"name": "VARCHAR"}
        if table in model_columns():
            return model_columns()[table]
        if not table.startswith("knowledge."):
            return ledger_columns().get(table)
        declaration = self.knowledge.declarations.get(table.removeprefix("knowledge."))
        return {one.name: one.type.upper() for one in declaration.columns} if declaration else None

    def _insert(self, case: Case, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Put rows into a table, unstated columns at their defaults; knowledge and `provided` are emptied first."""
        columns = self._columns(table) or {}
        if table.startswith("knowledge.") or table == "provided":
            self.con.execute(f"delete from {table}")
        if not rows:
            return
        stated = sorted({column for row in rows for column in row if column in columns})
        values: list[Any] = []
        marks: list[str] = []
        for row in rows:
            marks.append("(" + ", ".join("?" if column in row else "default" for column in stated) + ")")
            values += [row[column] for column in stated if column in row]
        try:
            self.con.execute(f"insert into {table} ({', '.join(stated)}) values {', '.join(marks)}", values)
        except duckdb.Error as error:
            raise case.document.error(f"{table}: {error}", case.number, "given", table) from error

    def _compare(self, rule: Rule, case: Case, tables: Tables) -> list[str]:
        found = violations(self.con, rule, case.params, case.watermark)
        known = {row["msgid"] for row in tables["message"]}
        differences: list[str] = []
        for row in found:
            differences += _contract(rule, row, known)
        if differences:
            return differences
        expected = case.expect
        if any(_OF_ALERT & set(row) for row in expected):
            found = self._worded(rule, found, case.params)
        return _differences(rule, expected, found)

    def _worded(
        self, rule: Rule, found: list[dict[str, Any]], params: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        """The rows with what the kernel makes of them."""
        rows = []
        for row in found:
            (alert,) = word(self.con, [(rule, row)], self.knowledge, {rule.code: params})
            items = [msgspec.structs.asdict(item) for item in alert.items]
            rows.append(
                {**row, "amount": Decimal(alert.vola_amt), "items": items, "sentence": alert.vola_cont}
            )
        return rows


def _messages(tables: Tables) -> list[dict[str, Any]]:
    """The messages that the rows of a case came from, seen when their rows say so."""
    seen: dict[str, dict[str, Any]] = {}
    for name, rows in tables.items():
        if "." in name or name in ("message", "cancellation"):
            continue
        for row in rows:
            time_seen = next((row[one] for one in ("inf_time", "upload_time") if row.get(one)), None) or max(
                (value for value in row.values() if isinstance(value, datetime)), default=None
            )
            ids = [row.get("msgid"), row.get("adm_msgid"), row.get("dscg_msgid"), row.get("ended_by")]
            for msgid in (*ids, *(row.get("msgids") or ()), *(row.get("refund_msgids") or ())):
                if msgid is not None:
                    seen.setdefault(msgid, {"msgid": msgid, "inf_time": time_seen})
    for row in tables.get("cancellation", []):
        seen.setdefault(row["msgid"], {"msgid": row["msgid"], "inf_time": row.get("inf_time")})
    for row in tables.get("message", []):
        seen.pop(row.get("msgid", ""), None)
    return list(seen.values())


def _contract(rule: Rule, row: Mapping[str, Any], known: set[str]) -> list[str]:
    """What a row must have whatever the case expects."""
    wrong = []
    needed = {*rule.anchor, rule.subject[1], "severity", "occurred_at", "evidence"}
    if lacking := sorted(needed - set(row)):
        return [f"the query has no column {', '.join(lacking)}"]
    if not [one for one in row["evidence"] or [] if one]:
        wrong.append("a row without evidence")
    if unknown := sorted({one for one in row["evidence"] or [] if one} - known):
        wrong.append(f"evidence names {', '.join(unknown)}, which is no message of the case")
    if row["occurred_at"] is None:
        wrong.append("a row without occurred_at")
    try:
        Formatter().vformat(rule.sentence, (), {name: told(row, name) for name in row})
    except KeyError as error:
        wrong.append(f"the sentence needs {error}, which is no column of the query")
    return wrong


def _differences(
    rule: Rule, expected: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]]
) -> list[str]:
    """How the found rows differ from the expected, whatever their order; an expected row states a part."""
    left = list(found)
    open_rows = []
    for want in expected:
        match = next((row for row in left if not _row_differences(want, row)), None)
        if match is None:
            open_rows.append(want)
        else:
            left.remove(match)
    differences = []
    for want in open_rows:
        if not left:
            differences.append(f"expected, not found: {_shown(want)}")
            continue
        nearest = min(left, key=lambda row: len(_row_differences(want, row)))
        left.remove(nearest)
        key = {name: nearest[name] for name in rule.anchor}
        differences += [f"{_shown(key)}: {one}" for one in _row_differences(want, nearest)]
    shown = [*rule.anchor, "severity"]
    return differences + [
        f"found, not expected: {_shown({name: row[name] for name in shown})}" for row in left
    ]


def _row_differences(want: Mapping[str, Any], row: Mapping[str, Any]) -> list[str]:
    differences = []
    for name, value in want.items():
        if name not in row:
            differences.append(f"{name}: no such column")
        elif not _equal(value, row[name], ordered=name not in ("evidence", "items")):
            differences.append(f"{name}: expected {_plain(value)}, found {_plain(row[name])}")
    return differences


def _equal(want: Any, got: Any, *, ordered: bool = True) -> bool:
    """Whether a found value is what is wanted: numbers by value, structs by the fields that are stated."""
    if isinstance(want, Mapping) and isinstance(got, Mapping):
        return all(name in got and _equal(value, got[name]) for name, value in want.items())
    if isinstance(want, list) and isinstance(got, list | tuple):
        if len(want) != len(got):
            return False
        left = list(got)
        for value in want:
            candidates = left[:1] if ordered else left
            match = next((one for one in candidates if _equal(value, one)), None)
            if match is None and value is not None:
                return False
            left.remove(match)
        return True
    if isinstance(want, bool) or isinstance(got, bool):
        return want is got
    if isinstance(want, int | Decimal) and isinstance(got, int | float | Decimal | str):
        try:
            return Decimal(str(got)) == want
        except ArithmeticError:
            return False
    if isinstance(want, date) and not isinstance(want, datetime) and isinstance(got, datetime):
        want = datetime.combine(want, datetime.min.time())
    return bool(want == got)


def _plain(value: Any) -> str:
    """A value on one line, as a case would write it."""
    if isinstance(value, Mapping):
        return _shown(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_plain, value))}]"
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _shown(row: Mapping[str, Any]) -> str:
    return "{" + ", ".join(f"{name}: {_plain(value)}" for name, value in row.items()) + "}"


def report(rulebook: Rulebook, say: Callable[[str], object]) -> int:
    """Run the cases of all rules and say what became of each; how many did not hold, a rule without cases too."""
    bench = Bench()
    failed = count = 0
    for rule in rulebook.rules:
        outcomes = bench.run_all(rule)
        if not outcomes:
            failed += 1
            say(f"FAIL {rule.code} has no cases; add {rule.path.with_suffix('.cases.yaml').name}")
        for outcome in outcomes:
            count += 1
            failed += not outcome.passed
            mark = "ok  " if outcome.passed else "FAIL"
            say(f"{mark} {rule.code} {outcome.case.name}  ({outcome.seconds * 1000:.0f} ms)")
            for difference in outcome.differences:
                say(f"       {outcome.case.path}:{outcome.case.line}: {difference}")
    say(f"{count} cases of {len(rulebook.rules)} rules, {failed} failed")
    return failed


def main(names: Sequence[str]) -> int:
    """Run the cases of the named rules, or of all. Returns the exit code."""
    try:
        rulebook = load().select(names) if names else load()
        return 1 if report(rulebook, print) else 0
    except (SourceError, RulebookError) as error:
        print(error)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
