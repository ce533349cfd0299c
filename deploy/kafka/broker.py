"""A real Kafka on this machine: one broker, or several in one cluster, as processes of their own.

    with Cluster(folder) as cluster:
        producer = KafkaProducer(bootstrap_servers=cluster.bootstrap)
        cluster.brokers[0].kill()     # as the power cut would
        cluster.brokers[0].start()    # the same broker, on the same data and port

Every broker is controller too (KRaft), listens on 127.0.0.1 only, and is ended by its process id.
"""

from __future__ import annotations

import base64
import contextlib
import random
import shutil
import signal
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from deploy.kafka import jars

HOST = "127.0.0.1"
START_TIMEOUT = 60.0
"""Seconds until a broker must answer; it takes two to five on an idle machine."""
STOP_TIMEOUT = 15.0
"""Seconds that a broker has to end in order, before it is killed."""

#: One collector, and no second compiler: a broker answers a second earlier, and stays below its load all the same.
QUICK = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
#: For one that stays up: the second compiler is worth its while after minutes.
FAST = ("-XX:+UseSerialGC",)

#: Below the ports that the system gives to outgoing connections, one of which might take a dead broker's.
_PORTS = range(15_000, 32_000)


class BrokerError(Exception):
    """A broker did not do what it was told; the message ends with what it logged last."""


@dataclass(frozen=True)
class Secure:
    """A further listener, over TLS and with a log-in (SASL PLAIN). `keystore`: a PKCS12 file, and its `password`; `users`:
    passwords by name."""

    keystore: Path
    password: str
    users: Mapping[str, str]

    def settings(self) -> dict[str, object]:
        """What a broker is told of it, but for its address."""
        users = " ".join(f'user_{name}="{password}"' for name, password in self.users.items())
        login = "org.apache.kafka.common.security.plain.PlainLoginModule required"
        return {
            "listener.name.secure.ssl.keystore.type": "PKCS12",
            "listener.name.secure.ssl.keystore.location": self.keystore,
            "listener.name.secure.ssl.keystore.password": self.password,
            "listener.name.secure.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.secure.plain.sasl.jaas.config": f"{login} {users};",
        }


@dataclass
class Broker:
    """One process. `folder` holds its settings, its log (`broker.log`) and its data."""

    node: int
    port: int
    controller_port: int
    folder: Path
    libraries: Path
    java_options: Sequence[str]
    secure: Secure | None = None
    secure_port: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def address(self) -> str:
        """`host:port` for clients."""
        return f"{HOST}:{self.port}"

    @property
    def secure_address(self) -> str:
        """`host:port` for clients that speak TLS and log in."""
        return f"{HOST}:{self.secure_port}"

    @property
    def pid(self) -> int:
        """The process. Raises BrokerError where it does not run."""
        if self._process is None or not self.running:
            raise BrokerError(f"Broker {self.node} does not run.")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether there is a process; a stopped one (SIGSTOP) is one too."""
        return self._process is not None and self._process.poll() is None

    def launch(self) -> None:
        """Start the process, without waiting until it answers."""
        if self.running:
            raise BrokerError(f"Broker {self.node} runs already.")
        with self._log().open("ab") as log:
            self._process = subprocess.Popen(
                [*_leash(), *self._java(*self.java_options, "kafka.Kafka"), str(self._properties())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def start(self, timeout: float = START_TIMEOUT) -> None:
        """Start the process on the data that are there, and wait until it answers. Raises BrokerError where it does not."""
        self.launch()
        self.wait(1, timeout)

    def wait(self, brokers: int, timeout: float = START_TIMEOUT) -> None:
        """Wait until it answers and knows of that many brokers, itself among them."""
        deadline = time.monotonic() + timeout
        while not self._answers(brokers):
            if not self.running:
                raise BrokerError(f"Broker {self.node} ended while it started:\n{self._last_words()}")
            if time.monotonic() > deadline:
                raise BrokerError(
                    f"Broker {self.node} does not answer after {timeout:g} s:\n{self._last_words()}"
                )
            time.sleep(0.1)

    def kill(self) -> None:
        """End it at once, as `kill -9` does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """End it in order; kill it where that takes too long."""
        self.end()
        self.join(STOP_TIMEOUT)

    def end(self) -> None:
        """Ask it to end in order, without waiting."""
        if self._process is not None:
            self._process.terminate()

    def join(self, timeout: float) -> None:
        """Wait until it has ended; kill it then."""
        if self._process is not None:
            try:
                self._process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()

    def pause(self) -> None:
        """Let it neither run nor end (SIGSTOP), until `resume`."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on (SIGCONT)."""
        self._signal(signal.SIGCONT)

    def write_properties(self, voters: str, replication: int) -> None:
        """Write its settings: few threads, small topics of its own, dead brokers noticed within seconds."""
        self.folder.mkdir(parents=True, exist_ok=True)
        settings: dict[str, Any] = {
            "process.roles": "broker,controller",
            "node.id": self.node,
            "controller.quorum.voters": voters,
            "listeners": f"CLIENT://{self.address},CONTROLLER://{HOST}:{self.controller_port}",
            "advertised.listeners": f"CLIENT://{self.address}",
            "listener.security.protocol.map": "CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "CLIENT",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": self._data(),
            "auto.create.topics.enable": "false",
            "default.replication.factor": replication,
            "min.insync.replicas": max(1, replication - 1),
            "offsets.topic.replication.factor": replication,
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.replication.factor": replication,
            "transaction.state.log.min.isr": max(1, replication - 1),
            "transaction.state.log.num.partitions": 4,
            "share.coordinator.state.topic.replication.factor": replication,
            "share.coordinator.state.topic.min.isr": max(1, replication - 1),
            "share.coordinator.state.topic.num.partitions": 1,
            "group.initial.rebalance.delay.ms": 0,
            "group.min.session.timeout.ms": 1000,
            "transaction.abort.timed.out.transaction.cleanup.interval.ms": 1000,
            # A broker that comes back after `kill -9` may register only when its former self has timed out.
            "broker.session.timeout.ms": 3000,
            "broker.heartbeat.interval.ms": 500,
            "replica.lag.time.max.ms": 5000,
            "num.network.threads": 2,
            "num.io.threads": 2,
            "background.threads": 2,
            "log.cleaner.dedupe.buffer.size": 16 << 20,
            "log.index.size.max.bytes": 1 << 20,
        }
        if self.secure:
            settings["listeners"] += f",SECURE://{self.secure_address}"
            settings["advertised.listeners"] += f",SECURE://{self.secure_address}"
            settings["listener.security.protocol.map"] += ",SECURE:SASL_SSL"
            settings |= self.secure.settings()
        lines = [f"{name}={value}\n" for name, value in settings.items()]
        self._properties().write_text("".join(lines), encoding="utf-8")

    def formatting(self, cluster_id: str) -> subprocess.Popen[bytes] | None:
        """A process that lays out the storage; None where that was done before."""
        if (self._data() / "meta.properties").exists():
            return None
        with self._log().open("ab") as log:
            return subprocess.Popen(
                [
                    *self._java(*QUICK, "kafka.tools.StorageTool"),
                    "format",
                    "--cluster-id",
                    cluster_id,
                    "--config",
                    str(self._properties()),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def check_formatted(self) -> None:
        """Raises BrokerError where the storage was not laid out."""
        if not (self._data() / "meta.properties").exists():
            raise BrokerError(f"The storage in {self.folder} could not be laid out:\n{self._last_words()}")

    def _answers(self, brokers: int) -> bool:
        # kafka-python leaves a socket open for every connection that is refused.
        try:
            socket.create_connection((HOST, self.port), timeout=1).close()
        except OSError:
            return False
        try:
            admin = KafkaAdminClient(bootstrap_servers=self.address, bootstrap_timeout_ms=1000)
        except KafkaError:
            return False
        try:
            known = {each["broker_id"] for each in admin.describe_cluster()["brokers"]}
        except KafkaError:
            return False
        finally:
            admin.close()
        return self.node in known and len(known) >= brokers

    def _java(self, *arguments: str) -> list[str]:
        return [
            jars.java(),
            "-Xmx512m",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
            "-cp",
            f"{self.libraries}/*",
            *arguments,
        ]

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None or not self.running:
            raise BrokerError(f"Broker {self.node} does not run.")
        self._process.send_signal(number)

    def _properties(self) -> Path:
        return self.folder / "server.properties"

    def _data(self) -> Path:
        return self.folder / "data"

    def _log(self) -> Path:
        return self.folder / "broker.log"

    def _last_words(self) -> str:
        """The end of its log, without the frames of its traces."""
        with contextlib.suppress(OSError):
            lines = self._log().read_text(encoding="utf-8", errors="replace").splitlines()
            return "\n".join([line for line in lines if not line.startswith("\tat ")][-12:])
        return ""


class Cluster:
    """Brokers that know each other, their data in one folder.

    `port`: of the first broker; without it all ports are free ones, the same for as long as this object lives.
    What is in the folder from an earlier cluster of as many brokers is taken over. Topics have as many replicas as
    there are brokers, at most three.
    """

    def __init__(
        self,
        folder: Path,
        brokers: int = 1,
        *,
        port: int | None = None,
        java_options: Sequence[str] = QUICK,
        secure: Secure | None = None,
    ) -> None:
        libraries = jars.fetch()
        free = free_ports(3 * brokers)
        self.folder = folder.resolve()
        self.brokers = [
            Broker(
                node,
                port if port is not None and node == 1 else next(free),
                next(free),
                self.folder / f"broker-{node}",
                libraries,
                java_options,
                secure,
                next(free),
            )
            for node in range(1, brokers + 1)
        ]

    @property
    def bootstrap(self) -> str:
        """`host:port` of every broker, with commas between."""
        return ",".join(broker.address for broker in self.brokers)

    def start(self, timeout: float = START_TIMEOUT) -> None:
        """Lay out the storage where it is not, start every broker, wait until each knows all."""
        voters = ",".join(f"{one.node}@{HOST}:{one.controller_port}" for one in self.brokers)
        for broker in self.brokers:
            broker.write_properties(voters, min(3, len(self.brokers)))
        cluster_id = self._id()
        for running in [broker.formatting(cluster_id) for broker in self.brokers]:
            if running is not None:
                running.wait()
        try:
            for broker in self.brokers:
                broker.check_formatted()
                broker.launch()
            for broker in self.brokers:
                broker.wait(len(self.brokers), timeout)
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """End all brokers in order."""
        for broker in self.brokers:
            broker.end()
        for broker in self.brokers:
            broker.join(STOP_TIMEOUT)

    def kill(self) -> None:
        """End all brokers at once, as for data that nobody wants."""
        for broker in self.brokers:
            broker.kill()

    def __enter__(self) -> Cluster:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _id(self) -> str:
        file = self.folder / "cluster.id"
        if not file.exists():
            file.write_text(_new_id())
        return file.read_text()


def _new_id() -> str:
    """An id as Kafka makes them: none that begins with a dash, which its own tool takes for an option."""
    while (made := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return made


def free_ports(count: int) -> Iterator[int]:
    """Ports of 127.0.0.1 on which nobody listens, and which outgoing connections do not take."""
    found: list[int] = []
    with contextlib.ExitStack() as held:
        for port in random.SystemRandom().sample(_PORTS, len(_PORTS)):
            if len(found) == count:
                break
            with contextlib.suppress(OSError):
                listener = held.enter_context(socket.socket())
                listener.bind((HOST, port))
                found.append(port)
    return iter(found)


def _leash() -> list[str]:
    """What makes a broker end with the process that started it, even a killed one.

    The kernel's leash is that of a thread: only the main one lasts as long as its process.
    """
    if shutil.which("setpriv") and threading.current_thread() is threading.main_thread():
        return ["setpriv", "--pdeathsig", "KILL"]
    return []
