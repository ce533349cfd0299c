"""Further options of the client libraries, by their own names: which there are, and which are not for a site to set."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

Option = str | bool | int | float
"""As a file of settings has them; text is turned into what the option's default is."""

#: Option → the setting of ours that says it.
DECIDED: Mapping[str, str] = {
    "bootstrap_servers": "bootstrap",
    "broker": "bootstrap",
    "broker_consumer": "bootstrap",
    "broker_producer": "bootstrap",
    "broker_client_id": "client_id",
    "broker_credentials": "security_protocol",
    "client_id": "client_id",
    "security_protocol": "security_protocol",
    "ssl_cafile": "ssl_ca",
    "ssl_certfile": "ssl_certificate",
    "ssl_check_hostname": "ssl_check_hostname",
    "ssl_keyfile": "ssl_key",
    "sasl_mechanism": "sasl_mechanism",
    "sasl_plain_username": "user",
    "sasl_plain_password": "password_file",
}

#: On these rests that nothing is lost or said twice.
GUARANTEES = frozenset(
    {
        "acks",
        "auto_offset_reset",
        "consumer_auto_offset_reset",
        "delivery_timeout_ms",
        "enable_auto_commit",
        "enable_idempotence",
        "group_id",
        "isolation_level",
        "producer_acks",
        "retries",
        "transactional_id",
    }
)

#: Without a default that shows their type.
_NUMBERS = frozenset(
    {"receive_buffer_bytes", "send_buffer_bytes", "broker_max_poll_records", "producer_linger"}
)
_TEXTS = frozenset({"client_rack", "compression_type", "group_instance_id", "proxy_url", "socks5_proxy",
                    "producer_compression_type", "consumer_group_instance_id"})  # fmt: skip


def checked(further: Mapping[str, Option], wrong: list[str]) -> dict[str, Option]:
    """The options in their types. A sentence for each that cannot be set goes to `wrong`."""
    made: dict[str, Option] = {}
    for name, value in further.items():
        if name in DECIDED:
            wrong.append(f"The option {name} is said by the setting {DECIDED[name]}; set that.")
        elif name in GUARANTEES:
            wrong.append(
                f"The option {name} is not for a site to set: on it rests that nothing is lost; leave it out."
            )
        elif (default := _default(name)) is None:
            wrong.append(
                f"The option {name} is none that kafka-python or Faust knows as a text, number or flag; leave it out."
            )
        else:
            try:
                made[name] = _as(type(default), value)
            except ValueError:
                meant = {bool: "true or false", int: "a whole number", float: "a number"}[type(default)]
                wrong.append(f"The option {name} is {value}; write {meant}.")
    return made


def known_to(which: str, chosen: Mapping[str, Option]) -> dict[str, Option]:
    """Those of the options that a client (`producer`, `consumer`, `admin`, `faust`) has."""
    return {name: value for name, value in chosen.items() if name in _defaults(which)}


def _default(name: str) -> Option | None:
    """A value of the option's type; None where there is no such option, or its values cannot be written down."""
    for which in ("producer", "consumer", "admin", "faust"):
        if name in _defaults(which):
            default = _defaults(which)[name]
            if default is None:
                return 0 if name in _NUMBERS else "" if name in _TEXTS else None
            return default if isinstance(default, str | bool | int | float) else None
    return None


@cache
def _defaults(which: str) -> Mapping[str, Any]:
    if which == "faust":
        from faust.types.settings import Settings

        return {
            name: param.default
            for name, param in Settings.SETTINGS.items()
            if name.startswith(("broker_", "consumer_", "producer_"))
        }
    from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer

    clients = {"producer": KafkaProducer, "consumer": KafkaConsumer, "admin": KafkaAdminClient}
    defaults: Mapping[str, Any] = clients[which].DEFAULT_CONFIG
    return defaults


def _as(kind: type[Any], value: Option) -> Option:
    """The value in a type. Raises ValueError where it is none of it."""
    text = str(value).strip()
    if kind is bool:
        if text.lower() not in ("true", "false"):
            raise ValueError(text)
        return text.lower() == "true"
    return text if kind is str else int(text) if kind is int else float(text)
