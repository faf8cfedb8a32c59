"""The end of an erasure: our own last record goes when nothing needs it any more."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from core.ledger import Ledger
from core.ledger.schema import holdings, operations, people, tasks

ANSWERED_BY = timedelta(days=14)  # after the deadline, the name has served its letter


def end(ledger: Ledger) -> None:
    """
    Destroy the finishing records of erasures whose last look is done, whose tasks are closed
    and whose person was answered, or could have been for two weeks after the deadline.
    """
    with ledger.begin() as tx:
        deadline = (
            sa.select(sa.func.max(operations.c.deadline))
            .where(operations.c.person == people.c.id)
            .scalar_subquery()
        )
        busy = sa.exists().where(holdings.c.person == people.c.id, holdings.c.due_at.is_not(None))
        asked = sa.exists().where(tasks.c.person == people.c.id, tasks.c.closed_at.is_(None))
        rows = tx.db.execute(
            sa.select(people.c.id).where(
                people.c.erased_at.is_not(None),
                people.c.forgotten_at.is_(None),
                sa.or_(people.c.answered_at.is_not(None), deadline < tx.now - ANSWERED_BY),
                ~busy,
                ~asked,
            )
        ).all()
        over = [row.id for row in rows]
        if not over:
            return
        ledger.safe.end_finishing(over)
        tx.db.execute(sa.update(people).where(people.c.id.in_(over)).values(forgotten_at=tx.now))
