"""The end of an erasure: our own last record goes when nothing needs it any more."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from core.database import Transaction
from core.ledger import Ledger
from core.ledger.schema import holdings, operations, people, tasks

ANSWERED_BY = timedelta(days=14)  # after the deadline, the name has served its letter


def end(ledger: Ledger) -> None:
    """
    Destroy what only an answer or a last look needed.

    The name goes once the person was answered, or two weeks after the deadline; the whole
    record goes when besides that the last look is done and all tasks are closed.
    """
    with ledger.begin() as tx:
        for customer, person, is_over in answered(tx):
            if is_over:
                ledger.safe.end_finishing([person])
                gone = sa.update(people).where(people.c.id == person)
                tx.db.execute(gone.values(forgotten_at=tx.now))
            else:
                ledger.safe.forget_name(person, ledger.keys_of(tx, customer))


def answered(tx: Transaction) -> list[tuple[UUID, UUID, bool]]:
    """The erased whose answer is behind them: customer, person, whether nothing is left to do."""
    deadline = (
        sa.select(sa.func.max(operations.c.deadline))
        .where(operations.c.person == people.c.id)
        .scalar_subquery()
    )
    busy = sa.exists().where(holdings.c.person == people.c.id, holdings.c.due_at.is_not(None))
    asked = sa.exists().where(tasks.c.person == people.c.id, tasks.c.closed_at.is_(None))
    rows = tx.db.execute(
        sa.select(people.c.customer, people.c.id, sa.or_(busy, asked).label("needed")).where(
            people.c.key_epoch > 0,
            people.c.forgotten_at.is_(None),
            sa.or_(people.c.answered_at.is_not(None), deadline < tx.now - ANSWERED_BY),
        )
    )
    return [(row.customer, row.id, not row.needed) for row in rows]
