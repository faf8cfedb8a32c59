"""Waiting for what other threads and processes bring about."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 15.0  # seconds


def until(shown: Callable[[], object], patience: float) -> float:
    """How many seconds it took; ``patience`` or more when it did not happen."""
    start = time.monotonic()
    while not shown() and time.monotonic() < start + patience:
        time.sleep(0.02)
    return time.monotonic() - start


def eventually(shown: Callable[[], object], patience: float = PATIENCE) -> float:
    """The same; it has to happen in time."""
    took = until(shown, patience)
    assert took < patience, "it did not happen in time"
    return took
