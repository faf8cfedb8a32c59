"""How a connection is doing, with who moves where its work waits."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from core.database import Transaction
from core.ledger.lanes import CLOSED, CREDENTIALS, PAUSED
from core.ledger.schema import hosts, lanes
from core.report.values import iso


class Circuit(StrEnum):
    """Of a breaker: while it is open nothing is sent."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"  # the next try is due, or under way


class Doing(StrEnum):
    """Whether work goes on there, and if not, what it waits for."""

    WORKING = "working"
    UNREACHABLE = "unreachable"  # rests before it is tried again
    TRYING = "trying"  # could not be reached, and is tried again now
    HOST_AWAY = "host_away"  # its host answers nobody: one connection tries for all
    RESTING = "resting"  # the platform asked for it
    PAUSED = "paused"
    NEEDS_CREDENTIALS = "needs_credentials"
    CLOSED = "closed"


HELD = {
    CLOSED: Doing.CLOSED,
    PAUSED: Doing.PAUSED,
    CREDENTIALS: Doing.NEEDS_CREDENTIALS,
}


@dataclass(frozen=True, slots=True)
class Breaker:
    """``failures`` are turns in a row that did not get through, the first of them ``since``."""

    circuit: Circuit
    failures: int = 0
    since: datetime | None = None
    until: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "state": self.circuit.value,
            "failures": self.failures,
            "since": iso(self.since),
            "until": iso(self.until),
        }


@dataclass(frozen=True, slots=True)
class Condition:
    """``host`` is ``host:port``; None while none was called. ``rests_until`` is the platform's."""

    held_for: str | None
    lane: Breaker
    host: str | None
    of_host: Breaker
    rests_until: datetime | None

    @property
    def held(self) -> bool:
        return self.held_for is not None

    @property
    def not_before(self) -> datetime | None:
        """When the next call may be made, as far as is known."""
        found = (self.lane.until, self.of_host.until, self.rests_until)
        return max((moment for moment in found if moment), default=None)

    @property
    def doing(self) -> Doing:
        """The first of these that holds: it has to end before the others matter."""
        if self.held_for is not None:
            return HELD[self.held_for]
        if self.of_host.circuit is not Circuit.CLOSED:
            return Doing.HOST_AWAY
        if self.rests_until is not None:
            return Doing.RESTING
        return FAILING[self.lane.circuit]

    def to_json(self) -> dict[str, Any]:
        return {
            "state": self.doing.value,
            "breaker": self.lane.to_json(),
            "host": {"name": self.host, **self.of_host.to_json()} if self.host else None,
            "rests_until": iso(self.rests_until),
        }


FAILING = {
    Circuit.CLOSED: Doing.WORKING,
    Circuit.OPEN: Doing.UNREACHABLE,
    Circuit.HALF_OPEN: Doing.TRYING,
}


def conditions(tx: Transaction, several: Collection[UUID]) -> dict[UUID, Condition]:
    """By connection."""
    beside = lanes.alias("beside")
    tries = sa.exists().where(beside.c.host == lanes.c.host, beside.c.session.is_not(None))
    query = (
        sa.select(
            lanes,
            hosts.c.failures.label("host_failures"),
            hosts.c.since.label("host_since"),
            hosts.c.closed_until.label("host_closed_until"),
            tries.correlate(lanes).label("tries"),
        )
        .outerjoin(hosts, hosts.c.name == lanes.c.host)
        .where(lanes.c.connection.in_(list(several)))
    )
    return {row.connection: condition_of(row, tx.now) for row in tx.db.execute(query)}


def condition_of(row: sa.Row[Any], now: datetime) -> Condition:
    rests_until = row.rests_until if row.rests_until and row.rests_until > now else None
    return Condition(
        row.held_for,
        breaker(
            row.failures,
            row.failing_since,
            row.closed_until if row.failures else None,
            tried=row.session is not None,
            now=now,
        ),
        row.host,
        breaker(
            row.host_failures or 0,
            row.host_since,
            row.host_closed_until,
            tried=bool(row.tries),
            now=now,
        ),
        rests_until,
    )


def breaker(
    failures: int, since: datetime | None, until: datetime | None, *, tried: bool, now: datetime
) -> Breaker:
    if until is None:
        return Breaker(Circuit.CLOSED, failures, since)
    if tried or until <= now:
        return Breaker(Circuit.HALF_OPEN, failures, since)
    return Breaker(Circuit.OPEN, failures, since, until)
