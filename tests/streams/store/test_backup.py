"""Backup and restore as docs/alert-store.md says: a copy taken while the store is filled reads on from where it was."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from pathlib import Path

from streams.changes import Change
from streams.store.writing import AlertStore
from tests import postgres
from tests.streams.said import a_change, a_fact, an_alert
from tests.streams.store.test_apply import filled, state


def told(begin: int, end: int) -> list[Change]:
    return [a_change(1, an_alert(number), facts=[a_fact(f"m{number}")]) for number in range(begin, end)]


def goes_on(url: str, whole: str) -> None:
    """The copy knows where it was, and ends as a store that was never restored."""
    with AlertStore(url) as store:
        assert store.positions("topic") == {0: 20}
        store.apply(told(20, 40), {("topic", 0): 40})
    assert state(url) == filled(whole, told(0, 40))


def test_a_copy_of_a_file_reads_on(tmp_path: Path) -> None:
    file, copy = tmp_path / "alerts.db", tmp_path / "copy.db"
    with AlertStore(f"sqlite:///{file}") as store:
        store.apply(told(0, 20), {("topic", 0): 20})
        with sqlite3.connect(file) as source, sqlite3.connect(copy) as target:
            source.backup(target)  # what `.backup` of the command line does
        source.close()
        target.close()
        store.apply(told(20, 30), {("topic", 0): 30})
    for left in tmp_path.glob("alerts.db*"):
        left.unlink()
    shutil.move(copy, file)
    goes_on(f"sqlite:///{file}", f"sqlite:///{tmp_path}/whole.db")


def test_a_dump_of_a_database_reads_on(server: postgres.Server, tmp_path: Path) -> None:
    url, dump = server.url(), tmp_path / "alerts.dump"
    schema = url.rsplit("%3D", 1)[1]
    reached = ("--host", server.folder, "--username", server.user)
    with AlertStore(url) as store:
        store.apply(told(0, 20), {("topic", 0): 20})
        command = [server.bin / "pg_dump", *reached, "--format=custom", "--schema", schema, "--file", dump]
        subprocess.run([*command, "postgres"], check=True)
        store.apply(told(20, 30), {("topic", 0): 30})
    restore = [server.bin / "pg_restore", *reached, "--clean", "--dbname", "postgres", dump]
    subprocess.run(restore, check=True)
    goes_on(url, server.url())
