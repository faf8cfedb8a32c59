"""What an earlier owner of a lane left in flight: in doubt, under suspicion, never lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from core.database import Transaction
from core.ledger import moves, tasks
from core.ledger.holdings import holding_of
from core.ledger.lanes import Lease
from core.ledger.schema import attempts, events, holdings
from core.states import State, Task
from core.wants import Goal

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
    interrupt(tx, lease, holdings.c.intent_fence < lease.fence, late_apply, killed=True)


def leave(tx: Transaction, lease: Lease, late_apply: timedelta) -> None:
    """The same of our own, which killed nobody: the database was away."""
    interrupt(tx, lease, holdings.c.intent_fence == lease.fence, late_apply, killed=False)


def interrupt(
    tx: Transaction,
    lease: Lease,
    which: sa.ColumnElement[bool],
    late_apply: timedelta,
    *,
    killed: bool,
) -> None:
    in_flight = sa.and_(holdings.c.connection == lease.connection, which)
    left = sa.select(holdings).where(in_flight).order_by(holdings.c.id)
    for row in tx.db.execute(left.with_for_update(key_share=True)).all():
        deaths = row.deaths + 1 if row.suspect and killed else row.deaths
        again = row.due_at is not None  # unless a human's word ended it meanwhile
        poison = again and deaths >= QUARANTINE
        goal = holding_of(row).goal
        begun = sa.and_(attempts.c.holding == row.id, attempts.c.ended_at.is_(None))
        asked = tx.db.execute(
            sa.update(attempts)
            .where(begun)
            .values(ended_at=tx.now, outcome="interrupted")
            .returning(attempts.c.seq)
        ).scalar_one()
        state = state_of(row.state, goal, poison=poison)
        tx.db.execute(
            sa.update(holdings)
            .where(holdings.c.id == row.id)
            .values(
                intent_fence=None,
                intent_until=None,
                deaths=deaths,
                suspect=row.suspect or killed,
                due_at=tx.now + quarantine(deaths) if again else None,
                state=state,
                **(unsure(row, asked, late_apply) if goal else {}),  # a patrol sends nothing
            )
        )
        event = moves.event(
            tx,
            "interrupted",
            customer=row.customer,
            holding=row.id,
            was=row.state,
            became=state,
        )
        tx.db.execute(sa.insert(events).values(event))
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


def state_of(state: str, goal: Goal, *, poison: bool) -> str:
    """Where nothing was to be done, only a look was lost, and it says nothing."""
    if poison:
        return State.NEEDS_YOU.value
    return State.RETRYING.value if goal else state


def unsure(row: Any, asked: int, late_apply: timedelta) -> dict[str, Any]:
    """What was taken up when ``asked`` was the last may have been sent, and may still act."""
    settled = max(row.intent_until + late_apply, row.ambiguous_until or row.intent_until)
    return {"ambiguous_until": settled, "acted_seq": holding_of(row).covered(asked)}


def quarantine(deaths: int) -> timedelta:
    """How long to leave alone what was in flight when so many workers died."""
    if deaths < QUARANTINE:
        return timedelta(0)
    return min(timedelta(hours=2 ** (deaths - QUARANTINE)), LONGEST_QUARANTINE)
