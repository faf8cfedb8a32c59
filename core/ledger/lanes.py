"""The queue of each connection: when it is due, to whom it is leased."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from core.database import Transaction
from core.errors import LeaseLost
from core.ledger.schema import holdings, lanes
from core.moments import Moment

LEASE = timedelta(seconds=60)  # only for a worker that is paused or cut off: death shows at once
RING_AGAIN = timedelta(seconds=1)  # a lost doorbell costs this, and doubles while nobody comes
LONGEST_RING = 64
CLOSED = "closed"
LONGEST_BACK_OFF = 60


@dataclass(frozen=True, slots=True)
class Lease:
    """Sole right to one connection. ``fence`` grows with every lease; only the newest counts."""

    connection: UUID
    session: UUID
    fence: int
    next_call_at: datetime | None
    failures: int


def open_lane() -> sa.ColumnElement[bool]:
    return lanes.c.session.is_(None) & lanes.c.held_for.is_(None)


def rings(now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(
        lanes.c.ready_at <= now,
        open_lane(),
        sa.or_(lanes.c.closed_until.is_(None), lanes.c.closed_until <= now),
        sa.or_(lanes.c.ring_at.is_(None), lanes.c.ring_at <= now),
    )


def any_due(tx: Transaction) -> bool:
    return tx.db.execute(sa.select(lanes.c.fence).where(rings(tx.now)).limit(1)).first() is not None


def any_expired(tx: Transaction) -> bool:
    query = sa.select(lanes.c.fence).where(lanes.c.lease_until < tx.now).limit(1)
    return tx.db.execute(query).first() is not None


def due(tx: Transaction, limit: int = 1000) -> Sequence[UUID]:
    """Lanes to ring now, longest due first; each is marked as rung."""
    rows = tx.db.execute(
        sa.select(lanes.c.connection, lanes.c.rings)
        .where(rings(tx.now))
        .order_by(lanes.c.ready_at)
        .limit(limit)
        .with_for_update(key_share=True, skip_locked=True)  # being rung: due at the next tick
    ).all()
    for row in rows:
        again = RING_AGAIN * min(2**row.rings, LONGEST_RING)
        tx.db.execute(
            sa.update(lanes)
            .where(lanes.c.connection == row.connection)
            .values(ring_at=tx.now + again, rings=row.rings + 1)
        )
    return [row.connection for row in rows]


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
    row = tx.db.execute(
        sa.update(lanes)
        .where(
            lanes.c.connection == connection,
            lanes.c.ready_at <= tx.now,
            open_lane(),
            sa.or_(lanes.c.closed_until.is_(None), lanes.c.closed_until <= tx.now),
        )
        .values(
            session=session,
            lease_until=tx.now + LEASE,
            fence=lanes.c.fence + 1,
            ring_at=None,
            rings=0,
        )
        .returning(lanes.c.fence, lanes.c.next_call_at, lanes.c.failures)
    ).one_or_none()
    if row is None:
        return None
    return Lease(connection, session, row.fence, row.next_call_at, row.failures)


def mine(held: Lease) -> sa.ColumnElement[bool]:
    return sa.and_(
        lanes.c.connection == held.connection,
        lanes.c.fence == held.fence,
        lanes.c.session == held.session,
    )


def renew(tx: Transaction, held: Lease) -> None:
    """Raises LeaseLost."""
    values = {"lease_until": tx.now + LEASE}
    if not tx.db.execute(sa.update(lanes).where(mine(held)).values(values)).rowcount:
        raise LeaseLost


def check(tx: Transaction, held: Lease) -> None:
    """Raises LeaseLost."""
    if tx.db.execute(sa.select(lanes.c.fence).where(mine(held))).first() is None:
        raise LeaseLost


def release(
    tx: Transaction,
    held: Lease,
    *,
    not_before: datetime | None,
    next_call_at: datetime | None,
    failures: int,
) -> None:
    """
    Give the lane back, due when its next holding is. A lost lease is already given back.

    ``not_before`` is the platform's word or ours after ``failures`` in a row.
    """
    back_off = timedelta(seconds=min(2 ** min(failures, 6), LONGEST_BACK_OFF))
    closed_until = tx.now + back_off if failures else None
    if not_before and (closed_until is None or closed_until < not_before):
        closed_until = not_before
    left = tx.db.execute(
        sa.update(lanes)
        .where(mine(held))
        .values(
            session=None,
            lease_until=None,
            next_call_at=next_call_at,
            failures=failures,
            closed_until=closed_until,
        )
    )
    if left.rowcount:  # after the row is locked, so that nothing added meanwhile is overlooked
        soonest = sa.select(sa.func.min(holdings.c.due_at)).where(
            holdings.c.connection == held.connection
        )
        tx.db.execute(
            sa.update(lanes)
            .where(lanes.c.connection == held.connection)
            .values(ready_at=soonest.scalar_subquery())
        )


def hold(tx: Transaction, connection: UUID, reason: str) -> None:
    """Keep all work of this connection until ``resume``; nothing is lost or counted."""
    tx.db.execute(sa.update(lanes).where(not_closed(connection)).values(held_for=reason))


def resume(tx: Transaction, connection: UUID) -> None:
    tx.db.execute(
        sa.update(lanes)
        .where(not_closed(connection))
        .values(held_for=None, failures=0, closed_until=None, ready_at=tx.now, ring_at=None)
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
    in flight there is recognised by its older fence (holdings.adopt).
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
            ready_at=tx.now,
        )
    )
    tx.db.execute(sa.update(lanes).where(found, unanswered).values(ring_at=None, rings=0))
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
