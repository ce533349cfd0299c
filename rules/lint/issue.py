"""What the linter finds: one class a kind of issue, with file, line, the particulars and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar


@dataclass(frozen=True)
class Issue:
    """Something wrong in a file. `description` says what it is and what to do; `detail` what exactly."""

    description: ClassVar[str]

    path: Path
    line: int
    detail: str

    @property
    def name(self) -> str:
        """The kind of issue."""
        return type(self).__name__

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.name}: {self.detail} ({self.description})"


class Unreadable(Issue):
    """A file that cannot be read as what it should be."""

    description = "correct the file"


class Unparsable(Issue):
    """SQL that is no single SELECT, or none that can be parsed."""

    description = "a rule is one read-only SELECT statement"


class InvalidSql(Issue):
    """SQL that the database refuses on an empty ledger."""

    description = "the database refuses the query; check names and types against ledger.sql"


class VolatileFunction(Issue):
    """A function of the clock, of chance or of the session."""

    description = "a rule must give the same result at any time on any machine; take times from the facts"


class ForbiddenFunction(Issue):
    """A function that reads files or the network, or whose result depends on the order of rows."""

    description = "use a function whose result depends on the rows alone"


class TimeZoneUsed(Issue):
    """Times with a zone."""

    description = "times are Asia/Shanghai without zone; use timestamp"


class UnorderedAggregate(Issue):
    """list, array_agg or string_agg whose order is not fixed."""

    description = "end its ORDER BY with the value or a key, or say `-- total order: <why>` on the line"


class UnorderedWindow(Issue):
    """A window function whose result depends on the order of equal rows."""

    description = "end the window's ORDER BY with a key, or say `-- total order: <why>` on the line"


class UnorderedLimit(Issue):
    """LIMIT, DISTINCT ON or a sample: which rows remain depends on their order."""

    description = "choose rows by conditions or by a window with a total order"


class FloatSum(Issue):
    """A sum over binary floats."""

    description = "cast to DECIMAL before adding: a sum of floats depends on the order of the rows"


class StarInResult(Issue):
    """`select *` in the final select."""

    description = "name the columns of the result"


class ParamUndeclared(Issue):
    """A `$parameter` that the header does not declare."""

    description = "declare it under params, with default, min, max, unit and source"


class ParamUnused(Issue):
    """A declared parameter that the query does not use."""

    description = "use it or remove it"


class TableUnknown(Issue):
    """A table that is neither the ledger's nor knowledge."""

    description = "rules read the tables of ledger.sql, knowledge.<name> and `judged`"


class TableForbidden(Issue):
    """A table that rules may not read, or only with reads_all."""

    description = "read what stands; a rule about what was taken back declares reads_all: true"


class TableUndeclared(Issue):
    """A ledger table that is read but stands neither in needs nor in may_use."""

    description = "add it to needs (without it nothing can be judged) or to may_use"


class NeedUnknown(Issue):
    """Something in needs or may_use that is not in the ledger."""

    description = "write a table or table.column of ledger.sql"


class NeedUnused(Issue):
    """Something in needs or may_use that the query does not read."""

    description = "remove it"


class ReadsAllUnused(Issue):
    """reads_all without reading what was taken back."""

    description = "set reads_all: false, so that the cancellation promise is tested for this rule"


class LookbackMissing(Issue):
    """No lookback where the anchor has a time."""

    description = "declare a lookback; only bills and trace codes have none"


class LookbackUnused(Issue):
    """Other events are joined, but not within the lookback."""

    description = "bound every join to other events: near(<anchor time>, <event time>, $lookback)"


class LookbackUndeclared(Issue):
    """`$lookback` without a lookback in the header."""

    description = "declare lookback, or do not use $lookback"


class StepUnexplained(Issue):
    """A common table expression without a comment."""

    description = "say in a line before it what it keeps; explain shows it"


class PopulationUnread(Issue):
    """The query does not read `judged`."""

    description = "start from judged: the coverage counts its rows"


class LawUnknown(Issue):
    """A law key that law.yaml does not have."""

    description = "add it to rules/knowledge/law.yaml, or use a key that is there"


class LawTooLong(Issue):
    """Legal basis beyond what the platform's field holds."""

    description = "vola_evid holds 500 characters; cite fewer articles or shorten basis"


class OfficialUnknown(Issue):
    """A national rule that is not among the 88."""

    description = "write code and name as in official_rules.csv, or null"


class FamilyWrong(Issue):
    """A code whose letters do not belong to the folder."""

    description = "put the file into the folder of its code"


class ExemptionUnapplied(Issue):
    """A declared exemption that no line applies."""

    description = "end the line of the condition that applies it with `-- exempt: <name>`"


class ExemptionUndeclared(Issue):
    """`exempt:` in SQL or in a case that the header does not declare."""

    description = "declare it under exempt, with a sentence"


class ExemptionUnproved(Issue):
    """An exemption without a case."""

    description = "add a case with `exempt: <name>` that would fire without it"


class CasesMissing(Issue):
    """Too few cases."""

    description = "at least one that fires and two that do not"


class SeverityUnproved(Issue):
    """A declared severity without a case that fires at it."""

    description = "add a case that fires at it, or remove it from severity"


class SeverityUndeclared(Issue):
    """A case that expects a severity the header does not declare."""

    description = "declare it, or correct the case"


class ColumnMissing(Issue):
    """A column that the kernel needs."""

    description = "the result needs the anchor, the subject's column, severity, occurred_at and evidence"


class ColumnMistyped(Issue):
    """A column of the result with a type the kernel cannot take."""

    description = "cast it to the type named"


class PlaceholderUnknown(Issue):
    """A `{placeholder}` of the sentence that is no column of the result."""

    description = "return a column of that name"


class IdentityTaken(Issue):
    """Two rules with one code or one name."""

    description = "choose another; alerts of both would be confused"
