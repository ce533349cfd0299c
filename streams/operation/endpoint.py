"""`/livez`, `/readyz` and `/metrics` over HTTP, on a thread of their own so that a busy loop cannot keep them from answering."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import AbstractContextManager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from prometheus_client import CollectorRegistry

from streams.errors import Refused
from streams.operation.health import Health, Verdict
from streams.operation.instruments import scraped
from streams.operation.settings import Http

PATHS = {
    "/livez": "200 while the loop turns and what waits moves, else 503",
    "/readyz": "200 once partitions are assigned, state is recovered, rules are loaded and no brake is on, else 503",
    "/metrics": "the metrics, as Prometheus scrapes them",
}


class Endpoint(AbstractContextManager["Endpoint"]):
    """The server. Use it as a context; `address` is where it answers."""

    def __init__(self, http: Http, health: Health, registry: CollectorRegistry) -> None:
        self._http = http
        self._handler = _handler(health, registry)
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def address(self) -> str:
        """`http://127.0.0.1:9610`."""
        assert self._server is not None, "not begun"
        host, port = self._server.server_address[:2]
        name = host.decode() if isinstance(host, bytes | bytearray) else str(host)
        return f"http://{f'[{name}]' if ':' in name else name}:{port}"

    def __enter__(self) -> Self:
        try:
            self._server = _server_for(self._http.host)((self._http.host, self._http.port), self._handler)
        except OSError as error:
            raise Refused(
                f"http.host {self._http.host}, http.port {self._http.port}: cannot listen there "
                f"({error.strerror or 'no such host'}); give each service of a machine a port of its own."
            ) from None
        self._thread = threading.Thread(target=self._server.serve_forever, name="endpoint", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None, "not begun"
        assert self._thread is not None, "not begun"
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: object) -> None:
        """A client that goes away in mid-answer is no news."""


def _server_for(host: str) -> type[ThreadingHTTPServer]:
    if ":" not in host:
        return _Server
    return type("_Server6", (_Server,), {"address_family": socket.AF_INET6})


def _handler(health: Health, registry: CollectorRegistry) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        server_version = "fundwatch"
        sys_version = ""
        timeout = 10
        """Seconds that a client may take to ask."""

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/livez":
                self._verdict(health.live())
            elif path == "/readyz":
                self._verdict(health.ready())
            elif path == "/metrics":
                body, content_type = scraped(registry, self.headers.get("Accept", ""))
                self._answer(HTTPStatus.OK, body, content_type)
            else:
                self._json(HTTPStatus.NOT_FOUND, {"reason": f"there is {', '.join(PATHS)}"})

        do_HEAD = do_GET  # noqa: N815

        def _verdict(self, verdict: Verdict) -> None:
            status = HTTPStatus.OK if verdict.good else HTTPStatus.SERVICE_UNAVAILABLE
            self._json(status, {"ok": verdict.good, "reason": f"{verdict.reason}."})

        def _json(self, status: HTTPStatus, answer: dict[str, object]) -> None:
            self._answer(status, json.dumps(answer).encode() + b"\n", "application/json")

        def _answer(self, status: HTTPStatus, body: bytes, content_type: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Who asks how often is nobody's news."""

    return Handler
