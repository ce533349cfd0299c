"""What describes a connection, and what each client is told of it."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

import pytest

from streams.errors import Refused
from streams.kafka.settings import Connection
from streams.kafka.topics import LONGEST_RECORD

LOGIN = {
    "security_protocol": "SASL_PLAINTEXT",
    "sasl_mechanism": "SCRAM-SHA-256",
    "user": "fw",
    "password": "s3cret",
}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate and its key."""
    place = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-keyout", place / "key.pem", "-out", place / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    return place / "cert.pem", place / "key.pem"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"bootstrap": "kafka"}, "bootstrap names 'kafka'; write host:port"),
        ({"bootstrap": "a:9092,b:70000"}, "bootstrap names 'b:70000'"),
        ({"brokers": "a:1"}, "brokers is no setting of the connection"),
        ({"security_protocol": "TLS"}, "security_protocol is TLS; write PLAINTEXT, SSL"),
        ({"security_protocol": "SASL_SSL"}, "SASL_SSL and needs sasl_mechanism; set it"),
        ({"user": "fw"}, "user is set, but security_protocol is PLAINTEXT"),
        (
            {"security_protocol": "SSL", "ssl_ca": "/nowhere/ca.pem"},
            "ssl_ca is /nowhere/ca.pem, which is no file",
        ),
        (
            {"security_protocol": "SSL", "ssl_certificate": __file__},
            "ssl_certificate and ssl_key go together",
        ),
        ({"security_protocol": "SSL", "ssl_ca": __file__}, "which holds no certificates in PEM"),
        ({"security_protocol": "SSL", "ssl_check_hostname": "maybe"}, "write true or false"),
        ({**LOGIN, "sasl_mechanism": "GSSAPI"}, "sasl_mechanism is GSSAPI; write PLAIN"),
        ({**LOGIN, "password_file": __file__}, "password and password_file are both set; keep one"),
        (
            {**LOGIN, "password": "", "password_file": "/nowhere"},
            "password_file is /nowhere, which cannot be read",
        ),
    ],
)
def test_a_mistake_is_one_sentence(given: dict[str, str], sentence: str) -> None:
    with pytest.raises(Refused) as refused:
        Connection.of(given)
    assert sentence in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_every_mistake_is_said_at_once() -> None:
    with pytest.raises(Refused) as refused:
        Connection.of({"bootstrap": "x", "user": "fw"}, {"acks": 1})
    assert len(str(refused.value).splitlines()) == 3


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("acks", "1", "not for a site to set"),
        ("isolation_level", "read_uncommitted", "not for a site to set"),
        ("bootstrap_servers", "a:1", "said by the setting bootstrap"),
        ("request_timeout_ms", "soon", "write a whole number"),
        ("check_crcs", "yes", "write true or false"),
        ("reqest_timeout_ms", "1", "none that kafka-python or Faust knows"),
        ("value_serializer", "json", "none that kafka-python or Faust knows"),
    ],
)
def test_options_that_cannot_be_set_are_refused(name: str, value: str, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        Connection.of({}, {name: value})


def test_each_client_takes_the_options_that_it_knows_in_their_types() -> None:
    connection = Connection.of(
        {},
        {
            "request_timeout_ms": "5000",
            "compression_type": "zstd",
            "check_crcs": "false",
            "broker_session_timeout": "10",
        },
    )
    assert connection.producer()["compression_type"] == "zstd"
    assert "compression_type" not in connection.consumer()
    assert connection.consumer()["check_crcs"] is False
    assert connection.admin()["request_timeout_ms"] == 5000
    assert connection.faust()["broker_session_timeout"] == 10.0
    assert "request_timeout_ms" not in connection.faust()


def test_what_a_caller_says_goes_before_a_sites_options() -> None:
    connection = Connection.of({}, {"max_poll_records": "10"})
    assert connection.consumer(max_poll_records=1)["max_poll_records"] == 1


def test_every_client_has_room_for_the_longest_record() -> None:
    connection = Connection.of({})
    assert connection.producer()["max_request_size"] == LONGEST_RECORD
    assert connection.consumer()["max_partition_fetch_bytes"] == LONGEST_RECORD
    assert connection.faust()["producer_max_request_size"] == LONGEST_RECORD


def test_a_log_in_reaches_both_libraries_and_no_representation(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("s3cret\n")
    connection = Connection.of({**LOGIN, "password": "", "password_file": str(file)})
    assert connection.producer()["sasl_plain_password"] == "s3cret"
    credentials = connection.faust()["broker_credentials"]
    assert (credentials.username, credentials.password) == ("fw", "s3cret")
    assert credentials.mechanism.value == "SCRAM-SHA-256"
    assert "s3cret" not in repr(connection) + repr(credentials)


def test_tls_is_spoken_alike_by_both_libraries(certificate: tuple[Path, Path]) -> None:
    cert, key = map(str, certificate)
    connection = Connection.of(
        {
            "security_protocol": "SSL",
            "ssl_ca": cert,
            "ssl_certificate": cert,
            "ssl_key": key,
            "ssl_check_hostname": "false",
        }
    )
    for context in (connection.consumer()["ssl_context"], connection.faust()["broker_credentials"].context):
        assert context.verify_mode == ssl.CERT_REQUIRED
        assert not context.check_hostname


def test_an_encrypted_key_is_refused_and_nobody_is_asked_for_its_password(
    certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    cert, key = certificate
    locked = tmp_path / "locked.pem"
    subprocess.run(
        ["openssl", "rsa", "-aes256", "-passout", "pass:x", "-in", key, "-out", locked],
        check=True,
        capture_output=True,
    )
    with pytest.raises(Refused, match="unencrypted key"):
        Connection.of({"security_protocol": "SSL", "ssl_certificate": str(cert), "ssl_key": str(locked)})


def test_faust_takes_what_we_tell_it() -> None:
    import faust

    app = faust.App("settings", **Connection.of({"bootstrap": "a:1,b:2"}).faust())
    assert [str(url) for url in app.conf.broker] == ["kafka://a:1", "kafka://b:2"]


def test_checksums_of_records_are_not_made_in_python() -> None:
    """kafka-python falls back on Python where the library is not there, at many times the cost."""
    from kafka.record import util

    assert util.crc32c_c is not None
