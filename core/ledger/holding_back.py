"""Holding back every push for a person, while erasures, unsubscriptions, looks go on."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa

from core.database import Transaction
from core.ledger import lanes
from core.ledger.schema import connections, holdings, people
from core.states import State
from core.wants import Wants


def hold(tx: Transaction, people: Collection[UUID]) -> None:
    """A call that is about to be made asks once more (holdings.check), and is not made."""
    these = holdings.c.person.in_(sorted(people))
    tx.db.execute(sa.update(holdings).where(these).values(held_back=True))


def release(tx: Transaction, person: UUID) -> None:
    """Go on with what was asked meanwhile, or waited; unless another reason still holds."""
    holds = sa.or_(people.c.restricted_at.is_not(None), people.c.erase_at.is_not(None))
    if tx.db.execute(sa.select(people.c.id).where(people.c.id == person, holds)).first():
        return
    mine = holdings.c.person == person
    tx.db.execute(sa.update(holdings).where(mine).values(held_back=False))
    waiting = (
        sa.select(holdings)
        .join(connections, connections.c.id == holdings.c.connection)
        .where(
            mine,
            holdings.c.due_at.is_(None),
            holdings.c.state == State.QUEUED.value,
            connections.c.closed_at.is_(None),
        )
    )
    again = {
        row.id: row.connection
        for row in tx.db.execute(waiting)
        if Wants.from_json(row.wants).goal(row.reached_seq)
    }
    due = holdings.c.id.in_(sorted(again))
    tx.db.execute(sa.update(holdings).where(due).values(due_at=tx.now))
    lanes.ring(tx, set(again.values()))
