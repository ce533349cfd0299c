"""The metrics of the live services, declared: names, labels, buckets, what each means, and who tells it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from streams.operation.instruments import Metric


class Step(StrEnum):
    """What the worker does with a batch, in this order."""

    ROUTE = "route"
    """Decoding, and parting by person."""
    LOAD = "load"
    LEDGER = "ledger"
    MODELS = "models"
    RULES = "rules"
    DIFF = "diff"
    STORE = "store"
    SEND = "send"
    """Until the changes were confirmed, and their messages acknowledged."""


class Outcome(StrEnum):
    """What became of an alert: the kinds of `streams.changes`."""

    OPENED = "opened"
    CHANGED = "changed"
    RETRACTED = "retracted"


class Message(StrEnum):
    """What a message was. Their sum is what was read."""

    FACT = "fact"
    DUPLICATE = "duplicate"
    NOT_FACT = "not_fact"
    REJECTED = "rejected"


#: Seconds of a step of a batch, and of a batch as a whole.
STEP_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
DELAY_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
SWEEP_SECONDS = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 150.0, 300.0, 600.0, 1800.0, 7200.0)
BATCH_EVENTS = (1.0, 10.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16000.0)

BUILD_INFO = Metric("gauge", "fundwatch_build_info", "1; says which program judges by which rulebook.", ("version", "rulebook", "service"))  # fmt: skip
STARTED = Metric("gauge", "fundwatch_start_timestamp_seconds", "When the process started.")
READY = Metric("gauge", "fundwatch_ready", "1 where /readyz answers yes.")
RESIDENT = Metric("gauge", "fundwatch_resident_memory_bytes", "Resident memory of the process, and of what it started.")  # fmt: skip
RESIDENT_LIMIT = Metric("gauge", "fundwatch_resident_memory_limit_bytes", "Resident memory above which the process drains and ends (limits.rss_mb); 0: none.")  # fmt: skip
DISK_FREE = Metric("gauge", "fundwatch_disk_free_bytes", "Free space where the service writes.", ("place",))
DISK_SIZE = Metric("gauge", "fundwatch_disk_size_bytes", "Size of the disk where the service writes.", ("place",))  # fmt: skip

PROCESSED = Metric("gauge", "fundwatch_processed_offset", "Offset of the first record that is not processed yet.", ("topic", "partition"))  # fmt: skip
COMMITTED = Metric("gauge", "fundwatch_committed_offset", "Offset that a restart begins at.", ("topic", "partition"))  # fmt: skip
LAG_EVENTS = Metric("gauge", "fundwatch_lag_events", "Records that wait.", ("topic", "partition"))
LAG_SECONDS = Metric("gauge", "fundwatch_lag_seconds", "Event time between now and the last message processed; 0 where nothing waits.", ("topic", "partition"))  # fmt: skip

MESSAGES = Metric("counter", "fundwatch_messages_total", "Messages read, by what they were.", ("outcome",))
REJECTS = Metric("counter", "fundwatch_rejects_total", "Messages rejected, by reason.", ("reason",))
REJECTED_ROWS = Metric("counter", "fundwatch_rejected_rows_total", "Rows rejected alone, out of messages that are facts, by reason.", ("reason",))  # fmt: skip
BATCH = Metric("histogram", "fundwatch_batch_events", "Messages of a batch.", (), BATCH_EVENTS)
STEP = Metric("histogram", "fundwatch_step_duration_seconds", "Seconds that a batch took in a step.", ("step",), STEP_SECONDS)  # fmt: skip
DELAY = Metric("histogram", "fundwatch_batch_delay_seconds", "From the arrival of a batch's oldest message until its changes were confirmed.", (), DELAY_SECONDS)  # fmt: skip
WATERMARK = Metric("gauge", "fundwatch_watermark_timestamp_seconds", "How far event time has come.", ("partition",))  # fmt: skip
HISTORY_PERSONS = Metric("gauge", "fundwatch_history_persons", "Persons with a history.", ("partition",))
HISTORY_BYTES = Metric("gauge", "fundwatch_history_bytes", "Size of the histories.", ("partition",))
OUTBOX = Metric("gauge", "fundwatch_outbox_changes", "Changes stored and not confirmed yet.", ("partition",))
BRAKED = Metric("gauge", "fundwatch_braked", "1 where a change of too many alerts waits for a decision.", ("partition",))  # fmt: skip

ALERTS = Metric("counter", "fundwatch_alert_changes_total", "Changes of alerts, by rule and outcome.", ("rule_id", "outcome"))  # fmt: skip
COVERAGE = Metric("gauge", "fundwatch_coverage_subjects", "Subjects judged and not judged for lack of data, as published last.", ("rule_id", "outcome"))  # fmt: skip
COVERAGE_TIME = Metric("gauge", "fundwatch_coverage_timestamp_seconds", "When coverage was published last; the start where it was not.")  # fmt: skip
SILENT = Metric("gauge", "fundwatch_silent_institutions", "Institutions that fell silent, as published last.")

FILES = Metric("counter", "fundwatch_archiver_files_total", "Files that the archiver added to the lake.")
ARCHIVED = Metric("counter", "fundwatch_archiver_events_total", "Messages that the archiver added to the lake.")  # fmt: skip
BYTES = Metric("counter", "fundwatch_archiver_bytes_total", "Bytes that the archiver added to the lake.")
FILE_TIME = Metric("gauge", "fundwatch_archiver_last_file_timestamp_seconds", "When the archiver added a file last; the start where it did not.")  # fmt: skip
COMPACTED = Metric("counter", "fundwatch_archiver_compacted_files_total", "Small files that were put together.")  # fmt: skip

SWEEP = Metric("histogram", "fundwatch_sweep_duration_seconds", "Seconds of a sweep.", (), SWEEP_SECONDS)
SWEEPS = Metric("counter", "fundwatch_sweeps_total", "Sweeps, by outcome.", ("outcome",))
SWEEP_TIME = Metric("gauge", "fundwatch_sweep_last_success_timestamp_seconds", "When a sweep ended well last; the start where none did.")  # fmt: skip
SWEEP_TICK = Metric("gauge", "fundwatch_sweep_tick_seconds", "Time from one sweep to the next (sweeper.tick_seconds).")  # fmt: skip
REPAIR_TIME = Metric("gauge", "fundwatch_repair_last_success_timestamp_seconds", "When a repair ended well last; the start where none did.")  # fmt: skip
REPAIRED = Metric("gauge", "fundwatch_repair_differences", "Persons whose alerts differed from the replay's in the last repair.")  # fmt: skip

STORED = Metric("counter", "fundwatch_store_changes_total", "Changes that reached the alert store: stored, or known before.", ("outcome",))  # fmt: skip
STORE_TIME = Metric("gauge", "fundwatch_store_last_change_timestamp_seconds", "When the alert store took a change last; the start where it did not.")  # fmt: skip

#: Role → what it tells. `up` is all of them in one process.
METRICS: Mapping[str, tuple[Metric, ...]] = {
    "every service": (BUILD_INFO, STARTED, READY, RESIDENT, RESIDENT_LIMIT, DISK_FREE, DISK_SIZE),
    "whoever reads a topic": (PROCESSED, COMMITTED, LAG_EVENTS, LAG_SECONDS),
    "worker": (
        *(MESSAGES, REJECTS, REJECTED_ROWS, BATCH, STEP, DELAY, WATERMARK),
        *(HISTORY_PERSONS, HISTORY_BYTES, OUTBOX, BRAKED),
    ),
    "worker and sweeper": (ALERTS,),
    "sweeper": (
        *(SWEEP, SWEEPS, SWEEP_TIME, SWEEP_TICK, REPAIR_TIME, REPAIRED),
        *(COVERAGE, COVERAGE_TIME, SILENT),
    ),
    "archiver": (FILES, ARCHIVED, BYTES, FILE_TIME, COMPACTED),
    "store": (STORED, STORE_TIME),
}
