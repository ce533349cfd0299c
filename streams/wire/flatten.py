"""Messages of one kind into rows of the fact tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from detectors.facts import fact_schemas
from streams.wire import personal
from streams.wire.columns import make_columns
from streams.wire.gather import Gathered
from streams.wire.kinds import REGISTRIES
from streams.wire.level import Conversions, Fault, Indices, Level
from streams.wire.required import ENVELOPE, MESSAGE, REGISTRY_ENVELOPE, REQUIRED, REQUIRED_LISTS
from streams.wire.shape import Columns, Table
from streams.wire.tree import MessageTree

ENDS = frozenset(
    {
        "endtime",
        "enddate",
        "dscg_time",
        "paus_insu_date",
        "drord_endtime",
        "medc_endtime",
        "oprn_oprt_endtime",
        "anst_endtime",
        "scs_cutd_exit_time",
        "setl_end_date",
    }
)
"""Fields that end something: without a time of day they mean the end of that day."""

_PHONES = {"tel_hash": "tel", "coner_tel_hash": "coner_tel"}
_ADDRESSES = frozenset({"addr", "curr_addr"})
_CERTIFICATE = frozenset({"cert_hash", "cert_brdy", "cert_gend"})
_MADE = frozenset({"seq", "row_no", "cert_brdy"})
_MOST_BAD_ROWS = 65535
_MESSAGE_TEXTS = ("mdtrtarea_admvs", "insuplc_admdvs", "opter", "opter_type", "dev_no")


Mask = np.ndarray[Any, np.dtype[np.bool_]]
_TIMESTAMP = pa.timestamp("us")


@dataclass(frozen=True)
class _Column:
    """A column of a fact table; `dated` names the one that says whether a time was only a date."""

    name: str
    kind: pa.DataType
    is_text: bool
    dated: str


@cache
def _columns(table: str) -> tuple[_Column, ...]:
    schema = fact_schemas()[table]
    return tuple(
        _Column(
            field.name,
            field.type,
            pa.types.is_string(field.type),
            dated if (dated := f"{field.name}_is_date") in schema.names else "",
        )
        for field in schema
        if not pa.types.is_boolean(field.type)
    )


@cache
def _constant(text: str) -> pa.Scalar:
    """A text for Arrow, which would look for pandas again and again if it had to find out what it is given."""
    return pa.scalar(text, pa.string())


@dataclass(frozen=True)
class RowFault:
    """A row that is no fact, in a message that is one."""

    message: int
    row: str
    fault: Fault


@dataclass(frozen=True)
class Flat:
    """What became of the messages of one kind. Positions are those of the messages given."""

    tables: dict[str, pa.Table]
    faults: dict[int, Fault]
    row_faults: list[RowFault]


@dataclass(frozen=True)
class Messages:
    """Messages of one kind. `refused` are rows that were already found to be none, by message and place; they stand empty
    in the messages."""

    gathered: Gathered
    seqs: pa.Array
    contents: pa.Array
    refused: Mapping[tuple[int, str], Fault]


def flatten(kinds: Sequence[Messages], *, key: bytes, wanted: Collection[str] | None = None) -> list[Flat]:
    """The rows that messages amount to, for each kind. `wanted`: the tables that are made, besides `message`; None: all."""
    make_columns(chain.from_iterable(each.gathered.all_cells for each in kinds))
    conversions = Conversions()
    flattenings = [_Flattening(each, key) for each in kinds]
    for each in flattenings:
        each.prepare(conversions)
    conversions.run()
    return [each.run(wanted) for each in flattenings]


class _Flattening:
    def __init__(self, messages: Messages, key: bytes) -> None:
        self.kind = messages.gathered.kind
        self.key = key
        self.contents = messages.contents
        self.seq = messages.seqs
        self.tree = MessageTree(messages.gathered, messages.refused)
        self.top = self.tree.top

    def prepare(self, conversions: Conversions) -> None:
        """See what must be there, and ask for what is to be converted before `run`."""
        self._check()
        self._convert(conversions)

    def run(self, wanted: Collection[str] | None) -> Flat:
        """The tables."""
        built = [
            (table, self._build(table))
            for table in self.kind.tables
            if wanted is None or table.name in wanted
        ]
        message = self._message_columns()
        alive, row_faults = self._judge()
        bad_rows = np.bincount([each.message for each in row_faults], minlength=self.top.size)
        message["bad_rows"] = pa.array(np.minimum(bad_rows, _MOST_BAD_ROWS), pa.uint16())
        tables: dict[str, pa.Table] = {}
        for name, columns, keep in [
            ("message", message, alive[""]),
            *((table.name, columns, self._kept(table, alive[table.rows])) for table, columns in built),
        ]:
            schema = fact_schemas()[name]
            made = pa.Table.from_arrays([columns[column] for column in schema.names], schema=schema)
            if not keep.all():
                made = made.filter(pa.array(keep))
            if made.num_rows:
                tables[name] = made if name not in tables else pa.concat_tables([tables[name], made])
        return Flat(tables, self.top.faults, row_faults)

    # What must be there

    def _check(self) -> None:
        registry = self.kind.name in REGISTRIES
        for name in REGISTRY_ENVELOPE if registry else ENVELOPE:
            self.top.require(name)
        for path in REQUIRED_LISTS.get(self.kind.name, ()):
            for row in self.tree.absent(path):
                self.top.fault(row, "missing_field", f"{path} is missing.")
        for path, names in REQUIRED[self.kind.name].items():
            level = self.top if path == MESSAGE else self.tree.level(path)
            for name in names:
                level.require(name)

    def _convert(self, conversions: Conversions) -> None:
        """Have converted what the tables want of every level."""
        conversions.ask(self.top, [("inf_time", _TIMESTAMP, False)])
        for table in self.kind.tables:
            level: Level | None = self.tree.level(table.rows)
            wanted = [
                (field := table.renamed.get(column.name, column.name), column.kind, field in ENDS)
                for column in _columns(table.name)
                if not (column.is_text or column.name in _MADE)
            ]
            while level is not None:
                conversions.ask(level, wanted)
                wanted = [each for each in wanted if level.text(each[0]) is None]
                level = level.parent

    def _judge(self) -> tuple[dict[str, Mask], list[RowFault]]:
        """Which rows of each level stand, and the faults of rows whose message stands."""
        alive: dict[str, Mask] = {}
        row_faults: list[RowFault] = []
        for path, level in self.tree.levels.items():  # parents come before their children
            own = np.ones(level.size, bool)
            own[list(level.faults)] = False
            if level.parent is not None:
                above = alive[level.parent.path][level.owner]
                for row in sorted(level.faults):
                    if above[row]:
                        row_faults.append(
                            RowFault(int(level.message[row]), level.label(row), level.faults[row])
                        )
                own &= above
            alive[path] = own
        for (message, place), fault in self.tree.unplaced.items():
            if alive[""][message]:
                row_faults.append(RowFault(message, place, fault))
        return alive, row_faults

    def _kept(self, table: Table, alive: Mask) -> Mask:
        if not table.only_with:
            return alive
        text = self.tree.level(table.rows).text(table.only_with)
        assert text is not None
        kept: Mask = alive & np.asarray(text.is_valid())
        return kept

    # Columns

    def _build(self, table: Table) -> Columns:
        level = self.tree.level(table.rows)
        made: Columns = {}
        for column in _columns(table.name):
            self._fill(made, table, level, column)
        if table.finish is not None:
            table.finish(made)
        return made

    def _fill(self, made: Columns, table: Table, level: Level, column: _Column) -> None:
        name = column.name
        if name in table.constants or name == "kind":
            made[name] = pa.repeat(_constant(table.constants.get(name, self.kind.name)), level.size)
        elif name in _CERTIFICATE:
            made[name] = level.certificates(self.key)[name]
        elif name in _PHONES:
            made[name] = _mapped(
                level.find(_PHONES[name]), lambda text: personal.phone(text, self.key), level
            )
        elif name in _ADDRESSES:
            made[name] = _mapped(level.find(name), personal.street, level)
        elif column.is_text:
            made[name] = self._text(table, level, name)
        elif name == "seq":
            made[name] = self.seq if level.parent is None else self.seq.take(pa.array(level.message))
        elif name == "row_no":
            made[name] = pa.array(level.row_no, column.kind)
        else:
            self._typed(made, table, level, column)

    def _typed(self, made: Columns, table: Table, level: Level, column: _Column) -> None:
        field = table.renamed.get(column.name, column.name)
        found = level.typed(field, column.kind, end=field in ENDS)
        array, is_date = found or (pa.nulls(level.size, column.kind), pa.nulls(level.size, pa.bool_()))
        if column.name in table.first_row_only:
            array = pc.if_else(pa.array(level.row_no == 0), array, pa.scalar(None, column.kind))
        made[column.name] = array
        if column.dated:
            made[column.dated] = is_date

    def _text(self, table: Table, level: Level, column: str) -> pa.Array:
        """The first of the fields (`^` looks above) that the row has a value of."""
        found = None
        for field in table.renamed.get(column, column).split():
            if field.startswith("^"):
                assert level.parent is not None
                other = level.parent.find(field[1:])
                other = None if other is None else level.below(other)
            else:
                other = level.find(field)
            if other is not None:
                found = other if found is None else pc.coalesce(found, other)
        return pa.nulls(level.size, pa.string()) if found is None else found

    def _message_columns(self) -> Columns:
        top = self.top
        inf_time = top.typed("inf_time", _TIMESTAMP, end=False)
        assert inf_time is not None
        made: Columns = {
            "seq": self.seq,
            "msgid": top.text("msgid"),
            "inf_time": inf_time[0],
            "kind": pa.repeat(_constant(self.kind.name), top.size),
            "content": self.contents,
            "psn_no": self._of_message("psn_no"),
            "mdtrt_id": self._of_message("mdtrt_id"),
        }
        of_registry = self.kind.name in REGISTRIES
        for name in ("fixmedins_code", *_MESSAGE_TEXTS):
            # A registry may tell of an institution, but no institution sent it.
            text = None if of_registry else top.text(name)
            made[name] = pa.nulls(top.size, pa.string()) if text is None else text
        return made

    def _of_message(self, name: str) -> pa.Array:
        """A field of the message, else the one value on which its rows agree."""
        text = self.top.text(name)
        for level in self.tree.levels.values():
            if text is None and level.parent is not None and level.text(name) is not None:
                text = _agreed(level.text(name), level.message, self.top.size)
        return pa.nulls(self.top.size, pa.string()) if text is None else text


def _agreed(text: pa.Array, message: Indices, size: int) -> pa.Array:
    """For each message the value that all its rows with a value share; null where there is none or several."""
    if len(text) == size and bool((message == np.arange(size)).all()):
        return text
    known = np.asarray(text.is_valid())
    text, message = text.filter(pa.array(known)), message[known]
    if not len(text):
        return pa.nulls(size, pa.string())
    first = np.searchsorted(message, np.arange(size))
    none = np.ones(size, bool)
    none[message] = False
    shared = text.take(pa.array(np.where(none, 0, first), mask=none))
    other = np.asarray(pc.not_equal(text, shared.take(pa.array(message))))
    none[message[other]] = True
    return pc.if_else(pa.array(none), pa.scalar(None, pa.string()), shared)


def _mapped(text: pa.Array | None, change: Any, level: Level) -> pa.Array:
    if text is None:
        return pa.nulls(level.size, pa.string())
    return pa.array([None if each is None else change(each) for each in text.to_pylist()], pa.string())
