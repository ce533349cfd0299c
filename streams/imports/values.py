"""How text becomes a typed column: the SQL of one mapped value, and of the sentence about what is wrong with it."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, replace

import duckdb

from streams.imports.mapping import ISO, Condition, Source, Value, numbered
from streams.imports.read import identifier, literal
from streams.wire import personal

#: Ledger columns whose time is an end: a date without a time of day then means its last second.
_ENDS = re.compile(r"end(time|date)?$|^dscg_time$|_until$|_exit_time$|^ended_time$")

#: Columns that say where somebody lives: kept as far as the village or street.
_ADDRESSES = ("addr", "curr_addr")

_TIME_OF_DAY = re.compile(r"%[HIMSfpTXc]")


@dataclass(frozen=True)
class Typed:
    """SQL of a column: its value, the sentence about a bad value (NULL where it is good), and for a time whether
    the source gave only a date."""

    sql: str
    wrong: str | None = None
    is_date: str | None = None


def register(con: duckdb.DuckDBPyConnection, key: bytes) -> None:
    """Give the database the functions that pseudonymise under the site's key."""

    def hashed(text: str) -> str:
        return hmac.digest(key, b"identifier:" + text.encode(), "sha256").hex()[:32]

    def certificate_birth_date(text: str) -> str | None:
        birth = personal.certificate(text, key)[1]
        return birth.isoformat() if birth else None

    functions: dict[str, Callable[[str], str | None]] = {
        "fw_hashed": hashed,
        "fw_certificate_hash": lambda text: personal.certificate(text, key)[0],
        "fw_certificate_birth_date": certificate_birth_date,
        "fw_certificate_sex": lambda text: personal.certificate(text, key)[2],
        "fw_phone_hash": lambda text: personal.phone(text, key),
        "fw_street": personal.street,
    }
    for name, function in functions.items():
        con.create_function(name, _never_null(function), ["VARCHAR"], "VARCHAR")


def _never_null(function: Callable[[str], str | None]) -> Callable[[str], str]:
    """The database wants a text for every text; the empty one stands for none."""
    return lambda text: function(text) or ""


def typed(
    value: Value, column: str, kind: str, source: Source, names: MappingOf[str, str], number: int
) -> Typed:
    """A mapped value as ledger column of SQL type `kind`. `names`: source column → column of the stage."""
    given = raw = _raw(value, names, number)
    unknown = None
    if value.values is not None:
        raw = _translated(value, given)
        if value.others == "reject" and "*" not in value.values:
            known = ", ".join(literal(one) for one in value.values)
            unknown = _sentence(
                f"{given} not in ({known})", f"{column}: '%s' is not among the mapping's values", given
            )
    one = _typed(value, column, kind, source, raw, names, number)
    wrongs = [wrong for wrong in (unknown, one.wrong) if wrong]
    return replace(one, wrong=f"coalesce({', '.join(wrongs)})" if wrongs else None)


def _typed(
    value: Value, column: str, kind: str, source: Source, raw: str, names: MappingOf[str, str], number: int
) -> Typed:
    if value.form == "sum":
        parts = [_column(name, names, number) for name in value.columns]
        amounts = [_amount(part, kind, value) for part in parts]
        bad = " or ".join(f"({p} is not null and {a} is null)" for p, a in zip(parts, amounts, strict=True))
        shown = f"concat_ws(' + ', {', '.join(parts)})"
        total = f"try_cast({' + '.join(amounts)} as {kind})"
        return Typed(total, _sentence(bad, f"{column}: '%s' is not a sum of amounts", shown))
    if kind in ("TIMESTAMP", "DATE"):
        return _time(value, column, kind, source, raw)
    if kind == "VARCHAR" and value.pad:
        raw = f"(case when length({raw}) < {value.pad} then lpad({raw}, {value.pad}, '0') else {raw} end)"
    if kind == "VARCHAR":
        return Typed(f"nullif(fw_street({raw}), '')" if column in _ADDRESSES else raw)
    if kind.startswith("DECIMAL"):
        sql, what = _amount(raw, kind, value), f"is not a number that fits {kind.lower()}"
    elif kind in ("INTEGER", "BIGINT"):
        whole = f"regexp_full_match({raw}, '[+-]?[0-9]+([.]0*)?')"
        sql, what = f"case when {whole} then try_cast({raw} as {kind}) end", "is not a whole number"
    elif kind == "BOOLEAN":
        sql, what = f"try_cast({raw} as boolean)", "is neither true nor false"
    else:
        sql, what = f"try_cast({raw} as {kind})", f"is no {kind.lower()}"
    return Typed(sql, _sentence(f"{raw} is not null and {sql} is null", f"{column}: '%s' {what}", raw))


def condition(one: Condition, names: MappingOf[str, str], number: int = 0) -> str:
    """A row filter. A missing value is none of the values listed."""
    column = _column(one.column, names, number)
    if one.pattern is not None:
        return f"coalesce(regexp_full_match({column}, {literal(one.pattern)}), false)"
    if not one.values:
        return f"{column} is {'null' if one.negated else 'not null'}"
    known = ", ".join(literal(value) for value in one.values)
    return f"coalesce({column} {'not in' if one.negated else 'in'} ({known}), {'true' if one.negated else 'false'})"


def _column(name: str, names: MappingOf[str, str], number: int) -> str:
    return identifier(names[numbered(name, number)])


def _raw(value: Value, names: MappingOf[str, str], number: int) -> str:
    columns = [_column(name, names, number) for name in value.columns]
    if value.missing:
        markers = ", ".join(literal(marker) for marker in value.missing)
        columns = [f"case when {column} not in ({markers}) then {column} end" for column in columns]
    match value.form:
        case "const":
            return literal(value.literal or "")
        case "counter":
            return literal(str(number))
        case "first_of":
            return f"coalesce({', '.join(columns)})"
        case "concat":
            return "(" + f" || {literal(value.separator)} || ".join(columns) + ")"
        case "hash":
            return "fw_hashed(" + " || '|' || ".join(columns) + ")"
        case "certificate":
            return f"nullif(fw_certificate_{value.take}({columns[0]}), '')"
        case "phone":
            return f"nullif(fw_phone_hash({columns[0]}), '')"
        case _:
            return columns[0]


def _translated(value: Value, raw: str) -> str:
    assert value.values is not None
    cases = " ".join(
        f"when {literal(given)} then {'null' if meant is None else literal(meant)}"
        for given, meant in value.values.items()
        if given != "*"
    )
    if "*" in value.values:
        other = value.values["*"]
        rest = "null" if other is None else f"case when {raw} is not null then {literal(other)} end"
    else:
        rest = raw if value.others == "keep" else "null"
    return f"(case {raw} {cases} else {rest} end)" if cases else f"({rest})"


def _amount(text: str, kind: str, value: Value) -> str:
    if value.thousands:
        text = f"replace({text}, {literal(value.thousands)}, '')"
    if value.divide_by == 1:
        return f"try_cast({text} as {kind})"
    share = f"1e-{len(str(value.divide_by)) - 1}::decimal(9, 6)"
    return f"try_cast(try_cast({text} as decimal(22, 6)) * {share} as {kind})"


def _time(value: Value, column: str, kind: str, source: Source, raw: str) -> Typed:
    # Constants, and what Parquet and Excel hold as times, are written the ISO way.
    formats = value.formats or tuple(dict.fromkeys((*source.formats, *ISO)))
    exact = [one for one in formats if _TIME_OF_DAY.search(one)]
    days = [one for one in formats if not _TIME_OF_DAY.search(one)]
    day, moment = _parsed(raw, days), _parsed(raw, exact)
    # A failed attempt costs far more than one that succeeds: what the source writes is tried first.
    if _TIME_OF_DAY.search(formats[0]):
        day = f"(case when {moment} is null then {day} end)"
    else:
        moment = f"(case when {day} is null then {moment} end)"
    written = ", ".join(value.formats or source.formats)
    bad = f"{raw} is not null and {day} is null and {moment} is null"
    wrong = _sentence(bad, f"{column}: '%s' is no date or time as {written}", raw)
    if kind == "DATE":
        return Typed(f"coalesce({day}, {moment})::date", wrong)
    if value.midnight == "date":
        day = f"coalesce({day}, case when {moment}::time = time '00:00:00' then {moment} end)"
        moment = f"(case when {moment}::time <> time '00:00:00' then {moment} end)"
    at_end = (value.time or ("end" if _ENDS.search(column) else "start")) == "end"
    whole_day = f"{day} + interval '23:59:59'" if at_end else day
    return Typed(f"coalesce({whole_day}, {moment})", wrong, f"({day} is not null)")


def _parsed(raw: str, formats: list[str]) -> str:
    if not formats:
        return "null::timestamp"
    return f"try_strptime({raw}, [{', '.join(literal(one) for one in formats)}])"


def _sentence(bad: str, text: str, shown: str) -> str:
    quoted = literal(text.replace("%s", "\0")).replace("\0", f"' || left({shown}, 60) || '")
    return f"case when {bad} then {quoted} end"
