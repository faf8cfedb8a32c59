"""Calls no faster than the platform allows, none before it allows one at all."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from core.connector import Limits
from core.errors import TryAt

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
        self.gap = limits.gap
        self.next_call_at = next_call_at
        self._rests_until: datetime | None = None
        self._clock = clock
        self._sleep = sleep
        self._turn = threading.Lock()

    def wait(self) -> None:
        """Return when the next call may be made. Raises TryAt when that is not in this turn."""
        self.check()
        while self.gap and (early := self._early()):
            self._sleep(early.total_seconds())
            self.check()

    def _early(self) -> timedelta:
        """
        How long before the next call's moment it is; at that moment, the call is ours. Nobody is
        given a moment ahead of time: threads that woke late would then send all at once.
        """
        with self._turn:
            now = self._clock()
            early = max(timedelta(0), (self.next_call_at or now) - now)
            if not early:
                self.next_call_at = now + self.gap
            return early

    def rest(self, wait: timedelta) -> None:
        """The platform asked for it: the lane's other calls under way go no further either."""
        with self._turn:
            until = self._clock() + wait
            self._rests_until = max(until, self._rests_until or until)

    def check(self) -> None:
        until, now = self._rests_until, self._clock()
        if until is not None and now < until:
            raise TryAt("the platform asked for rest meanwhile", wait=until - now)
