"""To be asked to end is heard at whatever moment, and by who is to answer it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from streams.operation.stopping import told_afterwards

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


# Is asked to end over and over, each time while it looks whether it was.
ASKED = """
import os, signal, threading
from streams.operation.stopping import asked_to_stop

for _ in range(100):
    with asked_to_stop() as stop:
        threading.Timer(0.002, os.kill, (os.getpid(), signal.SIGTERM)).start()
        while not stop.wait(0):
            pass
print("ended", threading.active_count() <= 2)
"""


def test_who_is_asked_while_it_begins_to_wait_ends_too() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ASKED],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.stdout.split(), done.stderr) == (["ended", "True"], "")


def test_what_is_told_in_between_is_heard_when_the_block_is_over() -> None:
    made: list[str] = []

    def make() -> None:
        with told_afterwards():
            signal.raise_signal(signal.SIGINT)
            made.append("whole")

    with pytest.raises(KeyboardInterrupt):
        make()
    assert made == ["whole"]
