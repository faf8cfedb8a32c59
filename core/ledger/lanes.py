"""The queue of each connection: when it is due, to whom it is leased."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from core.database import Transaction
from core.errors import LeaseLost
from core.ledger.schema import connections, holdings, hosts, lanes
from core.ledger.shares import Busy, Ringable, fair, one_for_each_host
from core.moments import Moment

LEASE = timedelta(seconds=60)  # only for a worker that is paused or cut off: death shows at once
RING_AGAIN = timedelta(seconds=1)  # a lost doorbell costs this, and doubles while nobody comes
LONGEST_RING = 64
CLOSED = "closed"
PAUSED = "paused"
CREDENTIALS = "credentials"


@dataclass(frozen=True, slots=True)
class Lease:
    """
    Sole right to one connection. ``fence`` grows with every lease; only the newest counts.

    ``next_call_at`` of None: when the last call was made is not known.
    """

    connection: UUID
    session: UUID
    fence: int
    next_call_at: datetime | None
    failures: int
    host: str | None = None
    tries: bool = False  # the host did not answer, and this lane tries it for all others


def open_lane() -> sa.ColumnElement[bool]:
    return lanes.c.session.is_(None) & lanes.c.held_for.is_(None)


def workable(now: datetime) -> sa.ColumnElement[bool]:
    closed = sa.and_(lanes.c.closed_until.is_not(None), lanes.c.closed_until > now)
    away = sa.exists().where(hosts.c.name == lanes.c.host, hosts.c.closed_until > now)
    return sa.and_(open_lane(), sa.not_(closed), sa.not_(away.correlate(lanes)))


def rings(now: datetime) -> sa.ColumnElement[bool]:
    unrung = sa.or_(lanes.c.ring_at.is_(None), lanes.c.ring_at <= now)
    return sa.and_(lanes.c.ready_at <= now, workable(now), unrung)


def any_due(tx: Transaction) -> bool:
    return tx.db.execute(sa.select(lanes.c.fence).where(rings(tx.now)).limit(1)).first() is not None


def any_expired(tx: Transaction) -> bool:
    query = sa.select(lanes.c.fence).where(lanes.c.lease_until < tx.now).limit(1)
    return tx.db.execute(query).first() is not None


def any_waiting(tx: Transaction) -> bool:
    """Whether a lane could be worked on, and for a second nobody came."""
    patient = sa.and_(lanes.c.ready_at <= tx.now - RING_AGAIN, workable(tx.now))
    return tx.db.execute(sa.select(lanes.c.fence).where(patient).limit(1)).first() is not None


def due(tx: Transaction) -> Sequence[UUID]:
    """
    Lanes to ring now, each customer's longest due first; each is marked as rung. Of a host that
    did not answer, only the lane that failed there least: it is to try for the others.
    """
    away = sa.and_(hosts.c.name == lanes.c.host, hosts.c.closed_until.is_not(None))
    rows = tx.db.execute(
        sa.select(
            lanes.c.connection,
            connections.c.customer,
            lanes.c.rings,
            lanes.c.failures,
            hosts.c.name,
        )
        .join(connections, connections.c.id == lanes.c.connection)
        .outerjoin(hosts, away)
        .where(rings(tx.now))
        .order_by(lanes.c.ready_at)
        # Those that are being rung this moment are due at the next tick.
        .with_for_update(of=lanes, key_share=True, skip_locked=True)
    )
    chosen = list(fair(one_for_each_host([Ringable(*row) for row in rows]), busy(tx)))
    for one in chosen:
        again = RING_AGAIN * min(2**one.rings, LONGEST_RING)
        tx.db.execute(
            sa.update(lanes)
            .where(lanes.c.connection == one.connection)
            .values(ring_at=tx.now + again, rings=one.rings + 1)
        )
    return [one.connection for one in chosen]


def busy(tx: Transaction) -> Busy:
    leased = lanes.c.session.is_not(None)
    unanswered = sa.and_(open_lane(), lanes.c.rings > 0, lanes.c.ring_at > tx.now)
    rows = tx.db.execute(
        sa.select(connections.c.customer, leased, sa.func.count())
        .join(connections, connections.c.id == lanes.c.connection)
        .where(sa.or_(leased, unanswered))
        .group_by(connections.c.customer, leased)
    )
    found = Busy(Counter(), Counter())
    for customer, is_leased, count in rows:
        (found.worked_on if is_leased else found.unanswered)[customer] = count
    return found


def not_rung(tx: Transaction, connections: Collection[UUID]) -> None:
    """No bell reached anybody: try again soon, however often that happened."""
    tx.db.execute(
        sa.update(lanes)
        .where(lanes.c.connection.in_(sorted(connections)))
        .values(ring_at=tx.now + RING_AGAIN, rings=0)
    )


def ring(tx: Transaction, connections: Collection[UUID]) -> None:
    """
    Make these lanes due now.

    The row is always written, never only when it seems necessary: that lock is what keeps a
    worker who is just leaving the lane from overlooking what this transaction adds. In one
    order, so that two transactions cannot wait for each other.
    """
    sooner = sa.case(
        (sa.or_(lanes.c.ready_at.is_(None), lanes.c.ready_at > tx.now), sa.literal(tx.now, Moment)),
        else_=lanes.c.ready_at,
    )
    for connection in sorted(connections):
        tx.db.execute(
            sa.update(lanes)
            .where(lanes.c.connection == connection)
            .values(ready_at=sooner, ring_at=None, rings=0)
        )


def lease(tx: Transaction, connection: UUID, session: UUID) -> Lease | None:
    """The right to work there now, or None: not due, held, or somebody else has it."""
    away = sa.select(hosts.c.closed_until).where(hosts.c.name == lanes.c.host)
    row = tx.db.execute(
        sa.update(lanes)
        .where(
            lanes.c.connection == connection,
            lanes.c.ready_at <= tx.now,
            workable(tx.now),
        )
        .values(
            session=session,
            lease_until=tx.now + LEASE,
            fence=lanes.c.fence + 1,
            ring_at=None,
            rings=0,
        )
        .returning(
            lanes.c.fence,
            lanes.c.next_call_at,
            lanes.c.failures,
            lanes.c.host,
            away.scalar_subquery().label("away"),
        )
    ).one_or_none()
    if row is None:
        return None
    tries = row.away is not None
    held = Lease(connection, session, row.fence, row.next_call_at, row.failures, row.host, tries)
    if tries and not tried_first(tx, row.host, session):
        tx.db.execute(sa.update(lanes).where(mine(held)).values(session=None, lease_until=None))
        return None
    return held


def tried_first(tx: Transaction, host: str, session: UUID) -> bool:
    """Keep the others from a host that did not answer, while one lane tries it."""
    free = sa.and_(hosts.c.name == host, hosts.c.closed_until <= tx.now)
    taken = sa.update(hosts).where(free)
    values = {"closed_until": tx.now + LEASE, "tried_by": session}
    return bool(tx.db.execute(taken.values(values)).rowcount)


def mine(held: Lease) -> sa.ColumnElement[bool]:
    return sa.and_(
        lanes.c.connection == held.connection,
        lanes.c.fence == held.fence,
        lanes.c.session == held.session,
    )


# Built once, as workers ask it for every few calls.
MINE = sa.and_(
    lanes.c.connection == sa.bindparam("of_lane"),
    lanes.c.fence == sa.bindparam("of_fence"),
    lanes.c.session == sa.bindparam("of_session"),
)
HOLDING = sa.select(lanes.c.fence).where(MINE)
RENEWING = sa.update(lanes).where(MINE).values(lease_until=sa.bindparam("until", type_=Moment))


def named(held: Lease) -> dict[str, Any]:
    """The parameters of MINE."""
    return {"of_lane": held.connection, "of_fence": held.fence, "of_session": held.session}


def renew(tx: Transaction, held: Lease) -> None:
    """
    Keep the lane, and everybody else from it until the transaction ends. Raises LeaseLost.
    """
    if not tx.db.execute(RENEWING, {**named(held), "until": tx.now + LEASE}).rowcount:
        raise LeaseLost


def check(tx: Transaction, held: Lease) -> None:
    """Raises LeaseLost."""
    if tx.db.execute(HOLDING, named(held)).first() is None:
        raise LeaseLost


def release(
    tx: Transaction,
    held: Lease,
    *,
    next_call_at: datetime | None,
    failures: int,
    rest: timedelta,
) -> bool:
    """
    Give the lane back, due when its next holding is. A lost lease is already given back.

    It rests after ``failures`` in a row, for as long as the platform asked at the least.
    Returns whether other lanes said of its host that it does not answer.
    """
    away = sa.select(hosts.c.failures).where(hosts.c.name == lanes.c.host)
    now, opens = (sa.literal(moment, Moment) for moment in (tx.now, tx.now + rest))
    left = tx.db.execute(
        sa.update(lanes)
        .where(mine(held))
        .values(
            session=None,
            lease_until=None,
            next_call_at=next_call_at,
            failures=failures,
            failing_since=sa.func.coalesce(lanes.c.failing_since, now) if failures else None,
            closed_until=later(lanes.c.rests_until, opens) if failures else lanes.c.rests_until,
        )
        .returning(away.scalar_subquery())
    ).one_or_none()
    if left is not None:  # the row is locked, so that nothing added meanwhile is overlooked
        soonest = sa.select(sa.func.min(holdings.c.due_at)).where(
            holdings.c.connection == held.connection
        )
        tx.db.execute(
            sa.update(lanes)
            .where(lanes.c.connection == held.connection)
            .values(ready_at=soonest.scalar_subquery())
        )
    return left is not None and left[0] is not None


def later(first: sa.ColumnElement[Any], second: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """The first may be NULL."""
    return sa.case((first > second, first), else_=second)


def rest(tx: Transaction, connection: UUID, wait: timedelta) -> None:
    """
    The platform asked for it: nobody sends anything there before, whoever has the lane. A
    shorter wait takes nothing off a longer one.
    """
    until = sa.literal(tx.now + wait, Moment)
    tx.db.execute(
        sa.update(lanes)
        .where(lanes.c.connection == connection)
        .values(
            rests_until=later(lanes.c.rests_until, until),
            closed_until=later(lanes.c.closed_until, until),
        )
    )


def moved(tx: Transaction, connection: UUID, host: str | None) -> None:
    """Where its platform is reached now."""
    tx.db.execute(sa.update(lanes).where(lanes.c.connection == connection).values(host=host))


def hold(tx: Transaction, connection: UUID, reason: str) -> None:
    """
    Keep all work of this connection until ``resume``; nothing is lost or counted. The first
    reason stays: a pause is not ended by new credentials.
    """
    free = lanes.c.held_for.is_(None)
    tx.db.execute(sa.update(lanes).where(not_closed(connection), free).values(held_for=reason))


def held_for(tx: Transaction, connection: UUID) -> str | None:
    """Why this lane is held, or None; no worker changes that until the transaction ends."""
    query = sa.select(lanes.c.held_for).where(lanes.c.connection == connection)
    reason: str | None = tx.db.execute(query.with_for_update(key_share=True)).scalar_one()
    return reason


def resume(tx: Transaction, connection: UUID) -> None:
    tx.db.execute(
        sa.update(lanes)
        .where(not_closed(connection))
        .values(
            held_for=None,
            failures=0,
            failing_since=None,
            closed_until=lanes.c.rests_until,
            ready_at=tx.now,
            ring_at=None,
        )
    )


def close(tx: Transaction, connection: UUID) -> None:
    """For good: whoever works there loses the lease, and nobody gets another."""
    tx.db.execute(
        sa.update(lanes)
        .where(not_closed(connection))
        .values(
            held_for=CLOSED, ready_at=None, session=None, lease_until=None, fence=lanes.c.fence + 1
        )
    )


def not_closed(connection: UUID) -> sa.ColumnElement[bool]:
    return sa.and_(
        lanes.c.connection == connection,
        sa.or_(lanes.c.held_for.is_(None), lanes.c.held_for != CLOSED),
    )


def reclaim(tx: Transaction, dead: Collection[UUID]) -> int:
    """
    Take back the lanes of dead sessions, and leases that ran out; how many there were.

    The fence grows, so that a worker that was only paused changes nothing any more. What was
    in flight there is recognised by its older fence (holdings.adopt). A host that the dead were
    trying for all is tried by another at once.
    """
    gone = sa.or_(lanes.c.session.in_(list(dead)), lanes.c.lease_until < tx.now)
    # Doorbells that the dead had not answered yet are lost as well: ring again at once.
    unanswered = sa.and_(lanes.c.session.is_(None), lanes.c.rings > 0)
    found = lanes.c.connection.in_(locked(tx, sa.or_(gone, unanswered)))
    taken = tx.db.execute(
        sa.update(lanes)
        .where(found, gone)
        .values(
            session=None,
            lease_until=None,
            fence=lanes.c.fence + 1,
            next_call_at=None,  # only the dead knew when the last call was made
            ready_at=tx.now,
        )
    )
    tx.db.execute(sa.update(lanes).where(found, unanswered).values(ring_at=None, rings=0))
    tried = sa.and_(hosts.c.tried_by.in_(list(dead)), hosts.c.closed_until > tx.now)
    tx.db.execute(sa.update(hosts).where(tried).values(closed_until=tx.now, tried_by=None))
    return taken.rowcount


def leasing_sessions(tx: Transaction) -> set[UUID]:
    query = sa.select(lanes.c.session).where(lanes.c.session.is_not(None)).distinct()
    return {row.session for row in tx.db.execute(query)}


def heal(tx: Transaction) -> None:
    """Make lanes due whose holdings are: what must never be needed, and costs one query."""
    overlooked = sa.exists().where(
        holdings.c.connection == lanes.c.connection, holdings.c.due_at <= tx.now
    )
    idle = sa.or_(lanes.c.ready_at.is_(None), lanes.c.ready_at > tx.now)
    found = locked(tx, sa.and_(idle, open_lane(), overlooked))
    tx.db.execute(sa.update(lanes).where(lanes.c.connection.in_(found)).values(ready_at=tx.now))


def locked(tx: Transaction, where: sa.ColumnElement[bool]) -> Sequence[UUID]:
    """These lanes, locked in one order, so that two transactions cannot wait for each other."""
    query = sa.select(lanes.c.connection).where(where).order_by(lanes.c.connection)
    return tx.db.execute(query.with_for_update(key_share=True)).scalars().all()
