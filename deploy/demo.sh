#!/bin/sh
# The main job in a minute: simulate a small county, replay its log, look at what was found.
# usage: deploy/demo.sh BIN    (BIN: the folder with the command fundwatch)
set -eu
bin=$1
root=$(cd "$(dirname "$0")/.." && pwd)
out=$root/demo
export FUNDWATCH_KEY="${FUNDWATCH_KEY:-the demo has no secrets to keep}"

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
run() { printf '\033[36m$ fundwatch'; printf ' %s' "$@"; printf '\033[0m\n'; "$bin/fundwatch" "$@"; }

rm -rf "$out"
cd "$root"
say "1. An invented county of 2,000 people, half a year, with planted fraud"
run simulate --persons 2000 --days 180 --seed 1 --out demo/county
say "2. Its event log, replayed"
run replay demo/county/events --out demo/run
say "3. One finding, with its evidence"
first=$("$bin/python" -c '
import json, sys
alerts = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
pick = [a for a in alerts if a["rule_code"] == "GB-07" and a["sev_deg"] == "1"] or alerts
print(pick[0]["jr_id"][:12])' demo/run/alerts.jsonl)
run show "$first" --run demo/run
say "4. Where to go on"
cat <<'END'
  demo/run/alerts.jsonl      every finding, one JSON object a line
  demo/run/coverage.jsonl    who could not be judged, and what was missing
  demo/county/truth.jsonl    what was planted
  fundwatch rules list       the rules, and fundwatch rules explain GB-07 for one of them
END
