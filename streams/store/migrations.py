"""The format of a store: numbered steps from nothing to today's tables, each taken once and in order.

A step that was released is never edited; what comes after it is another step.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, insert, inspect, select, update

from streams.store.errors import StoreError
from streams.store.tables import store_format

STEPS = Path(__file__).parent / "steps"

#: The format that this fundwatch reads and writes: the number of the last step.
FORMAT = 2


def found(con: Connection) -> int:
    """The format of the store; 0 where there is none yet."""
    if not inspect(con).has_table("store_format"):
        return 0
    return int(con.execute(select(store_format.c.format)).scalar_one())


def migrate(con: Connection, place: str, upto: int = FORMAT) -> int:
    """Take the steps that are missing, in the caller's transaction. Returns the format there was. Refuses a newer one."""
    before = found(con)
    check_not_newer(before, place)
    if before >= upto:
        return before
    if not before:
        store_format.create(con, checkfirst=True)
        con.execute(insert(store_format).values(format=0))
    for number in range(before + 1, upto + 1):
        for statement in statements(number, con.dialect.name):
            con.exec_driver_sql(statement, execution_options={"no_parameters": True})
    con.execute(update(store_format).values(format=upto))
    return before


def check(con: Connection, place: str) -> None:
    """Refuse what a reader cannot read: no store, one of a newer format, one of an older that nobody has migrated."""
    there = found(con)
    check_not_newer(there, place)
    if not there:
        raise StoreError(
            f"There is no alert store at {place}: make one with fundwatch store load or store fill."
        )
    if there < FORMAT:
        raise StoreError(
            f"The alert store {place} has format {there}, this fundwatch reads {FORMAT}: start fundwatch store fill or "
            "store load once, which brings it up to date."
        )


def check_not_newer(there: int, place: str) -> None:
    """Refuse a store that a newer fundwatch made."""
    if there > FORMAT:
        raise StoreError(
            f"The alert store {place} has format {there}, this fundwatch knows formats up to {FORMAT}: "
            "use the fundwatch that made it, or a newer one."
        )


def statements(number: int, dialect: str) -> list[str]:
    """The statements of a step: in its file each ends with a semicolon at the end of a line."""
    (path,) = STEPS.glob(f"{number:03d}_*.{dialect}.sql")
    lines = path.read_text(encoding="utf-8").splitlines()
    text = "\n".join(line.partition(" -- ")[0].rstrip() for line in lines if not line.startswith("--"))
    return [part.strip().removesuffix(";") for part in text.split(";\n") if part.strip()]
