"""The rulebook: every rule of a folder, read, checked and made ready to run."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path

from rules.header import Bound, Header, Param, Population, read_header
from rules.schema import LEDGER_SQL, MACROS_SQL, MODELS_SQL, ledger_columns, model_columns, table_of
from rules.sqltext import (
    parameters,
    prepend_cte,
    significant,
    tells_columns_apart,
    with_values,
    words,
)
from rules.yamltext import Document, SourceError, parse

FOLDER = Path(__file__).parent

#: Header fields that decide what a rule finds. Values of parameters are not among them: an alert states them.
_LOGIC = ("key", "subject", "anchor", "severity", "lookback", "needs", "may_use", "reads_all", "money")

_HEADER = re.compile(r"/\*\r?\n?(.*?)\*/", re.DOTALL)


class RulebookError(ValueError):
    """A request that the rulebook cannot meet: an unknown rule, a parameter out of bounds."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Rule(Header):
    """One rule file: its header's fields, its identity and its SQL."""

    rule_id: str
    family: str
    path: Path
    sql: str
    sql_line: int
    document: Document

    @cached_property
    def query(self) -> str:
        """The SQL whole: the population first, as `judged`, then the rule's own steps. It runs as `text`."""
        return prepend_cte(self.sql, "judged", self.judges.rows("*", judged=True))

    def text(self, overrides: Mapping[str, object] | None = None) -> str:
        """The query as it is given to the database: of the population only the columns that the rule's own steps name, and
        its parameters as literals, so that it can be planned before it runs. Raises `RulebookError` as `values` does."""
        values = self.param_values(overrides)
        key = tuple(values.values())
        if key not in self._texts:
            self._texts[key] = with_values(self._narrow, values)
        return self._texts[key]

    @cached_property
    def _narrow(self) -> str:
        """The query with only such columns of the population as the rule's own steps name."""
        named = words(self.sql) & (_column_names() | words(self.judges.source))
        if not named or tells_columns_apart(self.sql):
            return self.query
        names = ", ".join(f"'{name}'" for name in sorted(named))
        columns = f"columns(lambda name: name in ({names}))"
        return prepend_cte(self.sql, "judged", self.judges.rows(columns, judged=True))

    @cached_property
    def _texts(self) -> dict[tuple[Bound, ...], str]:
        """What `text` has said already, by the values."""
        return {}

    @cached_property
    def logic_hash(self) -> str:
        """16 hexadecimal digits, equal where the same ledger and parameters must give the same findings."""
        parts = [self.rule_id, *(f"{name}={getattr(self, name)!r}" for name in _LOGIC)]
        parts += [f"{one.name}:{one.unit}" for one in self.params.values()]
        texts = (self.query, *_schema_texts(), *(_model_texts() if self.models else ()))
        parts += [significant(text) for text in texts]
        return _hash(parts)[:16]

    @cached_property
    def models(self) -> frozenset[str]:
        """The tables of what models say that the rule reads: `model.stay`."""
        return frozenset(map(table_of, (*self.needs, *self.may_use))) & model_columns().keys()

    @cached_property
    def used(self) -> frozenset[str]:
        """Names of the parameters the query binds, `lookback` included where it does."""
        return parameters(self.query)

    @property
    def official_code(self) -> str | None:
        """Code of the national rule; the rules added in 2025 have a name only."""
        first = (self.official or "").split(" ", 1)[0]
        return first if re.fullmatch(r"[A-Z]{2}\d{14}", first) else None

    @property
    def official_name(self) -> str | None:
        """Name of the national rule."""
        return self.official.removeprefix(self.official_code or "").strip() if self.official else None

    def values(self, overrides: Mapping[str, object] | None = None) -> dict[str, Bound]:
        """Every parameter's value. Raises `RulebookError` for an unknown name or a value out of bounds."""
        given = overrides or {}
        for name in given:
            if name not in self.params:
                known = ", ".join(self.params) or "none"
                raise RulebookError(f"{self.code} has no parameter '{name}'; it has {known}")
        try:
            return {
                name: param.value(given[name]) if name in given else param.default
                for name, param in self.params.items()
            }
        except ValueError as error:
            raise RulebookError(f"{self.code}: {error}") from error

    def param_values(self, overrides: Mapping[str, object] | None = None) -> dict[str, Bound]:
        """What the query binds: INTERVAL as timedelta, INTEGER as int, DECIMAL as Decimal, VARCHAR as str."""
        values = self.values(overrides)
        if self.lookback is not None:
            values["lookback"] = self.lookback
        return {name: value for name, value in values.items() if name in self.used}

    def param_texts(self, overrides: Mapping[str, object] | None = None) -> dict[str, str]:
        """Every parameter's value with its unit, as an alert states it."""
        return {name: self.params[name].text(value) for name, value in self.values(overrides).items()}


@dataclass(frozen=True)
class Rulebook:
    """Rules in the order of their codes."""

    rules: tuple[Rule, ...]

    @cached_property
    def hash(self) -> str:
        """Hash of everything that the rules say and read: logic, wording, parameters, ledger, macros."""
        parts = [f"{rule.rule_id} {rule.path.read_text(encoding='utf-8')}" for rule in self.rules]
        models = _model_texts() if any(rule.models for rule in self.rules) else ()
        return _hash([*parts, *_schema_texts(), *models])

    def running(self) -> Rulebook:
        """The rules that run unasked: live and shadow."""
        return Rulebook(tuple(rule for rule in self.rules if rule.status in ("live", "shadow")))

    def select(self, names: Iterable[str]) -> Rulebook:
        """The rules of these codes or ids, drafts included. Raises `RulebookError` for others and retired ones."""
        chosen = {rule.code: rule for rule in map(self.rule, names)}
        return Rulebook(tuple(chosen[code] for code in sorted(chosen)))

    def rule(self, name: str) -> Rule:
        """The rule of a code or id. Raises `RulebookError` where there is none that may run."""
        by_name = {known: rule for rule in self.rules for known in (rule.code, rule.rule_id)}
        rule = by_name.get(name) or by_name.get(name.upper())
        if rule is None:
            close = [
                one for word in (name.upper(), name) for one in difflib.get_close_matches(word, by_name, n=1)
            ]
            hint = f"did you mean {close[0]}?" if close else "`fundwatch rules list` shows them all"
            raise RulebookError(f"no rule '{name}'; {hint}")
        if rule.status == "retired":
            raise RulebookError(f"{rule.code} is retired and never runs; choose another rule")
        return rule


def load(folder: Path | None = None) -> Rulebook:
    """Read every `<family>/<name>.sql` under a folder (default: the rules that come with fundwatch).

    Raises `SourceError`, with file and line, where a header is wrong, and where two rules share a code.
    """
    rules = sorted(map(read_rule, rule_files(folder or FOLDER)), key=lambda rule: rule.code)
    for first, second in pairwise(rules):
        if first.code == second.code:
            raise second.document.error(
                f"code {second.code} is taken by {first.path}; choose another", "code"
            )
    return Rulebook(tuple(rules))


def rule_files(folder: Path) -> list[Path]:
    """Every `<family>/<name>.sql` under a folder. Raises `SourceError` where there is no such folder."""
    if not folder.is_dir():
        raise SourceError(folder, 1, "no such folder of rules")
    return sorted(folder.glob("*/*.sql"))


def read_rule(path: Path) -> Rule:
    """Read one rule file. Raises `SourceError`."""
    text = path.read_text(encoding="utf-8")
    match = _HEADER.match(text)
    if match is None:
        raise SourceError(path, 1, "a rule begins with its header, /* YAML */; add it")
    document = parse(match[1], path, first_line=1 + text[: match.start(1)].count("\n"))
    header = read_header(document)
    family = path.parent.name
    return Rule(
        **{field.name: getattr(header, field.name) for field in fields(header)},
        rule_id=f"{family}.{path.stem}",
        family=family,
        path=path,
        sql=text[match.end() :].strip().removesuffix(";"),
        sql_line=_sql_line(text, match.end()),
        document=document,
    )


def coverage_query(rule: Rule) -> str:
    """SQL: institution, rows judged, then rows not judged by each reason in the order of `judges.missing`.

    A row that lacks several things counts for the first. A population without institutions gives one row, null.
    """
    columns = {**ledger_columns(), **model_columns()}.get(rule.judges.table)
    institution = "fixmedins_code" if columns is None or "fixmedins_code" in columns else "null::varchar"
    conditions = list(rule.judges.missing.values())
    cases = " ".join(
        f"when coalesce(({condition}), false) then {n}" for n, condition in enumerate(conditions)
    )
    reason = f"case {cases} end" if cases else "null::integer"
    counts = "".join(f", count(*) filter (reason = {n}) as missing_{n}" for n in range(len(conditions)))
    population = rule.judges.rows(f"{institution} as fixmedins_code, {reason} as reason", judged=False)
    return (
        f"select fixmedins_code, count(*) filter (reason is null) as judged{counts}\n"
        f"from ({population})\ngroup by fixmedins_code"
    )


@cache
def _column_names() -> frozenset[str]:
    return frozenset(
        name for tables in (ledger_columns(), model_columns()) for table in tables.values() for name in table
    )


def _sql_line(text: str, end: int) -> int:
    """The line (from 1) on which the SQL begins."""
    blank = len(text[end:]) - len(text[end:].lstrip())
    return 1 + text[: end + blank].count("\n")


def _schema_texts() -> tuple[str, str]:
    return LEDGER_SQL.read_text(encoding="utf-8"), MACROS_SQL.read_text(encoding="utf-8")


def _model_texts() -> tuple[str, ...]:
    return (MODELS_SQL.read_text(encoding="utf-8"),)


def _hash(parts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


__all__ = [
    "Param",
    "Population",
    "Rule",
    "Rulebook",
    "RulebookError",
    "SourceError",
    "coverage_query",
    "load",
    "read_rule",
    "rule_files",
]
