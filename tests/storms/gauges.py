"""Whether a process that lives long comes to hold ever more: memory, descriptors."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import psutil

MIB = 2**20
MINUTE = 60.0
WARM_UP = 0.2  # of the time: pools fill, statements are compiled, modules are imported
MOST = 1.0  # MiB a minute
SPARE = 4  # what one more thread at work holds: a line to ledger, safe, broker, platform


@dataclass(frozen=True, slots=True)
class Reading:
    """``at`` is in seconds, ``memory`` in MiB that are resident."""

    at: float
    memory: float
    descriptors: int


@dataclass(slots=True)
class Gauge:
    """
    On one process; ``at_rest`` holds how few descriptors it came down to at each rest. Raises
    psutil.NoSuchProcess when it did not live on.
    """

    name: str
    process: psutil.Process
    readings: list[Reading] = field(default_factory=list)
    at_rest: list[int] = field(default_factory=list)

    @classmethod
    def on(cls, name: str, process: int) -> Self:
        return cls(name, psutil.Process(process))

    def read(self) -> None:
        held, descriptors = self.process.memory_info().rss, self.process.num_fds()
        self.readings.append(Reading(time.monotonic(), held / MIB, descriptors))

    def rested(self, since: int) -> None:
        """A rest is over, before which there were so many readings."""
        self.at_rest.append(min(one.descriptors for one in self.readings[since:]))


def slope(readings: Sequence[Reading]) -> float:
    """MiB a minute that memory grew by once it was warm, by least squares."""
    warm = since(readings, WARM_UP)
    minutes = [one.at / MINUTE for one in warm]
    return statistics.linear_regression(minutes, [one.memory for one in warm]).slope


def risen(gauge: Gauge) -> int:
    """
    How many descriptors more it holds at the last rest than at the first. What is busy opens
    lines, and closes them when it no longer is; a leak is still held then.
    """
    return gauge.at_rest[-1] - gauge.at_rest[0]


def since(readings: Sequence[Reading], part: float) -> Sequence[Reading]:
    """Those that were taken when this part of the time was over."""
    first, last = readings[0].at, readings[-1].at
    return [one for one in readings if one.at >= first + part * (last - first)]
