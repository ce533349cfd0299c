"""`POST /events`: what was acknowledged is on the disk, and what is not taken is refused with one sentence."""

from __future__ import annotations

import http.client
import json
import random
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from streams.errors import Refused
from streams.live.journal import Journal
from streams.live.sources.http import ANSWERS, EventsServer, token_of

TOKEN = b"a token of some length"
MOST = 1 << 16


class Service:
    """A server over a journal, which can be restarted."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "journal.db"
        self.reason: str | None = None
        self.failures: list[BaseException] = []
        self.start()

    def start(self) -> None:
        self.journal = Journal(self.path)
        self._server = EventsServer(
            "127.0.0.1",
            0,
            TOKEN,
            self.journal,
            max_body_bytes=MOST,
            refuse=lambda: self.reason,
            on_failure=self.failures.append,
        )
        self._server.__enter__()

    def stop(self) -> None:
        self._server.__exit__(None, None, None)
        self.journal.close()

    def ask(
        self,
        body: bytes | None,
        *,
        token: str = TOKEN.decode(),
        method: str = "POST",
        path: str = "/events",
        headers: dict[str, str] | None = None,
    ) -> tuple[int, dict[str, object]]:
        with closing(http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=20)) as client:
            client.request(method, path, body, {"Authorization": f"Bearer {token}", **(headers or {})})
            answer = client.getresponse()
            return answer.status, json.loads(answer.read() or b"{}")


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    made = Service(tmp_path)
    yield made
    made.stop()


def refused(answer: tuple[int, dict[str, object]], status: int, words: str) -> None:
    assert answer[0] == status
    assert status in ANSWERS
    sentence = str(answer[1]["reason"])
    assert words in sentence
    assert sentence.endswith((".", "…"))


def test_what_is_accepted_is_on_the_disk(service: Service) -> None:
    assert service.ask(b'{"msgid":"1"}\n{"msgid":"2"}\n') == (202, {"accepted": 2})
    with closing(sqlite3.connect(f"file:{service.path}?mode=ro", uri=True)) as con:
        assert con.execute("select sum(messages) from entry").fetchone() == (2,)
    (entry,) = service.journal.entries(0, 10, 1 << 20)
    assert entry.piece.lines == [b'{"msgid":"1"}', b'{"msgid":"2"}']


def test_lines_are_counted_over_requests_and_restarts(service: Service) -> None:
    service.ask(b"1\n2\n")
    service.stop()
    service.start()
    service.ask(b"3")
    piece = service.journal.entries(0, 10, 1 << 20)[1].piece
    assert (piece.source, piece.line, piece.byte_offset, piece.body) == ("http", 3, 4, b"3")


def test_a_client_may_send_again_on_the_same_connection(service: Service) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", service._server.port, timeout=20)) as client:
        for _ in range(3):
            client.request("POST", "/events", b"1\n", {"Authorization": f"Bearer {TOKEN.decode()}"})
            assert json.loads(client.getresponse().read()) == {"accepted": 1}
    assert service.journal.end == 3


@pytest.mark.parametrize("token", ["", "another token of that length", TOKEN.decode()[:-1], "é"])
def test_without_the_token_nothing_is_taken(service: Service, token: str) -> None:
    refused(service.ask(b"1\n", token=token), 401, "token")
    refused(service.ask(b"1\n", headers={"Authorization": f"Basic {TOKEN.decode()}"}), 401, "Bearer")
    assert service.journal.end == 0


def test_a_body_that_is_too_long_is_refused_before_it_is_read(service: Service) -> None:
    refused(service.ask(b"x" * (MOST + 1)), 413, f"at most {MOST}")
    assert service.ask(b"x" * MOST) == (202, {"accepted": 1})


def test_while_it_drains_or_is_behind_nothing_is_taken(service: Service) -> None:
    service.reason = "fundwatch was asked to end; send it again when it is back."
    refused(service.ask(b"1\n"), 503, "asked to end")
    service.reason = None
    assert service.ask(b"1\n")[0] == 202


def test_what_cannot_be_stored_is_not_acknowledged(service: Service) -> None:
    service.journal._con.execute("pragma max_page_count = 8")
    dice = random.Random(1)
    answers = [service.ask(dice.randbytes(30_000).hex().encode())[0] for _ in range(10)]
    assert answers[-1] == 503
    assert service.failures
    assert service.journal.end == answers.count(202)


def test_other_requests_get_a_sentence(service: Service) -> None:
    refused(service.ask(None, method="GET"), 405, "POST")
    refused(service.ask(b"1", path="/event"), 404, "/events")
    refused(service.ask(b" \n"), 400, "nothing")
    refused(service.ask(b"1", headers={"Content-Encoding": "gzip"}), 415, "compressed")
    refused(service.ask(b"1", headers={"Content-Length": "-1"}), 411, "length")
    refused(service.ask(b"1", headers={"Transfer-Encoding": "chunked"}), 411, "length")


def test_a_port_that_is_taken_is_one_sentence(service: Service) -> None:
    with pytest.raises(Refused, match="give another port"):
        EventsServer("127.0.0.1", service._server.port, TOKEN, service.journal, max_body_bytes=MOST)


def test_a_token_is_made_for_this_user_alone(tmp_path: Path) -> None:
    file = tmp_path / "token"
    made = token_of(file, make=True)
    assert len(made) > 30
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert token_of(file, make=True) == made


def test_a_short_token_is_refused(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("short\n")
    with pytest.raises(Refused, match="16 random"):
        token_of(tmp_path / "token", make=False)
    with pytest.raises(Refused, match="cannot be read"):
        token_of(tmp_path / "none", make=False)
