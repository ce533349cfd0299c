"""The mapping of an import: which export fills which ledger table, column by column (docs/import.md)."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from pathlib import Path

from rules.schema import ledger_columns
from streams.errors import Refused
from streams.imports.located import Node, read

FORMAT = "1"
SHIPPED = Path(__file__).parent / "mappings"

#: What stands for "no value" where the mapping does not say.
MISSING = ("", "NA", "NULL", "null", "None")

#: How dates and times are written where the mapping does not say (strftime).
ISO = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d")
FORMATS = (
    *ISO,
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y%m%d%H%M%S",
    "%Y/%m/%d",
    "%Y%m%d",
    "%Y年%m月%d日",
)

#: Without these a row of the table has no meaning: a row that lacks one is rejected.
REQUIRED: MappingOf[str, tuple[str, ...]] = {
    "visit": ("mdtrt_id", "psn_no", "fixmedins_code", "kind"),
    "diagnosis": ("mdtrt_id", "role", "diag_code"),
    "operation": ("mdtrt_id", "row_no", "oprn_oprt_code"),
    "fee_line": ("mdtrt_id", "feedetl_sn", "kind", "det_item_fee_sumamt"),
    "settlement": ("setl_id", "mdtrt_id", "kind", "fund_pay_sumamt"),
    "fund_item": ("setl_id", "row_no", "fund_pay_type"),
    "settlement_list": ("setl_id", "mdtrt_id"),
    "trace_scan": ("drug_trac_codg", "move"),
    "stock_move": ("move", "fixmedins_code", "med_list_codg"),
    "medical_order": ("mdtrt_id", "medcas_drord_detl_id"),
    "report": ("report", "mdtrt_id", "rpotc_no"),
    "vital_sign": ("mdtrt_id", "rcd_time"),
    "presence": ("psn_no", "kind", "seen_at"),
    "insured": ("psn_no",),
    "institution": ("fixmedins_code",),
    "practitioner": ("dr_codg",),
    "death": ("psn_no", "die_date", "source"),
    "family": ("psn_no", "member_psn_no", "relation"),
    "catalogue": ("med_list_codg",),
    "chronic_registration": ("psn_no", "opsp_dise_code"),
    "manual_reimbursement": ("reim_id", "psn_no"),
    "referral": ("psn_no", "fixmedins_code"),
}

#: Evidence and what follows from other columns: the import sets them itself.
_OURS = re.compile(r"(^|_)msgids?$|^inpatient$|^list_uploaded$|^registry$|^settled$|^incomplete$")

_SOURCE_KEYS = (
    "files", "key", "optional", "delimiter", "quote", "encoding", "sheet", "skip", "missing", "formats", "where", "inf_time",
)  # fmt: skip
_ENTRY_KEYS = ("from", "where", "repeat", "when", "columns")
_FORMS = ("from", "first_of", "concat", "sum", "hash", "certificate", "phone", "const", "counter")
_VALUE_KEYS = (
    *_FORMS, "take", "separator", "values", "others", "missing", "formats", "time", "midnight", "divide_by", "pad", "thousands", "required",
)  # fmt: skip


@dataclass(frozen=True)
class Value:
    """How one ledger column comes about. `columns` are source columns; `{n}` in them is the repeat's number."""

    form: str
    columns: tuple[str, ...]
    node: Node
    literal: str | None = None
    take: str = "hash"
    separator: str = "|"
    values: MappingOf[str, str | None] | None = None
    others: str = "reject"
    missing: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    time: str | None = None
    midnight: str = "time"
    divide_by: int = 1
    pad: int = 0
    thousands: str = ""
    required: bool = False


@dataclass(frozen=True)
class Condition:
    """Keeps rows whose source column is (not) one of `values`, is present (or not), or matches `pattern` as a whole."""

    column: str
    node: Node
    values: tuple[str, ...] = ()
    negated: bool = False
    pattern: str | None = None


@dataclass(frozen=True)
class Source:
    """One kind of export: the files it comes in, how they are written, and what identifies a row."""

    name: str
    node: Node
    files: tuple[str, ...]
    key: tuple[str, ...]
    optional: bool = False
    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    sheet: str | None = None
    skip: int = 0
    missing: tuple[str, ...] = MISSING
    formats: tuple[str, ...] = FORMATS
    where: tuple[Condition, ...] = ()
    inf_time: Value | None = None

    @property
    def keyed_by_content(self) -> bool:
        """Rows have no key of their own: equal rows are one."""
        return self.key == ("content",)


@dataclass(frozen=True)
class Entry:
    """Rows of one ledger table out of one source; with `repeat` (first, last) several rows from one source row."""

    table: str
    source: str
    node: Node
    columns: MappingOf[str, Value]
    where: tuple[Condition, ...] = ()
    repeat: tuple[int, int] | None = None
    when: str | None = None

    def numbers(self) -> range:
        """The numbers that `{n}` takes."""
        return range(self.repeat[0], self.repeat[1] + 1) if self.repeat else range(1)


@dataclass(frozen=True)
class Mapping:
    """A checked mapping."""

    path: Path
    name: str
    sha256: str
    sources: MappingOf[str, Source]
    entries: tuple[Entry, ...] = field(default=())

    def columns_of(self, source: str) -> dict[str, Node]:
        """The source columns that the mapping reads, each with the place that names it first."""
        named: dict[str, Node] = {}
        one = self.sources[source]
        for column in () if one.keyed_by_content else one.key:
            named.setdefault(column, one.node.table()["key"])
        for condition in one.where:
            named.setdefault(condition.column, condition.node)
        if one.inf_time:
            for column in one.inf_time.columns:
                named.setdefault(column, one.inf_time.node)
        for entry in (entry for entry in self.entries if entry.source == source):
            for number in entry.numbers():
                for condition in entry.where:
                    named.setdefault(numbered(condition.column, number), condition.node)
                if entry.when:
                    named.setdefault(numbered(entry.when, number), entry.node)
                for value in entry.columns.values():
                    for column in value.columns:
                        named.setdefault(numbered(column, number), value.node)
        return named


def numbered(column: str, number: int) -> str:
    """A column's name with the repeat's number in it."""
    return column.replace("{n}", str(number))


def find(name: str) -> Path:
    """The mapping file of that path, or the shipped mapping of that name."""
    path = Path(name)
    if path.exists():
        return path
    shipped = SHIPPED / f"{name}.yaml"
    if shipped.exists():
        return shipped
    known = ", ".join(sorted(one.stem for one in SHIPPED.glob("*.yaml")))
    raise Refused(f"{name} is neither a file nor a shipped mapping; shipped: {known}.")


def load(path: Path) -> Mapping:
    """Read and check a mapping. Raises `Refused` with file and line at the first mistake."""
    root = read(path)
    keys = ("format", "name", "missing", "formats", "sources", "tables")
    table = root.table(keys, required=("format", "sources", "tables"))
    if table["format"].text() != FORMAT:
        table["format"].wrong(f"must be {FORMAT}, the mapping language that this fundwatch reads")
    missing = table["missing"].texts() if "missing" in table else MISSING
    formats = table["formats"].texts() if "formats" in table else FORMATS
    sources = {name: _source(name, node, missing, formats) for name, node in table["sources"].table().items()}
    entries: list[Entry] = []
    for ledger_table, node in table["tables"].table().items():
        if ledger_table not in REQUIRED:
            node.wrong(f"is no ledger table that can be imported{_hint(ledger_table, REQUIRED)}")
        entries.extend(_entry(ledger_table, one, sources) for one in node.items())
    for source_name, source in sources.items():
        if not any(entry.source == source_name for entry in entries):
            source.node.wrong("fills no ledger table; name it under tables, or remove it")
    name = table["name"].text() if "name" in table else path.stem
    return Mapping(path, name, hashlib.sha256(path.read_bytes()).hexdigest(), sources, tuple(entries))


def _hint(name: str, known: MappingOf[str, object]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean '{close[0]}'?)" if close else ""


def _source(name: str, node: Node, missing: tuple[str, ...], formats: tuple[str, ...]) -> Source:
    if not re.fullmatch(r"[A-Za-z]\w*", name):
        node.wrong("is no name for a source: letters, digits and _ only")
    table = node.table(_SOURCE_KEYS, required=("files", "key"))
    formats = table["formats"].texts() if "formats" in table else formats
    return Source(
        name=name,
        node=node,
        files=table["files"].texts(),
        key=table["key"].texts(),
        optional=table["optional"].flag() if "optional" in table else False,
        delimiter=_character(table["delimiter"]) if "delimiter" in table else ",",
        quote=_character(table["quote"]) if "quote" in table else '"',
        encoding=table["encoding"].text() if "encoding" in table else "utf-8",
        sheet=table["sheet"].text() if "sheet" in table else None,
        skip=_number(table["skip"]) if "skip" in table else 0,
        missing=table["missing"].texts() if "missing" in table else missing,
        formats=formats,
        where=_conditions(table["where"]) if "where" in table else (),
        inf_time=_value(table["inf_time"]) if "inf_time" in table else None,
    )


def _entry(name: str, node: Node, sources: MappingOf[str, Source]) -> Entry:
    table = node.table(_ENTRY_KEYS, required=("from", "columns"))
    if table["from"].text() not in sources:
        table["from"].wrong(f"names no source; sources are {', '.join(sources)}")
    known = ledger_columns()[name]
    columns: dict[str, Value] = {}
    for column, value_node in table["columns"].table().items():
        if column not in known:
            value_node.wrong(f"is no column of the ledger table {name}{_hint(column, known)}")
        if _OURS.search(column):
            value_node.wrong("is set by the import itself; remove it")
        columns[column] = _column(column, known[column], value_node)
    for column in REQUIRED[name]:
        if column not in columns:
            node.wrong(f"does not map {column}, without which a row of {name} has no meaning")
    repeat = _repeat(table["repeat"]) if "repeat" in table else None
    if repeat is None and (broken := [value for value in columns.values() if _is_repeated(value)]):
        broken[0].node.wrong("speaks of a repeat's number, but the entry has no 'repeat'")
    return Entry(
        table=name,
        source=table["from"].text(),
        node=node,
        columns=columns,
        where=_conditions(table["where"]) if "where" in table else (),
        repeat=repeat,
        when=table["when"].text() if "when" in table else None,
    )


def _column(column: str, kind: str, node: Node) -> Value:
    value = _value(node)
    hashed = value.form in ("hash", "phone") or (value.form == "certificate" and value.take == "hash")
    if column.endswith("_hash") and not hashed:
        node.wrong("must come from hash, phone or certificate: numbers of persons are never kept in clear")
    if value.form == "sum" and not kind.startswith("DECIMAL"):
        node.wrong("is no amount; 'sum' adds amounts")
    if (value.divide_by > 1 or value.thousands) and not kind.startswith("DECIMAL"):
        node.wrong(f"has 'divide_by' or 'thousands', but {column} is no amount")
    if value.pad and kind != "VARCHAR":
        node.wrong(f"has 'pad', but {column} is no text")
    if value.time and kind != "TIMESTAMP":
        node.wrong(f"has 'time', but {column} is no time")
    return value


def _value(node: Node) -> Value:
    if isinstance(node.value, str):
        return Value("from", (node.value,), node)
    table = node.table(_VALUE_KEYS)
    forms = [form for form in _FORMS if form in table]
    if len(forms) != 1:
        node.wrong(f"needs exactly one of {', '.join(_FORMS)}")
    form = forms[0]
    literal = table["const"].text() if form == "const" else None
    if form == "counter":
        table["counter"].flag()
    columns = () if form in ("const", "counter") else table[form].texts()
    if form in ("from", "certificate", "phone") and len(columns) != 1:
        table[form].wrong("takes one column")
    values = None
    if "values" in table:
        values = {
            key: None if item.value is None else item.text() for key, item in table["values"].table().items()
        }
    return Value(
        form=form,
        columns=columns,
        node=node,
        literal=literal,
        take=table["take"].one_of("hash", "birth_date", "sex") if "take" in table else "hash",
        separator=table["separator"].text() if "separator" in table else "|",
        values=values,
        others=table["others"].one_of("reject", "keep", "missing") if "others" in table else "reject",
        missing=table["missing"].texts() if "missing" in table else (),
        formats=table["formats"].texts() if "formats" in table else (),
        time=table["time"].one_of("start", "end") if "time" in table else None,
        midnight=table["midnight"].one_of("time", "date") if "midnight" in table else "time",
        divide_by=int(table["divide_by"].one_of("10", "100", "1000", "10000")) if "divide_by" in table else 1,
        pad=_number(table["pad"]) if "pad" in table else 0,
        thousands=_character(table["thousands"]) if "thousands" in table else "",
        required=table["required"].flag() if "required" in table else False,
    )


def _is_repeated(value: Value) -> bool:
    return value.form == "counter" or any("{n}" in column for column in value.columns)


def _conditions(node: Node) -> tuple[Condition, ...]:
    conditions: list[Condition] = []
    for item in node.items():
        table = item.table(("column", "is", "is_not", "present", "matches"), required=("column",))
        column = table["column"].text()
        tests = [key for key in ("is", "is_not", "present", "matches") if key in table]
        if len(tests) != 1:
            item.wrong("needs exactly one of is, is_not, present, matches")
        if tests[0] == "present":
            conditions.append(Condition(column, item, (), negated=not table["present"].flag()))
        elif tests[0] == "matches":
            pattern = table["matches"].text()
            try:
                re.compile(pattern)
            except re.error as error:
                table["matches"].wrong(f"is no regular expression: {error}")
            conditions.append(Condition(column, item, pattern=pattern))
        else:
            conditions.append(Condition(column, item, table[tests[0]].texts(), negated=tests[0] == "is_not"))
    return tuple(conditions)


def _repeat(node: Node) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)-(\d+)", node.text())
    if not found or int(found[1]) > int(found[2]):
        node.wrong("must be first-last, such as 1-10")
    return int(found[1]), int(found[2])


def _number(node: Node) -> int:
    if not node.text().isdecimal():
        node.wrong("must be a whole number")
    return int(node.text())


def _character(node: Node) -> str:
    text = {"tab": "\t", "\\t": "\t"}.get(node.text(), node.text())
    if len(text) != 1:
        node.wrong("must be one character, or 'tab'")
    return text
