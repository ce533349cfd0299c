"""What the demo of `fundwatch up` does between its commands: `python -m deploy.live COMMAND…`.

feed LOGS INBOX FROM TO     puts that part (percent) of the logs into a growing log, and waits until it is judged
pick STORE                  names an alert that rests on one settlement
cancel INBOX JR_ID STORE    puts the cancellation of that settlement into the log, and waits until it is judged
undo INBOX JR_ID STORE      prints that cancellation instead
equal STORE RUN             compares the open alerts of a store with those of a replay
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.request
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from detectors.alert import encode
from streams.sources import LogReader, find_inputs
from streams.store.reading import AlertReader

#: What cancels which settlement.
CANCELS = {"2102": "2103", "2207": "2208", "2304": "2305"}

#: Rules whose alert is about one settlement and goes with it.
RULES = ("FP-07", "FP-01")

LOG = "gateway.jsonl"
_DEADLINE = 120.0


def feed(logs: str, inbox: str, begin: str, end: str) -> None:
    """Put a part of the logs into the inbox."""
    lines = [line for chunk in LogReader(find_inputs([logs])) for line in b"".join(chunk.blocks).splitlines()]
    part = lines[len(lines) * int(begin) // 100 : len(lines) * int(end) // 100]
    _put(Path(inbox), part)
    print(f"{len(part):,} messages more, all judged")


def cancel(inbox: str, jr_id: str, url: str) -> None:
    """Cancel the settlement that an alert rests on."""
    cancelled = _cancellation(inbox, jr_id, url)
    _put(Path(inbox), [json.dumps(cancelled, ensure_ascii=False).encode()])
    print(f"transaction {cancelled['infno']} at {cancelled['inf_time']} cancels the settlement")


def undo(inbox: str, jr_id: str, url: str) -> None:
    """Print it."""
    print(json.dumps(_cancellation(inbox, jr_id, url), ensure_ascii=False))


def _cancellation(inbox: str, jr_id: str, url: str) -> dict[str, Any]:
    with AlertReader(url) as store:
        alert = store.find(jr_id).alert
    message = _settlement(Path(inbox), alert.evidence)
    output = message["response"]["output"]["setlinfo"]
    return {
        **message,
        "infno": CANCELS[message["infno"]],
        "msgid": message["msgid"][:-4] + "UNDO",
        "inf_time": str(datetime.fromisoformat(message["inf_time"]) + timedelta(days=1)),
        "input": {"data": {name: output[name] for name in ("psn_no", "mdtrt_id", "setl_id")}},
        "response": {"infcode": 0, "output": {}},
    }


def pick(url: str) -> None:
    """Name an alert that a cancellation ends."""
    with AlertReader(url) as store:
        found = [held.alert for held in store.every() if held.alert.rule_code in RULES]
    chosen = next(
        alert for code in RULES for alert in found if alert.rule_code == code and len(alert.setl_ids) == 1
    )
    print(chosen.jr_id[:12])


def equal(url: str, run: str) -> None:
    """Compare."""
    with AlertReader(url) as store:
        live = sorted(encode(held.alert) for held in store.every())
    replayed = sorted(Path(run, "alerts.jsonl").read_bytes().splitlines())
    verdict = "equal, content and all" if live == replayed else "they differ"
    print(f"live: {len(live)} open alerts; replay: {len(replayed)}; {verdict}")
    sys.exit(live != replayed)


def _put(inbox: Path, lines: list[bytes]) -> None:
    before = _judged()
    inbox.mkdir(exist_ok=True)
    with (inbox / LOG).open("ab") as log:
        log.write(b"".join(line + b"\n" for line in lines))
    until = time.monotonic() + _DEADLINE
    while _judged() < before + len(lines):
        if time.monotonic() > until:
            sys.exit("the demo waited too long; is fundwatch up still running?")
        time.sleep(0.1)


def _judged() -> int:
    """How many messages are judged, as the metrics say."""
    port = os.environ["FUNDWATCH_HTTP_PORT"]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith("fundwatch_processed_offset{"):
                return int(float(line.rsplit(" ", 1)[1]))
    return 0


def _lines(inbox: Path) -> list[bytes]:
    return [
        line for chunk in LogReader(find_inputs([str(inbox)])) for line in b"".join(chunk.blocks).splitlines()
    ]


def _settlement(inbox: Path, evidence: list[str]) -> dict[str, Any]:
    for line in _lines(inbox):
        if any(msgid.encode() in line for msgid in evidence):
            message: dict[str, Any] = json.loads(line)
            if message.get("msgid") in evidence and message.get("infno") in CANCELS:
                return message
    sys.exit("no settlement is among the evidence")


if __name__ == "__main__":
    commands: dict[str, Callable[..., None]] = {
        "feed": feed,
        "pick": pick,
        "cancel": cancel,
        "undo": undo,
        "equal": equal,
    }
    name, *arguments = sys.argv[1:]
    commands[name](*arguments)
