"""The holdings of a leased lane: taken up with an intent, written back under the fence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa

from core.database import Transaction
from core.errors import LeaseLost
from core.holding import Holding
from core.ledger import lanes, tasks
from core.ledger.lanes import Lease
from core.ledger.schema import attempts, events, evidence, holdings, parts
from core.states import Ended, State, Task
from core.wants import Wants


@dataclass(frozen=True, slots=True)
class Claimed:
    """A holding that this worker is to work on now; ``remote`` is still sealed."""

    holding: Holding
    remote: bytes | None
    attempt: UUID


QUARANTINE = 3  # deaths of workers while it ran alone
LONGEST_QUARANTINE = timedelta(days=1)


def adopt(tx: Transaction, lease: Lease, late_apply: timedelta) -> None:
    """
    Recognise what an earlier owner of this lane left in flight.

    Its outcome is unknown until the platform can no longer apply it. A suspect runs alone in
    its lane from now on, and only a death while alone counts; after the first it is a grave
    suspect, alone in the whole process. The third opens a task; from then on it runs ever more
    rarely, so that an innocent recovers and a poisonous one harms little.
    """
    stale = sa.and_(
        holdings.c.connection == lease.connection, holdings.c.intent_fence < lease.fence
    )
    left = sa.select(holdings).where(stale).order_by(holdings.c.id)
    for row in tx.db.execute(left.with_for_update(key_share=True)).all():
        deaths = row.deaths + 1 if row.suspect else row.deaths
        poison = deaths >= QUARANTINE
        state = State.NEEDS_YOU if poison else State.RETRYING
        goal = holding_of(row).goal
        tx.db.execute(
            sa.update(holdings)
            .where(holdings.c.id == row.id)
            .values(
                intent_fence=None,
                intent_until=None,
                deaths=deaths,
                suspect=True,
                due_at=tx.now + quarantine(deaths),
                state=state.value,
                **(unsure(row, late_apply) if goal else {}),  # a patrol sends nothing
            )
        )
        tx.db.execute(
            sa.update(attempts)
            .where(attempts.c.holding == row.id, attempts.c.ended_at.is_(None))
            .values(ended_at=tx.now, outcome="interrupted")
        )
        tx.db.execute(sa.insert(events).values(event(row, tx, "interrupted", state)))
        if poison:
            tasks.open_for(
                tx,
                kind=Task.QUARANTINED,
                verb=goal.verb,
                customer=row.customer,
                connection=row.connection,
                person=row.person,
                holding=row.id,
            )


def unsure(row: Any, late_apply: timedelta) -> dict[str, Any]:
    """It may have been sent, and may still act: look before repeating."""
    settled = max(row.intent_until + late_apply, row.ambiguous_until or row.intent_until)
    return {"ambiguous_until": settled, "acted_seq": row.asked_seq}


def quarantine(deaths: int) -> timedelta:
    """How long to leave alone what was in flight when so many workers died."""
    if deaths < QUARANTINE:
        return timedelta(0)
    return min(timedelta(hours=2 ** (deaths - QUARANTINE)), LONGEST_QUARANTINE)


def event(row: Any, tx: Transaction, kind: str, became: State) -> dict[str, Any]:
    return {
        "customer": row.customer,
        "at": tx.now,
        "kind": kind,
        "holding": row.id,
        "was": row.state,
        "became": became.value,
    }


def has_grave_suspect(tx: Transaction, connection: UUID) -> bool:
    """Whether something is due here during which a worker died although it ran alone."""
    query = sa.select(holdings.c.id).where(
        holdings.c.connection == connection, holdings.c.due_at <= tx.now, holdings.c.deaths > 0
    )
    return tx.db.execute(query.limit(1)).first() is not None


def claim(tx: Transaction, lease: Lease, *, limit: int, deadline: timedelta) -> list[Claimed]:
    """
    The next due holdings, erasures first, each with an intent written before anything is sent.

    Raises LeaseLost.
    """
    lanes.check(tx, lease)
    rows = tx.db.execute(
        sa.select(holdings)
        .where(holdings.c.connection == lease.connection, holdings.c.due_at <= tx.now)
        .order_by(
            holdings.c.deaths.desc(),
            holdings.c.suspect.desc(),
            holdings.c.erasing.desc(),
            holdings.c.due_at,
        )
        .limit(limit)
        .with_for_update(key_share=True, skip_locked=True)  # intake rings the lane when it is done
    ).all()
    if rows and rows[0].suspect:
        rows = rows[:1]
    claimed = [Claimed(holding_of(row), row.remote, uuid4()) for row in rows]
    if claimed:
        tx.db.execute(
            sa.update(holdings)
            .where(holdings.c.id.in_(sorted(row.id for row in rows)))
            .values(intent_fence=lease.fence, intent_until=tx.now + deadline)
        )
        tx.db.execute(
            sa.insert(attempts),
            [
                {
                    "id": one.attempt,
                    "holding": one.holding.id,
                    "session": lease.session,
                    "seq": one.holding.asked_seq,
                    "started_at": tx.now,
                }
                for one in claimed
            ],
        )
    return claimed


def check(tx: Transaction, lease: Lease, holding: Holding) -> None:
    """Raises LeaseLost when the lane is no longer ours, or newer work overtook this holding."""
    unchanged = sa.select(holdings.c.id).where(
        holdings.c.id == holding.id,
        holdings.c.epoch == holding.epoch,
        holdings.c.intent_fence == lease.fence,
    )
    lanes.check(tx, lease)
    if tx.db.execute(unchanged).first() is None:
        raise LeaseLost


def lock(tx: Transaction, lease: Lease, wanted: Sequence[UUID]) -> dict[UUID, Holding]:
    """These holdings as they are now, locked. Raises LeaseLost; then nothing is written."""
    query = sa.select(holdings).where(holdings.c.id.in_(list(wanted))).order_by(holdings.c.id)
    rows = tx.db.execute(query.with_for_update(key_share=True)).all()
    lanes.check(tx, lease)
    return {row.id: holding_of(row) for row in rows}


@dataclass(frozen=True, slots=True)
class Record:
    """What one attempt came to: the holding's new columns, and the traces of how we know."""

    holding: UUID
    customer: UUID
    was: State
    changes: Mapping[str, Any]  # columns of the holding
    attempt: UUID
    outcome: str
    detail: str | None = None
    ended: Ended | None = None  # how the open operations end, up to ``ended_seq``
    ended_seq: int = 0
    look: Mapping[str, Any] | None = None  # columns of the evidence


def write(tx: Transaction, record: Record) -> None:
    """Store what an attempt came to, with its evidence and an event if the state moved."""
    changes = {**record.changes, "intent_fence": None, "intent_until": None}
    tx.db.execute(sa.update(holdings).where(holdings.c.id == record.holding).values(changes))
    tx.db.execute(
        sa.update(attempts)
        .where(attempts.c.id == record.attempt)
        .values(ended_at=tx.now, outcome=record.outcome, detail=record.detail)
    )
    if record.ended is not None:
        tx.db.execute(
            sa.update(parts)
            .where(
                parts.c.holding == record.holding,
                parts.c.ended.is_(None),
                parts.c.seq <= record.ended_seq,
            )
            .values(ended=record.ended.value, ended_at=tx.now)
        )
    if record.look is not None:
        looked = {"id": uuid4(), "holding": record.holding, "attempt": record.attempt}
        tx.db.execute(sa.insert(evidence).values(**looked, **record.look))
    if record.changes["state"] != record.was.value:
        tx.db.execute(
            sa.insert(events).values(
                customer=record.customer,
                at=tx.now,
                kind=record.outcome,
                holding=record.holding,
                was=record.was.value,
                became=record.changes["state"],
            )
        )


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
    )
