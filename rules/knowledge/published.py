"""The published national knowledge points, read into tables that a replay takes with `--knowledge`."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from rules import knowledge
from rules.knowledge.reading import Demand, read_demand
from rules.knowledge.workbook import batch_of, read_workbook
from rules.yamltext import SourceError

#: The batch of drug points that were issued anew; the points they replace end the day before.
REVISED = "revised"

_OPEN = date(9999, 12, 31)


@dataclass(frozen=True)
class Point:
    """A published point: the rule it belongs to, the codes it is about, what it demands, when it counts."""

    kp_id: str
    rule_class: str
    gz_code: str | None
    item_name: str
    codes: tuple[str, ...]
    pair_codes: tuple[str, ...]
    constraint: str
    batch: str
    effective_from: date
    effective_to: date
    demand: Demand
    path: Path
    row: int
    supersedes: str | None = None

    @property
    def unused(self) -> str | None:
        """Why nothing can be judged by the point; None: it can."""
        if not self.codes:
            return "no code"
        if self.rule_class == "医疗服务项目重复收费" and not self.pair_codes:
            return "no second code"
        return self.demand.unread


class Reference:
    """What reading needs to know: dates of the batches, national rules, words of the sexes."""

    def __init__(self) -> None:
        tables = knowledge.load().tables
        self.batches: Mapping[str, date] = {
            row["batch"]: row["effective_from"] for row in tables["published_batch"].to_pylist()
        }
        self.rules: Mapping[str, str | None] = {
            row["name"]: row["code"] for row in tables["official_rules"].to_pylist()
        }
        self.sex_words: Mapping[str, str] = {
            row["word"]: row["sex"] for row in tables["sex_word"].to_pylist()
        }

    def published(self, path: Path, batch: str | None) -> date:
        """The day of a batch. Raises `SourceError` for one that is not known."""
        if batch is None or batch not in self.batches:
            raise SourceError(
                path, 1, f"batch {batch or 'not stated'}; say which with --batch, as 8 or {REVISED}"
            )
        return self.batches[batch]


def read_published(paths: Sequence[Path], batch: str | None = None) -> list[Point]:
    """The points of published workbooks (.xlsx) or of a structured copy (.json), in the order of files and rows.

    `batch`: of workbooks whose name does not state it. Raises `SourceError` where a file is neither.
    """
    reference = Reference()
    points: dict[str, Point] = {}
    for path in paths:
        found = _of_json(path, reference) if path.suffix == ".json" else _of_workbook(path, reference, batch)
        for point in found:
            points.setdefault(point.kp_id, point)
    return list(_ended(points.values(), reference))


def _of_json(path: Path, reference: Reference) -> Iterable[Point]:
    try:
        records = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SourceError(path, 1, f"not JSON: {error}") from error
    if not isinstance(records, list) or not all(
        isinstance(one, dict) and "rule_class" in one for one in records
    ):
        raise SourceError(
            path, 1, "not a list of knowledge points (kp_id, rule_class, med_codes, constraint, …)"
        )
    for number, record in enumerate(records, start=1):
        batch = str(record["batch"]) if record.get("batch") is not None else REVISED
        codes = tuple(record.get("med_codes") or ([record["med_code"]] if record.get("med_code") else []))
        pair: tuple[str, ...] = ()
        if record["rule_class"] == "医疗服务项目重复收费":
            codes, pair = codes[:1], codes[1:]
        constraint = record.get("constraint") or ""
        yield Point(
            kp_id=record["kp_id"],
            rule_class=record["rule_class"],
            gz_code=record.get("gz_code"),
            item_name=record.get("item_name") or "",
            codes=codes,
            pair_codes=pair,
            constraint=constraint,
            batch=batch,
            effective_from=reference.published(path, batch),
            effective_to=_OPEN,
            demand=read_demand(record["rule_class"], constraint, {}, reference.sex_words),
            path=path,
            row=number,
            supersedes=record.get("supersedes"),
        )


def _of_workbook(path: Path, reference: Reference, batch: str | None) -> Iterable[Point]:
    rule_class = max((name for name in reference.rules if name in path.name), key=len, default=None)
    if rule_class is None:
        raise SourceError(
            path, 1, "the file's name holds no name of a national rule; name it as it was published"
        )
    batch = batch or batch_of(path.name)
    published = reference.published(path, batch)
    for one in read_workbook(path):
        demand = read_demand(rule_class, one.constraint, one.given, reference.sex_words)
        if one.expected_codes is not None and one.expected_codes != len(one.codes):
            demand = replace(
                demand, unread=f"{len(one.codes)} codes in the file, {one.expected_codes} announced"
            )
        text = f"{rule_class}\0{batch}\0{one.number}\0{one.item_name}"
        yield Point(
            kp_id="KP-" + hashlib.sha256(text.encode()).hexdigest()[:16],
            rule_class=rule_class,
            gz_code=reference.rules[rule_class],
            item_name=one.item_name,
            codes=one.codes,
            pair_codes=one.pair_codes,
            constraint=one.constraint,
            batch=batch or "",
            effective_from=published,
            effective_to=_OPEN,
            demand=demand,
            path=path,
            row=one.row,
        )


def _ended(points: Iterable[Point], reference: Reference) -> Iterable[Point]:
    """Points that were issued anew end the day before: those named, else those of the same rule and item."""
    points = list(points)
    anew = [point for point in points if point.batch == REVISED]
    named = {point.supersedes for point in anew}
    items = {(point.rule_class, point.item_name) for point in anew if point.supersedes is None}
    end = reference.batches[REVISED]
    for point in points:
        replaced = point.kp_id in named or (point.rule_class, point.item_name) in items
        earlier = replaced and point.effective_from < end
        yield replace(point, effective_to=end - timedelta(days=1)) if earlier else point


def unused(points: Iterable[Point]) -> Counter[tuple[str, str]]:
    """(rule, why) → how many points cannot be used."""
    return Counter((point.rule_class, reason) for point in points if (reason := point.unused) is not None)


_POINT = {
    "kp_id": ("varchar", "the published point"),
    "rule_class": ("varchar", "name of the national rule"),
    "gz_code": ("varchar", "code of the national rule"),
    "item_name": ("varchar", "name of the drug, service or pair"),
    "sex": ("varchar", "the only sex it is for: 1 male, 2 female"),
    "unit": ("varchar", "unit of max_units"),
    "max_units": ("decimal(16,4)", "most units in period_days"),
    "period_days": ("integer", "days that max_units counts in, or of a pair"),
    "max_days": ("integer", "most days paid for in one stay or course"),
    "hosp_lv": ("integer", "lowest level of hospital, 1 to 3"),
    "scope": (
        "varchar",
        "a demand without a number: work_injury, maternity, inpatient, a group of operations, …",
    ),
    "constraint_text": ("varchar", "the text it was read from"),
    "batch": ("varchar", "batch of publication"),
    "effective_from": ("date", "first day"),
    "effective_to": ("date", "last day (included)"),
}
_CODE = {
    "kp_id": ("varchar", "the published point"),
    "side": ("varchar", "a; of a pair also b"),
    "med_list_codg": ("varchar", "catalogue code"),
}
_SEX_ITEM = {
    "med_list_codg": ("varchar", "catalogue code of the drug or service"),
    "sex": ("varchar", "the only sex it is for, as dictionary gend: 1 male, 2 female"),
    "kp_id": ("varchar", "the published point"),
    "batch": ("varchar", "batch of publication"),
    "effective_from": ("date", "first day"),
    "effective_to": ("date", "last day (included)"),
    "basis": ("varchar", "national rule of the point (shown to officers)"),
}


def write_tables(points: Sequence[Point], folder: Path) -> dict[str, int]:
    """Write the usable points as knowledge tables, and the others with the reason; table → rows.

    `published_point` and `published_code` hold all usable points, `sex_item` replaces the built-in table;
    `unused.csv` is a list for people, not a table.
    """
    folder.mkdir(parents=True, exist_ok=True)
    usable = [point for point in points if point.unused is None]
    tables: dict[str, tuple[str, Mapping[str, tuple[str, str]], list[dict[str, Any]]]] = {
        "published_point": ("What published points demand.", _POINT, [_row(point) for point in usable]),
        "published_code": (
            "The codes that published points are about.",
            _CODE,
            [
                {"kp_id": point.kp_id, "side": side, "med_list_codg": code}
                for point in usable
                for side, codes in (("a", point.codes), ("b", point.pair_codes))
                for code in dict.fromkeys(codes)
            ],
        ),
    }
    if sexed := _sex_items(usable):
        tables["sex_item"] = ("Drugs and services for one sex only.", _SEX_ITEM, sexed)
    for name, (meaning, columns, rows) in tables.items():
        _write(folder / f"{name}.csv", columns, rows)
        declaration = {
            "meaning": meaning,
            "source": "国家医保局公布的智能监管规则知识点",
            "columns": {column: {"type": kind, "meaning": text} for column, (kind, text) in columns.items()},
        }
        text = json.dumps(declaration, ensure_ascii=False, indent=2)
        (folder / f"{name}.yaml").write_text(text + "\n", encoding="utf-8")
    left = [
        {"kp_id": one.kp_id, "rule_class": one.rule_class, "batch": one.batch, "item_name": one.item_name,
         "reason": one.unused, "file": one.path.name, "row": one.row}
        for one in points
        if one.unused is not None
    ]  # fmt: skip
    lists = folder / "unused"
    lists.mkdir(exist_ok=True)
    _write(
        lists / "points.csv",
        dict.fromkeys(("kp_id", "rule_class", "batch", "item_name", "reason", "file", "row")),
        left,
    )
    return {name: len(rows) for name, (_, _, rows) in tables.items()}


def _row(point: Point) -> dict[str, Any]:
    demand = point.demand
    return {
        **{name: getattr(point, name) for name in ("kp_id", "rule_class", "gz_code", "item_name", "batch")},
        **{name: getattr(demand, name) for name in ("sex", "unit", "max_units", "period_days", "max_days")},
        "hosp_lv": demand.hosp_lv,
        "scope": demand.scope,
        "constraint_text": point.constraint,
        "effective_from": point.effective_from,
        "effective_to": None if point.effective_to == _OPEN else point.effective_to,
    }


def _sex_items(points: Iterable[Point]) -> list[dict[str, Any]]:
    """One row a code and first day, the first point by its id where several name the code."""
    rows: dict[tuple[str, date], dict[str, Any]] = {}
    for point in sorted(points, key=lambda one: one.kp_id):
        if point.demand.sex is None:
            continue
        for code in point.codes:
            rows.setdefault(
                (code, point.effective_from),
                {
                    "med_list_codg": code,
                    "sex": point.demand.sex,
                    "kp_id": point.kp_id,
                    "batch": point.batch,
                    "effective_from": point.effective_from,
                    "effective_to": None if point.effective_to == _OPEN else point.effective_to,
                    "basis": f"{point.gz_code or ''} {point.rule_class}".strip(),
                },
            )
    return [rows[key] for key in sorted(rows)]


def _write(path: Path, columns: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(columns), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
