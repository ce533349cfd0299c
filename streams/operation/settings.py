"""The settings of the live services: sections, names, defaults, bounds. `reading` fills them, `checks` compares them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from msgspec import Meta, Struct, field

#: Values that client libraries take as options.
Option = str | bool | int | float

_HOST = r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)"
_BROKER = rf"{_HOST}:\d{{1,5}}"
_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$"
_NAME_SAYS = "letters, digits, '.', '_' and '-', at most 200"

Text = Annotated[str, Meta(min_length=1)]


def _says(description: str, **extra: Any) -> Meta:
    """What the page says of a setting; `extra`: `allowed` (in words), `secret`, `place` (must be there as this)."""
    return Meta(description=description, extra=extra or None)


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings that belong together. Never printed by accident: passwords are among them."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return []


class Kafka(Section, frozen=True, kw_only=True):
    """How to reach the broker."""

    bootstrap: Annotated[
        str,
        Meta(
            pattern=rf"^{_BROKER}(,{_BROKER})*$",
            description="brokers to ask first",
            extra={"allowed": "host:port, several with commas between them"},
        ),
    ] = "127.0.0.1:9092"
    security_protocol: Annotated[
        Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"], _says("TLS (`SSL`) and log-in (`SASL`)")
    ] = "PLAINTEXT"
    ssl_ca: Annotated[
        Path | None, _says("certificates that are trusted (PEM); without, the system's", place="file")
    ] = None
    ssl_certificate: Annotated[Path | None, _says("own certificate (PEM)", place="file")] = None
    ssl_key: Annotated[Path | None, _says("key of the own certificate (PEM)", place="file")] = None
    sasl_mechanism: Annotated[
        Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None, _says("how to log in")
    ] = None
    user: Annotated[Text | None, _says("who logs in")] = None
    password: Annotated[Text | None, _says("its password; better a `password_file`", secret=True)] = None
    password_file: Annotated[
        Path | None, _says("file that holds the password; white space at both ends is left off", place="file")
    ] = None
    options: Annotated[
        dict[str, Option],
        _says(
            "further options of the client library, by their names there; none that another setting sets or "
            "that the guarantees rest on",
            allowed="a mapping of option names to values; in the environment a JSON object",
        ),
    ] = field(default_factory=dict)
    topic_prefix: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9._-]{0,100}$",
            description="put before every topic's name, for several installations on one broker",
            extra={"allowed": "letters, digits, '.', '_' and '-', at most 100"},
        ),
    ] = ""


class Worker(Section, frozen=True, kw_only=True):
    """Judges persons and visits as messages come."""

    group: Annotated[
        str,
        Meta(
            pattern=_NAME,
            description="consumer group; its workers share the work",
            extra={"allowed": _NAME_SAYS},
        ),
    ] = "fundwatch-worker"
    partitions: Annotated[
        int, Meta(ge=1, le=1024, description="partitions by person: at most so many workers at once")
    ] = 8
    state: Annotated[
        Path, _says("folder of the persons' histories and of what was said of them", place="folder")
    ] = Path("state")
    lake: Annotated[Path, _says("folder of the lake, from which histories are rebuilt", place="folder")] = (
        Path("lake")
    )
    batch_max_events: Annotated[int, Meta(ge=1, le=100_000, description="most messages judged at once")] = (
        8000
    )
    batch_max_wait_seconds: Annotated[
        float,
        Meta(ge=0.01, le=60, description="longest wait for a batch to fill while the worker's judge is busy"),
    ] = 1.0
    lateness_hours: Annotated[
        float, Meta(ge=0, le=168, description="how late messages may be before the watermark passes them")
    ] = 2.0
    corrections_days: Annotated[
        int,
        Meta(
            ge=0, le=1100, description="how late a fact may come and still be judged without asking the lake"
        ),
    ] = 90
    session_timeout_seconds: Annotated[
        int, Meta(ge=6, le=300, description="silence after which a worker's partitions go to others")
    ] = 10
    brake: Annotated[
        int,
        Meta(ge=1, le=10_000_000, description="a batch that would change more alerts stops, and asks"),
    ] = 1000
    threads: Annotated[int, Meta(ge=1, le=256, description="threads of the engine")] = 1


class Archiver(Section, frozen=True, kw_only=True):
    """Writes the messages into the lake."""

    group: Annotated[
        str, Meta(pattern=_NAME, description="consumer group", extra={"allowed": _NAME_SAYS})
    ] = "fundwatch-archiver"
    lake: Annotated[Path, _says("folder of the lake", place="folder")] = Path("lake")
    max_seconds: Annotated[float, Meta(ge=0.1, le=3600, description="a file is closed after this time")] = (
        60.0
    )
    max_bytes: Annotated[
        int, Meta(ge=1 << 16, le=1 << 32, description="a file is closed at this size of messages")
    ] = 64 << 20
    grace_hours: Annotated[
        float, Meta(ge=0, le=24 * 365, description="how long replaced files stay for those who read them")
    ] = 24.0


class Sweeper(Section, frozen=True, kw_only=True):
    """Judges from the lake what is not keyed by person or visit, and repairs at night."""

    lake: Annotated[Path, _says("folder of the lake", place="folder")] = Path("lake")
    state: Annotated[Path, _says("folder of what was said, and of `coverage.jsonl`", place="folder")] = Path(
        "state"
    )
    tick_seconds: Annotated[
        int, Meta(ge=10, le=86_400, description="time from the begin of one sweep to the next")
    ] = 300
    repair_hour: Annotated[
        int, Meta(ge=0, le=23, description="hour of the nightly repair, Asia/Shanghai")
    ] = 3
    memory_mb: Annotated[
        int,
        Meta(
            ge=256, le=1 << 20, description="memory in MB that the engine may take before it spills to disk"
        ),
    ] = 2048
    threads: Annotated[int, Meta(ge=1, le=256, description="threads of the engine")] = 2


class Store(Section, frozen=True, kw_only=True):
    """Where alerts and their revisions are kept."""

    url: Annotated[
        str,
        Meta(
            pattern=r"^(sqlite:///.+|postgres(ql)?://.+)$",
            description="the alert store",
            extra={
                "allowed": "sqlite:///PATH or postgresql://USER@HOST/DATABASE",
                "secret": "url",
            },
        ),
    ] = "sqlite:///alerts.db"
    group: Annotated[
        str,
        Meta(pattern=_NAME, description="consumer group of what fills it", extra={"allowed": _NAME_SAYS}),
    ] = "fundwatch-store"


class Up(Section, frozen=True, kw_only=True):
    """What `fundwatch up` reads and where it keeps all; its options go before these."""

    data: Annotated[Path, _says("folder of all that is kept (`--data`)", place="folder")] = Path("data")

    watch: Annotated[
        Path | None, _says("folder whose logs are read as they grow (`--watch`)", place="folder!")
    ] = None
    host: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9._:-]+$",
            description="address on which `POST /events` answers",
            extra={"allowed": "a host name or an address"},
        ),
    ] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535, description="its port (`--http`); 0: none is opened")] = 0
    token_file: Annotated[
        Path | None,
        _says(
            "file that holds the token of `POST /events`; without, `token` in the data folder, made where it is not there",
            place="file",
        ),
    ] = None
    max_body_bytes: Annotated[
        int, Meta(ge=1 << 16, le=1 << 30, description="longest body of one request")
    ] = 16 << 20
    most_waiting_bytes: Annotated[
        int,
        Meta(
            ge=1 << 20,
            le=1 << 40,
            description="bytes of messages that may wait to be judged before requests are refused",
        ),
    ] = 1 << 30


class Http(Section, frozen=True, kw_only=True):
    """Where `/livez`, `/readyz` and `/metrics` answer."""

    host: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9._:-]+$",
            description="address to listen on; whoever reaches it can read the metrics",
            extra={"allowed": "a host name or an address"},
        ),
    ] = "127.0.0.1"
    port: Annotated[
        int, Meta(ge=0, le=65_535, description="port, one for each service of a machine; 0: any free one")
    ] = 9610


class Rules(Section, frozen=True, kw_only=True):
    """What is judged."""

    folder: Annotated[Path | None, _says("folder of rules; without, the built-in ones", place="folder!")] = (
        None
    )
    params: Annotated[Path | None, _says("file of parameters: rule code, name, value", place="file")] = None
    knowledge: Annotated[
        Path | None, _says("folder of knowledge tables, over the built-in ones", place="folder!")
    ] = None


class Models(Section, frozen=True, kw_only=True):
    """By what the anomaly rules judge; the same for all services of a group."""

    folder: Annotated[
        Path | None,
        _says(
            "folder of models (`fundwatch train`); without, rules that read models do not judge",
            place="folder!",
        ),
    ] = None


class Key(Section, frozen=True, kw_only=True):
    """The site's secret, under which numbers of persons become hashes."""

    file: Annotated[Path | None, _says("file that holds the key, 16 bytes or more", place="file")] = None


class Logging(Section, frozen=True, kw_only=True):
    """What is said on standard error."""

    level: Annotated[
        Literal["debug", "info", "warning", "error"], _says("the least that is worth a line")
    ] = "info"
    format: Annotated[Literal["text", "json"], _says("for people, or one JSON object a line")] = "text"


class Limits(Section, frozen=True, kw_only=True):
    """When a service is taken for sick, and ends so that its supervisor restarts it."""

    rss_mb: Annotated[
        int, Meta(ge=0, le=1 << 20, description="resident memory in MB above which it drains; 0: no limit")
    ] = 4096
    stall_seconds: Annotated[
        int, Meta(ge=10, le=86_400, description="longest time with messages waiting and nothing done")
    ] = 120


class Settings(Section, frozen=True, kw_only=True):
    """All settings of one installation; each service reads the sections that concern it."""

    kafka: Kafka = Kafka()
    worker: Worker = Worker()
    archiver: Archiver = Archiver()
    sweeper: Sweeper = Sweeper()
    store: Store = Store()
    up: Up = Up()
    http: Http = Http()
    rules: Rules = Rules()
    models: Models = Models()
    key: Key = Key()
    logging: Logging = Logging()
    limits: Limits = Limits()

    def kafka_password(self) -> str | None:
        """The password to log in with, from the file where one is named. Raises OSError where it cannot be read."""
        if self.kafka.password_file is not None:
            return self.kafka.password_file.read_text(encoding="utf-8").strip()
        return self.kafka.password


def without_password(url: str) -> str:
    """A store's URL as it may be shown: no password, no parameters."""
    try:
        parts = urlsplit(url)
        user, at, host = parts.netloc.rpartition("@")
        name, colon, _ = user.partition(":")
    except ValueError:
        return "set"
    shown = f"{parts.scheme}://{name}{':set' if colon else ''}{at}{host}{parts.path}"
    return f"{shown}?set" if parts.query else shown
