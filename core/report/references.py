"""By which reference the customer knows people, as long as we know it too."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa

from core.database import Transaction
from core.ledger import Ledger
from core.ledger.schema import people


def references(
    ledger: Ledger, tx: Transaction, customer: UUID, wanted: Collection[UUID]
) -> dict[UUID, str]:
    """From the sealed people, else from our last records of them; who has neither is left out."""
    keys = ledger.keys_of(tx, customer)
    mine = sa.and_(people.c.customer == customer, people.c.id.in_(list(wanted)))
    columns = (people.c.id, people.c.key_epoch, people.c.sealed)
    rows = tx.db.execute(sa.select(*columns).where(mine)).all()
    opened = ledger.safe.keys({(row.id, row.key_epoch) for row in rows}, keys)
    records = ledger.safe.finishing([row.id for row in rows], keys)
    found = {person: record.reference for person, record in records.items()}
    for row in rows:
        key = opened.get((row.id, row.key_epoch))
        if row.sealed is not None and key is not None:
            found[row.id] = key.open_json(row.sealed, f"people|{row.id}")["reference"]
    return found
