"""Whether a process that lives long comes to hold ever more: memory, descriptors."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Self

import psutil

MIB = 2**20
MINUTE = 60.0
WARM_UP = 0.2  # of the time: pools fill, statements are compiled, modules are imported
LAST = 0.2  # of the time
MOST = 1.0  # MiB a minute
SPARE = 4  # what one more thread at work holds: a line to ledger, safe, broker, platform
ROOM = 8 * SPARE  # what eight of them hold


@dataclass(frozen=True, slots=True)
class Reading:
    """``at`` is in seconds, ``memory`` in MiB that are resident."""

    at: float
    memory: float
    descriptors: int


@dataclass(slots=True)
class Gauge:
    """On one process. Raises psutil.NoSuchProcess when it did not live on."""

    name: str
    process: psutil.Process
    readings: list[Reading] = field(default_factory=list)

    @classmethod
    def on(cls, name: str, process: int) -> Self:
        return cls(name, psutil.Process(process))

    def read(self) -> None:
        held, descriptors = self.process.memory_info().rss, self.process.num_fds()
        self.readings.append(Reading(time.monotonic(), held / MIB, descriptors))


def slope(readings: Sequence[Reading]) -> float:
    """MiB a minute that memory grew by once it was warm, by least squares."""
    warm = since(readings, WARM_UP)
    minutes = [one.at / MINUTE for one in warm]
    return statistics.linear_regression(minutes, [one.memory for one in warm]).slope


def leaks(readings: Sequence[Reading], spare: float) -> bool:
    """Whether it holds more in the end: with little to do than ``spare``, mostly than ROOM."""
    return risen(readings) > spare or risen(readings, middle) > max(ROOM, spare)


def middle(readings: Sequence[Reading]) -> float:
    return statistics.median(one.descriptors for one in readings)


def few(readings: Sequence[Reading]) -> float:
    """A tenth of the readings show less."""
    return statistics.quantiles([one.descriptors for one in readings], n=10)[0]


def risen(readings: Sequence[Reading], held: Callable[[Sequence[Reading]], float] = few) -> float:
    """
    How many descriptors more it holds in the last part than since it was warm, when it holds
    few: what is busy opens lines and closes them again, a leak is held then too. Not at the very
    least, as a fault takes lines away for seconds.
    """
    usual, last = since(readings, WARM_UP), since(readings, 1 - LAST)
    return held(last) - held(usual)


def since(readings: Sequence[Reading], part: float) -> Sequence[Reading]:
    """Those that were taken when this part of the time was over."""
    first, last = readings[0].at, readings[-1].at
    return [one for one in readings if one.at >= first + part * (last - first)]
