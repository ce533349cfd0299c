"""How a program settles: it begins anew once, as the same process with the same arguments, and gives way."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from streams.operation.process import SETTING

PROGRAM = """
import os, sys
print(os.getpid(), os.environ.get("GLIBC_TUNABLES"), *sys.argv[1:], flush=True)
from streams.operation.process import keep_blocks_at_hand
keep_blocks_at_hand()
"""


def run(**environment: str) -> list[list[str]]:
    without = {name: value for name, value in os.environ.items() if name != SETTING}
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM, "a b", "--c"],
        env=without | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return [line.split(" ", 2) for line in told.stdout.splitlines()]


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_it_begins_anew_once() -> None:
    (pid, before, arguments), (same, after, again) = run()
    assert (pid, arguments) == (same, again)
    assert arguments == "a b --c"
    assert (before, after) == ("None", "glibc.malloc.tcache_count=500")


def test_what_the_user_has_set_stays() -> None:
    ((_, setting, _),) = run(**{SETTING: "glibc.malloc.perturb=0"})
    assert setting == "glibc.malloc.perturb=0"


def test_a_service_for_which_nobody_waits_gives_way() -> None:
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            "import os; from streams.operation.process import give_way; give_way(); print(os.nice(0))",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(told.stdout) == min(os.nice(0) + 10, 19)


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="no scheduling by session")
@pytest.mark.parametrize("own_session", [True, False])
def test_a_service_that_is_a_session_by_itself_gives_way_to_other_sessions(own_session: bool) -> None:
    session = Path("/proc/self/autogroup")
    before = session.read_text(encoding="ascii")
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            "from streams.operation.process import give_way; give_way(); print(open('/proc/self/autogroup').read())",
        ],
        capture_output=True,
        text=True,
        check=True,
        start_new_session=own_session,
    ).stdout
    assert told.split()[-1] == (str(min(os.nice(0) + 10, 19)) if own_session else before.split()[-1])
    assert session.read_text(encoding="ascii") == before
