"""Erasures that can still be undone, as the intake stores them beside what else it changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

import sqlalchemy as sa

from core.database import Transaction
from core.ledger import holding_back
from core.ledger.person import Someone, Told
from core.ledger.schema import events, operations
from core.sealing import Key
from core.states import Ended


def sealed(key: Key, operation: UUID, reference: str, email: str | None) -> bytes:
    """Under the person's key: it dies with the erasure, or is taken out when that is undone."""
    return key.seal_json({"reference": reference, "email": email}, row_of(operation))


def row_of(operation: UUID) -> str:
    return f"told|{operation}"


def open_told(tx: Transaction, found: Mapping[UUID, Someone]) -> None:
    waiting = [one.id for one in found.values() if one.erase_at is not None]
    if not waiting:
        return
    query = sa.select(operations).where(
        operations.c.person.in_(waiting), operations.c.told.is_not(None)
    )
    for row in tx.db.execute(query.order_by(operations.c.seq)):
        someone = found[row.person]
        if someone.key is not None:
            told = someone.key.open_json(row.told, row_of(row.id))
            someone.told = (someone.told or Told(told["reference"])).also(told["email"])


def store(tx: Transaction, changed: Sequence[Someone]) -> None:
    """Stop the pushes of whom is to be erased; end what an erasure overtook meanwhile."""
    waiting = [one.id for one in changed if one.postponed_here and one.erase_at is not None]
    if waiting:
        holding_back.hold(tx, waiting)
        these = operations.c.person.in_(waiting) & operations.c.told.is_not(None)
        here = these & (operations.c.accepted_at == tx.now)
        rows = tx.db.execute(sa.select(operations.c.id, operations.c.customer).where(here))
        tx.db.execute(
            sa.insert(events),
            [
                {"customer": row.customer, "at": tx.now, "kind": "postponed", "operation": row.id}
                for row in rows
            ],
        )
    overtaken = [one.id for one in changed if one.overtook]
    if overtaken:
        these = operations.c.person.in_(overtaken) & operations.c.told.is_not(None)
        tx.db.execute(
            sa.update(operations)
            .where(these)
            .values(told=None, ended=Ended.SUPERSEDED.value, ended_at=tx.now)
        )
