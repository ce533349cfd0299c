"""Checks that a rule's result depends on the rows alone: no clock, no chance, no files, no order of rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from itertools import pairwise

import duckdb
from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from rules.lint.issue import (
    FloatSum,
    ForbiddenFunction,
    Issue,
    StarInResult,
    TimeZoneUsed,
    UnorderedAggregate,
    UnorderedLimit,
    UnorderedWindow,
    VolatileFunction,
)
from rules.lint.subject import Subject
from rules.sqltree import DIALECT

#: Aggregates whose result depends on which row comes first, or that are approximate, or that add floats inside.
_ORDER_DEPENDENT = frozenset(
    {
        "any_value", "arbitrary", "first", "last", "mode", "approx_count_distinct",
        "approx_quantile", "approx_top_k", "reservoir_quantile", "favg", "fsum", "kahan_sum", "sumkahan", "product",
        "corr", "covar_pop", "covar_samp", "entropy", "kurtosis", "kurtosis_pop", "skewness", "sem", "stddev",
        "stddev_pop", "stddev_samp", "var_pop", "var_samp", "variance", "mad", "lttb",
    }
)  # fmt: skip

#: Window functions that tell equal rows apart. rank, dense_rank, percent_rank and cume_dist do not.
_ROW_BY_ROW = frozenset({"row_number", "lag", "lead", "first_value", "last_value", "nth_value", "ntile"})

#: Columns that no two rows of their table share, within one visit at least.
_KEYS = frozenset(
    {
        "msgid", "mdtrt_id", "setl_id", "feedetl_sn", "reim_id", "row_no", "medcas_drord_detl_id", "rpotc_no",
        "day", "hour", "drug_trac_codg",
    }
)  # fmt: skip

#: Table functions that read nothing.
_HARMLESS_TABLES = frozenset({"unnest", "range", "generate_series"})

_CLOCK_WORDS = frozenset(
    {
        "current_date",
        "current_time",
        "current_timestamp",
        "localtime",
        "localtimestamp",
        "current_user",
        "session_user",
    }
)

#: Words that keep some of the rows.
_LIMITS = frozenset({TokenType.LIMIT, TokenType.OFFSET, TokenType.FETCH, TokenType.TABLE_SAMPLE})

_ZONED = frozenset({TokenType.TIMESTAMPTZ, TokenType.TIMESTAMPLTZ, TokenType.TIMETZ})


def check_determinism(subject: Subject) -> Iterator[Issue]:
    """All of them."""
    yield from _functions(subject)
    yield from _zones(subject)
    yield from _lists(subject)
    yield from _windows(subject)
    yield from _limits(subject)
    yield from _float_sums(subject)
    yield from _stars(subject)


@cache
def _functions_of(kind: str) -> frozenset[str]:
    """DuckDB's functions that are `volatile`, make a `table`, or take plain values (`scalar`)."""
    condition = {
        "volatile": "stability <> 'CONSISTENT'",
        "table": "function_type in ('table', 'table_macro', 'pragma')",
        "scalar": "function_type in ('scalar', 'macro', 'aggregate', 'window')",
    }[kind]
    rows = duckdb.connect().execute(
        f"select distinct function_name from duckdb_functions() where {condition}"
    )
    return frozenset(name for (name,) in rows.fetchall())


def _functions(subject: Subject) -> Iterator[Issue]:
    """Functions by the names in the text: nothing is hidden by how a parser understands them."""
    rule, tree = subject.rule, subject.tree
    followers: Iterable[Token | None] = (*tree.tokens[1:], None)
    for token, after in zip(tree.tokens, followers, strict=True):
        name = token.text.lower()
        called = after is not None and after.token_type == TokenType.L_PAREN
        line = tree.line(token.start)
        if token.token_type == TokenType.STRING:
            continue
        if name in _CLOCK_WORDS or (called and name in _functions_of("volatile")):
            yield VolatileFunction(rule.path, line, name)
        elif called and (name in _ORDER_DEPENDENT or _makes_tables(name)):
            yield ForbiddenFunction(rule.path, line, name)
    for table in tree.tree.find_all(exp.Table):
        if isinstance(table.this, exp.Literal) or "/" in table.name or "." in table.name:
            yield ForbiddenFunction(rule.path, tree.line_of(table), f"reading the file {table.name}")


def _makes_tables(name: str) -> bool:
    """Whether a name is that of a function that can only make tables, from files for example."""
    return name in _functions_of("table") - _functions_of("scalar") - _HARMLESS_TABLES


def _zones(subject: Subject) -> Iterator[Issue]:
    for token in subject.tree.tokens:
        if token.token_type in _ZONED:
            yield TimeZoneUsed(subject.rule.path, subject.tree.line(token.start), token.text.lower())
    for node in subject.tree.tree.find_all(exp.AtTimeZone):
        yield TimeZoneUsed(subject.rule.path, subject.tree.line_of(node), "at time zone")


def _lists(subject: Subject) -> Iterator[Issue]:
    """Lists must be ordered, and the order must end with the value itself or with a key."""
    tree = subject.tree
    for node in tree.tree.find_all(exp.ArrayAgg, exp.GroupConcat):
        value = node.this
        order = value if isinstance(value, exp.Order) else node.find(exp.Order)
        if order is None:
            yield UnorderedAggregate(subject.rule.path, tree.line_of(node), "no ORDER BY")
        elif not _tells_apart(
            order.this if isinstance(order.this, exp.Expr) else value, [one.this for one in order.expressions]
        ) and not _argued(subject, node):
            yield UnorderedAggregate(subject.rule.path, tree.line_of(node), "equal rows have no order")
    for node in tree.tree.find_all(exp.ArgMax, exp.ArgMin):
        if not _tells_apart(node.this, [node.expression]) and not _argued(subject, node):
            yield UnorderedAggregate(subject.rule.path, tree.line_of(node), "equal rows have no order")


def _tells_apart(value: exp.Expr, by: list[exp.Expr]) -> bool:
    """Whether an order ends with a key or with the value itself, so that what is equal in it is equal in value."""
    if isinstance(value, exp.Distinct):
        value = value.expressions[0]
    names = _columns(by)
    parts = {part.sql(DIALECT) for one in by for part in one.walk()}
    return bool(names & _KEYS) or value.sql(DIALECT) in parts or _columns([value]) <= names


def _argued(subject: Subject, node: exp.Expr) -> bool:
    """Whether the author says why the order is total: `-- total order: <reason>` on the line or the one before."""
    lines = subject.rule.path.read_text(encoding="utf-8").split("\n")
    line = subject.tree.line_of(node)
    return any("-- total order: " in text for text in lines[max(line - 2, 0) : line])


def _windows(subject: Subject) -> Iterator[Issue]:
    """Windows that tell rows apart need an order without ties: by a key, or by all that the rows are grouped by."""
    tree = subject.tree
    groups = {step.name: _groups(step.tree) for step in tree.steps}
    for node in tree.tree.find_all(exp.Window):
        function = node.this
        while isinstance(function, exp.IgnoreNulls | exp.RespectNulls | exp.Filter):
            function = function.this
        name = (function.sql_name() if isinstance(function, exp.Func) else function.name).lower()
        select = node.find_ancestor(exp.Select)
        if select is None or node.arg_key == "windows":
            continue
        window = next((one for one in select.args.get("windows") or [] if one.name == node.alias), node)
        spec = window.args.get("spec")
        if name not in _ROW_BY_ROW and not (
            spec is not None and str(spec.args.get("kind")).upper() == "ROWS"
        ):
            continue
        order = window.args.get("order")
        by = _columns([one.this for one in order.expressions]) if order is not None else set()
        within = by | _columns(window.args.get("partition_by") or [])
        from_ = select.args.get("from_")
        source = groups.get(from_.this.name) if from_ and not select.args.get("joins") else None
        grouped = _groups(select, as_result=False) or source
        total = bool(by & _KEYS) or (grouped is not None and grouped <= within)
        if not (order and total) and not _argued(subject, window):
            yield UnorderedWindow(subject.rule.path, tree.line_of(window), name)


def _groups(tree: exp.Expr, *, as_result: bool = True) -> set[str] | None:
    """The columns that a select is grouped by, under their names in its result; None where it is not grouped."""
    group = tree.args.get("group")
    if not isinstance(tree, exp.Select) or group is None or not group.expressions:
        return None
    renamed = {
        item.this.name: item.alias
        for item in tree.expressions
        if as_result and isinstance(item, exp.Alias) and isinstance(item.this, exp.Column)
    }
    return {renamed.get(name, name) for name in _columns(group.expressions)}


def _columns(nodes: Iterable[exp.Expr]) -> set[str]:
    return {column.name for node in nodes for column in node.find_all(exp.Column)}


def _limits(subject: Subject) -> Iterator[Issue]:
    tree = subject.tree
    for before, token in pairwise(tree.tokens):
        limits = token.token_type in _LIMITS and before.token_type != TokenType.PARAMETER
        if limits or (before.token_type == TokenType.USING and token.text.lower() == "sample"):
            yield UnorderedLimit(subject.rule.path, tree.line(token.start), token.text.lower())
    for node in tree.tree.find_all(exp.Distinct):
        if node.args.get("on") is not None:
            yield UnorderedLimit(subject.rule.path, tree.line_of(node), "distinct on")


def _float_sums(subject: Subject) -> Iterator[Issue]:
    """sum and avg whose argument the database types as a binary float."""
    tree = subject.tree
    for node in tree.tree.find_all(exp.Sum, exp.Avg):
        select = node.find_ancestor(exp.Select)
        if select is None:
            continue
        argument = node.this.expressions[0] if isinstance(node.this, exp.Distinct) else node.this
        bare = exp.Select(expressions=[argument.copy()])
        for part in ("from_", "from", "joins", "laterals"):
            if select.args.get(part) is not None:
                value = select.args[part]
                bare.set(part, [one.copy() for one in value] if isinstance(value, list) else value.copy())
        try:
            types = subject.types(bare.sql(DIALECT))
        except duckdb.Error:
            continue  # names an alias of the same select: not known here
        if types and types[0] in ("DOUBLE", "FLOAT"):
            yield FloatSum(subject.rule.path, tree.line_of(node), f"{node.sql(DIALECT)} is of {types[0]}")


def _stars(subject: Subject) -> Iterator[Issue]:
    final = subject.tree.steps[-1]
    selects = [final.tree] if isinstance(final.tree, exp.Select) else list(final.tree.find_all(exp.Select))
    if any(
        isinstance(one, exp.Star) or isinstance(one.this, exp.Star)
        for select in selects
        for one in select.expressions
    ):
        yield StarInResult(subject.rule.path, final.line, "*")
