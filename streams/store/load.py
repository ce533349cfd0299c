"""A replay's run into a store: at first every alert is opened; of a later run of the same history, what differs."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby, islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from detectors import engine
from detectors.alert import Alert
from detectors.diff import Changes, Difference, diff
from streams.changes import CHANGED, OPENED, RETRACTED, Change, Fact
from streams.compare import between
from streams.run import EVIDENCE, Run
from streams.store.errors import StoreError
from streams.store.query import OPEN
from streams.store.writing import REPLAY, AlertStore, Head

#: Changes of a transaction.
BATCH = 1_000

#: Facts fetched at once.
_FETCHED = 10_000

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Loaded:
    """What a run made of the store."""

    opened: int
    changed: int
    retracted: int


def load(store: AlertStore, run: Run, progress: Progress | None = None) -> Loaded:
    """Bring the store to what the run found. Refuses a store of live alerts, and a run that was filtered otherwise.

    Reasons of retractions are found as `fundwatch diff` finds them, against the run that was loaded before. What was
    stored when it is broken off stays; loading once more does the rest. `progress` is told changes done and in all.
    """
    store.only_loaded()
    before = store.last_run()
    _same_filters(store, before, run)
    cancellations = run.cancellations()
    if before is None:
        lie_between = Changes()
    else:
        lie_between = between(before, run.facts, store.known_cancellations(), cancellations)
    difference = diff((held.alert for held in store.every(OPEN)), run.alerts(), lie_between)
    total = len(difference.opened) + len(difference.changed) + len(difference.retracted)
    changes = _changes(difference, run, store.heads())
    done = 0
    while batch := list(islice(changes, BATCH)):
        store.apply(batch)
        done += len(batch)
        if progress is not None:
            progress(done, total)
    if before != run.facts:
        store.note_run(run.facts, (row["msgid"] for row in cancellations))
    return Loaded(len(difference.opened), len(difference.changed), len(difference.retracted))


def _same_filters(store: AlertStore, before: dict[str, Any] | None, run: Run) -> None:
    """What a filter left out of a run is not gone: loading it would retract it."""
    if before is not None and before["filters"] != run.facts["filters"]:
        raise StoreError(
            f"{run.folder} was filtered (--from, --to, --institution) otherwise than the run that {store.place} holds: "
            "load it into another store."
        )


def _changes(difference: Difference, run: Run, heads: dict[str, Head]) -> Iterator[Change]:
    rulebook = run.facts["rulebook"]["hash"]

    def change(kind: str, alert: Alert, **more: Any) -> Change:
        head = heads.get(alert.jr_id)
        seq = head.seq + 1 if head else 1
        return Change(alert.jr_id, seq, kind, alert, speaker=REPLAY, rulebook=rulebook, **more)

    for gone in difference.retracted:
        yield change(RETRACTED, gone.alert, reason=gone.reason.value, reason_msgid=gone.msgid)
    said = [*difference.opened, *(after for _, after in difference.changed)]
    kinds = chain([OPENED] * len(difference.opened), [CHANGED] * len(difference.changed))
    for kind, alert, facts in zip(kinds, said, evidence_of(run, said), strict=True):
        yield change(kind, alert, facts=facts)


def evidence_of(run: Run, alerts: Sequence[Alert]) -> Iterator[list[Fact]]:
    """The facts of each alert, in the alerts' order; the file is read once, whatever their number."""
    asked = pa.table(
        {
            "number": pa.array((n for n, alert in enumerate(alerts) for _ in alert.evidence), pa.int64()),
            "msgid": pa.array((msgid for alert in alerts for msgid in alert.evidence), pa.string()),
        }
    )
    with tempfile.TemporaryDirectory(prefix="fundwatch-load-") as workspace:
        con = engine.connect(workspace=Path(workspace))
        try:
            con.register("asked", asked)
            found = con.execute(
                """
                select number, msgid, e."table", e.row_no, strftime(e.inf_time, '%Y-%m-%d %H:%M:%S'), e.data
                from asked join read_parquet($evidence) e using (msgid)
                order by number, msgid, e."table", e.row_no, e.data
                """,
                {"evidence": str(run.folder / EVIDENCE)},
            )
            rows = chain.from_iterable(iter(lambda: found.fetchmany(_FETCHED), []))
            numbered = groupby(rows, key=lambda row: row[0])
            number, group = next(numbered, (-1, iter(())))
            for n in range(len(alerts)):
                if n != number:
                    yield []
                    continue
                yield [Fact(row[1], row[2], row[3], row[4] or "", row[5]) for row in group]
                number, group = next(numbered, (-1, iter(())))
        finally:
            con.close()
