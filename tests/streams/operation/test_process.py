"""How a program settles: it begins anew once, as the same process with the same arguments, and gives way."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from streams.operation.process import SETTINGS

PROGRAM = """
import os, sys
print(os.getpid(), os.environ.get("GLIBC_TUNABLES"), os.environ.get("DUCKDB_JE_MALLOC_CONF"), *sys.argv[1:], flush=True)
from streams.operation.process import keep_blocks_at_hand
keep_blocks_at_hand()
"""


def run(**environment: str) -> list[list[str]]:
    without = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM, "a b", "--c"],
        env=without | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return [line.split(" ", 3) for line in told.stdout.splitlines()]


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_it_begins_anew_once() -> None:
    (pid, *before, arguments), (same, *after, again) = run()
    assert (pid, arguments) == (same, again)
    assert arguments == "a b --c"
    assert (before, after) == (["None", "None"], [*SETTINGS.values()])


def test_what_the_user_has_set_stays() -> None:
    of_glibc, of_duckdb = "glibc.malloc.perturb=0", "dirty_decay_ms:0"
    ((_, *both, _),) = run(GLIBC_TUNABLES=of_glibc, DUCKDB_JE_MALLOC_CONF=of_duckdb)
    assert both == [of_glibc, of_duckdb]
    _, (_, *one, _) = run(GLIBC_TUNABLES=of_glibc)
    assert one == [of_glibc, SETTINGS["DUCKDB_JE_MALLOC_CONF"]]


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


#: Begun as a session by itself, says how its session is scheduled before and after somebody gives way: itself, or a process
#: that it has started. The session of this test is not asked: where nobody has begun one, it has no level.
SESSION = """
import subprocess, sys
from streams.operation.process import give_way

def level():
    return open("/proc/self/autogroup").read().split()[-1]

print(level())
if sys.argv[1] == "itself":
    give_way()
else:
    subprocess.run([sys.executable, "-c", "from streams.operation.process import give_way; give_way()"], check=True)
print(level())
"""


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="no scheduling by session")
@pytest.mark.parametrize(("who", "after"), [("itself", min(os.nice(0) + 10, 19)), ("a child", 0)])
def test_only_a_service_that_is_a_session_by_itself_lowers_the_session(who: str, after: int) -> None:
    told = subprocess.run(
        [sys.executable, "-c", SESSION, who],
        capture_output=True,
        text=True,
        check=True,
        start_new_session=True,
    ).stdout
    assert [int(level) for level in told.split()] == [0, after]
