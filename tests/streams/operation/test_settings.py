"""Settings: environment over file over defaults, every mistake at once, and no secret shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.operation import declared
from streams.operation.reading import Mistakes, Read, read
from streams.operation.settings import Settings, without_password


def written(folder: Path, text: str, name: str = "fundwatch.yaml") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def mistakes(file: Path | None, **environ: str) -> list[str]:
    with pytest.raises(Mistakes) as caught:
        read(file, environ)
    return list(caught.value.sentences)


def shown(found: Read) -> dict[str, tuple[str, str]]:
    return {key: (value, origin) for key, value, origin in found.shown()}


def test_without_a_file_and_variables_everything_is_by_default() -> None:
    found = read(None, {})
    assert found.settings == Settings()
    assert set(found.origins.values()) == {"default"}


def test_the_environment_goes_before_the_file_and_the_file_before_the_default(tmp_path: Path) -> None:
    file = written(tmp_path, "worker:\n  partitions: 3\n  threads: 2\n")
    found = read(file, {"FUNDWATCH_WORKER_PARTITIONS": "5"})
    worker = found.settings.worker
    assert (worker.partitions, worker.threads, worker.brake) == (5, 2, 1000)
    assert found.origins["worker.partitions"] == "FUNDWATCH_WORKER_PARTITIONS"
    assert found.origins["worker.threads"] == f"{file}:3"
    assert found.origins["worker.brake"] == "default"


def test_a_variable_names_the_file_and_an_empty_variable_is_none(tmp_path: Path) -> None:
    file = written(tmp_path, "http:\n  port: 1\n")
    environ = {"FUNDWATCH_CONFIG": str(file), "FUNDWATCH_HTTP_PORT": "", "FUNDWATCH_HTTP_HOST": ""}
    assert read(None, environ).settings.http.port == 1
    assert read(None, environ).settings.http.host == "127.0.0.1"


def test_toml_says_the_same_as_yaml(tmp_path: Path) -> None:
    yaml = written(tmp_path, "worker: {batch_max_wait_seconds: .25}\nkafka: {options: {client_id: a}}\n")
    toml = written(
        tmp_path,
        '[worker]\nbatch_max_wait_seconds = 0.25\n[kafka.options]\nclient_id = "a"\n',
        "fundwatch.toml",
    )
    assert read(yaml, {}).settings == read(toml, {}).settings
    assert read(toml, {}).settings.worker.batch_max_wait_seconds == 0.25


def test_an_empty_file_or_section_says_nothing(tmp_path: Path) -> None:
    assert read(written(tmp_path, ""), {}).settings == Settings()
    assert read(written(tmp_path, "worker:\n"), {}).settings == Settings()


def test_paths_of_the_file_are_relative_to_its_folder(tmp_path: Path) -> None:
    file = written(tmp_path, "worker: {lake: lake, state: /var/state}\n")
    found = read(file, {"FUNDWATCH_SWEEPER_LAKE": "elsewhere"}).settings
    assert found.worker.lake == tmp_path / "lake"
    assert found.worker.state == Path("/var/state")
    assert found.sweeper.lake == Path("elsewhere")


def test_every_mistake_is_said_at_once_with_its_place_and_what_is_allowed(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        "kafka:\n"
        "  bootstrap: broker\n"
        "  security_protocol: TLS\n"
        "workers: {}\n"
        "worker:\n"
        "  partitons: 4\n"
        "  partitions: 0\n"
        "  lateness_hours: two\n"
        "  group: 7\n"
        "http: 8080\n"
        "rules: {params: nowhere.yaml}\n",
    )
    assert mistakes(file, FUNDWATCH_LIMITS_RSS_MB="much", FUNDWATCH_LIMIT_RSS_MB="1") == [
        f"{file}:4: there is no section workers; do you mean worker?",
        f"{file}:6: there is no setting worker.partitons; do you mean partitions?",
        f"{file}:10: http is a section; write its settings below it.",
        "FUNDWATCH_LIMIT_RSS_MB: there is no such setting; do you mean FUNDWATCH_LIMITS_RSS_MB?",
        f"{file}:2: kafka.bootstrap is 'broker'; allowed is host:port, several with commas between them.",
        f"{file}:3: kafka.security_protocol is 'TLS'; allowed is one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL.",
        f"{file}:7: worker.partitions is 0; allowed is a whole number from 1 to 1024.",
        f"{file}:8: worker.lateness_hours is 'two'; allowed is a number from 0 to 168.",
        f"{file}:9: worker.group is 7, no text; put it in quotes "
        "(allowed is letters, digits, '.', '_' and '-', at most 200).",
        "FUNDWATCH_LIMITS_RSS_MB is 'much'; allowed is a whole number from 0 to 1048576.",
        f"{file}:11: rules.params is {tmp_path / 'nowhere.yaml'}, which is no file; "
        "allowed is the path of a file that is there.",
    ]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.yaml", "worker: {threads: 1\n", "a.yaml:"),
        ("a.yaml", "worker: {threads: 1, threads: 2}\n", "stands twice"),
        ("a.yaml", "- worker\n", "write sections"),
        ("a.toml", "[worker\n", "not TOML"),
        ("a.json", "{}", "name it .yaml or .toml"),
        ("a.yaml", "worker: {batch_max_wait_seconds: true}", "worker.batch_max_wait_seconds is True"),
        ("a.toml", "worker.lateness_hours = nan", "worker.lateness_hours is nan"),
        ("a.toml", "worker.partitions = 2.5", "worker.partitions is 2.5"),
        ("a.yaml", "worker: {state: ''}", "worker.state is ''"),
        ("a.yaml", "worker: {state: null}", "worker.state is None"),
        ("a.yaml", "kafka: {bootstrap: 'a:70000'}", "names the port 70000"),
        ("a.yaml", "kafka: {options: {ssl_cafile: x}}", "set kafka.ssl_ca in its place"),
        ("a.yaml", "kafka: {options: {acks: 1}}", "on which the guarantees rest"),
        ("a.yaml", "kafka: {ssl_ca: a.yaml}", "allowed is SSL or SASL_SSL"),
        ("a.yaml", "kafka: {user: a}", "allowed is SASL_SSL or SASL_PLAINTEXT"),
        ("a.yaml", "kafka: {security_protocol: SSL, ssl_key: a.yaml}", "without kafka.ssl_certificate"),
        ("a.yaml", "worker: {lake: a.yaml}", "which is no folder"),
        ("a.yaml", "rules: {folder: nowhere}", "which is not there"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, name: str, text: str, said: str) -> None:
    (sentence,) = mistakes(written(tmp_path, text, name))
    assert said in sentence


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    assert mistakes(tmp_path / "no.yaml") == [
        f"{tmp_path / 'no.yaml'}: cannot be read: No such file or directory."
    ]


def test_logging_in_needs_how_who_and_a_password(tmp_path: Path) -> None:
    file = written(tmp_path, "kafka: {security_protocol: SASL_SSL}")
    missing = [sentence.split("needs ")[1] for sentence in mistakes(file)]
    assert missing == [
        "kafka.sasl_mechanism; it is not set.",
        "kafka.user; it is not set.",
        "kafka.password_file; it is not set.",
    ]
    password = tmp_path / "password"
    password.write_text("geheim\n", encoding="utf-8")
    whole = {
        "FUNDWATCH_KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
        "FUNDWATCH_KAFKA_USER": "u",
        "FUNDWATCH_KAFKA_PASSWORD_FILE": str(password),
    }
    assert read(file, whole).settings.kafka_password() == "geheim"
    assert "both set" in mistakes(file, **whole, FUNDWATCH_KAFKA_PASSWORD="x")[0]


def test_a_secret_that_is_empty_or_short_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("short\n", encoding="utf-8")
    (sentence,) = mistakes(None, FUNDWATCH_KEY_FILE=str(file))
    assert sentence.endswith("which holds 5 bytes; allowed is a file with 16 or more.")


def test_a_secret_is_never_shown_nor_quoted(tmp_path: Path) -> None:
    environ = {
        "FUNDWATCH_KAFKA_PASSWORD": "geheim1",
        "FUNDWATCH_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "FUNDWATCH_KAFKA_SASL_MECHANISM": "PLAIN",
        "FUNDWATCH_KAFKA_USER": "u",
        "FUNDWATCH_KAFKA_OPTIONS": '{"client_id": "a", "sasl_oauth_token": "geheim2"}',
        "FUNDWATCH_STORE_URL": "postgresql://u:geheim3@h/db?sslpassword=geheim4",
        "FUNDWATCH_KEY": "geheim5geheim5geheim5",
    }
    found = read(None, environ)
    values = shown(found)
    assert values["kafka.password"] == ("set", "FUNDWATCH_KAFKA_PASSWORD")
    assert values["kafka.options"][0] == '{"client_id": "a", "sasl_oauth_token": "set"}'
    assert values["store.url"][0] == "postgresql://u:set@h/db?set"
    assert "geheim" not in str(values) + repr(found) + str(found.settings.kafka)
    file = written(tmp_path, "kafka: {password: [geheim]}\nstore: {url: 'mysql://u:geheim@h'}\n")
    environ = {"FUNDWATCH_KAFKA_OPTIONS": '{"password": "geheim"'}
    said = mistakes(file, **environ)
    assert len(said) == 3
    assert "geheim" not in "".join(said)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite:///alerts.db", "sqlite:///alerts.db"),
        ("postgresql://u@h:5432/db", "postgresql://u@h:5432/db"),
        ("postgresql://u:p@ss@h/db", "postgresql://u:set@h/db"),
        ("postgresql://u:p@[::1/db", "set"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, expected: str) -> None:
    assert without_password(url) == expected


def test_what_kubernetes_sets_for_a_service_of_that_name_is_left_alone() -> None:
    environ = {
        "FUNDWATCH_WORKER_SERVICE_HOST": "10.0.0.1",
        "FUNDWATCH_WORKER_SERVICE_PORT_HTTP": "80",
        "FUNDWATCH_WORKER_PORT": "tcp://10.0.0.1:80",
        "FUNDWATCH_WORKER_PORT_80_TCP_ADDR": "10.0.0.1",
    }
    assert read(None, environ).settings == Settings()


def test_every_setting_can_be_given_by_its_variable(tmp_path: Path) -> None:
    """As text; the value that it has by default, or a folder, a file, a word."""
    file = tmp_path / "file"
    file.write_text("0123456789abcdef", encoding="utf-8")
    given = {
        "kafka.security_protocol": "SASL_SSL",
        "kafka.sasl_mechanism": "PLAIN",
        "kafka.user": "u",
        "kafka.password": None,
        "kafka.options": '{"client_id": "a"}',
        "kafka.topic_prefix": "test.",
        "up.watch": str(tmp_path),
        "rules.folder": str(tmp_path),
        "rules.knowledge": str(tmp_path),
        "models.folder": str(tmp_path),
    }
    environ = {}
    for setting in declared.settings():
        default = str(file) if setting.place == "file" else str(setting.default)
        value = given.get(setting.key, default)
        if value is not None:
            environ[setting.variable] = value
    origins = read(None, environ).origins
    assert [key for key, origin in origins.items() if origin == "default"] == ["kafka.password"]
