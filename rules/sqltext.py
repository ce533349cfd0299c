"""What can be known of a rule's SQL by looking at its text, without parsing it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal

_TOKEN = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/ | \$[A-Za-z_]\w* | \s+ | \w+ | .""",
    re.VERBOSE | re.DOTALL,
)
_WITH = re.compile(r"\s*(?:--[^\n]*\n\s*)*(with(?:\s+recursive)?)\b", re.IGNORECASE)

_EVERY_COLUMN = re.compile(
    r"\bcolumns ?\(|\bnatural\b|\b(group|order) by all\b|\bdistinct (\w+ ?\. ?)?\*|\bpivot|\bunpivot"
)
_STAR = re.compile(r"(\bselect|[,.]) ?\*")
_OF_SETS = re.compile(r"\b(union|intersect|except)\b(?! all\b)")


def _tokens(sql: str) -> Iterator[str]:
    return (match.group() for match in _TOKEN.finditer(sql))


def significant(sql: str) -> str:
    """The SQL without comments, white space as single blanks: equal where the meaning must be equal."""
    kept: list[str] = []
    for token in _tokens(sql):
        blank = token.isspace() or token.startswith(("--", "/*"))
        if not blank:
            kept.append(token)
        elif kept and kept[-1] != " ":
            kept.append(" ")
    return "".join(kept).strip()


def parameters(sql: str) -> frozenset[str]:
    """Names of the `$parameters` in the SQL, those in texts and comments not counted."""
    return frozenset(token[1:] for token in _tokens(sql) if len(token) > 1 and token[0] == "$")


def with_values(sql: str, values: Mapping[str, timedelta | int | Decimal | str]) -> str:
    """The SQL with literals in the place of its `$parameters`. Raises KeyError for one without a value."""
    return "".join(
        _literal(values[token[1:]]) if len(token) > 1 and token[0] == "$" else token for token in _tokens(sql)
    )


def words(sql: str) -> frozenset[str]:
    """Every word outside of texts and comments that may be a name, in small letters."""
    return frozenset(
        token.strip('"').lower() for token in _tokens(sql) if token[0] == '"' or token[0].isidentifier()
    )


def tells_columns_apart(sql: str) -> bool:
    """Whether what the SQL finds may depend on columns that it does not name: on all columns that a star stands for."""
    text = significant("".join("''" if token[0] == "'" else token for token in _tokens(sql))).lower()
    return bool(_EVERY_COLUMN.search(text)) or bool(_STAR.search(text) and _OF_SETS.search(text))


def parameter_line(sql: str, name: str) -> int:
    """The line (from 0) of a parameter's first use."""
    line = 0
    for token in _tokens(sql):
        if token == f"${name}":
            return line
        line += token.count("\n")
    raise ValueError(f"${name} is not used")


def split_where(source: str) -> tuple[str, str | None]:
    """`visit where inpatient` → (`visit`, `inpatient`); a WHERE inside parentheses belongs to the source."""
    depth, position = 0, 0
    for token in _tokens(source):
        depth += (token == "(") - (token == ")")
        if depth == 0 and token.lower() == "where":
            return source[:position].strip(), source[position + len(token) :].strip()
        position += len(token)
    return source.strip(), None


def prepend_cte(sql: str, name: str, body: str) -> str:
    """The statement with one more common table expression before its own."""
    cte = f"{name} as (\n    {body}\n)"
    match = _WITH.match(sql)
    if match is None:
        return f"with {cte}\n{sql}"
    return f"{sql[: match.end()]} {cte},{sql[match.end() :]}"


def _literal(value: timedelta | int | Decimal | str) -> str:
    """The value as SQL writes it; of the type that it would be bound as."""
    if isinstance(value, timedelta):
        rest = value - timedelta(days=value.days)
        return f"interval '{value.days} days {rest // timedelta(microseconds=1)} microseconds'"
    if isinstance(value, Decimal):
        text = f"{value:f}"
        return f"({text if '.' in text else text + '.'})"
    if isinstance(value, int):
        return f"({value})"
    return "'" + value.replace("'", "''") + "'"
