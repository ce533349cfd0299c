"""Counties to try the models on: simulated, decoded, made a ledger and feature tables; kept, so that a model can be tried again."""

from __future__ import annotations

import csv
import hashlib
import io
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

import streams
from detectors import engine, ledger
from detectors import facts as fact_tables
from detectors.anomaly import compute, featurefile
from detectors.evaluate import prepare, provide
from detectors.facts import Facts, Parquet
from rules import knowledge
from rules.schema import ledger_names
from streams.anomaly.reading import Told
from streams.anomaly.training import UNITS
from streams.simulate import World, simulate
from streams.simulate.truth import labels_csv
from streams.wire import decode

KEY = b"a key for measuring only"

#: Messages that are decoded at a time.
_BATCH = 50_000

#: Where money and patients of each subject stand, beside the features.
_SIZED = "sizes.parquet"

#: When all months of a world are closed.
_CLOSED_AFTER = timedelta(days=40)


@dataclass(frozen=True)
class County:
    """A world as the models see it: feature tables by unit, who is labelled, when it is closed, money and patients of each subject."""

    world: World
    features: Mapping[str, pa.Table]
    truth: Mapping[tuple[str, str], Told]
    sizes: Mapping[tuple[str, str], tuple[float, float]]

    @property
    def as_of(self) -> datetime:
        """When all of its months are closed."""
        return datetime.combine(self.world.end, datetime.min.time()) + _CLOSED_AFTER

    def told(self, subject_type: str) -> dict[str, Told]:
        """The labels of a subject type by subject."""
        return {subject: one for (kind, subject), one in self.truth.items() if kind == subject_type}


def world(seed: int, *, fraud: bool, institutions: int, days: int) -> World:
    """A county with hardly any residents of its own: what happens, happens at the institutions."""
    return World(persons=100, days=days, seed=seed, planted=fraud, anomalies=True, institutions=institutions)


def county(wanted: World, keep: Path) -> County:
    """A county, from `keep` where it was made before by the same simulator and the same feature files."""
    name = f"{'fraud' if wanted.planted else 'honest'}-{wanted.seed}-{wanted.institutions}-{wanted.days}-{_simulator()}"
    facts, truth = _lived(wanted, keep / name)
    files = featurefile.load()
    folder = keep / name / "-".join(one.hash[:6] for _, one in sorted(files.items()))
    if not (folder / _SIZED).exists():
        folder.mkdir(parents=True, exist_ok=True)
        con = ledger_of(facts)
        for unit in UNITS:
            pq.write_table(compute.table(con, files[unit]), folder / f"{unit}.parquet")
        pq.write_table(con.sql(_SIZES).to_arrow_table(), folder / _SIZED)
        con.close()
    sizes = {
        (row["subject_type"], row["subject"]): (float(row["money"]), float(row["patients"]))
        for row in pq.read_table(folder / _SIZED).to_pylist()
    }
    return County(wanted, {unit: pq.read_table(folder / f"{unit}.parquet") for unit in UNITS}, truth, sizes)


def _lived(wanted: World, folder: Path) -> tuple[Facts, dict[tuple[str, str], Told]]:
    """The facts and labels of a world, kept."""
    labels = folder / "truth.csv"
    if not labels.exists():
        folder.mkdir(parents=True, exist_ok=True)
        log = simulate(wanted)
        for name, parts in decoded(log.events).sources.items():
            pq.write_table(
                pa.concat_tables([part for part in parts if isinstance(part, pa.Table)]),
                folder / f"{name}.parquet",
            )
        labels.write_bytes(labels_csv(log.labels))
    facts = Facts({path.stem: (Parquet((str(path),)),) for path in sorted(folder.glob("*.parquet"))})
    truth = {
        (row["subject_type"], row["subject"]): Told(row["label"] == "1", row["kind"], float(row["strength"]))
        for row in csv.DictReader(io.StringIO(labels.read_text(encoding="utf-8")))
    }
    return facts, truth


@cache
def _simulator() -> str:
    """Hash of what simulates and decodes: another one makes another world."""
    digest = hashlib.sha256()
    for package in ("simulate", "wire"):
        for path in sorted((Path(streams.__file__).parent / package).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:6]


def ledger_of(facts: Facts) -> duckdb.DuckDBPyConnection:
    """A prepared ledger of all that the features read, and what sizes are read of."""
    con = engine.connect()
    fact_tables.load(con, facts)
    tables = {table for one in featurefile.load().values() for table in one.tables}
    ledger.build(con, tables={"settlement", "fee_line", *tables}, unique=facts.unique)
    provide(con, ledger_names())
    prepare(con, knowledge.load())
    return con


def features_of(facts: Facts) -> dict[str, pa.Table]:
    """Every feature table of some facts."""
    con = ledger_of(facts)
    try:
        return {unit: compute.table(con, featurefile.load()[unit]) for unit in UNITS}
    finally:
        con.close()


def decoded(events: list[bytes]) -> Facts:
    """The facts of a log."""
    parts = []
    for begin in range(0, len(events), _BATCH):
        batch = decode(
            events[begin : begin + _BATCH], source="world", first_line=begin + 1, first_seq=begin, key=KEY
        )
        parts.append(Facts.of(batch.tables))
    return Facts.union(parts)


#: Money and patients of institutions (by what was settled there) and practitioners (by what they billed).
_SIZES = """
select 'institution' as subject_type, fixmedins_code as subject, sum(medfee_sumamt)::double as money, count(distinct psn_no) as patients
from settlement group by fixmedins_code
union all
select 'practitioner', bilg_dr_codg, sum(det_item_fee_sumamt)::double, count(distinct psn_no)
from fee_line where bilg_dr_codg is not null group by bilg_dr_codg
order by all
"""


class Watch:
    """Wall seconds since it was made, or last looked at."""

    def __init__(self) -> None:
        self._last = time.perf_counter()

    def lap(self) -> float:
        now = time.perf_counter()
        seconds, self._last = now - self._last, now
        return seconds
