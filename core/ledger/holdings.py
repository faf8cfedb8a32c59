"""The holdings of a leased lane: taken up with an intent, written back under the fence."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa

from core import rows
from core.database import Transaction
from core.errors import LeaseLost
from core.holding import Holding
from core.ledger import lanes, moves
from core.ledger.lanes import Lease
from core.ledger.schema import attempts, events, evidence, holdings, parts, people
from core.ledger.schema import lanes as lanes_table
from core.moments import Moment
from core.states import Ended, State
from core.wants import Wants


@dataclass(frozen=True, slots=True)
class Claimed:
    """A holding that this worker is to work on now; ``remote`` is still sealed."""

    holding: Holding
    remote: bytes | None
    attempt: UUID


def suspects(tx: Transaction, lease: Lease, only: UUID | None = None) -> list[Claimed]:
    """
    What was in flight when a worker died, the gravest first: each is to run alone. ``only`` names
    the one to take up now, as it may have changed while others ran; None: all.
    """
    query = (
        sa.select(holdings)
        .where(free(lease), holdings.c.suspect, holdings.c.due_at <= tx.now)
        .where(sa.true() if only is None else holdings.c.id == only)
        .order_by(holdings.c.deaths.desc(), holdings.c.erasing.desc(), holdings.c.due_at)
        .with_for_update(key_share=True, skip_locked=True)
    )
    return [Claimed(holding_of(row), row.remote, uuid4()) for row in tx.db.execute(query).all()]


def due(tx: Transaction, lease: Lease, limit: int) -> list[Claimed]:
    """
    The next to work on, erasures first; nothing is taken up yet. Who is just being asked
    something is left out: intake rings the lane when it is done. The lease was renewed in this
    transaction.
    """
    found: list[Claimed] = []
    for query in (ERASURES_DUE, OTHERS_DUE):
        room = limit - len(found)
        here = {"lane": lease.connection, "moment": tx.now, "room": room}
        rows_found = tx.db.execute(query, here).all() if room else ()
        found += [Claimed(holding_of(row), row.remote, uuid4()) for row in rows_found]
    return found


def next_due(condition: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return (
        sa.select(holdings)
        .where(
            holdings.c.connection == sa.bindparam("lane"),
            holdings.c.intent_fence.is_(None),
            condition,
            sa.not_(holdings.c.suspect),
            holdings.c.due_at <= sa.bindparam("moment", type_=Moment),
        )
        .order_by(holdings.c.due_at)
        .limit(sa.bindparam("room", type_=sa.Integer))
        .with_for_update(key_share=True, skip_locked=True)
    )


ERASURES_DUE = next_due(holdings.c.erasing)
OTHERS_DUE = next_due(sa.not_(holdings.c.erasing))


def free(lease: Lease) -> sa.ColumnElement[bool]:
    return sa.and_(holdings.c.connection == lease.connection, holdings.c.intent_fence.is_(None))


def take_up(tx: Transaction, lease: Lease, several: Sequence[Claimed], until: datetime) -> None:
    """
    Write the intents, before anything is sent. ``until`` is when the attempts are over, one
    way or the other.
    """
    rows.update(
        tx,
        holdings,
        [
            {"id": one.holding.id, "intent_fence": lease.fence, "intent_until": until}
            for one in several
        ],
    )
    rows.insert(
        tx,
        attempts,
        [
            {
                "id": one.attempt,
                "holding": one.holding.id,
                "session": lease.session,
                "seq": one.holding.asked_seq,
                "started_at": tx.now,
            }
            for one in several
        ],
    )


FLYING = (
    sa.select(holdings.c.id, holdings.c.epoch, holdings.c.held_back)
    .select_from(lanes_table)
    .join(
        holdings,
        sa.and_(
            holdings.c.connection == lanes_table.c.connection,
            holdings.c.intent_fence == lanes_table.c.fence,
        ),
        isouter=True,
    )
    .where(lanes.MINE)
)

Mark = tuple[int, bool]  # the epoch, and whether pushes are held back


def in_flight(db: sa.Connection, lease: Lease) -> dict[UUID, Mark]:
    """
    The marks of what this lease has taken up. Newer work, be it only that pushes are held back
    since, changes the mark where an attempt must send nothing more. Raises LeaseLost.
    """
    found = db.execute(FLYING, lanes.named(lease)).all()
    if not found:
        raise LeaseLost
    return {row.id: (row.epoch, bool(row.held_back)) for row in found if row.id is not None}


# What an attempt may change.
COLUMNS = (
    "state",
    "due_at",
    "reached_seq",
    "acted_seq",
    "erasing",
    "attempts",
    "looks",
    "deaths",
    "suspect",
    "intent_fence",
    "intent_until",
    "ambiguous_until",
    "answered_at",
    "seen_at",
    "seen",
    "remote",
    "patrol",
    "final_on",
    "error",
    "hinted",
    "planned_at",
)


@dataclass(frozen=True, slots=True)
class Locked:
    """A holding as it is now. ``key_epoch`` is the person's: of the key that is alive."""

    holding: Holding
    columns: Mapping[str, Any]
    key_epoch: int


def lock(tx: Transaction, lease: Lease, wanted: Collection[UUID]) -> dict[UUID, Locked]:
    """
    As they are now. Raises LeaseLost; then nothing is written.

    Holdings are locked before their lane, as the intake does: the lease is only looked at here.
    The people come after that: PostgreSQL shows who waited for an erasure the holding of after it,
    and would show the person of before.
    """
    among, query = locking(tx.db.dialect.name)
    found = tx.db.execute(query, among.bound([{"id": one} for one in wanted])).all()
    lanes.check(tx, lease)
    these, parameters = rows.one_of(tx.db, people.c.id, {row.person for row in found})
    theirs = sa.select(people.c.id, people.c.key_epoch).where(these)
    epochs = {row.id: row.key_epoch for row in tx.db.execute(theirs, parameters)}
    return {
        row.id: Locked(
            holding_of(row), {name: getattr(row, name) for name in COLUMNS}, epochs[row.person]
        )
        for row in found
    }


@cache
def locking(dialect: str) -> tuple[rows.Given, sa.Select[Any]]:
    among, these = rows.choosing(dialect, holdings.c.id)
    query = sa.select(holdings).where(these).order_by(holdings.c.id).with_for_update(key_share=True)
    return among, query


@dataclass(frozen=True, slots=True)
class Record:
    """What one attempt came to: the holding's new columns, and the traces of how we know."""

    locked: Locked
    changes: Mapping[str, Any]  # some of COLUMNS
    attempt: UUID
    outcome: str
    detail: str | None = None
    ended: Ended | None = None  # how the open operations end, up to ``ended_seq``
    ended_seq: int = 0
    still_open: frozenset[int] = frozenset()  # but not these operations
    look: Mapping[str, Any] | None = None  # columns of the evidence

    @property
    def holding(self) -> UUID:
        return self.locked.holding.id


TAKEN_UP = {"intent_fence": None, "intent_until": None}


def write(tx: Transaction, records: Sequence[Record]) -> None:
    """Store what attempts came to, with the evidence and an event where a state moved."""
    rows.update(
        tx,
        holdings,
        [{"id": one.holding, **one.locked.columns, **one.changes, **TAKEN_UP} for one in records],
    )
    rows.update(
        tx,
        attempts,
        [
            {"id": one.attempt, "ended_at": tx.now, "outcome": one.outcome, "detail": one.detail}
            for one in records
        ],
    )
    rows.insert(
        tx,
        evidence,
        [
            {"id": uuid4(), "holding": one.holding, "attempt": one.attempt, **one.look}
            for one in records
            if one.look is not None
        ],
    )
    rows.insert(
        tx,
        events,
        [
            moves.event(
                tx,
                one.outcome,
                customer=one.locked.holding.customer,
                holding=one.holding,
                was=one.locked.holding.state.value,
                became=one.changes["state"],
            )
            for one in records
            if one.changes["state"] != one.locked.holding.state.value
        ],
    )
    end_parts(tx, [one for one in records if one.ended is not None])


def end_parts(tx: Transaction, records: Sequence[Record]) -> None:
    """Of a part that stays open, which is rare, the others are ended one by one."""
    until, statement = ending(tx.db.dialect.name)
    ends = [
        {
            "holding": one.holding,
            "seq": one.ended_seq,
            "ended": one.ended.value if one.ended else None,
            "ended_at": tx.now,
        }
        for one in records
        if not one.still_open
    ]
    if ends:
        tx.db.execute(statement, until.bound(ends))
    for one in records:
        if one.still_open and one.ended is not None:
            tx.db.execute(
                sa.update(parts)
                .where(
                    parts.c.holding == one.holding,
                    parts.c.ended.is_(None),
                    parts.c.seq <= one.ended_seq,
                    parts.c.seq.not_in(sorted(one.still_open)),
                )
                .values(ended=one.ended.value, ended_at=tx.now)
            )


@cache
def ending(dialect: str) -> tuple[rows.Given, sa.Update]:
    until = rows.given(dialect, parts.c.holding, parts.c.seq, parts.c.ended, parts.c.ended_at)
    statement = (
        sa.update(parts)
        .where(
            parts.c.holding == until.c.holding,
            parts.c.ended.is_(None),
            parts.c.seq <= until.c.seq,
        )
        .values(ended=until.c.ended, ended_at=until.c.ended_at)
    )
    return until, statement


def holding_of(row: sa.Row[Any]) -> Holding:
    return Holding(
        row.id,
        row.customer,
        row.person,
        row.connection,
        State(row.state),
        Wants.from_json(row.wants),
        row.asked_seq,
        row.reached_seq,
        row.acted_seq,
        row.epoch,
        row.due_at,
        row.attempts,
        row.looks,
        row.deaths,
        row.suspect,
        row.intent_fence,
        row.intent_until,
        row.ambiguous_until,
        row.answered_at,
        row.seen_at,
        tuple(row.seen),
        row.patrol,
        row.final_on,
        row.error,
        bool(row.held_back),
        bool(row.hinted),
        row.hinted_at,
        row.planned_at,
    )
