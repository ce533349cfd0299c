"""What registries and look-ups say that they had not said last: a row that repeats its predecessor changes nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

#: Facts of a person that hold for all times, and what makes two rows two words on the same matter.
TIMELESS = MappingProxyType(
    {
        "insured": ("psn_no", "insutype", "begndate"),
        "death": ("psn_no", "source"),
        "family": ("psn_no", "member_psn_no", "begndate"),
        "manual_reimbursement": ("reim_id", "psn_no"),
        "chronic_registration": ("psn_no", "opsp_dise_code", "begndate"),
    }
)

#: What a look-up of a person (1101) says.
LOOKED_UP = MappingProxyType(
    {
        "person": ("psn_no",),
        "person_insurance": ("psn_no", "insutype", "psn_insu_date"),
        "person_identity": ("psn_no",),
    }
)

#: Registries of what many persons share.
FOR_ALL = MappingProxyType(
    {
        "institution": ("fixmedins_code", "begndate"),
        "practitioner": ("dr_codg", "begndate"),
        "catalogue": ("med_list_codg",),
    }
)

_KEYS: Mapping[str, tuple[str, ...]] = {**TIMELESS, **LOOKED_UP, **FOR_ALL}

#: Columns that decide nothing: the envelope, and what no ledger table has of a look-up.
SILENT = frozenset({"seq", "msgid", "inf_time", "row_no", "balc", "cvlserv_flag"})

#: A word: when, in which message, and its rows.
_Word = tuple[datetime, str, list[tuple[Any, ...]]]


def news(name: str, new: pa.Table, held: pa.Table | None) -> list[dict[str, Any]]:
    """The rows of `new` that do not merely repeat, later, what was said last on the same matter."""
    key = _KEYS[name]
    said = [column for column in new.schema.names if column not in {*SILENT, *key}]
    last: dict[tuple[Any, ...], _Word] = {}
    if held is not None:
        met = held.filter(pc.is_in(held[key[0]], new[key[0]].combine_chunks()))
        for matter, words in _words(met, key, said).items():
            last[matter] = max(words, key=_place)
    found = []
    for matter, words in _words(new, key, said).items():
        for time, msgid, rows in sorted(words, key=_place):
            before = last.get(matter)
            if before is None or (time, msgid) < before[:2] or rows != before[2]:
                found.append(dict(zip(key, matter, strict=True)))
            if before is None or (time, msgid) > before[:2]:
                last[matter] = (time, msgid, rows)
    return found


def _place(word: _Word) -> tuple[datetime, str]:
    return word[:2]


def _words(table: pa.Table, key: tuple[str, ...], said: list[str]) -> dict[tuple[Any, ...], list[_Word]]:
    """The words of a table by what they are about; several rows of one message are one word."""
    rows: defaultdict[tuple[Any, ...], list[tuple[Any, ...]]] = defaultdict(list)
    place_of = len(key) + 2
    for row in zip(
        *(table[column].to_pylist() for column in (*key, "inf_time", "msgid", *said)), strict=True
    ):
        rows[row[:place_of]].append(row[place_of:])
    words: defaultdict[tuple[Any, ...], list[_Word]] = defaultdict(list)
    for place, some in rows.items():
        words[place[:-2]].append((place[-2], place[-1], sorted(some, key=repr)))
    return words
