"""What one setting alone cannot be wrong about: settings that contradict each other, files that are not there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping

from streams.operation import declared
from streams.operation.settings import Kafka, Settings
from streams.secrets import SHORTEST_KEY

PROTOCOLS = ("SSL", "SASL_SSL", "SASL_PLAINTEXT")
TLS = ("ssl_ca", "ssl_certificate", "ssl_key")

#: Options of the client libraries that our own settings decide.
DECIDED: Mapping[str, str] = {
    "bootstrap_servers": "kafka.bootstrap",
    "security_protocol": "kafka.security_protocol",
    "ssl_context": "kafka.ssl_ca",
    "ssl_cafile": "kafka.ssl_ca",
    "ssl_certfile": "kafka.ssl_certificate",
    "ssl_keyfile": "kafka.ssl_key",
    "sasl_mechanism": "kafka.sasl_mechanism",
    "sasl_plain_username": "kafka.user",
    "sasl_plain_password": "kafka.password_file",
    "session_timeout_ms": "worker.session_timeout_seconds",
}

#: Options on which rests that nothing is lost or said twice.
GUARANTEES = frozenset(
    {
        "acks",
        "auto_offset_reset",
        "enable_auto_commit",
        "enable_idempotence",
        "group_id",
        "isolation_level",
        "key_deserializer",
        "key_serializer",
        "transactional_id",
        "value_deserializer",
        "value_serializer",
    }
)


def compared(settings: Settings, origins: Mapping[str, str], wrong: frozenset[str]) -> Iterator[str]:
    """A sentence for every contradiction and everything that is not there.

    `origins`: as of `reading.Read`. `wrong`: keys that were given and could not be used; they are not missing.
    """

    def at(key: str) -> str:
        origin = origins[key]
        return key if origin == "default" else f"{origin}: {key}"

    yield from _kafka(settings.kafka, at, wrong)
    yield from _places(settings, at)
    yield from _secrets(settings, at)


def _kafka(kafka: Kafka, at: Callable[[str], str], wrong: frozenset[str]) -> Iterator[str]:
    def given(name: str) -> bool:
        return getattr(kafka, name) is not None or f"kafka.{name}" in wrong

    protocol = kafka.security_protocol
    sure = "kafka.security_protocol" not in wrong
    if sure and protocol.startswith("SASL"):
        needed = {"sasl_mechanism": given("sasl_mechanism"), "user": given("user")}
        needed["password_file"] = given("password") or given("password_file")
        for name, there in needed.items():
            if not there:
                yield f"{at('kafka.security_protocol')} is {protocol} and needs kafka.{name}; it is not set."
    for needs, names in (("SASL", ("sasl_mechanism", "user", "password", "password_file")), ("SSL", TLS)):
        fitting = [one for one in PROTOCOLS if needs in one]
        for name in names:
            if sure and needs not in protocol and getattr(kafka, name) is not None:
                yield (
                    f"{at(f'kafka.{name}')} is set, but kafka.security_protocol is {protocol}; "
                    f"allowed is {' or '.join(fitting)}, or to leave it out."
                )
    if kafka.password is not None and kafka.password_file is not None:
        yield f"{at('kafka.password')} and kafka.password_file are both set; keep one."
    for one, other in (("ssl_certificate", "ssl_key"), ("ssl_key", "ssl_certificate")):
        if given(one) and not given(other):
            yield f"{at(f'kafka.{one}')} is set without kafka.{other}; set both or neither."
    for broker in kafka.bootstrap.split(","):
        if not 0 < int(broker.rpartition(":")[2]) < 65536:
            yield f"{at('kafka.bootstrap')} names the port {broker.rpartition(':')[2]}; allowed is 1 to 65535."
    for name in kafka.options:
        if name in DECIDED:
            yield f"{at('kafka.options')} holds {name}; set {DECIDED[name]} in its place."
        elif name in GUARANTEES:
            yield f"{at('kafka.options')} holds {name}, on which the guarantees rest; leave it out."


def _places(settings: Settings, at: Callable[[str], str]) -> Iterator[str]:
    for setting in declared.settings():
        value = getattr(getattr(settings, setting.section), setting.name)
        if setting.place is None or value is None:
            continue
        where = at(setting.key)
        if setting.place == "file":
            if not value.is_file():
                yield f"{where} is {value}, which is no file; allowed is {setting.allowed} that is there."
            elif not os.access(value, os.R_OK):
                yield f"{where} is {value}, which may not be read; let this user read it."
        elif value.exists() and not value.is_dir():
            yield f"{where} is {value}, which is no folder; allowed is {setting.allowed}."
        elif setting.place == "folder!" and not value.exists():
            yield f"{where} is {value}, which is not there; allowed is {setting.allowed} that is there."


def _secrets(settings: Settings, at: Callable[[str], str]) -> Iterator[str]:
    """Secrets that cannot be: what cannot be read was said before."""
    for key, file, least in (
        ("key.file", settings.key.file, SHORTEST_KEY),
        ("kafka.password_file", settings.kafka.password_file, 1),
    ):
        if file is not None and file.is_file() and os.access(file, os.R_OK):
            length = len(file.read_bytes().strip())
            if length < least:
                yield f"{at(key)} is {file}, which holds {length} bytes; allowed is a file with {least} or more."
