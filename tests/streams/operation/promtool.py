"""promtool for the tests: what `make test` fetched, else what is installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

MISSING = "promtool is missing: `make promtool` fetches it, or install Debian's package prometheus"


def promtool(*arguments: str | Path, given: bytes | None = None, folder: Path | None = None) -> str:
    """Run promtool; what it says where it ends well. Fails the test, with what it said, where it does not."""
    beside = Path(sys.executable).parent / "promtool"
    found = str(beside) if beside.exists() else shutil.which("promtool")
    assert found, MISSING
    done = subprocess.run(
        [found, *map(str, arguments)], input=given, capture_output=True, check=False, cwd=folder, timeout=120
    )
    said = (done.stdout + done.stderr).decode()
    assert done.returncode == 0, said
    return said
