"""A ledger of a few rows, and a rule of a few lines, for tests of the kernel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import yaml

from detectors import engine
from detectors.evaluate import prepare, provide
from rules.knowledge import Knowledge
from rules.rulebook import Rule, read_rule
from rules.schema import LEDGER_SQL, ledger_names

Row = Mapping[str, Any]

KNOWLEDGE = Knowledge({}, {"条例38": "《条例》第三十八条"}, "batch-1", {})

START = datetime(2026, 1, 1)  # noqa: DTZ001 platform times carry no zone

#: A rule that names every visit, and pays no attention to anything else.
EVERY_VISIT = """
select mdtrt_id, psn_no, fixmedins_code, 1 as severity, begntime as occurred_at, [adm_msgid] as evidence
from judged
"""


def day(number: float) -> datetime:
    """So many days after 1 January 2026."""
    return START + timedelta(days=number)


def insert(con: duckdb.DuckDBPyConnection, **tables: Sequence[Row]) -> None:
    """Put rows into ledger tables, unstated columns at their defaults."""
    for name, rows in tables.items():
        for row in rows:
            marks = ", ".join("?" for _ in row)
            con.execute(f"insert into {name} ({', '.join(row)}) values ({marks})", list(row.values()))


def ledger(
    *, lacking: Sequence[str] = (), knowledge: Knowledge = KNOWLEDGE, **tables: Sequence[Row]
) -> duckdb.DuckDBPyConnection:
    """A ledger of these rows, with macros and knowledge, locked; `lacking`: what its source does not supply."""
    con = engine.connect(threads=1)
    con.execute(LEDGER_SQL.read_text(encoding="utf-8"))
    insert(con, **tables)
    provide(con, ledger_names() - set(lacking))
    prepare(con, knowledge)
    return con


def a_visit(mdtrt_id: str = "M1", **stated: Any) -> Row:
    """A stay of P1 at H1 from 1 January, resting on message `in-<mdtrt_id>`."""
    return {
        "mdtrt_id": mdtrt_id,
        "psn_no": "P1",
        "fixmedins_code": "H1",
        "begntime": START,
        "adm_msgid": f"in-{mdtrt_id}",
        **stated,
    }


def a_message(msgid: str, when: datetime = START, fixmedins_code: str | None = "H1") -> Row:
    return {"msgid": msgid, "inf_time": when, "kind": "2401", "fixmedins_code": fixmedins_code}


def a_rule(folder: Path, sql: str = EVERY_VISIT, *, stem: str = "a_rule", **header: Any) -> Rule:
    """A rule file with this SQL, read back. The header is that of a rule about stays, but for what is stated."""
    stated = {
        "code": "GB-99",
        "name": "每次住院",
        "key": "visit",
        "subject": ["visit", "mdtrt_id"],
        "anchor": ["mdtrt_id"],
        "behaviour": "encounter",
        "severity": [1],
        "status": "live",
        "version": 1,
        "official": None,
        "law": ["条例38"],
        "case_cause": 11,
        "route": "supervision",
        "money": "fund",
        "lookback": "120 d",
        "needs": ["visit"],
        "judges": {"from": "visit"},
        "sentence": "患者住院。",
        **header,
    }
    path = folder / "ghost_bed" / f"{stem}.sql"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"/*\n{yaml.safe_dump(stated, allow_unicode=True)}*/\n{sql}", encoding="utf-8")
    return read_rule(path)
