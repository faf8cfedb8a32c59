"""How every operation ended that the ledger accepted, as the ledger knows it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import sqlalchemy as sa

from core.ledger import Ledger
from core.ledger.intake import Accepted
from core.ledger.schema import holdings, operations, parts, tasks
from core.states import Ended

SEEN = frozenset({Ended.CONFIRMED.value, Ended.ABSENT.value})


@dataclass(frozen=True, slots=True)
class Endings:
    """
    ``verified``: at every connection a look showed what was asked; where something newer
    replaced it, that was seen there. ``lost`` names each operation that stands nowhere.
    """

    operations: int
    verified: int
    lost: Sequence[str]


def of(ledger: Ledger, accepted: Sequence[Accepted]) -> Endings:
    stored, at_holdings = read(ledger)
    found: dict[UUID, list[Part]] = {}
    for chain in at_holdings.values():
        for part in fates(chain):
            found.setdefault(part.operation, []).append(part)
    return Endings(
        operations=len(accepted),
        verified=sum(
            all(part.ended in SEEN for part in found.get(one.operation, ())) for one in accepted
        ),
        lost=[
            f"operation {one.operation}"
            for one in accepted
            if one.operation not in stored
            or len(found.get(one.operation, ())) < one.holdings
            or any(part.stranded for part in found.get(one.operation, ()))
        ],
    )


@dataclass(frozen=True, slots=True)
class Part:
    """One operation at one connection. ``stranded``: not ended, with nobody who will go on."""

    operation: UUID
    ended: str | None
    stranded: bool


def read(ledger: Ledger) -> tuple[set[UUID], dict[UUID, list[Part]]]:
    """The operations there are, with their parts by holding, oldest first."""
    waits = sa.exists().where(tasks.c.holding == holdings.c.id, tasks.c.closed_at.is_(None))
    query = (
        sa.select(parts, sa.or_(holdings.c.due_at.is_not(None), waits).label("goes_on"))
        .join(holdings, holdings.c.id == parts.c.holding)
        .order_by(parts.c.seq)
    )
    with ledger.read() as tx:
        stored = {row.id for row in tx.db.execute(sa.select(operations.c.id))}
        found: dict[UUID, list[Part]] = {}
        for row in tx.db.execute(query):
            stranded = row.ended is None and not row.goes_on
            part = Part(row.operation, row.ended, stranded)
            found.setdefault(row.holding, []).append(part)
    return stored, found


def fates(chain: Sequence[Part]) -> Iterator[Part]:
    """What was replaced ends as what replaced it, which is the next that was not replaced."""
    fate: str | None = None
    for part in reversed(chain):
        if part.ended != Ended.SUPERSEDED:
            fate = part.ended
        yield replace(part, ended=fate)
