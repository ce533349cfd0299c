"""What a scrape gets: complete, at zero from the start, bounded, and good in promtool's eyes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from streams.operation.instruments import Instruments, scraped
from streams.operation.measures import METRICS, Message, Outcome, Step
from streams.operation.metrics import (
    AlertMetrics,
    ArchiverMetrics,
    Build,
    PositionMetrics,
    ProcessMetrics,
    StoreMetrics,
    SweeperMetrics,
    WorkerMetrics,
    epoch,
    instruments,
)
from streams.wire.reject import REASONS
from tests.streams.operation.clock import Clock
from tests.streams.operation.promtool import promtool

RULES = ("ghost_bed.bed_shared", "benefit.claim_total_not_its_parts")
NOON = datetime(2026, 11, 26, 12)  # noqa: DTZ001 platform times carry no zone
TOPIC = "settlement.events"


class Told:
    """What a scrape told, by name and labels."""

    def __init__(self, registry_owner: Instruments) -> None:
        text = scraped(registry_owner.registry)[0].decode()
        self.samples: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
        for family in text_string_to_metric_families(text):
            for one in family.samples:
                self.samples[one.name, frozenset(one.labels.items())] = one.value

    def __call__(self, name: str, **labels: str) -> float | None:
        return self.samples.get((name, frozenset(labels.items())))

    def names(self) -> Iterator[str]:
        return (name for name, _ in self.samples)


class Service:
    """All roles in one process, on one registry."""

    def __init__(self, clock: Clock) -> None:
        self.instruments = instruments()
        self.is_ready = False
        ProcessMetrics(
            self.instruments,
            Build("up", "0.2.0", "abc"),
            ready=lambda: self.is_ready,
            places={"lake": Path("not/there/yet")},
            rss_limit_bytes=5,
            clock=clock,
        )
        self.positions = PositionMetrics(self.instruments, clock)
        self.alerts = AlertMetrics(self.instruments, RULES)
        self.alerts_of_the_sweeper = AlertMetrics(self.instruments, RULES)
        self.worker = WorkerMetrics(self.instruments)
        self.archiver = ArchiverMetrics(self.instruments, clock)
        self.sweeper = SweeperMetrics(self.instruments, RULES, 300, clock)
        self.store = StoreMetrics(self.instruments, clock)

    def told(self) -> Told:
        return Told(self.instruments)


@pytest.fixture
def clock() -> Clock:
    return Clock(epoch(NOON) + 60)


@pytest.fixture
def service(clock: Clock) -> Service:
    return Service(clock)


def everything_happens(service: Service) -> None:
    service.positions.assigned(TOPIC, 0, 100)
    service.positions.ends(TOPIC, 0, 150)
    service.positions.processed(TOPIC, 0, 120, NOON)
    service.positions.committed(TOPIC, 0, 110)
    service.worker.assigned(0)
    service.worker.batch(20)
    service.worker.read(Message.FACT, 18)
    service.worker.rejected("not_json", 2)
    service.worker.rejected_rows("bad_value")
    for step in Step:
        service.worker.step(step, 0.01)
    service.worker.confirmed(0.5)
    service.worker.watermark(0, NOON)
    service.worker.history(0, 7, 700)
    service.worker.outbox(0, 3)
    service.worker.braked(0, True)
    service.alerts.said(RULES[0], Outcome.OPENED)
    service.archiver.file(20, 2000)
    service.archiver.compacted(4)
    service.sweeper.swept(1.5, success=True)
    service.sweeper.repaired(2)
    service.sweeper.covered({RULES[0]: (9, 1)}, 3)
    service.store.took(5, 1)


def test_promtool_finds_nothing_wrong_with_a_scrape(service: Service) -> None:
    everything_happens(service)
    assert promtool("check", "metrics", given=scraped(service.instruments.registry)[0]) == ""


def test_what_is_declared_is_what_is_told_with_its_labels(service: Service) -> None:
    everything_happens(service)
    declared = {
        name: set(metric.labels) for told in METRICS.values() for metric in told for name in metric.series
    }
    seen: dict[str, set[str]] = {}
    for name, labels in service.told().samples:
        seen.setdefault(name, set()).update({label for label, _ in labels} - {"le"})
    assert seen == declared


def test_names_follow_the_convention() -> None:
    metrics = [metric for told in METRICS.values() for metric in told]
    assert len({metric.name for metric in metrics}) == len(metrics)
    for metric in metrics:
        assert metric.name.startswith("fundwatch_")
        assert metric.name.endswith("_total") == (metric.kind == "counter"), metric.name
        assert bool(metric.buckets) == (metric.kind == "histogram")
        assert metric.meaning.endswith("."), metric.name


def test_every_counter_stands_at_zero_from_the_start(service: Service) -> None:
    told = service.told()
    for outcome in Outcome:
        for rule_id in (*RULES, "other"):
            assert told("fundwatch_alert_changes_total", rule_id=rule_id, outcome=outcome) == 0
    for reason in (*REASONS, "other"):
        assert told("fundwatch_rejects_total", reason=reason) == 0
        assert told("fundwatch_rejected_rows_total", reason=reason) == 0
    for message in Message:
        assert told("fundwatch_messages_total", outcome=message) == 0
    for step in Step:
        assert told("fundwatch_step_duration_seconds_count", step=step) == 0
    counters = {m.name for told_ in METRICS.values() for m in told_ if m.kind == "counter"}
    assert counters <= set(told.names())


def test_what_was_not_known_at_the_start_is_other(service: Service) -> None:
    service.alerts.said("王伟", "retracted")
    service.worker.rejected("330101199001011234", 2)
    service.sweeper.covered({"a": (1, 2), "b": (3, 4)}, 0)
    told = service.told()
    assert told("fundwatch_alert_changes_total", rule_id="other", outcome="retracted") == 1
    assert told("fundwatch_rejects_total", reason="other") == 2
    assert told("fundwatch_coverage_subjects", rule_id="other", outcome="judged") == 4
    assert "王伟" not in str(told.samples)
    assert "3301" not in str(told.samples)


def test_rejected_messages_count_among_the_messages(service: Service) -> None:
    service.worker.rejected("bad_shape", 2)
    assert service.told()("fundwatch_messages_total", outcome="rejected") == 2


def test_lag_is_what_waits_and_how_long_ago_the_last_message_was(service: Service, clock: Clock) -> None:
    at = {"topic": TOPIC, "partition": "0"}
    service.positions.assigned(TOPIC, 0, 100)
    assert service.told()("fundwatch_lag_events", **at) == 0
    service.positions.ends(TOPIC, 0, 150)
    service.positions.processed(TOPIC, 0, 120, NOON)
    assert service.told()("fundwatch_lag_events", **at) == 30
    assert service.told()("fundwatch_lag_seconds", **at) == 60
    clock.now += 5  # nobody says anything, and the lag grows
    assert service.told()("fundwatch_lag_seconds", **at) == 65
    assert service.positions.waiting() == 30
    service.positions.processed(TOPIC, 0, 150, NOON)
    assert service.told()("fundwatch_lag_seconds", **at) == 0
    service.positions.processed(TOPIC, 0, 160)  # further than the broker last said
    assert service.told()("fundwatch_lag_events", **at) == 0


def test_of_a_partition_that_went_nothing_is_told_any_more(service: Service) -> None:
    everything_happens(service)
    service.positions.revoked(TOPIC, 0)
    service.worker.revoked(0)
    service.positions.processed(TOPIC, 0, 130, NOON)  # a batch that was on the way
    service.positions.committed(TOPIC, 0, 130)
    service.positions.ends(TOPIC, 0, 130)
    told = service.told()
    assert not [name for name, labels in told.samples if any(label == "partition" for label, _ in labels)]
    service.positions.assigned(TOPIC, 0, 120)
    assert service.told()("fundwatch_lag_events", topic=TOPIC, partition="0") == 0


def test_platform_times_are_those_of_shanghai(service: Service) -> None:
    service.worker.watermark(0, datetime(1970, 1, 1, 8))  # noqa: DTZ001
    assert service.told()("fundwatch_watermark_timestamp_seconds", partition="0") == 0


def test_times_of_the_last_success_begin_at_the_start_and_move_with_success_alone(
    service: Service, clock: Clock
) -> None:
    start = clock.now
    name = "fundwatch_sweep_last_success_timestamp_seconds"
    clock.now += 100
    service.sweeper.swept(1, success=False)
    assert service.told()(name) == start
    service.sweeper.swept(1, success=True)
    assert service.told()(name) == start + 100


def test_process_metrics_are_asked_at_the_scrape(service: Service) -> None:
    assert service.told()("fundwatch_ready") == 0
    service.is_ready = True
    told = service.told()
    assert told("fundwatch_ready") == 1
    assert (told("fundwatch_resident_memory_bytes") or 0) > 1e6
    assert (told("fundwatch_disk_free_bytes", place="lake") or 0) > 0
    assert told("fundwatch_build_info", version="0.2.0", rulebook="abc", service="up") == 1


def test_coverage_of_a_rule_that_is_gone_is_told_no_more(service: Service) -> None:
    service.sweeper.covered({RULES[0]: (9, 1)}, 0)
    service.sweeper.covered({RULES[1]: (8, 2)}, 0)
    told = service.told()
    assert told("fundwatch_coverage_subjects", rule_id=RULES[0], outcome="judged") is None
    assert told("fundwatch_coverage_subjects", rule_id=RULES[1], outcome="not_judged") == 2
