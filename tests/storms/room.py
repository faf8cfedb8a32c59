"""Slow tests run side by side where that tells nothing untrue: who measures time is alone."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

ALONE = "alone"
SLOW = ("storm", "large")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """
    Who is alone comes last, so that they wait for one another's end only; else who may take long
    comes first, in every run, so that no process is left with it in the end.
    """
    items.sort(key=lambda item: (item.get_closest_marker(ALONE) is not None, -limit(item)))


def limit(item: pytest.Item) -> float:
    """A test's own, in seconds."""
    mark = item.get_closest_marker("timeout")
    return float(mark.args[0]) if mark else 0.0


@pytest.hookimpl(wrapper=True, tryfirst=True)  # around the time limit, which is for the storm
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    if not any(map(item.get_closest_marker, SLOW)):
        return (yield)
    wanted = fcntl.LOCK_EX if item.get_closest_marker(ALONE) else fcntl.LOCK_SH
    with door().open("w") as lock:
        fcntl.flock(lock, wanted)
        return (yield)


def door() -> Path:
    """One for all processes of this run."""
    return Path(tempfile.gettempdir()) / f"room-{os.environ.get('PYTEST_XDIST_TESTRUNUID', '')}"
