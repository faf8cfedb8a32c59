"""What goes wrong on the way to the flaky platform, in an order that a seed decides."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from random import Random
from threading import Lock

CALLS = 20
PER_SECONDS = 1.0
LATEST_SECONDS = 2.5  # the platform promises within three


class Fault(Enum):
    NONE = auto()
    SLOW = auto()  # answers after a while
    BUSY = auto()  # 429 with Retry-After, nothing done
    DOWN = auto()  # 503, nothing done
    CUT_BEFORE = auto()  # connection reset, nothing done
    CUT_AFTER = auto()  # connection reset, and done
    LATE = auto()  # connection reset, and done some time later


@dataclass(frozen=True, slots=True)
class Weather:
    fault: Fault
    seconds: float = 0.0


FAIR = Weather(Fault.NONE)
# In a hundred calls about 24 go wrong; no fault lasts, so what is repeated gets through.
CHANCES = {
    Fault.NONE: 76,
    Fault.SLOW: 8,
    Fault.BUSY: 3,
    Fault.DOWN: 4,
    Fault.CUT_BEFORE: 3,
    Fault.CUT_AFTER: 3,
    Fault.LATE: 3,
}
SECONDS = {Fault.SLOW: (0.1, 0.6), Fault.BUSY: (1.0, 1.0), Fault.LATE: (0.3, LATEST_SECONDS)}


def forecast(seed: int) -> Iterator[Weather]:
    chance = Random(seed)  # noqa: S311  # repeatable is the point; nothing here is secret
    while True:
        (fault,) = chance.choices(list(CHANCES), weights=list(CHANCES.values()))
        yield Weather(fault, chance.uniform(*SECONDS.get(fault, (0.0, 0.0))))


class Sky:
    """Hands the weather to concurrent calls, one each."""

    def __init__(self, weather: Iterable[Weather]) -> None:
        self.weather = iter(weather)
        self.lock = Lock()

    def next(self) -> Weather:
        with self.lock:
            return next(self.weather, FAIR)


class RateLimit:
    """At most ``calls`` in any window of ``seconds``; a refused call does not count."""

    def __init__(self, calls: int = CALLS, seconds: float = PER_SECONDS) -> None:
        self.calls = calls
        self.seconds = seconds
        self.admitted: deque[float] = deque(maxlen=calls)
        self.lock = Lock()

    def wait(self, now: float) -> int:
        """Whole seconds until there is room again; 0 when this call is admitted."""
        with self.lock:
            if len(self.admitted) == self.calls and now - self.admitted[0] < self.seconds:
                return math.ceil(self.admitted[0] + self.seconds - now)
            self.admitted.append(now)
            return 0
