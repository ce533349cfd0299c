"""The topics: which there are, what for, and with what settings. Made once by an operator, never by chance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from streams.errors import Refused
from streams.wire.reject import LONGEST_MESSAGE

LONGEST_RECORD = 2 * LONGEST_MESSAGE
"""Bytes. The longest message passes with its key and headers, also as a reject; a packet is cut so that it does."""

MOST_REPLICAS = 3
IN_SYNC = "min.insync.replicas"

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Topic:
    """One topic. `split`: how many partitions, by what they divide (a field of Layout; None: one is enough)."""

    name: str
    purpose: str
    split: str | None
    retention: timedelta | None = None
    """None: for ever, or, where compacted, the last record of each key."""
    compacted: bool = False

    def settings(self, replication: int) -> dict[str, str]:
        """What the broker is told, by its own names."""
        made = {
            "cleanup.policy": "compact" if self.compacted else "delete",
            "max.message.bytes": str(LONGEST_RECORD),
            "message.timestamp.type": "CreateTime",
            IN_SYNC: str(max(1, min(2, replication - 1))),
        }
        if self.compacted:
            # A segment is compacted when it is closed; a reader of what holds now should not read a week twice.
            made["segment.ms"] = str(_milliseconds(_DAY))
        else:
            made["retention.ms"] = str(-1 if self.retention is None else _milliseconds(self.retention))
        return made


EVENTS = Topic(
    "settlement.events",
    "Transactions and registry events as the gateway sends them, with any key.",
    "source_partitions",
    30 * _DAY,
)
REJECTS = Topic(
    "settlement.events.dlq",
    "Messages that are no facts and why, with the original key, value and timestamp, until somebody has dealt with them.",
    None,
    # Counted from the original timestamp; so much longer than the source's that nobody finds a reject gone.
    180 * _DAY,
)
PACKETS = Topic(
    "fundwatch.packets",
    "Decoded facts by person, one record a partition and micro-batch, from the router to the judges.",
    "judge_partitions",
    30 * _DAY,
)

#: Header of a packet: when the oldest of its messages came, milliseconds since 1970.
ARRIVED = "arrived"

CONTROL = Topic(
    "fundwatch.control",
    "What sweeper and operators tell the judges: look again, brake, release.",
    "judge_partitions",
    compacted=True,
)
ALERTS = Topic(
    "supervision.alerts",
    "What holds: the last change of every alert, by jr_id.",
    "judge_partitions",
    compacted=True,
)
CHANGES = Topic(
    "supervision.alert-changes",
    "What was said when: every change of every alert with its evidence.",
    "judge_partitions",
    3650 * _DAY,
)

TOPICS = (EVENTS, REJECTS, PACKETS, CONTROL, ALERTS, CHANGES)


@dataclass(frozen=True)
class Layout:
    """What differs from site to site. `replication` None: as many replicas as there are brokers, at most three."""

    prefix: str = ""
    source_partitions: int = 8
    judge_partitions: int = 8
    replication: int | None = None

    def name(self, topic: Topic) -> str:
        """The topic's name here."""
        return f"{self.prefix}{topic.name}"

    def partitions(self, topic: Topic) -> int:
        """Of a topic that is made here."""
        return 1 if topic.split is None else int(getattr(self, topic.split))


@dataclass(frozen=True)
class Difference:
    """A topic that is there, but not as it should be."""

    topic: str
    setting: str
    wanted: str
    found: str

    @property
    def sentence(self) -> str:
        """What to tell an operator."""
        return f"{self.topic}: {self.setting} is {self.found}, {self.wanted} is meant."


@dataclass(frozen=True)
class Found:
    """A topic on the broker."""

    partitions: int
    replication: int
    settings: Mapping[str, str]


@dataclass(frozen=True)
class Report:
    """Names of topics by what became of them, and how those that were there differ from what is meant."""

    created: tuple[str, ...]
    existing: tuple[str, ...]
    differences: tuple[Difference, ...]


def create(admin: Any, layout: Layout, only: Iterable[Topic] = TOPICS) -> Report:
    """Make the topics that are not there. Those that are stay as they are; where they differ is reported.

    `admin`: a KafkaAdminClient. Raises Refused where the broker will not make one.
    """
    wanted = tuple(only)
    there = found(admin, layout, wanted)
    replication = _replication(admin, layout)
    missing = [topic for topic in wanted if topic not in there]
    created = [topic for topic in missing if _make(admin, layout, topic, replication)]
    if created:
        admin.wait_for_topics([layout.name(topic) for topic in created])
    if beaten := [topic for topic in missing if topic not in created]:
        there |= found(admin, layout, beaten)
    return Report(
        tuple(layout.name(topic) for topic in created),
        tuple(layout.name(topic) for topic in wanted if topic in there),
        tuple(_differences(layout, there, replication)),
    )


def differences(admin: Any, layout: Layout) -> list[Difference]:
    """How the topics that are there differ from what is meant."""
    return list(_differences(layout, found(admin, layout), _replication(admin, layout)))


def found(admin: Any, layout: Layout, only: Iterable[Topic] = TOPICS) -> dict[Topic, Found]:
    """Those of the topics that the broker has."""
    from kafka.admin import ConfigResource, ConfigResourceType

    names = {layout.name(topic): topic for topic in only}
    described = {
        each["name"]: each["partitions"]
        for each in admin.describe_topics(list(names))
        if each["error_code"] == 0
    }
    if not described:
        return {}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in described]
    settings = admin.describe_configs(resources, config_filter="all")["topic"]
    return {
        names[name]: Found(
            len(partitions),
            min(len(one["replica_nodes"]) for one in partitions),
            {setting: str(said["value"]) for setting, said in settings[name].items()},
        )
        for name, partitions in described.items()
    }


def kept(has: Found) -> str:
    """How long a topic keeps its records, for a table."""
    if "compact" in has.settings["cleanup.policy"]:
        return "last of each key"
    days = int(has.settings["retention.ms"]) / _milliseconds(_DAY)
    return "for ever" if days < 0 else f"{days:,.0f} days"


def script(layout: Layout, replication: int) -> str:
    """A shell script that makes the topics with Kafka's own tool, for sites where operators do so.

    How many replicas must have a record is for the script to say, which is told how many there are.
    """
    topics = []
    for topic in TOPICS:
        settings = topic.settings(replication)
        del settings[IN_SYNC]
        told = "".join(f" \\\n  --config {name}={value}" for name, value in settings.items())
        topics.append(f"# {topic.purpose}\nmake {layout.name(topic)} {layout.partitions(topic)}{told}\n")
    return _SCRIPT.format(replication=replication, in_sync=IN_SYNC, topics="\n".join(topics))


_SCRIPT = """\
#!/bin/sh
# Makes the topics of fundwatch with Kafka's own tool; those that are there stay as they are.
# usage: BOOTSTRAP=host:port REPLICATION=3 topics.sh [options of kafka-topics.sh, as --command-config FILE]
# Written by `fundwatch topics script`; `fundwatch topics create` does the same, and says what differs.
set -eu
: "${{BOOTSTRAP:=127.0.0.1:9092}}" "${{REPLICATION:={replication}}}"
tool=$(command -v kafka-topics.sh || echo /opt/kafka/bin/kafka-topics.sh)
further=$*
if [ "$REPLICATION" -ge 3 ]; then in_sync=2; else in_sync=1; fi

make() {{
  name=$1 partitions=$2
  shift 2
  # shellcheck disable=SC2086
  "$tool" --bootstrap-server "$BOOTSTRAP" $further --create --if-not-exists \\
    --topic "$name" --partitions "$partitions" --replication-factor "$REPLICATION" \\
    --config {in_sync}=$in_sync "$@"
}}

{topics}"""


def _make(admin: Any, layout: Layout, topic: Topic, replication: int) -> bool:
    """Whether it was made now; not where another was faster."""
    from kafka.errors import TopicAlreadyExistsError

    asked = {
        "num_partitions": layout.partitions(topic),
        "replication_factor": replication,
        "configs": topic.settings(replication),
    }
    answer = admin.create_topics({layout.name(topic): asked}, raise_errors=False)["topics"][0]
    if answer["error_code"] == TopicAlreadyExistsError.errno:
        return False
    if answer["error_code"]:
        why = str(answer["error_message"] or answer["error_code"]).rstrip(".")
        raise Refused(f"The broker does not make the topic {layout.name(topic)}: {why}.")
    return True


def _replication(admin: Any, layout: Layout) -> int:
    return layout.replication or min(MOST_REPLICAS, len(admin.describe_cluster()["brokers"]))


def _differences(layout: Layout, there: Mapping[Topic, Found], replication: int) -> Iterator[Difference]:
    for topic, has in there.items():
        wanted = {
            "partitions": str(layout.partitions(topic)),
            "replication": str(replication),
            **topic.settings(replication),
        }
        shown = {"partitions": str(has.partitions), "replication": str(has.replication), **has.settings}
        for setting, value in wanted.items():
            if shown.get(setting) != value:
                yield Difference(layout.name(topic), setting, value, shown.get(setting, "not set"))


def _milliseconds(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)
