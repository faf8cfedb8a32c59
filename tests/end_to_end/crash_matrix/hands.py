"""A worker process from outside: told over a line, until it dies."""

from __future__ import annotations

import os
import signal
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import Connection
from typing import Any

from tests.end_to_end.crash_matrix.points import Point
from tests.end_to_end.crash_matrix.process import Failed, Role, Said
from tests.end_to_end.crash_matrix.traps import At

PATIENCE = 20.0  # seconds for what takes milliseconds


class Struck(Exception):
    """The process stands at this point, and waits for a word."""

    def __init__(self, point: Point) -> None:
        super().__init__(point)
        self.point = point


@dataclass(slots=True)
class Hand:
    """``faults`` are what the product itself called an error in there."""

    line: Connection[Any, Any]
    process: int = 0
    faults: Sequence[str] = ()

    def becomes(self, role: Role) -> None:
        self.line.send(role)
        self.process = self.hears()

    def does(self, what: str, *given: Any) -> Any:
        """Raises Struck."""
        self.begins(what, *given)
        return self.hears()

    def begins(self, what: str, *given: Any) -> None:
        self.line.send((what, given))

    def hears(self) -> Any:
        """Raises Struck."""
        assert self.line.poll(PATIENCE), "a process does not answer"
        match self.line.recv():
            case Said(value, faults):
                self.faults = faults
                return value
            case At(point):
                raise Struck(point)
            case Failed(trace):
                raise AssertionError(trace)
            case other:
                raise AssertionError(other)

    def goes_on(self, now: datetime, points: Collection[Point]) -> None:
        """To the end of what it was at. Raises Struck at the first of the points."""
        self.line.send((now, points))
        self.hears()

    def dies(self) -> None:
        """By its own hand, where it stands."""
        self.line.send(None)
        assert self.line.poll(PATIENCE), "a process does not die"
        try:
            said = self.line.recv()
        except EOFError:
            self.line.close()
        else:
            raise AssertionError(said)

    def is_killed(self) -> None:
        """Where a run went wrong nobody knows what it is at."""
        with suppress(ProcessLookupError):
            os.kill(self.process, signal.SIGKILL)
        self.line.close()
