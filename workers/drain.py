"""Draining lanes: one process's hands, which work on whichever lane is rung."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from core.database import DatabaseAway
from core.errors import LeaseLost
from core.ledger import Ledger, adoption, connections, lanes
from core.ledger.lanes import Lease
from workers.company import Company
from workers.flow import Flow
from workers.reach import Reach
from workers.schedule import rest_after
from workers.session import Session, living
from workers.turn import Hands, Turn

log = logging.getLogger(__name__)

AGAIN = 0.5  # seconds between two tries to give a lane back


class Worker:
    """One process's hands: drains whichever lane it is rung for."""

    def __init__(
        self,
        ledger: Ledger,
        reach: Reach,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        chance: random.Random | None = None,
    ) -> None:
        self.ledger = ledger
        self.stopping = threading.Event()
        self.hands = Hands(
            ledger,
            reach,
            monotonic=monotonic,
            sleep=sleep,
            chance=chance or random.Random(),  # noqa: S311 - it only spreads retries
            stopping=self.stopping,
            company=Company(),
        )
        self._session: Session | None = None
        self._opening = threading.Lock()

    def session(self) -> Session:
        """This process's session; a new one when the database dropped the last."""
        with self._opening:
            self._session = living(self._session, self.ledger)
            return self._session

    def drain(self, connection: UUID) -> None:
        """Work on the lane for one turn, if it is due and nobody else has it."""
        if self.stopping.is_set():
            return
        lease = None
        try:
            session = self.session()
            with self.ledger.begin() as tx:
                lease = lanes.lease(tx, connection, session.id)
                now = tx.now
            if lease is not None:
                self.turn(lease, now)
        except LeaseLost:
            log.info("lane lost", extra={"connection": str(connection)})
        except DatabaseAway as away:
            log.warning("the database is away: %s", away)
            if lease is not None:
                self.give_back(lease)

    def turn(self, lease: Lease, now: datetime) -> None:
        """A fault of our own costs this lane a wait, not the whole lease."""
        try:
            turn = Turn(self.hands, lease, now)
            turn.run(lambda scene: Flow(turn, scene).run())
        except (LeaseLost, DatabaseAway):
            raise
        except Exception:
            failures = lease.failures + 1
            with self.ledger.begin() as tx:
                rest = rest_after(failures)
                lanes.release(tx, lease, next_call_at=None, failures=failures, rest=rest)
            raise

    def give_back(self, lease: Lease) -> None:
        """
        Nothing runs in the lane any more, and the database may still call it ours: as this
        process lives, nobody else would come before the lease is over.
        """
        until = self.hands.monotonic() + lanes.LEASE.total_seconds()
        while self.hands.monotonic() < until and not self.stopping.is_set():
            try:
                self.left(lease)
            except DatabaseAway:
                self.hands.sleep(AGAIN)
            else:
                return

    def left(self, lease: Lease) -> None:
        """Raises DatabaseAway."""
        with self.ledger.begin() as tx, suppress(LeaseLost):
            lanes.check(tx, lease)
            platform = self.hands.reach.platform(connections.one(tx, lease.connection).platform)
            adoption.leave(tx, lease, platform.late_apply)
            rest = rest_after(lease.failures)
            lanes.release(tx, lease, next_call_at=None, failures=lease.failures, rest=rest)

    def close(self) -> None:
        """
        Start nothing more, and let the others see at once that this process is gone.

        Turns that still run lose their lanes by it: set ``stopping`` first and wait for them.
        """
        self.stopping.set()
        if self._session is not None:
            self._session.close()
