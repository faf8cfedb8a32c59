"""Calls no faster than the platform allows, in any window of its counting."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from core.connector import Limits

Sleep = Callable[[float], None]


class Pace:
    """Spaces the calls of one lane evenly; ``next_call_at`` goes on in the lane's row."""

    def __init__(
        self,
        limits: Limits,
        next_call_at: datetime | None,
        clock: Callable[[], datetime],
        sleep: Sleep,
    ) -> None:
        self.gap = limits.per / limits.calls if limits.calls else timedelta(0)
        self.next_call_at = next_call_at
        self._clock = clock
        self._sleep = sleep
        self._turn = threading.Lock()

    def wait(self) -> None:
        """Return when the next call may be made."""
        if not self.gap:
            return
        with self._turn:
            now = self._clock()
            slot = max(now, self.next_call_at or now)
            self.next_call_at = slot + self.gap
        if slot > now:
            self._sleep((slot - now).total_seconds())
