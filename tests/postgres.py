"""A PostgreSQL of the tests' own: in a temporary folder, on a socket there, stopped by its process id."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

MISSING = "PostgreSQL's server is not installed: as root, `make test` installs it; else `apt-get install postgresql`."

#: Seconds that a server may take to start or stop.
PATIENCE = 60.0

#: For a server that lives for minutes: nothing need survive a power cut.
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "40",
    "shared_buffers": "32MB",
    "log_min_messages": "fatal",
}


def binaries() -> Path | None:
    """The folder with `initdb` and `postgres`, the newest version there is."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    if found:
        return max(found, key=lambda folder: float(folder.parent.name))
    on_path = shutil.which("postgres")
    return Path(on_path).resolve().parent if on_path else None


@dataclass
class Server:
    """A running server; a database of it that nobody else uses is had with `url()`."""

    folder: Path
    user: str
    bin: Path
    process: subprocess.Popen[bytes] | None = None
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def url(self) -> str:
        """The URL of an empty schema."""
        schema = f"t{next(self._numbers)}"
        with self.connect() as con:
            con.execute(f'create schema "{schema}"')
        return f"{self._at()}&options={quote(f'-csearch_path={schema}')}"

    def connect(self) -> psycopg.Connection:
        """A connection of the tests themselves."""
        return psycopg.connect(self._at(), autocommit=True)

    def _at(self) -> str:
        return f"postgresql://{self.user}@/postgres?host={quote(str(self.folder))}"

    def start(self) -> None:
        """Start, and wait until it answers."""
        options = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.bin / "postgres", "-D", self.folder / "data", "-k", self.folder, *options],
                stdout=subprocess.DEVNULL,
                stderr=log,
                **_as(self.user),
            )
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                self.connect().close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError((self.folder / "log").read_text(errors="replace"))

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop, ending whoever is connected; SIGQUIT: at once, as in a crash."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(PATIENCE)
            self.process = None


def _as(user: str) -> dict[str, Any]:
    """A server will not run as root: then it runs as another."""
    if os.getuid() != 0:
        return {}
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": [], "cwd": "/"}


def _user() -> str:
    if os.getuid() != 0:
        return pwd.getpwuid(os.getuid()).pw_name
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


@contextmanager
def running() -> Iterator[Server]:
    """A server for as long as the block lasts."""
    where = binaries()
    if where is None:
        pytest.fail(MISSING, pytrace=False)
    user = _user()
    # Not under pytest's folders: those are closed to other users.
    with tempfile.TemporaryDirectory(prefix="fundwatch-pg-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if os.getuid() == 0:
            entry = pwd.getpwnam(user)
            os.chown(folder, entry.pw_uid, entry.pw_gid)
        server = Server(folder, user, where)
        subprocess.run(
            [where / "initdb", "-D", folder / "data", "-U", user, "-A", "trust", "-E", "UTF8", "--no-sync"],
            check=True,
            capture_output=True,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            **_as(user),
        )
        server.start()
        try:
            yield server
        finally:
            server.stop()
