"""AN-01 over Kafka: a stay far outside what the models expect is told by the worker as by the replay."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from deploy.kafka.services import Worker
from streams.kafka.sending import send
from streams.kafka.settings import Connection
from streams.kafka.topics import EVENTS, Layout
from streams.simulate import World, simulate
from tests.live.soak import comparing
from tests.live.soak.watching import Groups, at_rest, wait_for
from tests.live.soak.world import KEY

WORLD = World(persons=20, days=100, seed=3, anomalies=True, institutions=20)

#: Of whom the worker hears: a few institutions, and all registries.
HEARD = re.compile(rb"H9901010501[0-6]|^..registry")

#: When the models are trained: most of the world has happened.
AS_OF = "2026-03-20"

#: Lower than the default, so that a small world has some.
LEAST = {"AN-01": {"least_score": 0.95, "least_ratio": 1.2}}

ENVIRONMENT = {"FUNDWATCH_KEY": KEY}


def fundwatch(*words: str | Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "streams.cli", *map(str, words)],
        check=True, env={**os.environ, **ENVIRONMENT}, stdout=subprocess.DEVNULL,
    )  # fmt: skip


def test_the_worker_says_of_stays_what_the_replay_says(
    tmp_path: Path, connection: Connection, layout: Layout
) -> None:
    world, log, models, params = (tmp_path / name for name in ("world", "log", "models", "params.yaml"))
    every = [bytes(line) for line in simulate(WORLD).events]
    lines = [line for line in every if HEARD.search(line)]
    for folder, some in ((world, every), (log, lines)):
        folder.mkdir()
        (folder / "events.jsonl").write_bytes(b"\n".join(some))
    params.write_text(json.dumps(LEAST))
    fundwatch("train", world, "--as-of", AS_OF, "--out", models)
    lower = [f"--param={code}.{name}={value}" for code, one in LEAST.items() for name, value in one.items()]
    fundwatch("replay", log, "--models", models, "--rules", "AN-01", *lower, "--out", tmp_path / "run")
    found = (tmp_path / "run" / "alerts.jsonl").read_bytes().splitlines()
    replayed = {json.loads(one)["jr_id"]: one for one in found}
    assert len(replayed) > 5

    settings = {
        "kafka": {"bootstrap": ",".join(connection.bootstrap), "topic_prefix": layout.prefix},
        "models": {"folder": str(models)},
        "rules": {"params": str(params)},
        "worker": {"lake": str(tmp_path / "lake"), "brake": 1_000_000},
    }
    worker = Worker(tmp_path / "worker", settings, environment=ENVIRONMENT)
    with closing(Groups(connection, layout, "fundwatch-worker")) as groups:
        worker.start()
        try:
            send(connection, layout.name(EVENTS), [str(log / "events.jsonl")])
            wait_for(
                lambda: (
                    groups.lag() == dict.fromkeys((groups.router, groups.judge), 0)
                    and at_rest([worker], layout.judge_partitions)
                ),
                "all is judged",
            )
        finally:
            worker.kill()
    said = {
        jr_id: one
        for jr_id, one in comparing.read_said(connection, layout).open.items()
        if json.loads(one)["rule_code"] == "AN-01"
    }
    compared = comparing.compare(said, replayed)
    assert not compared.wrong, "\n".join(comparing.shown(compared, said, replayed))
