#!/bin/sh
# The live part over a real Kafka, in two minutes: broker, worker, archiver, sweeper, alert store; a claim is cancelled.
# usage: deploy/demo-kafka.sh BIN    (BIN: the folder with the command fundwatch)
set -eu
bin=$1
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
out=demo/kafka
port=$("$bin/python" -c 'from deploy.kafka.broker import free_ports
print(next(free_ports(1)))')
export FUNDWATCH_KEY="${FUNDWATCH_KEY:-the demo has no secrets to keep}"
export FUNDWATCH_CONFIG="$root/$out/fundwatch.yaml" FUNDWATCH_STORE_URL="sqlite:///$root/$out/alerts.db" FUNDWATCH_HTTP_PORT=0
test -t 1 || export COLUMNS=140

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
shown() { printf '\033[36m$ fundwatch'; printf ' %s' "$@"; printf '\033[0m\n'; }
run() { shown "$@"; "$bin/fundwatch" "$@"; }
live() { "$bin/python" -m deploy.live "$@"; }
service() { shown "$@" '&'; "$bin/fundwatch" "$@" > "$out/$1.log" 2>&1 & services="$services $!"; }
caught_up() { "$bin/python" -m deploy.kafka caught-up --config "$FUNDWATCH_CONFIG" --store "$FUNDWATCH_STORE_URL"; }

rm -rf "$out"
mkdir -p "$out"
printf 'kafka: {bootstrap: "127.0.0.1:%s"}\nworker: {state: state, lake: lake}\narchiver: {lake: lake, max_seconds: 2}\nsweeper: {state: state, lake: lake, tick_seconds: 10}\n' "$port" > "$out/fundwatch.yaml"
services=
say "1. A broker, and the services beside it"
"$bin/python" -m deploy.kafka run --port "$port" --data "$out/broker" > "$out/broker.log" 2>&1 &
broker=$!
trap 'kill $services "$broker" 2> /dev/null || true' EXIT
until grep -q answers "$out/broker.log"; do kill -0 "$broker"; sleep 0.2; done
cat "$out/broker.log"
service worker
service archive
service sweep
service store fill
say "2. An invented town's log is sent, as a gateway would"
"$bin/fundwatch" simulate --persons 100 --days 100 --seed 5 --out "$out/town" > "$out/town.txt"
run send "$out/town/events"
caught_up
run alerts --order detected --limit 5
say "3. A claim that was alerted is cancelled, and its alert is retracted"
one=$(live pick "$FUNDWATCH_STORE_URL")
live undo "$out/town/events" "$one" "$FUNDWATCH_STORE_URL" > "$out/town/events/undo.jsonl"
run send "$out/town/events/undo.jsonl"
caught_up
run show "$one" --store "$FUNDWATCH_STORE_URL"
say "4. What holds in the end is what a replay of the same log says"
run dlq list --limit 3
kill $services
wait $services 2> /dev/null || true
services=
run sweep --once
run store fill --once
"$bin/fundwatch" replay "$out/town/events" --out "$out/replay" > "$out/replay.txt"
shown replay "$out/town/events" --out "$out/replay"
live equal "$FUNDWATCH_STORE_URL" "$out/replay"
