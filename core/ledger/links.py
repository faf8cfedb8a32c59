"""What the ledger knows of the links that open a customer's pages: only since when they count."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from core.database import Transaction
from core.ledger import Ledger
from core.ledger.customers import Customer
from core.ledger.schema import customers


@dataclass(frozen=True, slots=True)
class Holder:
    """A customer whose pages links may open."""

    customer: Customer
    since: datetime | None  # what was made up to then is ended; None: nothing ever was

    def counts(self, made_at: datetime) -> bool:
        return self.since is None or made_at > self.since


def holder(tx: Transaction, customer: UUID) -> Holder | None:
    """None where there is no such customer."""
    row = tx.db.execute(sa.select(customers).where(customers.c.id == customer)).one_or_none()
    if row is None:
        return None
    return Holder(Customer(row.id, row.name, ZoneInfo(row.time_zone)), row.links_since)


def end_all(ledger: Ledger, customer: UUID) -> None:
    """From this moment on no link that was made before opens anything."""
    with ledger.begin() as tx:
        mine = customers.c.id == customer
        tx.db.execute(sa.update(customers).where(mine).values(links_since=tx.now))
