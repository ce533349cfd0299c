"""Scores and truth as tables: columns found by name, one sentence where they are not there."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from detectors.anomaly.rings.communities import Ring
from streams.errors import Refused

#: How a truth may name its columns, first choice first; compared without case and without `_`, `-` and spaces.
SUBJECT_NAMES = ("subject", "fixmedins_code", "dr_codg", "psn_no", "provider", "provider_id", "npi", "id")
LABEL_NAMES = ("label", "confirmed", "fraud", "potential_fraud", "truth", "y", "target")

#: How it may write yes and no.
YES = frozenset(("1", "1.0", "yes", "y", "true", "t", "是"))
NO = frozenset(("0", "0.0", "no", "n", "false", "f", "否"))

SCORES = "scores.csv"

#: The subject type that a truth may give by its members.
RING = "ring"

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Scored:
    """A subject's row. `score` NaN: not scored. `patients`, `money` (CNY) and `cases` NaN: not told."""

    subject: str
    score: float
    cases: float
    money: float
    patients: float


@dataclass(frozen=True, slots=True)
class Told:
    """What a truth says of a subject. `kind` and `strength` where it says so (of plants)."""

    label: bool
    kind: str = ""
    strength: float = 0.0


def read_rows(path: Path, what: str) -> list[Row]:
    """The rows of a CSV file with a head. Refuses what is none."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            rows = [{key: (value or "").strip() for key, value in row.items() if key} for row in reader]
            if not reader.fieldnames:
                raise Refused(f"{path} is empty; {what} begins with a row of column names.")
    except (UnicodeDecodeError, csv.Error) as error:
        raise Refused(f"{path} cannot be read as CSV in UTF-8: {error}.") from error
    if not rows:
        raise Refused(f"{path} has column names and no rows.")
    return rows


def column(rows: Sequence[Row], names: Sequence[str], path: Path, option: str) -> str:
    """The column of the first of these names. Refuses, naming what is there, where it has none of them."""
    there = {_plain(name): name for name in rows[0]}
    for name in names:
        if _plain(name) in there:
            return there[_plain(name)]
    wanted = " or ".join((", ".join(names[:-1]), names[-1])) if len(names) > 1 else names[0]
    raise Refused(f"{path} has no column {wanted} (it has {', '.join(rows[0])}); name it with {option}.")


def yes_or_no(text: str) -> bool | None:
    """True, False, or None where nothing is written. Raises `ValueError` for anything else."""
    word = text.strip().lower()
    if word in YES or word in NO:
        return word in YES
    if not word:
        return None
    raise ValueError(text)


def read_scores(path: Path, subject_type: str, model: str) -> list[Scored]:
    """The rows of a model for whole periods. `path`: scores.csv, or the folder it is in."""
    path = path / SCORES if path.is_dir() else path
    rows = read_rows(path, "a table of scores")
    for name in ("subject_type", "subject", "period", "model", "score", "money", "patients"):
        column(rows, (name,), path, "fundwatch score, which writes all of them")
    kinds = sorted({(row["subject_type"], row["model"]) for row in rows if row["period"] == "all"})
    chosen = [
        row for row in rows
        if row["period"] == "all" and row["model"] == model and row["subject_type"] == subject_type
    ]  # fmt: skip
    if not chosen:
        there = ", ".join(f"{kind} by {name}" for kind, name in kinds)
        raise Refused(
            f"{path} has no scores of {subject_type} by the model {model} for all of the time; it has {there}."
        )
    found = [
        Scored(
            row["subject"], _number(row, "score", path), _number(row, "cases", path), _number(row, "money", path),
            _number(row, "patients", path),
        )
        for row in chosen
    ]  # fmt: skip
    if len({one.subject for one in found}) < len(found):
        raise Refused(f"{path} has a {subject_type} twice under {model} for all of the time; score anew.")
    return found


def read_truth(
    path: Path, subject_type: str, subject_column: str | None = None, label_column: str | None = None
) -> dict[str, Told]:
    """Subject → what the truth says of it, a ring that is given by its members as `scores.csv` names it. Subjects without a label
    are left out."""
    rows = read_rows(path, "a truth")
    subject = column(rows, (subject_column,) if subject_column else SUBJECT_NAMES, path, "--subject-column")
    label = column(rows, (label_column,) if label_column else LABEL_NAMES, path, "--label-column")
    if "subject_type" in rows[0]:
        rows = [row for row in rows if row["subject_type"] == subject_type]
        if not rows:
            raise Refused(f"{path} says nothing of the subject type {subject_type}.")
    told: dict[str, Told] = {}
    for number, row in enumerate(rows, 2):
        if subject_type == RING and ";" in row[subject]:
            row[subject] = Ring.of(row[subject]).subject
        try:
            known = yes_or_no(row[label])
        except ValueError:
            raise Refused(
                f"{path}, row {number}: {label} is {row[label]!r}; write Yes or No, 1 or 0, true or false."
            ) from None
        if known is None:
            continue
        if row[subject] in told and told[row[subject]].label != known:
            raise Refused(f"{path} says both yes and no of {row[subject]}.")
        strength = row.get("strength") or "0"
        try:
            told[row[subject]] = Told(known, row.get("kind", ""), float(strength))
        except ValueError:
            raise Refused(f"{path}, row {number}: strength {strength!r} is no number.") from None
    return told


def _number(row: Row, name: str, path: Path) -> float:
    text = row.get(name, "")
    if not text:
        return math.nan
    try:
        return float(text)
    except ValueError:
        raise Refused(f"{path}: {name} of {row['subject']} is {text!r}, which is no number.") from None


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")
