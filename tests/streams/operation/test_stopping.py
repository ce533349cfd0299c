"""Ctrl-C reaches every process of a terminal; only who started the others may answer it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

# Its group, itself included, gets Ctrl-C over and over while the process starts, works and ends.
STORM = """
import multiprocessing, os, signal, sys, threading, time
from streams.operation.stopping import start_apart

def storm():
    while True:
        os.killpg(0, signal.SIGINT)
        time.sleep(0.001)

if __name__ == "__main__":
    answered = []
    signal.signal(signal.SIGINT, lambda *_: answered.append(1))
    process = multiprocessing.get_context(sys.argv[1]).Process(target=time.sleep, args=(0.2,))
    threading.Thread(target=storm, daemon=True).start()
    start_apart(process)
    process.join()
    print(process.exitcode, len(answered) > 0)
    os._exit(0)
"""


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_process_that_is_still_starting_does_not_die_of_ctrl_c(method: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STORM, method],
        cwd=ROOT, capture_output=True, text=True, timeout=60, start_new_session=True, check=False,
    )  # fmt: skip
    assert (done.stdout.split(), done.stderr) == (["0", "True"], "")
