"""How often a key may ask."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

A_SECOND = 50.0
AT_ONCE = 200.0


@dataclass(slots=True)
class Rates:
    """
    A bucket of tokens for each key, in this process; ``clock`` tells seconds.

    Only keys that exist get one, so that strangers cannot fill the memory.
    """

    clock: Callable[[], float]
    a_second: float = A_SECOND
    at_once: float = AT_ONCE
    buckets: dict[UUID, tuple[float, float]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self, key: UUID) -> int:
        """Takes a token; 0, or how many whole seconds to wait for the next."""
        with self.lock:
            now = self.clock()
            left, since = self.buckets.get(key, (self.at_once, now))
            left = min(self.at_once, left + (now - since) * self.a_second)
            allowed = left >= 1
            self.buckets[key] = (left - 1 if allowed else left, now)
        return 0 if allowed else max(1, math.ceil((1 - left) / self.a_second))
