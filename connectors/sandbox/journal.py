"""The imitation's memory: a file of JSON lines to which lines are only ever added."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any


class Journal:
    """
    What arrived (before anything is done about it), what is held since, what was answered.

    A line is in the file when ``write`` returns, so that a killed process loses nothing it
    acted upon. It does not survive a power cut, which an imitation need not.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = Lock()
        self.count = mend(path)
        self.file = path.open("a", encoding="utf-8")

    def write(self, what: str, **facts: object) -> int:
        """Add a line; its number is how later lines refer to it."""
        line = json.dumps({"what": what, "at": datetime.now(UTC).isoformat(), **facts})
        with self.lock:
            self.file.write(line + "\n")
            self.file.flush()
            self.count += 1
            return self.count

    def records(self) -> Iterator[Mapping[str, Any]]:
        with self.path.open(encoding="utf-8") as lines:
            yield from map(json.loads, lines)

    def close(self) -> None:
        self.file.close()


def mend(path: Path) -> int:
    """Cut off a last line that a killed process did not finish; how many lines remain."""
    path.touch()
    with path.open("r+b") as file:
        lines = file.read().splitlines(keepends=True)
        whole = [line for line in lines if line.endswith(b"\n")]
        file.truncate(sum(map(len, whole)))
    return len(whole)
