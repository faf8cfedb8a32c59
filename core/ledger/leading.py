"""Which process does what only one has to do: it leads until another follows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from core.database import Transaction
from core.ledger.schema import leaders

LEASE = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Leader:
    session: UUID
    until: datetime


def leader(tx: Transaction) -> Leader | None:
    """Who leads, or was the last to; None where nobody ever did."""
    row = tx.db.execute(sa.select(leaders.c.session, leaders.c.until)).one_or_none()
    return None if row is None else Leader(row.session, row.until)


def follow(tx: Transaction, last: Leader | None, session: UUID) -> bool:
    """Lead after ``last``, or go on leading; False when another was faster."""
    kind = sqlite if tx.db.dialect.name == "sqlite" else postgresql
    lead = {"session": session, "until": tx.now + LEASE}
    statement = kind.insert(leaders).values(id=1, **lead)
    if last is None:
        statement = statement.on_conflict_do_nothing()
    else:
        same = sa.and_(leaders.c.session == last.session, leaders.c.until == last.until)
        statement = statement.on_conflict_do_update(
            index_elements=[leaders.c.id], set_=lead, where=same
        )
    return tx.db.execute(statement.returning(leaders.c.id)).one_or_none() is not None
