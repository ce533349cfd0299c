"""Opening a store: where it is, of which format, for whom."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text

from streams.store import migrations, opening, tables
from streams.store.errors import StoreError
from streams.store.reading import AlertReader
from streams.store.writing import AlertStore
from tests.streams.said import a_change, a_fact, a_retraction, an_alert, reworded
from tests.streams.store.test_apply import State, filled, state

GOLDEN = Path(__file__).parent / "golden"

#: What stands in `golden/format-1.json`.
TOLD = [
    a_change(1, an_alert(1), facts=[a_fact("m1"), a_fact("m2", row_no=None)]),
    a_change(2, reworded(an_alert(1), vola_amt="1234567.89"), facts=[a_fact("m2", row_no=None)]),
    a_change(1, an_alert(2)),
    a_retraction(2, an_alert(2)),
]

#: Steps that were released, by the hash of their files: they are never edited.
RELEASED = {
    "001_tables.postgresql.sql": "76686dea6963ee05",
    "001_tables.sqlite.sql": "e84aa56739c38062",
    "002_nothing_unsaid.postgresql.sql": "9cca945632ed3cf9",
    "002_nothing_unsaid.sqlite.sql": "e49157330e859cf8",
}


def made_by_an_older_one(url: str) -> None:
    """A store of format 1 with what an older fundwatch wrote into it."""
    location = opening.locate(url)
    if location.file:
        opening._make(location.file)
    engine = opening._engine(location, readonly=False)
    with engine.begin() as con:
        migrations.migrate(con, location.place, upto=1)
        for name, rows in json.loads((GOLDEN / "format-1.json").read_text(encoding="utf-8")).items():
            for row in rows:
                values = {
                    key: bytes.fromhex(value) if key == "fact_id" else value for key, value in row.items()
                }
                con.execute(tables.metadata.tables[name].insert(), values)
    engine.dispose()


def test_a_store_of_format_1_is_brought_up_to_date_and_says_the_same(new_url: Callable[[], str]) -> None:
    url = new_url()
    made_by_an_older_one(url)
    with pytest.raises(StoreError, match="has format 1, this fundwatch reads"):
        AlertReader(url)
    with AlertStore(url) as store:
        assert store.positions("topic") == {0: 4}
        assert store.apply(TOLD).added == 0
    assert state(url) == filled(new_url(), TOLD) != State([], {}, {})


def test_a_newer_format_is_refused_by_writer_and_reader(url: str) -> None:
    with AlertStore(url) as store, store._transaction() as con:
        con.execute(tables.store_format.update().values(format=99))
    for kind in (AlertStore, AlertReader):
        with pytest.raises(StoreError, match="has format 99, this fundwatch knows formats up to"):
            kind(url)


def test_steps_that_were_released_are_as_they_were() -> None:
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:16] for path in migrations.STEPS.iterdir()
    }
    assert found == RELEASED


def test_the_last_step_is_the_format() -> None:
    numbers = {int(path.name[:3]) for path in migrations.STEPS.glob("*.sql")}
    assert numbers == set(range(1, migrations.FORMAT + 1))


def test_the_tables_are_those_that_queries_name(store: AlertStore) -> None:
    with store._transaction() as con:
        found = inspect(con)
        assert set(found.get_table_names()) == set(tables.metadata.tables)
        assert found.get_indexes("alert")
        for table in tables.metadata.tables.values():
            there = {column["name"]: column["nullable"] for column in found.get_columns(table.name)}
            assert there == {column.name: column.nullable for column in table.columns}, table.name
            key = found.get_pk_constraint(table.name)["constrained_columns"]
            assert key == [column.name for column in table.primary_key], table.name


def test_money_is_whole_cents_in_sqlite_and_numeric_in_postgresql(store: AlertStore, engine: str) -> None:
    store.apply([a_change(1, an_alert(vola_amt="12345678901234.56"))])
    with store._transaction() as con:
        (amount,) = con.execute(text("select vola_amt from alert")).one()
    assert str(amount) == ("1234567890123456" if engine == "sqlite" else "12345678901234.56")


def test_a_reader_can_not_write(url: str) -> None:
    AlertStore(url).close()
    with AlertReader(url) as reader:
        for statement in ("delete from alert", "create table x (y int)"):
            with pytest.raises(StoreError), reader._transaction() as con:
                con.execute(text(statement))


def test_a_reader_sees_one_picture_while_others_write(url: str) -> None:
    with AlertStore(url) as store, AlertReader(url) as reader:
        store.apply([a_change(1, an_alert(n)) for n in range(1200)])
        seen = 0
        for _ in reader.every():
            if seen == 0:
                store.apply([a_change(1, an_alert(n)) for n in range(1200, 1300)])
            seen += 1
        assert seen == 1200
        assert reader.total() == 1300


def test_a_file_is_closed_to_others(tmp_path: Path) -> None:
    with AlertStore(f"sqlite:///{tmp_path}/alerts.db") as store:
        store.apply([a_change()])
        for path in tmp_path.iterdir():
            assert stat.S_IMODE(path.stat().st_mode) & 0o007 == 0, path.name


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("alerts.db", "is no URL"),
        ("", "is no URL"),
        ("sqlite://", "is no alert store"),
        ("sqlite:///:memory:", "is no alert store"),
        ("mysql://root:hush@host/db", "is no alert store: write sqlite"),
        ("postgresql://host", "is no alert store"),
        ("sqlite:////no/such/folder/alerts.db", "The folder /no/such/folder of the alert store is not there"),
    ],
)
def test_what_is_no_store_is_refused_with_what_to_write(url: str, sentence: str) -> None:
    with pytest.raises(StoreError, match=sentence) as caught:
        AlertStore(url)
    assert "hush" not in str(caught.value)


def test_a_reader_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="There is no alert store"):
        AlertReader(f"sqlite:///{tmp_path}/alerts.db")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_database_is_no_store_to_a_reader(
    new_url: Callable[[], str], engine: str, tmp_path: Path
) -> None:
    url = new_url()
    if engine == "sqlite":
        create_engine(url).connect().close()
        (tmp_path / "alerts-1.db").touch()
    with pytest.raises(StoreError, match="There is no alert store"):
        AlertReader(url)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "alerts.db").write_bytes(b"neither table nor row" * 200)
    with pytest.raises(StoreError, match="is no SQLite database"):
        AlertReader(f"sqlite:///{tmp_path}/alerts.db")


def test_a_person_is_found_by_an_index(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/alerts.db"
    with AlertStore(url) as store:
        store.apply([a_change(1, an_alert(n)) for n in range(2000)])
    with AlertReader(url) as reader, reader._transaction() as con:
        plan = con.execute(
            text(
                "explain query plan select 1 from alert where status = 'open' and patn_id = 'P7' order by sev_deg"
            )
        )
        assert "alert_by_person" in str(plan.all())
