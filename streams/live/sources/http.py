"""`POST /events`: messages over HTTP on this machine, acknowledged once they are on the disk."""

from __future__ import annotations

import hmac
import json
import os
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from types import TracebackType
from typing import Self

from streams.errors import Refused
from streams.live.journal import Journal, Mark, Piece

PATH = "/events"

#: What the messages' source is called in rejects; lines are counted over all requests.
SOURCE = "http"

#: The name of its mark in the journal; no file has an empty one.
MARK = ""

SHORTEST_TOKEN = 16
"""Bytes."""

#: Bytes of a refused body that are read and thrown away, so that the client gets to read why.
_THROWN_AWAY = 64 << 20

#: What each status means: documented, and given as JSON: {"reason": …}.
ANSWERS = {
    202: "the messages are on the disk; `accepted` says how many",
    400: "nothing is in the body, or not as much as its length says",
    401: "no token, or a wrong one",
    404: "another path than `/events`",
    405: "another method than POST",
    411: "no `Content-Length`, or a body in chunks",
    413: "the body is longer than `up.max_body_bytes`",
    415: "the body is compressed",
    503: "it drains, the judge is too far behind (`up.most_waiting_bytes`), or the disk is full: send it again later",
}


def token_of(file: Path, *, make: bool) -> bytes:
    """The token in a file, white space at both ends left off. `make`: where there is no file, one with a random token is
    made that only this user may read. Raises `Refused`."""
    if make and not file.exists():
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as made:
            made.write(secrets.token_urlsafe(32) + "\n")
    try:
        token = file.read_bytes().strip()
    except OSError as error:
        raise Refused(f"The token file {file} cannot be read: {error.strerror}.") from None
    if len(token) < SHORTEST_TOKEN:
        raise Refused(
            f"The token in {file} has {len(token)} bytes; use {SHORTEST_TOKEN} random ones or more."
        )
    return token


class EventsServer(AbstractContextManager["EventsServer"]):
    """The server. Use it as a context; `port` is where it answers."""

    def __init__(
        self,
        host: str,
        port: int,
        token: bytes,
        journal: Journal,
        *,
        max_body_bytes: int,
        refuse: Callable[[], str | None] = lambda: None,
        on_failure: Callable[[BaseException], None] = lambda _: None,
    ) -> None:
        """`refuse`: a reason why nothing is taken now. `on_failure`: told what kept messages from being stored."""
        self._journal = journal
        self._refuse = refuse
        self._on_failure = on_failure
        self._lock = Lock()
        self._mark = journal.marks().get(MARK, Mark(MARK))
        try:
            self._server = _Server((host, port), _handler(self, token, max_body_bytes))
        except OSError as error:
            raise Refused(
                f"--http {host}:{port}: cannot listen there ({error.strerror or 'no such host'}); give another port."
            ) from None
        self._thread = Thread(target=self._server.serve_forever, name="events", daemon=True)

    @property
    def port(self) -> int:
        """The port."""
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def take(self, body: bytes) -> tuple[HTTPStatus, dict[str, object]]:
        """Store the messages of a body."""
        reason = self._refuse()
        if reason is not None:
            return HTTPStatus.SERVICE_UNAVAILABLE, {"reason": reason}
        lines = body.removesuffix(b"\n")
        if not lines.strip():
            return HTTPStatus.BAD_REQUEST, {"reason": "nothing is in the body; send one JSON object a line."}
        with self._lock:
            mark = self._mark
            count = lines.count(b"\n") + 1
            piece = Piece(SOURCE, mark.line, mark.byte_offset, lines)
            mark = Mark(MARK, byte_offset=mark.byte_offset + len(lines) + 1, line=mark.line + count)
            try:
                self._journal.add([piece], [mark])
            except Exception as error:
                self._on_failure(error)
                return HTTPStatus.SERVICE_UNAVAILABLE, {
                    "reason": "the messages could not be stored; send them again later."
                }
            self._mark = mark
        return HTTPStatus.ACCEPTED, {"accepted": count}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: object) -> None:
        """A client that goes away in mid-request is no news."""


def _handler(events: EventsServer, token: bytes, max_body_bytes: int) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version = "fundwatch"
        sys_version = ""
        timeout = 30
        """Seconds that a client may be silent."""

        def do_POST(self) -> None:
            refusal = self._refusal()
            if refusal is not None:
                self._refuse(*refusal)
                return
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length)
            if len(body) < length:
                self._refuse(HTTPStatus.BAD_REQUEST, "the body is shorter than its length says.")
                return
            status, answer = events.take(body)
            self._answer(status, answer)

        def _refusal(self) -> tuple[HTTPStatus, str] | None:
            """Why a request is refused before its body is read."""
            if self.path.partition("?")[0] != PATH:
                return HTTPStatus.NOT_FOUND, f"there is only {PATH}."
            scheme, _, given = self.headers.get("Authorization", "").partition(" ")
            right = hmac.compare_digest(given.strip().encode("latin-1", "replace"), token)
            if scheme.lower() != "bearer" or not right:
                return HTTPStatus.UNAUTHORIZED, "send the token of this fundwatch: Authorization: Bearer …"
            length = self.headers.get("Content-Length", "")
            if not length.isdecimal() or "Transfer-Encoding" in self.headers:
                return HTTPStatus.LENGTH_REQUIRED, "say the length of the body: Content-Length."
            if int(length) > max_body_bytes:
                return (
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                    f"the body has {length} bytes; send at most {max_body_bytes} at once.",
                )
            if self.headers.get("Content-Encoding", "identity") != "identity":
                return HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send the body as it is, not compressed."
            return None

        def _other(self) -> None:
            self._refuse(HTTPStatus.METHOD_NOT_ALLOWED, f"send messages with POST {PATH}.")

        do_GET = do_PUT = do_DELETE = do_PATCH = do_HEAD = _other  # noqa: N815

        def _refuse(self, status: HTTPStatus, reason: str) -> None:
            self.close_connection = True
            length = self.headers.get("Content-Length", "")
            left = min(int(length), _THROWN_AWAY) if length.isdecimal() else 0
            self._answer(status, {"reason": reason})
            while left > 0 and (some := self.rfile.read(min(left, 1 << 16))):
                left -= len(some)

        def _answer(self, status: HTTPStatus, answer: dict[str, object]) -> None:
            body = json.dumps(answer).encode() + b"\n"
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            if status is HTTPStatus.UNAUTHORIZED:
                self.send_header("WWW-Authenticate", "Bearer")
            if status is HTTPStatus.SERVICE_UNAVAILABLE:
                self.send_header("Retry-After", "5")
            if self.close_connection:
                self.send_header("Connection", "close")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)
                self.wfile.flush()

        def log_message(self, *_: object) -> None:
            """Who sends how often is nobody's news."""

    return Handler
