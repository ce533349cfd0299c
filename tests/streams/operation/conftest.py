"""What tests of operation share."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator

import pytest


@pytest.fixture
def restored_logging() -> Iterator[None]:
    """Logging as it was, after a test that sets it up for a service."""
    root, ours = logging.getLogger(), logging.getLogger("fundwatch")
    before = root.handlers[:], root.level, ours.level, sys.excepthook, threading.excepthook
    yield
    logging.captureWarnings(False)
    root.handlers[:], root.level, ours.level, sys.excepthook, threading.excepthook = before
