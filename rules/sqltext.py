"""What can be known of a rule's SQL by looking at its text, without parsing it."""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/ | \$[A-Za-z_]\w* | \s+ | \w+ | .""",
    re.VERBOSE | re.DOTALL,
)
_WITH = re.compile(r"\s*(?:--[^\n]*\n\s*)*(with(?:\s+recursive)?)\b", re.IGNORECASE)


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
