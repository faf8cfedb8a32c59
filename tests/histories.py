"""Every state of a holding is what its events say, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from core.database import Transaction
from core.ledger.schema import events, holdings
from core.transitions import NEW


@dataclass(frozen=True, slots=True)
class Move:
    kind: str
    holding: UUID
    was: str
    became: str


def check(tx: Transaction) -> None:
    """Nothing changed its state in silence, or was said to and did not."""
    moved = sa.and_(events.c.holding.is_not(None), events.c.became.is_not(None))
    columns = (events.c.kind, events.c.holding, events.c.was, events.c.became)
    told = tx.db.execute(sa.select(*columns).where(moved).order_by(events.c.id))
    stands = tx.db.execute(sa.select(holdings.c.id, holdings.c.state))
    add_up((Move(*one) for one in told), {row.id: row.state for row in stands})


def add_up(moves: Iterable[Move], stands: Mapping[UUID, str]) -> None:
    """Each goes on where the one before it ended; the last one where the holding stands."""
    said: dict[UUID, str] = {}
    for move in moves:
        assert move.was == said.get(move.holding, NEW), f"{move.kind} tells of another state"
        assert move.was != move.became, f"{move.kind} tells of a move that was none"
        said[move.holding] = move.became
    assert said == stands, "a state changed and no event tells of it"
