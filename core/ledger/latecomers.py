"""A connection made after an erasure: it is searched too, as any account may hold the person."""

from __future__ import annotations

from uuid import UUID, uuid4

import sqlalchemy as sa

from core.connector import Verb
from core.database import Transaction
from core.ledger import lanes, moves
from core.ledger.people import NEW
from core.ledger.schema import events, holdings, operations, parts, people
from core.states import State
from core.wants import Wants


def search(tx: Transaction, customer: UUID, connection: UUID) -> None:
    """
    Ask the new connection to erase everybody whose erasure is not finished. What we still know
    of them stays until the transaction ends.
    """
    last = (
        sa.select(operations.c.person, sa.func.max(operations.c.seq).label("seq"))
        .where(
            operations.c.customer == customer,
            operations.c.verb == Verb.ERASE.value,
            operations.c.told.is_(None),
            operations.c.ended.is_(None),
        )
        .group_by(operations.c.person)
        .subquery()
    )
    asked = tx.db.execute(
        sa.select(operations.c.id, operations.c.person, operations.c.seq, people.c.epoch)
        .join(last, sa.and_(last.c.person == operations.c.person, last.c.seq == operations.c.seq))
        .join(people, people.c.id == operations.c.person)
        .where(people.c.erased_at.is_not(None), people.c.forgotten_at.is_(None))
        .order_by(people.c.id)
        .with_for_update(of=people, read=True)
    ).all()
    if not asked:
        return
    made = [(uuid4(), row) for row in asked]
    tx.db.execute(
        sa.insert(holdings),
        [
            {
                **NEW,
                "id": holding,
                "customer": customer,
                "person": row.person,
                "connection": connection,
                "state": State.QUEUED.value,
                "wants": Wants().erased(row.seq).to_json(),
                "asked_seq": row.seq,
                "epoch": row.epoch,
                "erasing": True,
                "due_at": tx.now,
                "attempts": 0,
                "looks": 0,
                "patrol": 0,
            }
            for holding, row in made
        ],
    )
    tx.db.execute(
        sa.insert(parts),
        [{"operation": row.id, "holding": holding, "seq": row.seq} for holding, row in made],
    )
    tx.db.execute(
        sa.insert(events),
        [
            moves.event(
                tx,
                "asked",
                customer=customer,
                holding=holding,
                was=None,
                became=State.QUEUED.value,
                operation=row.id,
            )
            for holding, row in made
        ],
    )
    lanes.ring(tx, {connection})
