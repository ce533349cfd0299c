"""How a broker is reached: one frozen description, and what the client libraries want to be told of it."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from streams.errors import Refused
from streams.kafka import options
from streams.kafka.options import Option
from streams.kafka.topics import LONGEST_RECORD
from streams.operation import settings as operation

PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")

#: What a setting means; the keys are those that `Connection.of` takes.
SETTINGS: Mapping[str, str] = {
    "bootstrap": "brokers to ask first, as `host:port`, several with commas between them",
    "client_id": "the name under which the broker logs and limits us",
    "security_protocol": "`PLAINTEXT`, `SSL` (TLS), `SASL_PLAINTEXT` or `SASL_SSL` (log-in, without or over TLS)",
    "ssl_ca": "file of the certificates that are trusted (PEM); without it the system's",
    "ssl_certificate": "file of our own certificate (PEM), where the broker asks for one",
    "ssl_key": "file of its key (PEM, not encrypted)",
    "ssl_check_hostname": "`true` or `false`: whether the broker's certificate must name its host",
    "sasl_mechanism": "`PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`",
    "user": "who logs in",
    "password": "the password; better a file",
    "password_file": "file that holds the password; white space at both ends is left off",
}

_BROKER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})")


@dataclass(frozen=True, kw_only=True)
class Connection:
    """How a broker is reached.

    >>> Connection.of({"bootstrap": "kafka-1:9092,kafka-2:9092"}).faust()["broker"]
    'kafka://kafka-1:9092;kafka://kafka-2:9092'

    `options` are further options by the names of kafka-python (`request_timeout_ms`) or Faust (`broker_session_timeout`);
    each client takes those that it knows. They go before ours, and after what a caller says.
    """

    bootstrap: tuple[str, ...] = ("127.0.0.1:9092",)
    client_id: str = "fundwatch"
    security_protocol: str = "PLAINTEXT"
    ssl_ca: Path | None = None
    ssl_certificate: Path | None = None
    ssl_key: Path | None = None
    ssl_check_hostname: bool = True
    sasl_mechanism: str | None = None
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    options: Mapping[str, Option] = field(default_factory=dict, repr=False)

    @staticmethod
    def of(values: Mapping[str, str], further: Mapping[str, Option] | None = None) -> Connection:
        """The connection that plain values describe; `further`: options of the client libraries.

        An empty value is as if it were not there. Raises Refused with one sentence for each mistake.
        """
        given = {name: value for name, value in values.items() if value != ""}
        wrong = [
            f"{name} is no setting of the connection; there are {', '.join(SETTINGS)}."
            for name in given
            if name not in SETTINGS
        ]
        made = _read(given, wrong)
        made["options"] = options.checked(further or {}, wrong)
        if wrong:
            raise Refused("\n".join(wrong))
        connection = Connection(**made)
        connection._context()  # the files are read once now, so that a bad one is told of at the start
        return connection

    def producer(self, **more: Any) -> dict[str, Any]:
        """For `KafkaProducer(**…)`: as long messages as our topics take, and acknowledged by all replicas."""
        ours: dict[str, Any] = {"max_request_size": LONGEST_RECORD, "acks": "all"}
        if "transactional_id" in more:
            # A transaction begun just after another is told to try again: 88 ms each by default, 10 ms so.
            ours["retry_backoff_ms"] = 20
            # A request that a broker lost when it went down is waited for so long, two minutes by default; what was
            # said is then learnt anew, and who is told to end meanwhile ends in time.
            ours |= {"request_timeout_ms": 10_000, "delivery_timeout_ms": 30_000}
            # Until one that died is timed out, readers do not see what others say after it.
            ours["transaction_timeout_ms"] = 30_000
        return self._client("producer", ours, more)

    def consumer(self, **more: Any) -> dict[str, Any]:
        """For `KafkaConsumer(**…)`: nothing is committed unless we do, and a new group begins at the beginning."""
        ours = {
            "max_partition_fetch_bytes": LONGEST_RECORD,
            "enable_auto_commit": False,
            "auto_offset_reset": "earliest",
        }
        return self._client("consumer", ours, more)

    def admin(self, **more: Any) -> dict[str, Any]:
        """For `KafkaAdminClient(**…)`."""
        return self._client("admin", {}, more)

    def faust(self, **more: Any) -> dict[str, Any]:
        """For `faust.App(id, **…)`: brokers, credentials, and room for as long messages as our topics take."""
        ours: dict[str, Any] = {
            "broker": ";".join(f"kafka://{each}" for each in self.bootstrap),
            "broker_client_id": self.client_id,
            "consumer_max_fetch_size": LONGEST_RECORD,
            "producer_max_request_size": LONGEST_RECORD,
        }
        if credentials := self._credentials():
            ours["broker_credentials"] = credentials
        return {**ours, **options.known_to("faust", self.options), **more}

    def _client(self, which: str, ours: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = {
            "bootstrap_servers": list(self.bootstrap),
            "client_id": self.client_id,
            "security_protocol": self.security_protocol,
        }
        if context := self._context():
            made["ssl_context"] = context
        if self.sasl_mechanism:
            made["sasl_mechanism"] = self.sasl_mechanism
            made["sasl_plain_username"] = self.user
            made["sasl_plain_password"] = self.password
        return {**made, **ours, **options.known_to(which, self.options), **more}

    def _context(self) -> ssl.SSLContext | None:
        """TLS as both libraries are to speak it."""
        if not self.security_protocol.endswith("SSL"):
            return None
        try:
            context = ssl.create_default_context(cafile=self.ssl_ca)
        except (OSError, ssl.SSLError) as error:
            raise Refused(
                f"ssl_ca is {self.ssl_ca}, which holds no certificates in PEM ({_why(error)})."
            ) from error
        context.check_hostname = self.ssl_check_hostname
        if self.ssl_certificate:
            try:
                context.load_cert_chain(self.ssl_certificate, self.ssl_key, password=_encrypted)
            except (OSError, ssl.SSLError, ValueError) as error:
                raise Refused(
                    f"ssl_certificate {self.ssl_certificate} and ssl_key {self.ssl_key} are no certificate and its "
                    f"unencrypted key in PEM ({_why(error)})."
                ) from error
        return context

    def _credentials(self) -> Any:
        from faust import SASLCredentials, SSLCredentials

        context = self._context()
        if self.sasl_mechanism:
            return SASLCredentials(
                username=self.user, password=self.password, ssl_context=context, mechanism=self.sasl_mechanism
            )
        return SSLCredentials(context) if context else None


def connection_of(settings: operation.Settings) -> Connection:
    """How the settings say that the broker is reached."""
    kafka = settings.kafka
    values = {
        "bootstrap": kafka.bootstrap,
        "security_protocol": kafka.security_protocol,
        "ssl_ca": str(kafka.ssl_ca or ""),
        "ssl_certificate": str(kafka.ssl_certificate or ""),
        "ssl_key": str(kafka.ssl_key or ""),
        "sasl_mechanism": kafka.sasl_mechanism or "",
        "user": kafka.user or "",
        "password": settings.kafka_password() or "",
    }
    return Connection.of(values, kafka.options)


def _read(given: Mapping[str, str], wrong: list[str]) -> dict[str, Any]:
    """The fields of a connection, but for the options. A sentence for each mistake goes to `wrong`."""
    names = {each.name for each in fields(Connection)} & SETTINGS.keys()
    made: dict[str, Any] = {name: value for name, value in given.items() if name in names}
    if "bootstrap" in made:
        made["bootstrap"] = tuple(_broker(each.strip(), wrong) for each in made["bootstrap"].split(","))
    protocol = given.get("security_protocol", PROTOCOLS[0])
    for name, allowed in (("security_protocol", PROTOCOLS), ("sasl_mechanism", MECHANISMS)):
        if name in given and given[name] not in allowed:
            wrong.append(f"{name} is {given[name]}; write {', '.join(allowed[:-1])} or {allowed[-1]}.")
            return made
    if "ssl_check_hostname" in given:
        if given["ssl_check_hostname"].lower() not in ("true", "false"):
            wrong.append(f"ssl_check_hostname is {given['ssl_check_hostname']}; write true or false.")
        made["ssl_check_hostname"] = given["ssl_check_hostname"].lower() != "false"
    for name in ("ssl_ca", "ssl_certificate", "ssl_key"):
        if name in given:
            made[name] = Path(given[name])
            if not made[name].is_file():
                wrong.append(f"{name} is {given[name]}, which is no file; name one that is there.")
    _password(given, made, wrong)
    wrong += _contradictions(given, protocol)
    return made


def _broker(text: str, wrong: list[str]) -> str:
    found = _BROKER.fullmatch(text)
    if found is None or not 0 < int(found[2]) < 65536:
        wrong.append(f"bootstrap names {text!r}; write host:port, several with commas between them.")
    return text


def _password(given: Mapping[str, str], made: dict[str, Any], wrong: list[str]) -> None:
    if "password_file" not in given:
        return
    if "password" in given:
        wrong.append("password and password_file are both set; keep one.")
        return
    try:
        made["password"] = Path(given["password_file"]).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        wrong.append(f"password_file is {given['password_file']}, which cannot be read ({_why(error)}).")
        return
    if not made["password"]:
        wrong.append(f"password_file is {given['password_file']}, which holds no password.")


def _contradictions(given: Mapping[str, str], protocol: str) -> list[str]:
    wrong = []
    has_password = "password" in given or "password_file" in given
    if protocol.startswith("SASL"):
        there = {
            "sasl_mechanism": "sasl_mechanism" in given,
            "user": "user" in given,
            "password_file": has_password,
        }
        wrong += [
            f"security_protocol is {protocol} and needs {name}; set it."
            for name, is_there in there.items()
            if not is_there
        ]
    for begins, names in (
        ("SASL", ("sasl_mechanism", "user", "password", "password_file")),
        ("SSL", ("ssl_ca", "ssl_certificate", "ssl_key", "ssl_check_hostname")),
    ):
        if begins not in protocol:
            wanted = " or ".join(one for one in PROTOCOLS if begins in one)
            wrong += [
                f"{name} is set, but security_protocol is {protocol}; set that to {wanted}, or leave it out."
                for name in names
                if name in given
            ]
    if ("ssl_certificate" in given) != ("ssl_key" in given):
        wrong.append("ssl_certificate and ssl_key go together; set both or neither.")
    return wrong


def _encrypted() -> bytes:
    raise ValueError("the key is encrypted")


def _why(error: Exception) -> str:
    return getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
