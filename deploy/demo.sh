#!/bin/sh
# The main jobs in two minutes: simulate a small county, replay its log, look at what was found; train models on another, and
# see who is unlike their peers; then watch a third one live.
# usage: deploy/demo.sh BIN    (BIN: the folder with the command fundwatch)
set -eu
bin=$1
root=$(cd "$(dirname "$0")/.." && pwd)
out=$root/demo
store=sqlite:///demo/live/alerts.db
export FUNDWATCH_KEY="${FUNDWATCH_KEY:-the demo has no secrets to keep}"
FUNDWATCH_HTTP_PORT=$("$bin/python" -c 'import socket
with socket.socket() as one:
    one.bind(("127.0.0.1", 0))
    print(one.getsockname()[1])')
export FUNDWATCH_HTTP_PORT
test -t 1 || export COLUMNS=140

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
shown() { printf '\033[36m$ fundwatch'; printf ' %s' "$@"; printf '\033[0m\n'; }
run() { shown "$@"; "$bin/fundwatch" "$@"; }
# Of a run's alerts by a rule the gravest, and among those the one with the highest score.
gravest() { "$bin/python" -c '
import json, sys
alerts = [json.loads(line) for line in open(sys.argv[1] + "/alerts.jsonl", encoding="utf-8")]
pick = [a for a in alerts if a["rule_code"] == sys.argv[2]] or alerts
print(min(pick, key=lambda a: (a["sev_deg"], -(a["score"] or 0)))["jr_id"][:12])' "$@"; }
live() { "$bin/python" -m deploy.live "$@"; }

rm -rf "$out"
cd "$root"
say "1. An invented county of 2,000 people, half a year, with planted fraud"
run simulate --persons 2000 --days 180 --seed 1 --out demo/county
say "2. Its event log, replayed"
run replay demo/county/events --out demo/run
say "3. One finding, with its evidence"
first=$(gravest demo/run GB-07)
run show "$first" --run demo/run

say "4. Who is unlike their peers: models are trained on a county of 120 institutions, and judge beside the rules"
run simulate --persons 200 --days 120 --seed 1 --anomalies --out demo/peers > demo/peers.txt
head -n 2 demo/peers.txt
run lake build demo/peers/events --out demo/peers-lake
run train demo/peers-lake --as-of 2026-06-01 --out demo/models
run replay demo/peers-lake --models demo/models --out demo/peers-run
say "5. Whom to visit first, and one finding of a model"
run score demo/peers-lake --models demo/models --out demo/scores --top 3
unlike=$(gravest demo/peers-run AN-02)
run show "$unlike" --run demo/peers-run

say "6. Live, on this machine: a smaller county's log, judged as it grows"
"$bin/fundwatch" simulate --persons 100 --days 100 --seed 5 --out demo/town > demo/town.txt
mkdir demo/inbox
shown up --data demo/live --watch demo/inbox '&'
"$bin/fundwatch" up --data demo/live --watch demo/inbox > demo/up.log 2>&1 &
up=$!
trap 'kill "$up" 2> /dev/null || true' EXIT
until "$bin/python" -c 'import os, urllib.request as r
r.urlopen("http://127.0.0.1:" + os.environ["FUNDWATCH_HTTP_PORT"] + "/readyz")' 2> /dev/null; do
    kill -0 "$up"
    sleep 0.2
done
live feed demo/town/events demo/inbox 0 50
run alerts --store "$store" --order detected --limit 3
live feed demo/town/events demo/inbox 50 100
run alerts --store "$store" --order detected --limit 3
say "7. A claim that was alerted is cancelled, and its alert is retracted"
one=$(live pick "$store")
live cancel demo/inbox "$one" "$store"
run show "$one" --store "$store"
say "8. It is stopped, ends what is left, and says what a replay of the same log says"
kill "$up"
wait "$up"
trap - EXIT
run up --data demo/live --watch demo/inbox --once
"$bin/fundwatch" replay demo/inbox --out demo/again > demo/again.txt
shown replay demo/inbox --out demo/again
live equal "$store" demo/again

say "9. Where to go on"
cat <<'END'
  demo/run/alerts.jsonl      every finding, one JSON object a line
  demo/run/coverage.jsonl    who could not be judged, and what was missing
  demo/county/truth.jsonl    what was planted
  demo/scores/scores.csv     every score; fundwatch evaluate demo/scores --truth demo/peers/truth.csv says what they are worth
  demo/models/cards/         what each model was trained on, and what it cannot know
  demo/live/                 what fundwatch up keeps: alerts, lake, state
  fundwatch rules list       the rules, and fundwatch rules explain GB-07 for one of them
END
