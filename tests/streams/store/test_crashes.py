"""A store through kills, full disks and lost connections: a batch is in it whole or not at all, and it goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from streams.store.errors import StoreAway, StoreError, StoreFull
from streams.store.writing import AlertStore
from tests import postgres
from tests.streams.said import a_change, a_fact, an_alert
from tests.streams.store.dies import BATCHES
from tests.streams.store.test_apply import State, filled, state

#: More steps than two batches have.
MANY = 60


def killed(url: str, last: int) -> list[int]:
    """Offsets that the process was told are stored before it died, or ended."""
    child = subprocess.run(
        [sys.executable, "-m", "tests.streams.store.dies", url, str(last)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert child.returncode in (0, -9), child.stderr
    return [int(line) for line in child.stdout.split()]


def test_killed_before_any_statement_it_holds_whole_batches_and_goes_on(new_url: Callable[[], str]) -> None:
    whole: dict[int, State] = {0: filled(new_url())}
    for number in range(len(BATCHES)):
        whole[BATCHES[number][1]] = filled(new_url(), *(changes for changes, _ in BATCHES[: number + 1]))
    left = []
    for last in range(1, MANY):
        url = new_url()
        said = killed(url, last)
        with AlertStore(url) as store:
            reached = store.positions("topic").get(0, 0)
            assert state(url) == whole[reached]
            assert reached >= (said[-1] if said else 0)
            left.append(reached)
            for changes, offset in BATCHES:
                if offset > reached:
                    store.apply(changes, {("topic", 0): offset})
        assert state(url) == whole[8]
        if said == [5, 8]:
            break
    else:
        pytest.fail("it was always killed")
    assert {0, 5, 8} == set(left)
    assert len(left) > 8


def test_a_full_disk_is_said_and_loses_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/alerts.db"
    with AlertStore(url) as store:
        store.apply([a_change(1, an_alert(0))], {("topic", 0): 1})
        limit = 0

        @event.listens_for(store._engine, "checkout")
        def narrow(con: Any, *_: Any) -> None:
            con.execute(f"pragma max_page_count = {limit or 2**30}")

        limit = 1  # as many as there are
        with pytest.raises(StoreFull, match="no space left on its disk: make room, then start again"):
            store.apply([a_change(1, an_alert(n)) for n in range(500)], {("topic", 0): 500})
        assert store.positions("topic") == {0: 1}
        limit = 0
        assert store.apply([a_change(1, an_alert(n)) for n in range(500)]).added == 499


@pytest.fixture
def own_server() -> Iterator[postgres.Server]:
    """A server that the test may stop."""
    with postgres.running() as server:
        yield server


def test_a_server_that_goes_away_is_said_and_met_again(own_server: postgres.Server) -> None:
    import signal

    told = [a_change(1, an_alert(n), facts=[a_fact(f"m{n}")]) for n in range(20)]
    url = own_server.url()
    with AlertStore(url) as store:
        store.apply(told[:10], {("topic", 0): 10})
        own_server.stop(signal.SIGQUIT)
        with pytest.raises(StoreAway, match=r"cannot be reached|was stopped"):
            store.apply(told[10:], {("topic", 0): 20})
        own_server.start()
        assert store.positions("topic") == {0: 10}
        store.apply(told[10:], {("topic", 0): 20})
        with own_server.connect() as con:
            con.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'fundwatch'"
            )
        assert store.apply(told).added == 0
    assert len(state(url).held) == 20


@pytest.mark.parametrize(
    ("act", "kind", "sentence"),
    [
        ("raise exception 'x' using errcode = '53100'", StoreFull, "no space left"),
        ("perform pg_terminate_backend(pg_backend_pid())", StoreAway, "was stopped"),
        ("raise exception 'x' using errcode = '42501'", StoreError, "rights"),
        ("raise exception 'x' using errcode = '22000'", StoreError, "refused a statement"),
    ],
)
def test_what_a_server_refuses_is_said_without_a_word_of_the_rows(
    server: postgres.Server, act: str, kind: type[StoreError], sentence: str
) -> None:
    url = server.url()
    with AlertStore(url) as store:
        store.apply([a_change(1, an_alert(0))], {("topic", 0): 1})
        schema = url.rsplit("%3D", 1)[1]
        with server.connect() as con:
            con.execute(f"set search_path = {schema}")
            con.execute(
                f"create function act() returns trigger language plpgsql as 'begin {act.replace(chr(39), chr(39) * 2)}; return null; end'"
            )
            con.execute("create trigger act before insert on alert execute function act()")
        with pytest.raises(kind, match=sentence) as caught:
            store.apply([a_change(1, an_alert(77))], {("topic", 0): 2})
        assert "P77" not in str(caught.value)
        assert caught.value.__cause__ is None
        with server.connect() as con:
            con.execute(f"set search_path = {schema}")
            con.execute("drop trigger act on alert")
        assert store.positions("topic") == {0: 1}
        assert store.apply([a_change(1, an_alert(77))]).added == 1


@pytest.mark.parametrize(
    ("change", "kind", "sentence"),
    [
        (lambda url: url.replace("/postgres?", "/nowhere?"), StoreError, "is no database of that server"),
        (lambda url: url.replace("//", "//nobody-there:secret", 1).replace("secretpostgres", "secret"), StoreError, "does not let this user in"),
        (lambda url: url.replace("host=", "host=/nowhere"), StoreAway, "cannot be reached"),
    ],
)  # fmt: skip
def test_a_server_that_does_not_let_in_is_said(
    server: postgres.Server, change: Callable[[str], str], kind: type[StoreError], sentence: str
) -> None:
    with pytest.raises(kind, match=sentence) as caught:
        AlertStore(change(server.url()))
    assert "secret" not in str(caught.value)


def test_two_writers_at_once_take_turns(new_url: Callable[[], str]) -> None:
    import threading

    url, told = new_url(), [a_change(1, an_alert(n), facts=[a_fact(f"m{n % 7}")]) for n in range(300)]
    AlertStore(url).close()
    trouble: list[BaseException] = []

    def write(changes: list[Any]) -> None:
        try:
            with AlertStore(url) as store:
                for begin in range(0, len(changes), 20):
                    store.apply(changes[begin : begin + 20])
        except BaseException as error:
            trouble.append(error)

    threads = [threading.Thread(target=write, args=(part,)) for part in (told, told[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert trouble == []
    assert state(url) == filled(new_url(), told)


def test_what_was_said_can_not_be_changed_even_by_hand(store: AlertStore) -> None:
    store.apply([a_change(1, facts=[a_fact("m")])])
    store.record_unmasking("an alert", "a complaint")
    for statement in (
        "update revision set reason = 'x'", "delete from revision", "update fact set data = 'x'", "delete from fact",
        "delete from evidence", "update evidence set seq = 2", "update unmasked set reason = 'x'", "delete from unmasked",
    ):  # fmt: skip
        with pytest.raises(StoreError), store._transaction() as con:
            con.exec_driver_sql(statement)
