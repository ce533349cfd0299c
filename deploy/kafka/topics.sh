#!/bin/sh
# Makes the topics of fundwatch with Kafka's own tool; those that are there stay as they are.
# usage: BOOTSTRAP=host:port REPLICATION=3 topics.sh [options of kafka-topics.sh, as --command-config FILE]
# Written by `fundwatch topics script`; `fundwatch topics create` does the same, and says what differs.
set -eu
: "${BOOTSTRAP:=127.0.0.1:9092}" "${REPLICATION:=3}"
tool=$(command -v kafka-topics.sh || echo /opt/kafka/bin/kafka-topics.sh)
further=$*
if [ "$REPLICATION" -ge 3 ]; then in_sync=2; else in_sync=1; fi

make() {
  name=$1 partitions=$2
  shift 2
  # shellcheck disable=SC2086
  "$tool" --bootstrap-server "$BOOTSTRAP" $further --create --if-not-exists \
    --topic "$name" --partitions "$partitions" --replication-factor "$REPLICATION" \
    --config min.insync.replicas=$in_sync "$@"
}

# Transactions and registry events as the gateway sends them, with any key.
make settlement.events 8 \
  --config cleanup.policy=delete \
  --config max.message.bytes=16777216 \
  --config message.timestamp.type=CreateTime \
  --config retention.ms=2592000000

# Messages that are no facts and why, with the original key, value and timestamp, until somebody has dealt with them.
make settlement.events.dlq 1 \
  --config cleanup.policy=delete \
  --config max.message.bytes=16777216 \
  --config message.timestamp.type=CreateTime \
  --config retention.ms=15552000000

# Decoded facts by person, one record a partition and micro-batch, from the router to the judges.
make fundwatch.packets 8 \
  --config cleanup.policy=delete \
  --config max.message.bytes=16777216 \
  --config message.timestamp.type=CreateTime \
  --config retention.ms=2592000000

# What sweeper and operators tell the judges: look again, brake, release.
make fundwatch.control 8 \
  --config cleanup.policy=compact \
  --config max.message.bytes=16777216 \
  --config message.timestamp.type=CreateTime \
  --config segment.ms=86400000

# What holds: the last change of every alert, by jr_id.
make supervision.alerts 8 \
  --config cleanup.policy=compact \
  --config max.message.bytes=16777216 \
  --config message.timestamp.type=CreateTime \
  --config segment.ms=86400000

# What was said when: every change of every alert with its evidence.
make supervision.alert-changes 8 \
  --config cleanup.policy=delete \
  --config max.message.bytes=16777216 \
  --config message.timestamp.type=CreateTime \
  --config retention.ms=315360000000
