"""Which holdings an operation touches, with where each stands."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from core.database import Transaction
from core.ledger.schema import connections, holdings, parts
from core.states import State


@dataclass(frozen=True, slots=True)
class Part:
    connection: UUID
    state: State


def parts_of(tx: Transaction, operations: Collection[UUID]) -> dict[UUID, list[Part]]:
    """By operation, in the order in which the connections were made."""
    query = (
        sa.select(parts.c.operation, holdings.c.connection, holdings.c.state)
        .join(holdings, holdings.c.id == parts.c.holding)
        .join(connections, connections.c.id == holdings.c.connection)
        .where(parts.c.operation.in_(operations))
        .order_by(connections.c.created_at, connections.c.id)
    )
    found: dict[UUID, list[Part]] = {}
    for row in tx.db.execute(query):
        found.setdefault(row.operation, []).append(Part(row.connection, State(row.state)))
    return found
