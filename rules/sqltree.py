"""A rule's SQL taken apart: its steps, what they read, their conditions, and where each stands in the file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import sqlglot
from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from rules.rulebook import Rule
from rules.sqltext import prepend_cte, significant

DIALECT = "duckdb"

_EXEMPT = re.compile(r"--\s*exempt:\s*(\w+)\s*$", re.MULTILINE)
_COMMENT = re.compile(r"--([^\n]*)")

#: Words that end a WHERE, ON, HAVING or QUALIFY of the same select.
_ENDS = frozenset(
    {
        TokenType.WHERE, TokenType.GROUP_BY, TokenType.HAVING, TokenType.QUALIFY, TokenType.WINDOW,
        TokenType.ORDER_BY, TokenType.LIMIT, TokenType.UNION, TokenType.EXCEPT, TokenType.INTERSECT,
        TokenType.JOIN, TokenType.LEFT, TokenType.RIGHT, TokenType.FULL, TokenType.INNER, TokenType.CROSS,
        TokenType.SEMI, TokenType.ANTI, TokenType.ASOF, TokenType.NATURAL, TokenType.SEMICOLON,
    }
)  # fmt: skip

#: Of these, those that are functions before a parenthesis: left(code, 3).
_FUNCTIONS = frozenset({TokenType.LEFT, TokenType.RIGHT})


@dataclass(frozen=True)
class Step:
    """One step of a rule: a common table expression, or the final select (named "")."""

    name: str
    comment: str
    tree: exp.Query
    line: int


@dataclass(frozen=True)
class Condition:
    """One conjunct of a WHERE, ON or HAVING as it is written; `exempt` where it applies an exemption."""

    text: str
    comment: str
    exempt: str | None
    line: int


class SqlTree:
    """The SQL of one rule, parsed. Raises sqlglot's `ParseError` where it cannot be."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.text = rule.sql
        tree = sqlglot.parse_one(rule.sql, dialect=DIALECT)
        if not isinstance(tree, exp.Query):
            raise sqlglot.ParseError("the SQL is no SELECT")
        self.tree = tree
        self.tokens: Sequence[Token] = sqlglot.tokenize(rule.sql, dialect=DIALECT)

    def line(self, offset: int) -> int:
        """The line in the rule's file of a position in its SQL."""
        return self.rule.sql_line + self.text.count("\n", 0, offset)

    def line_of(self, node: exp.Expr) -> int:
        """The line in the rule's file of the first name in a node."""
        offsets = [one.meta["start"] for one in node.find_all(exp.Identifier) if "start" in one.meta]
        return self.line(min(offsets, default=0))

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The common table expressions in their order, then the final select."""
        with_ = self.tree.args.get("with_") or self.tree.args.get("with")
        steps = []
        for cte in with_.expressions if with_ else ():
            offset = cte.args["alias"].this.meta["start"]
            steps.append(Step(cte.alias, self._comment_before(offset), cte.this, self.line(offset)))
        final = self.tree.copy()
        for name in ("with_", "with"):
            if name in final.args:
                final.set(name, None)
        return (*steps, Step("", "", final, self.line(self._final_offset)))

    @cached_property
    def _final_offset(self) -> int:
        """Where the final select begins."""
        depth = 0
        for token in self.tokens:
            depth += (token.token_type == TokenType.L_PAREN) - (token.token_type == TokenType.R_PAREN)
            if depth == 0 and token.token_type == TokenType.SELECT:
                return token.start
        return 0

    @cached_property
    def preamble(self) -> str:
        """`with judged as (…), …` up to the final select: what any question about a step begins with."""
        return prepend_cte(self.text[: self._final_offset], "judged", self.rule.judges.rows("*", judged=True))

    @cached_property
    def tables(self) -> dict[str, int]:
        """Tables that the SQL reads, with the schema where it is stated, and the line where first."""
        own = {step.name for step in self.steps} | {"judged"}
        tables: dict[str, int] = {}
        for table in self.tree.find_all(exp.Table):
            name = f"{table.db}.{table.name}" if table.db else table.name
            if name and (table.db or name not in own):
                tables.setdefault(name, self.line_of(table))
        return tables

    def exemptions(self) -> Iterator[tuple[str, int]]:
        """Names of `-- exempt: name` comments, with their lines."""
        for match in _EXEMPT.finditer(self.text):
            yield match[1], self.line(match.start())

    def conditions(self, node: exp.Expr) -> list[Condition]:
        """The conjuncts of a WHERE, HAVING, QUALIFY or a join's ON, as they are written in the file."""
        starts = [one.meta["start"] for one in node.find_all(exp.Identifier) if "start" in one.meta]
        if not starts:  # count(*) > 1: nothing in it has a position
            line = self.line_of(node.parent) if node.parent is not None else self.rule.sql_line
            whole = node.this if node.key in ("where", "having", "qualify") else node
            parts = whole.flatten() if isinstance(whole, exp.And) else [whole]
            return [Condition(part.sql(DIALECT, comments=False).lower(), "", None, line) for part in parts]
        kinds = {"where": TokenType.WHERE, "having": TokenType.HAVING, "qualify": TokenType.QUALIFY}
        first = self._opening(min(starts), kinds.get(node.key, TokenType.ON))
        return [self._condition(*span) for span in self._conjuncts(first)]

    def _opening(self, offset: int, kind: TokenType) -> int:
        """Index of the token after the keyword that opens the clause in which a position stands."""
        index = max(i for i, token in enumerate(self.tokens) if token.start <= offset)
        depth = 0
        while index >= 0:
            token = self.tokens[index]
            depth += (token.token_type == TokenType.R_PAREN) - (token.token_type == TokenType.L_PAREN)
            if token.token_type == kind and depth <= 0:
                return index + 1
            index -= 1
        return 0

    def _conjuncts(self, first: int) -> Iterator[tuple[int, int]]:
        """Spans of text between the ANDs of a clause; a comment after a conjunct belongs to it."""
        depth, betweens, cases = 0, 0, 0
        start = self.tokens[first - 1].end + 1
        for token, after in zip(self.tokens[first:], [*self.tokens[first + 1 :], None], strict=True):
            kind = token.token_type
            is_function = after is not None and after.token_type == TokenType.L_PAREN
            if kind in (TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE):
                depth += 1
            elif kind in (TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE):
                depth -= 1
                if depth < 0:
                    yield start, token.start
                    return
            elif depth == 0:
                cases += (kind == TokenType.CASE) - (kind == TokenType.END)
                betweens += kind == TokenType.BETWEEN
                if kind == TokenType.AND and not cases:
                    if betweens:
                        betweens -= 1
                    else:
                        yield start, token.start
                        start = token.end + 1
                elif kind in _ENDS and not cases and not (kind in _FUNCTIONS and is_function):
                    yield start, token.start
                    return
        yield start, len(self.text)

    def _condition(self, start: int, end: int) -> Condition:
        text = self.text[start:end]
        exempt = _EXEMPT.search(text)
        comments = [one.strip() for one in _COMMENT.findall(text) if not one.strip().startswith("exempt:")]
        blank = len(text) - len(text.lstrip())
        return Condition(
            significant(text), "；".join(comments), exempt[1] if exempt else None, self.line(start + blank)
        )

    def _comment_before(self, offset: int) -> str:
        """The comment lines that stand just before a step."""
        lines: list[str] = []
        for line in reversed(self.text[:offset].split("\n")[:-1]):
            stripped = line.strip()
            if stripped.startswith("--"):
                lines.append(stripped.removeprefix("--").strip())
            elif stripped.lower() in ("with", "with recursive", ""):
                continue
            else:
                break
        return "".join(reversed(lines))
