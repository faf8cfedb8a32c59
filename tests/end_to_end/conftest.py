"""The demo, played once for all tests that look at what it left."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from app.demo import folder, run
from app.demo.progress import Teller
from app.demo.run import Played
from tests.servers import MAILMAN_PYTHON, required_python
from workers.memory import MemoryBroker


@dataclass(frozen=True, slots=True)
class Performance:
    """Platforms and workers are still up. ``raw_log``: all loggers at DEBUG, unfiltered."""

    played: Played
    teller: Teller
    raw_log: Path
    messages: list[bytes]  # every one that went to the broker


@pytest.fixture(scope="session")
def performance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Performance]:
    python = required_python(MAILMAN_PYTHON, "GNU Mailman")
    base = tmp_path_factory.mktemp("demo")
    teller = Teller(Console(file=io.StringIO()))
    messages: list[bytes] = []
    with (
        pytest.MonkeyPatch.context() as patches,
        folder.claimed(base / "var") as place,
        run.logging_to(place),
        everything_logged_to(base / "raw.log") as raw_log,
    ):
        overhear(patches, messages)
        with run.performed(place, python, teller) as played:
            yield Performance(played, teller, raw_log, messages)


def overhear(patches: pytest.MonkeyPatch, messages: list[bytes]) -> None:
    enqueue = MemoryBroker.enqueue

    def listen(broker: MemoryBroker, message: Any, **options: Any) -> Any:
        messages.append(message.encode())
        return enqueue(broker, message, **options)

    patches.setattr(MemoryBroker, "enqueue", listen)


@contextmanager
def everything_logged_to(path: Path) -> Iterator[Path]:
    """As if no allow-list were there: what other libraries log at DEBUG is written too."""
    root, handler = logging.getLogger(), logging.FileHandler(path)
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield path
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        handler.close()
