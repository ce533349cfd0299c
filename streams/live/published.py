"""Coverage of all rules over the lake, and the institutions that fell silent: published daily."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import msgspec

from detectors.coverage import Coverage
from detectors.evaluate import coverage
from streams.lake import Lake
from streams.live.rules import Judging
from streams.live.whole import Means, ledger_of

#: The file, beside the sweeper's state.
COVERAGE = "coverage.jsonl"

#: Longer than a weekend (engineering default): an institution of which so long nothing was heard fell silent.
SILENT_AFTER = timedelta(hours=72)

#: The last message of an institution, where it is not one that has closed.
_SILENT = """
select fixmedins_code, from_time
from quiet_spell q
where until_time is null and from_time < $since
    and (
        fixmedins_code not in (select fixmedins_code from institution where fixmedins_code is not null)
        or exists (
            from institution i
            where i.fixmedins_code = q.fixmedins_code and (i.enddate is null or i.enddate >= $since::date)
        )
    )
order by fixmedins_code
"""


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """An institution that fell silent, and the `inf_time` of its last message."""

    fixmedins_code: str
    silent_since: datetime


@dataclass(frozen=True)
class Published:
    """Who of the lake could be judged, and who sends nothing any more."""

    coverage: list[Coverage]
    silent: list[Silence]

    @property
    def by_rule(self) -> Mapping[str, tuple[int, int]]:
        """Rule id → subjects judged, not judged."""
        sums: dict[str, tuple[int, int]] = {}
        for line in self.coverage:
            judged, not_judged = sums.get(line.rule_id, (0, 0))
            sums[line.rule_id] = (judged + line.judged, not_judged + line.not_judged)
        return sums

    def write(self, path: Path) -> None:
        """Put the file in its place at once: a line a rule and institution, then one for each that fell silent."""
        partial = path.with_name(f".{path.name}.partial")
        with partial.open("wb") as file:
            for line in self._lines():
                file.write(line + b"\n")
        partial.chmod(0o640)
        partial.replace(path)

    def _lines(self) -> Iterator[bytes]:
        yield from map(msgspec.json.encode, self.coverage)
        for one in self.silent:
            since = f"{one.silent_since:%Y-%m-%d %H:%M:%S}"
            yield msgspec.json.encode({"fixmedins_code": one.fixmedins_code, "silent_since": since})


def published(lake: Lake, judging: Judging, means: Means) -> Published:
    """Coverage of the lake by these rules. Raises `BrokenOffError` where it is broken off."""
    with ledger_of(lake, judging, means, tables=("quiet_spell", "institution")) as whole:
        lines = coverage(whole.con, judging.rulebook, judging.params, judging.models)
        return Published(lines, _silent(whole.con, whole.watermark))


def _silent(con: duckdb.DuckDBPyConnection, mark: datetime | None) -> list[Silence]:
    if mark is None:
        return []
    rows = con.execute(_SILENT, {"since": mark - SILENT_AFTER}).fetchall()
    return [Silence(fixmedins_code=code, silent_since=since) for code, since in rows]
