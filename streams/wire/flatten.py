"""Messages of one kind into rows of the fact tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from detectors.facts import fact_schemas
from streams.wire import personal
from streams.wire.columns import as_text
from streams.wire.kinds import REGISTRIES
from streams.wire.level import Fault, Indices, Level, Source, Wanted
from streams.wire.required import ENVELOPE, MESSAGE, REGISTRY_ENVELOPE, REQUIRED, REQUIRED_LISTS
from streams.wire.shape import Columns, Kind, Table, node_type

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
_MADE = frozenset({"seq", "row_no", "cert_brdy"})
_MOST_BAD_ROWS = 65535
_MESSAGE_TEXTS = ("mdtrtarea_admvs", "insuplc_admdvs", "opter", "opter_type", "dev_no")


Mask = np.ndarray[Any, np.dtype[np.bool_]]
_TIMESTAMP = pa.timestamp("us")


@cache
def _wanted(name: str, renamed: tuple[tuple[str, str], ...]) -> tuple[Wanted, ...]:
    """The fields that a table wants converted."""
    fields = dict(renamed)
    return tuple(
        (field := fields.get(each.name, each.name), each.type, field in ENDS)
        for each in fact_schemas()[name]
        if not (pa.types.is_string(each.type) or pa.types.is_boolean(each.type) or each.name in _MADE)
    )


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


def flatten(
    kind: Kind,
    messages: Sequence[msgspec.Struct],
    *,
    seqs: Sequence[int],
    contents: pa.Array,
    key: bytes,
    refused: Mapping[tuple[int, str], Fault],
) -> Flat:
    """The rows that these messages (all of one kind) amount to.

    `refused` are rows that were already found to be none, by message and place; they stand empty in the messages.
    """
    return _Flattening(kind, messages, seqs, contents, key, refused).run()


class _Flattening:
    def __init__(
        self,
        kind: Kind,
        messages: Sequence[msgspec.Struct],
        seqs: Sequence[int],
        contents: pa.Array,
        key: bytes,
        refused: Mapping[tuple[int, str], Fault],
    ) -> None:
        self.kind = kind
        self.key = key
        self.contents = contents
        self.refused = refused
        self.seq = pa.array(seqs, pa.uint64())
        self._nodes: dict[str, Sequence[Any]] = {"": messages}
        self._shapes: dict[str, type[msgspec.Struct]] = {"": kind.shape}
        size = len(messages)
        sources = [Source(path, self._shape(path), self._node(path)) for path in (*kind.nodes, "")]
        self.top = Level("", size, sources, None, np.arange(size))
        self.levels: dict[str, Level] = {"": self.top}

    def run(self) -> Flat:
        self._check()
        self._convert()
        built = [(table, self._build(table)) for table in self.kind.tables]
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
            for row, value in enumerate(self._values(path)):
                if value is None:
                    self.top.fault(row, "missing_field", f"{path} is missing.")
        for path, names in REQUIRED[self.kind.name].items():
            level = self.top if path == MESSAGE else self._level(path)
            for name in names:
                level.require(name)

    def _convert(self) -> None:
        """Convert what the tables want of every level, types together: Arrow's cost is by call, not by row."""
        self.top.convert([("inf_time", _TIMESTAMP, False)])
        for table in self.kind.tables:
            level: Level | None = self._level(table.rows)
            while level is not None:
                level.convert(_wanted(table.name, tuple(table.renamed.items())))
                level = level.parent

    def _judge(self) -> tuple[dict[str, Mask], list[RowFault]]:
        """Which rows of each level stand, and the faults of rows whose message stands."""
        alive: dict[str, Mask] = {}
        row_faults: list[RowFault] = []
        for path, level in self.levels.items():  # parents come before their children
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
        return alive, row_faults

    def _kept(self, table: Table, alive: Mask) -> Mask:
        if not table.only_with:
            return alive
        text = self._level(table.rows).text(table.only_with)
        assert text is not None
        kept: Mask = alive & np.asarray(text.is_valid())
        return kept

    # Columns

    def _build(self, table: Table) -> Columns:
        level = self._level(table.rows)
        schema = fact_schemas()[table.name]
        made: Columns = {}
        for field in schema:
            if field.name not in made:
                self._fill(made, table, level, field.name, field.type, schema)
        if table.finish is not None:
            table.finish(made)
        return made

    def _fill(
        self, made: Columns, table: Table, level: Level, column: str, kind: pa.DataType, schema: pa.Schema
    ) -> None:
        if column == "seq":
            made[column] = self.seq if level.parent is None else self.seq.take(pa.array(level.message))
        elif column == "row_no":
            made[column] = pa.array(level.row_no, kind)
        elif column in table.constants or column == "kind":
            made[column] = pa.repeat(table.constants.get(column, self.kind.name), level.size)
        elif column in ("cert_hash", "cert_brdy", "cert_gend"):
            made[column] = level.certificates(self.key)[column]
        elif column in _PHONES:
            made[column] = _mapped(
                level.find(_PHONES[column]), lambda text: personal.phone(text, self.key), level
            )
        elif column in _ADDRESSES:
            made[column] = _mapped(level.find(column), personal.street, level)
        elif pa.types.is_string(kind):
            made[column] = self._text(table, level, column)
        else:
            field = table.renamed.get(column, column)
            found = level.typed(field, kind, end=field in ENDS)
            array, is_date = found or (pa.nulls(level.size, kind), pa.nulls(level.size, pa.bool_()))
            if column in table.first_row_only:
                array = pc.if_else(pa.array(level.row_no == 0), array, pa.scalar(None, kind))
            made[column] = array
            if f"{column}_is_date" in schema.names:
                made[f"{column}_is_date"] = is_date

    def _text(self, table: Table, level: Level, column: str) -> pa.Array:
        """The first of the fields (`^` looks above) that the row has a value of."""
        found = None
        for field in table.renamed.get(column, column).split():
            if field.startswith("^"):
                assert level.parent is not None
                other = level.parent.find(field[1:])
                other = None if other is None else other.take(level.owner_array)
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
            "kind": pa.repeat(self.kind.name, top.size),
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
        for level in self.levels.values():
            if text is None and level.parent is not None and level.text(name) is not None:
                text = _agreed(level.text(name), level.message, self.top.size)
        return pa.nulls(self.top.size, pa.string()) if text is None else text

    # Nodes and levels

    def _node(self, path: str) -> Sequence[Any]:
        """A single node of each message; where it is missing, an empty one."""
        if path not in self._nodes:
            empty = self._shape(path)()
            self._nodes[path] = [empty if each is None else each for each in self._values(path)]
        return self._nodes[path]

    def _shape(self, path: str) -> type[msgspec.Struct]:
        if path not in self._shapes:
            above, _, name = path.rpartition(".")
            self._shapes[path] = node_type(self._shape(above), name)
        return self._shapes[path]

    def _values(self, path: str) -> list[Any]:
        """What stands at a path in each message."""
        above, _, name = path.rpartition(".")
        return [getattr(each, name) for each in self._node(above)]

    def _level(self, path: str) -> Level:
        if path not in self.levels:
            self.levels[path] = self._make_level(path)
        return self.levels[path]

    def _make_level(self, path: str) -> Level:
        above, _, name = path.rpartition("[].")
        if above:
            parent = self._level(above)
            lists = parent.sources[0].nodes(name)
            shape = node_type(self._list_shape(above), name)
        else:
            parent, lists, shape = self.top, self._values(path), self._list_shape(path)
        if any(table.never_empty for table in self.kind.tables if table.rows == path):
            empty = [shape()]
            lists = [each or empty for each in lists]
        lengths = np.fromiter((len(each) if each else 0 for each in lists), np.int64, len(lists))
        rows = list(chain.from_iterable(each for each in lists if each))
        sources = [Source(path, shape, rows)]
        answer = self.kind.answers.get(path)
        if answer is not None:
            answer_shape = self._list_shape(answer)
            sources.append(Source(answer, answer_shape, self._answers(rows, lists, answer, answer_shape)))
        level = Level(path, len(rows), sources, parent, np.repeat(np.arange(len(lists)), lengths))
        if self.refused:
            for row in range(level.size):
                refused = self.refused.get((int(level.message[row]), level.label(row)))
                if refused is not None:
                    level.fault(row, refused.reason_code, refused.sentence)
        return level

    def _list_shape(self, path: str) -> type[msgspec.Struct]:
        above, separator, name = path.rpartition("[].")
        if separator:
            return node_type(self._list_shape(above), name)
        above, _, name = path.rpartition(".")
        return node_type(self._shape(above), name)

    def _answers(
        self, rows: list[Any], lists: Sequence[Any], answer: str, shape: type[msgspec.Struct]
    ) -> list[msgspec.Struct]:
        """The row of the output that belongs to each row of the input, an empty one where there is none."""
        answers = self._values(answer)
        together = list(chain.from_iterable(each for each in answers if each))
        if [len(each or ()) for each in lists] == [len(each or ()) for each in answers] and [
            each.feedetl_sn for each in rows
        ] == [each.feedetl_sn for each in together]:
            return together
        empty = shape()
        joined: list[msgspec.Struct] = []
        for given, answered in zip(lists, answers, strict=True):
            by_number = {as_text(each.feedetl_sn): each for each in answered or ()}
            joined.extend(by_number.get(as_text(each.feedetl_sn), empty) for each in given or ())
        return joined


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
