"""One lease of one lane, from the positive control to giving it back."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from core.connector import Connector, Place
from core.database import DatabaseAway, Transaction
from core.errors import ConnectorError, LeaseLost, Reconnect, Refused, TryAt, TryLater, Unreadable
from core.faces import Bulk
from core.holding import Assignment
from core.http import origin_of
from core.ledger import Ledger, adoption, connections, holdings, hosts, lanes, tasks
from core.ledger.holdings import Mark
from core.ledger.lanes import Lease
from core.states import Task
from workers.attempt import Scene
from workers.company import Company
from workers.fence import Fence
from workers.pace import Pace
from workers.reach import Reach
from workers.schedule import HOST_FAILURES, SILENT, host_rest, rest_after

log = logging.getLogger(__name__)

PUTS_OFF = range(400, 500)  # with a TryLater: about what was asked, not about the host


@dataclass(frozen=True, slots=True)
class Hands:
    """What a worker process lends to each of its turns."""

    ledger: Ledger
    reach: Reach
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    chance: random.Random
    stopping: threading.Event
    company: Company


class Turn:
    """
    ``failures`` counts those of the whole connection in a row; ``over`` once the lane is to be
    left alone. ``reached``: whether the host answered last; None while that is not known.
    """

    def __init__(self, hands: Hands, lease: Lease, now: datetime) -> None:
        self.hands = hands
        self.ledger = hands.ledger
        self.lease = lease
        self._zero = now - timedelta(seconds=hands.monotonic())
        with self.ledger.read() as tx:
            self.connection = connections.one(tx, lease.connection)
            given = connections.settings_of(self.ledger, tx, self.connection)
        self.platform = hands.reach.platform(self.connection.platform)
        self.settings = hands.reach.settings(self.connection.platform, given)
        limits = self.platform.limits
        first_call_at = lease.next_call_at or now + limits.gap
        self.pace = Pace(limits, first_call_at, self.clock, hands.sleep)
        self.fence = Fence(self.in_flight)
        self._lines = ExitStack()
        self._line: sa.Connection | None = None
        self.seen: Sequence[Place] = ()
        self.failures = lease.failures
        self.reached: bool | None = None
        self.host = lease.host
        self.over = False

    def clock(self) -> datetime:
        """The ledger's time, read once and carried on by this process's steady clock."""
        return self._zero + timedelta(seconds=self.hands.monotonic())

    @property
    def stopping(self) -> bool:
        return self.over or self.hands.stopping.is_set()

    def in_flight(self) -> Mapping[UUID, Mark]:
        """Over a line of its own, kept for the whole turn: it is asked before most calls."""
        with self.ledger.database.translated():
            if self._line is None:
                self._line = self._lines.enter_context(self.ledger.database.glance())
            try:
                return holdings.in_flight(self._line, self.lease)
            finally:
                self._line.rollback()

    def run(self, work: Callable[[Scene], None]) -> None:
        """``work`` is done where the connection can be reached."""
        with self._lines:
            self._run(work)

    def _run(self, work: Callable[[Scene], None]) -> None:
        with self.ledger.begin() as tx:
            adoption.adopt(tx, self.lease, self.platform.late_apply)
        try:
            scene = self.scene()
        except ConnectorError as error:
            self.unreachable(error)
        else:
            work(scene)
        self.release()

    def release(self) -> None:
        rest, slot = rest_after(self.failures), self.pace.next_call_at
        with self.ledger.begin() as tx:
            doubted = lanes.release(
                tx, self.lease, next_call_at=slot, failures=self.failures, rest=rest
            )
            silent = self.reached is None and self.lease.tries  # others wait for a word from us
            away = self.host if silent or self.reached is False else None
            given_up = away is not None and hosts.failed(
                tx, away, tried=self.lease.tries, most=HOST_FAILURES, rest=host_rest
            )
        if given_up:
            log.warning("a host answers nobody", extra={"host": self.host})
        if self.reached and doubted:
            self.answered(self.host)

    def answered(self, host: str | None) -> None:
        """In a transaction of its own, as it locks the lanes of others."""
        if host is None:
            return
        with self.ledger.begin() as tx:
            was_away = hosts.answered(tx, host)
        if was_away:
            log.warning("a host answers again", extra={"host": host})

    def scene(self) -> Scene:
        """Read the places: a credential that cannot see them proves nothing later."""
        mapped = frozenset(self.connection.places.values())
        unseen = tuple(Place(place, place) for place in sorted(mapped))
        connector = self.connect(())
        if self.platform.can_look:
            self.at(origin_of(connector.http))
            self.seen = self.places(connector)
            self.reached = True
            connector = self.connect(())
        else:
            self.seen = unseen
        if self.lease.tries:
            self.answered(self.host)
        if self.lease.failures:
            with self.ledger.begin() as tx:
                tasks.close_for_connection(tx, self.connection.id, Task.CANNOT_LOOK)
        return Scene(
            self.platform,
            tuple(self.seen),
            mapped,
            self.connection.fields,
            self.connection.keep_refusal,
            self.clock,
            connector.at_most() if isinstance(connector, Bulk) else 0,
        )

    def at(self, host: str | None) -> None:
        """It may have moved: another address was set for its platform, or in its settings."""
        self.host = host
        if host != self.lease.host:
            with self.ledger.begin() as tx:
                lanes.moved(tx, self.connection.id, host)
            if self.lease.tries:
                self.answered(self.lease.host)  # others that wait for it may have moved as well

    def places(self, connector: Connector[Any]) -> tuple[Place, ...]:
        try:
            return tuple(connector.places())
        except (ConnectorError, LeaseLost, DatabaseAway):
            raise
        except Exception as error:  # noqa: BLE001 - a connector may fail in any way
            raise Unreadable(type(error).__name__) from None

    def connect(self, several: Sequence[Assignment]) -> Connector[Any]:
        """For one attempt at these, each of which must still be ours when a change is sent."""
        taken_up = [one.holding for one in several]
        connector = self.hands.reach.connect(
            self.connection.platform,
            self.settings,
            before_call=self.pace.wait,
            before_change=lambda: self.fence.check(taken_up),
            asked_to_rest=self.pace.rest,
        )
        connector.seen = self.seen
        return connector

    def unreachable(self, error: ConnectorError) -> None:
        """The whole connection fails, so no holding is charged with it."""
        log.info("connection failed", extra={"error": type(error).__name__})
        self.reached = is_reached(error)
        match error:
            case Reconnect():
                self.hold()
            case TryAt():
                self.rest(error.wait)
            case _:
                self.failures += 1
                if isinstance(error, Refused) or self.failures >= SILENT:
                    with self.ledger.begin() as tx:
                        self.ask(tx, Task.CANNOT_LOOK)

    def rest(self, wait: timedelta) -> None:
        """Nothing more is sent before, by whoever has the lane then: we may die this moment."""
        self.over = True
        self.pace.rest(wait)
        with self.ledger.begin() as tx:
            lanes.rest(tx, self.connection.id, wait)

    def hold(self) -> None:
        """Unless others were given since these were read: then those are to be tried first."""
        self.over = True
        with self.ledger.begin() as tx:
            lanes.renew(tx, self.lease)  # so that nobody renews the credentials meanwhile
            now = connections.one(tx, self.connection.id)
            if now.sealed_settings != self.connection.sealed_settings:
                return
            lanes.hold(tx, self.connection.id, lanes.CREDENTIALS)
            self.ask(tx, Task.RECONNECT)

    def ask(self, tx: Transaction, kind: Task) -> None:
        """A task about the connection itself."""
        customer, connection = self.connection.customer, self.connection.id
        tasks.open_for(tx, kind=kind, verb=None, customer=customer, connection=connection)


def is_reached(error: ConnectorError) -> bool | None:
    """
    Whether the host answered, as far as the error tells: a refusal is an answer, one of a
    single person too; a 503 without a word about when is none.
    """
    match error:
        case TryAt():
            return True
        case TryLater():
            return error.status in PUTS_OFF
        case _:
            return None if error.status is None else True
