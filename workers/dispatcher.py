"""What only the leading process does: ringing lanes that are due, above all."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from core.backups import day_keys
from core.database import DatabaseAway, UnsafeDatabase
from core.ledger import Ledger, alerts, audit, finishing, hosts, idempotency, lanes, pulse, undo
from core.safe.scouring import scour
from workers.outage import Outage
from workers.schedule import SILENCE
from workers.session import Leadership, dead

log = logging.getLogger(__name__)

TICK = 0.2
FAILURES = 2  # in one tick: then it is the broker, and trying the rest would only take time
TIDY = timedelta(minutes=1)


class Dispatcher:
    """
    Rings what is due, takes lanes back from the dead, carries out the erasures that nobody
    undid in time, seals what happened, and tidies up once a minute.

    A broker that is away costs nothing but the wait: the rows stay due.
    """

    def __init__(self, ledger: Ledger, ring: Callable[[UUID], None]) -> None:
        self.ledger = ledger
        self.ring = ring
        self.outage = Outage("ringing lanes")
        self.leadership = Leadership(ledger)
        self._stop = threading.Event()
        self._tidied: datetime | None = None
        self._beaten: datetime | None = None

    def run(self) -> None:
        """Tick until ``stop``; every failure is logged and tried again."""
        while not self._stop.wait(TICK):
            try:
                if self.leadership.held():
                    self.tick()
                    audit.seal(self.ledger)
            except DatabaseAway as away:
                log.warning("the database is away: %s", away)
            except UnsafeDatabase as unsafe:
                log.critical("this process leads no more: %s", unsafe)
                self._stop.set()
            except Exception as error:  # noqa: BLE001 - the next tick may succeed
                log.error("a tick failed: %s", type(error).__name__)  # noqa: TRY400
        self.leadership.close()

    def stop(self) -> None:
        self._stop.set()

    def tick(self) -> None:
        with self.ledger.read() as tx:
            leasing = lanes.leasing_sessions(tx)
            expired = lanes.any_expired(tx)
            now = tx.now
        if self._beaten is None or now >= self._beaten + TIDY:
            self.beat()
            self._beaten = now
        gone = dead(self.ledger, leasing)
        if gone or expired:
            with self.ledger.begin() as tx:
                taken = lanes.reclaim(tx, gone)
            log.info("lanes taken back: %d", taken)
        undo.carry_out(self.ledger)
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
        unrung: list[UUID] = []
        for lane in due:
            if len(unrung) >= FAILURES or not self.rung(lane):
                unrung.append(lane)
        if unrung:
            with self.ledger.begin() as tx:
                lanes.not_rung(tx, unrung)

    def rung(self, lane: UUID) -> bool:
        try:
            self.ring(lane)
        except Exception as error:  # noqa: BLE001 - every broker fails in its own way
            self.outage.began(error)
            return False
        self.outage.ended()
        return True

    def beat(self) -> None:
        """Raises UnsafeDatabase where a database was put back under us: then nothing is rung."""
        try:
            pulse.beat(self.ledger.database, self.ledger.safe.database)
        except DatabaseAway as away:
            log.warning("a database is away: %s", away)

    def tidy(self) -> None:
        """
        Warn of what takes too long, before anything that may fail; finish what a crash left half
        done, forget what is kept no longer; at last let it leave the safe's files too.
        """
        alerts.raise_due(self.ledger)
        self.ledger.reconcile()
        finishing.end(self.ledger)
        with self.ledger.begin() as tx:
            lanes.heal(tx)
            idempotency.purge(tx)
        with self.ledger.begin() as tx:  # by itself, as it locks lanes
            hosts.say_so(tx, tx.now - SILENCE)
        self.ledger.safe.forget()
        day_keys.destroy(self.ledger)
        scour(self.ledger.safe.database)
