"""Ringing the lanes that are due: one leader, by a lock that ends with its process."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from core.database import DatabaseAway
from core.ledger import Ledger, finishing, lanes
from workers.session import Leadership, dead

log = logging.getLogger(__name__)

TICK = 0.2
TIDY = timedelta(minutes=1)


class Dispatcher:
    """
    Rings what is due, takes lanes back from the dead, and tidies up once a minute.

    A broker that is away costs nothing but the wait: the rows stay due.
    """

    def __init__(self, ledger: Ledger, ring: Callable[[UUID], None]) -> None:
        self.ledger = ledger
        self.ring = ring
        self.leadership = Leadership(ledger.database)
        self._stop = threading.Event()
        self._tidied: datetime | None = None

    def run(self) -> None:
        """Tick until ``stop``; every failure is logged and tried again."""
        while not self._stop.wait(TICK):
            try:
                if self.leadership.held():
                    self.tick()
            except DatabaseAway as away:
                log.warning("the database is away: %s", away)
            except Exception as error:  # noqa: BLE001 - the next tick may succeed
                log.error("a tick failed: %s", type(error).__name__)  # noqa: TRY400
        self.leadership.close()

    def stop(self) -> None:
        self._stop.set()

    def tick(self) -> None:
        with self.ledger.read() as tx:
            leasing = lanes.leasing_sessions(tx)
            expired = lanes.any_expired(tx)
        gone = dead(self.ledger, leasing)
        if gone or expired:
            with self.ledger.begin() as tx:
                taken = lanes.reclaim(tx, gone)
            log.info("lanes taken back: %d", taken)
        with self.ledger.read() as tx:
            waiting, now = lanes.any_due(tx), tx.now
        if waiting:
            self.ring_due()
        if self._tidied is None or now >= self._tidied + TIDY:
            self.tidy()
            self._tidied = now

    def ring_due(self) -> None:
        """A lane that cannot be rung keeps no other waiting, and is tried again in a second."""
        with self.ledger.begin() as tx:
            due = lanes.due(tx)
        unrung = [lane for lane in due if not self.rung(lane)]
        if unrung:
            with self.ledger.begin() as tx:
                lanes.not_rung(tx, unrung)

    def rung(self, lane: UUID) -> bool:
        try:
            self.ring(lane)
        except Exception as error:  # noqa: BLE001 - every broker fails in its own way
            log.warning("a lane was not rung: %s", type(error).__name__)
            return False
        return True

    def tidy(self) -> None:
        """Finish what a crash left half done."""
        self.ledger.reconcile()
        finishing.end(self.ledger)
        with self.ledger.begin() as tx:
            lanes.heal(tx)
