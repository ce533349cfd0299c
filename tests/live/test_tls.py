"""Over TLS and with a log-in: topics, worker and archiver, as over a plain connection."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer

from deploy.kafka import jars
from deploy.kafka.broker import HOST, Cluster, Secure
from deploy.kafka.services import FUNDWATCH, Configured, Worker
from streams.kafka import clients, topics
from streams.kafka.settings import Connection
from streams.kafka.topics import EVENTS, Layout
from streams.lake import open_lake
from tests.live.soak.watching import Groups, wait_for
from tests.streams.live import town

_STORE_PASSWORD = "of the store"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A broker with a listener that asks for TLS and a log-in; its certificate is in `ca.pem` of its folder."""
    folder = tmp_path_factory.mktemp("tls")
    keystore = folder / "broker.p12"
    store = ["-keystore", str(keystore), "-storepass", _STORE_PASSWORD, "-alias", "broker"]
    _keytool(
        *("-genkeypair", *store, "-storetype", "PKCS12", "-keyalg", "EC", "-groupname", "secp256r1"),
        *("-dname", "CN=fundwatch", "-validity", "2", "-ext", f"SAN=ip:{HOST}"),
        *("-ext", "bc:critical=ca:true", "-ext", "ku:critical=keyCertSign,digitalSignature"),
    )
    _keytool("-exportcert", "-rfc", *store, "-file", str(folder / "ca.pem"))
    with Cluster(folder, secure=Secure(keystore, _STORE_PASSWORD, {"monitor": "open sesame"})) as cluster:
        yield cluster


def _keytool(*arguments: str) -> None:
    tool = Path(jars.java()).with_name("keytool") if "/" in jars.java() else "keytool"
    subprocess.run([str(tool), *arguments], check=True, capture_output=True)


def told(cluster: Cluster, folder: Path, password: str = "open sesame") -> dict[str, str]:
    """The settings of a connection to it."""
    file = folder / "password"
    file.write_text(f"{password}\n", encoding="utf-8")
    return {
        "bootstrap": cluster.brokers[0].secure_address,
        "security_protocol": "SASL_SSL",
        "ssl_ca": str(cluster.folder / "ca.pem"),
        "sasl_mechanism": "PLAIN",
        "user": "monitor",
        "password_file": str(file),
    }


class _Archiver(Configured):
    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        super().__init__(folder, "worker", settings, (*FUNDWATCH, "archive"), {})


def test_all_services_speak_tls_and_log_in(cluster: Cluster, tmp_path: Path) -> None:
    given = told(cluster, tmp_path)
    connection, layout = Connection.of(given), Layout("", source_partitions=2, judge_partitions=2)
    with clients.admin(connection) as admin:
        topics.create(admin, layout)
    settings = {
        "kafka": given,
        "worker": {"lake": str(tmp_path / "lake")},
        "archiver": {"lake": str(tmp_path / "lake"), "max_seconds": 0.5},
    }
    worker = Worker(tmp_path / "worker", settings, environment={})
    archiver = _Archiver(tmp_path / "archiver", settings)
    groups = Groups(connection, layout, "fundwatch-worker")
    lines = [town.admitted("M1", 1), town.settled("M1", "S1", 7, 0), *town.others(30)]
    try:
        worker.start()
        archiver.start()
        wait_for(lambda: bool(worker.partitions()), "it judges")
        producer = KafkaProducer(**connection.producer())
        for number, line in enumerate(lines):
            producer.send(layout.name(EVENTS), line, partition=number % 2)
        producer.close()
        wait_for(lambda: (lag := groups.lag()) is not None and not any(lag.values()), "all is judged")
        wait_for(lambda: _archived(tmp_path / "lake") == len(lines), "all is in the lake")
    finally:
        groups.close()
        ended = worker.end(), archiver.end()
        for service in (worker, archiver):
            service.kill()
    assert ended == (True, True), worker.log.read_text() + archiver.log.read_text()


def _archived(lake: Path) -> int:
    return sum(open_lake(lake).archived.values()) if (lake / "lake.json").exists() else 0


def refusal(given: Mapping[str, str], folder: Path) -> str:
    """The sentence with which a command refuses these settings."""
    settings = folder / "settings.yaml"
    settings.write_text(json.dumps({"kafka": given}), encoding="utf-8")
    shown = subprocess.run(
        [*FUNDWATCH, "topics", "show", "--config", str(settings)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert shown.returncode == 2, shown.stdout + shown.stderr
    assert not shown.stdout
    assert len(shown.stderr.strip().splitlines()) == 1, shown.stderr
    return shown.stderr


def test_a_wrong_password_is_one_sentence_that_does_not_say_it(cluster: Cluster, tmp_path: Path) -> None:
    said = refusal(told(cluster, tmp_path, "guessed"), tmp_path)
    assert "guessed" not in said
    assert "are user and password right" in said


def test_an_unknown_certificate_is_refused(cluster: Cluster, tmp_path: Path) -> None:
    """Without `ssl_ca` the system's certificates are trusted, of which this is none."""
    given = {name: value for name, value in told(cluster, tmp_path).items() if name != "ssl_ca"}
    assert "is its certificate one that ssl_ca trusts" in refusal(given, tmp_path)
