"""Reads operations back for who asked them: one in full, or a customer's list."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from core.connector import Platform, Verb
from core.database import Transaction
from core.ledger import Ledger, answers
from core.ledger.customers import Customer
from core.ledger.schema import attempts, evidence, operations, parts
from core.refusals import Unknown
from core.report.operation import Attempt, Evidence, Line, Operation, Part, progress
from core.report.person import operations_of, read, request_of
from core.report.system import Here, seen_of, system_of
from core.states import Ended

MOST = 200  # attempts that are shown, the newest of them; an erasure never gives up

UNKNOWN = "There is no operation with this id. Take it from the answer to ask."


def find(
    ledger: Ledger,
    tx: Transaction,
    customer: Customer,
    operation: UUID,
    platforms: Mapping[str, Platform],
) -> Operation:
    """Raises Unknown, for another customer's too."""
    row = mine(tx, customer.id, operation)
    request = request_of(operations_of(tx, row.person))
    scene = read(tx, customer, row.person, platforms, request)
    ends = ends_of(tx, [operation])
    return Operation(
        line_of(row, ends),
        tuple(answers.of_operations(ledger, tx, customer.id, [operation])),
        tuple(waiting_part(here) for here in scene)
        if row.told is not None
        else parts_of(tx, row, ends, scene),
    )


def page(
    tx: Transaction, customer: UUID, *, after: UUID | None = None, limit: int
) -> Sequence[Line]:
    """The newest first; ``after`` is the last of the page before. Raises Unknown."""
    column = operations.c
    query = sa.select(operations).where(column.customer == customer)
    if after is not None:
        last = mine(tx, customer, after)
        earlier = column.accepted_at < last.accepted_at
        beside = sa.and_(column.accepted_at == last.accepted_at, column.id < last.id)
        query = query.where(sa.or_(earlier, beside))
    query = query.order_by(column.accepted_at.desc(), column.id.desc()).limit(limit)
    rows = tx.db.execute(query).all()
    ends = ends_of(tx, [row.id for row in rows])
    return [line_of(row, ends) for row in rows]


def mine(tx: Transaction, customer: UUID, operation: UUID) -> sa.Row[Any]:
    where = sa.and_(operations.c.id == operation, operations.c.customer == customer)
    row = tx.db.execute(sa.select(operations).where(where)).one_or_none()
    if row is None:
        raise Unknown(UNKNOWN)
    return row


def ends_of(tx: Transaction, several: Collection[UUID]) -> dict[UUID, list[sa.Row[Any]]]:
    """By operation."""
    found: dict[UUID, list[sa.Row[Any]]] = {}
    for row in tx.db.execute(sa.select(parts).where(parts.c.operation.in_(list(several)))):
        found.setdefault(row.operation, []).append(row)
    return found


def line_of(row: sa.Row[Any], ends: Mapping[UUID, Sequence[sa.Row[Any]]]) -> Line:
    here = [Ended(one.ended) if one.ended else None for one in ends.get(row.id, ())]
    return Line(
        id=row.id,
        verb=Verb(row.verb),
        state=progress(here, waits=row.told is not None, ended=row.ended),
        accepted_at=row.accepted_at,
        received_at=row.received_at,
        deadline=row.deadline,
        undo_until=row.undo_until,
        answered_at=row.answered_at,
    )


def waiting_part(here: Here) -> Part:
    """Nothing was done yet, anywhere."""
    system = system_of(here)
    return Part(
        connection=here.connection.id,
        platform=here.connection.platform,
        title=here.connection.title,
        state=system.state,
        ended=None,
        ended_at=None,
        next=system.next,
    )


def parts_of(
    tx: Transaction,
    asked: sa.Row[Any],
    ends: Mapping[UUID, Sequence[sa.Row[Any]]],
    scene: Sequence[Here],
) -> tuple[Part, ...]:
    by_holding = {one.holding: one for one in ends.get(asked.id, ())}
    tried = attempts_of(tx, asked, by_holding)
    looked = evidence_of(tx, tried)
    return tuple(
        part_of(here, by_holding[here.holding.id], tried.get(here.holding.id, ()), looked)
        for here in scene
        if here.holding and here.holding.id in by_holding
    )


def attempts_of(
    tx: Transaction, asked: sa.Row[Any], by_holding: Mapping[UUID, sa.Row[Any]]
) -> dict[UUID, list[sa.Row[Any]]]:
    """By holding, oldest first: those before it ended there, and the looks after it."""
    this = sa.and_(attempts.c.holding.in_(list(by_holding)), attempts.c.seq >= asked.seq)
    newest = sa.select(attempts).where(this).order_by(attempts.c.started_at.desc()).limit(MOST)
    found: dict[UUID, list[sa.Row[Any]]] = {}
    for row in reversed(tx.db.execute(newest).all()):
        ended_at = by_holding[row.holding].ended_at
        if row.seq == asked.seq or ended_at is None or row.started_at <= ended_at:
            found.setdefault(row.holding, []).append(row)
    return found


def evidence_of(
    tx: Transaction, tried: Mapping[UUID, Sequence[sa.Row[Any]]]
) -> dict[UUID, sa.Row[Any]]:
    """By attempt: one look is kept of each at most."""
    these = [one.id for several in tried.values() for one in several]
    query = sa.select(evidence).where(
        evidence.c.holding.in_(list(tried)), evidence.c.attempt.in_(these)
    )
    return {row.attempt: row for row in tx.db.execute(query)}


def part_of(
    here: Here,
    end: sa.Row[Any],
    tried: Sequence[sa.Row[Any]],
    looked: Mapping[UUID, sa.Row[Any]],
) -> Part:
    system = system_of(here)
    looks = [looked[one.id] for one in tried if one.id in looked]
    return Part(
        connection=here.connection.id,
        platform=here.connection.platform,
        title=here.connection.title,
        state=system.state,
        ended=Ended(end.ended) if end.ended else None,
        ended_at=end.ended_at,
        next=None if end.ended else system.next,
        attempts=tuple(Attempt(one.started_at, one.ended_at, one.outcome) for one in tried),
        evidence=tuple(
            Evidence(one.started_at, one.ended_at, one.verdict, seen_of(here, one.seen))
            for one in looks
        ),
    )
