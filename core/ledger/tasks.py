"""Work that only a human can do: opened once, closed by a look or by a human's word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

import sqlalchemy as sa

from core.connector import Platform, Verb
from core.database import Transaction
from core.ledger import Ledger, lanes
from core.ledger.schema import (
    connections,
    events,
    holdings,
    operations,
    parts,
    people,
    tasks,
)
from core.refusals import Unknown
from core.states import Ended, State, Task


@dataclass(frozen=True, slots=True)
class OpenTask:
    """``deadline`` is the legal term of the erasure it belongs to; None without one."""

    id: UUID
    kind: Task
    verb: Verb | None
    connection: UUID
    platform: str
    title: str  # of the connection
    person: UUID | None
    opened_at: datetime
    deadline: datetime | None


def open_for(
    tx: Transaction,
    *,
    kind: Task,
    verb: Verb | None,
    customer: UUID,
    connection: UUID,
    person: UUID | None = None,
    holding: UUID | None = None,
) -> None:
    """Open a task once: while one of this kind is open there, its verb and term are renewed."""
    same = sa.and_(
        tasks.c.connection == connection,
        tasks.c.holding.is_(None) if holding is None else tasks.c.holding == holding,
        tasks.c.kind == kind.value,
        tasks.c.closed_at.is_(None),
    )
    task = {
        "verb": verb.value if verb else None,
        "deadline": legal_term(tx, person) if verb is Verb.ERASE else None,
    }
    if tx.db.execute(sa.update(tasks).where(same).values(task)).rowcount:
        return
    tx.db.execute(
        sa.insert(tasks).values(
            id=uuid4(),
            customer=customer,
            connection=connection,
            person=person,
            holding=holding,
            kind=kind.value,
            opened_at=tx.now,
            **task,
        )
    )


def legal_term(tx: Transaction, person: UUID | None) -> datetime | None:
    """When the earliest erasure that this person was not answered about must be."""
    unanswered = sa.or_(
        people.c.answered_at.is_(None), operations.c.accepted_at > people.c.answered_at
    )
    term: datetime | None = tx.db.execute(
        sa.select(sa.func.min(operations.c.deadline))
        .join(people, people.c.id == operations.c.person)
        .where(operations.c.person == person, unanswered)
    ).scalar()
    return term


def close_seen(tx: Transaction, holding: UUID) -> None:
    """A look showed that nothing is left to do here."""
    tx.db.execute(
        sa.update(tasks)
        .where(tasks.c.holding == holding, tasks.c.closed_at.is_(None))
        .values(closed_at=tx.now, closed_how="seen")
    )


def close_for_connection(tx: Transaction, connection: UUID, kind: Task) -> None:
    """What was asked about the connection itself; what it asked about people stays."""
    tx.db.execute(
        sa.update(tasks)
        .where(
            tasks.c.connection == connection,
            tasks.c.holding.is_(None),
            tasks.c.kind == kind.value,
            tasks.c.closed_at.is_(None),
        )
        .values(closed_at=tx.now, closed_how="renewed")
    )


def waiting(tx: Transaction, customer: UUID, person: UUID | None = None) -> Sequence[OpenTask]:
    """Open tasks, the most urgent first; of one person, or of all."""
    query = (
        sa.select(tasks, connections.c.platform, connections.c.title)
        .join(connections, connections.c.id == tasks.c.connection)
        .where(tasks.c.customer == customer, tasks.c.closed_at.is_(None))
        .order_by(tasks.c.deadline.is_(None), tasks.c.deadline, tasks.c.opened_at, tasks.c.id)
    )
    if person is not None:
        query = query.where(tasks.c.person == person)
    return [
        OpenTask(
            row.id,
            Task(row.kind),
            Verb(row.verb) if row.verb else None,
            row.connection,
            row.platform,
            row.title,
            row.person,
            row.opened_at,
            row.deadline,
        )
        for row in tx.db.execute(query)
    ]


def attest(ledger: Ledger, customer: UUID, task: UUID, *, role: str, platform: Platform) -> State:
    """
    A human says that it was done. Where we can look, we look at once and that decides;
    elsewhere the state becomes ``attested``, which is not verified.

    ``role`` is a staff role, never a name. Raises Unknown.
    """
    with ledger.begin() as tx:
        row = tx.db.execute(
            sa.select(tasks).where(tasks.c.id == task, tasks.c.customer == customer)
        ).one_or_none()
        if row is None or row.closed_at is not None or row.holding is None:
            raise Unknown("There is no such open task. See: courseflow-sync tasks list")
        held = tx.db.execute(
            sa.select(holdings).where(holdings.c.id == row.holding).with_for_update()
        ).one()
        looks = platform.can_look and is_open(tx, held.connection)
        state = State(held.state) if looks else State.ATTESTED
        changes = {"due_at": tx.now} if looks else attested(tx, held)
        tx.db.execute(sa.update(holdings).where(holdings.c.id == held.id).values(changes))
        tx.db.execute(
            sa.update(tasks)
            .where(tasks.c.id == task)
            .values(closed_at=tx.now, closed_by=role, closed_how="attested")
        )
        tx.db.execute(
            sa.insert(events).values(
                customer=customer,
                at=tx.now,
                kind="attested",
                holding=held.id,
                was=held.state,
                became=state.value,
            )
        )
        if looks:
            lanes.ring(tx, {held.connection})
    return state


def is_open(tx: Transaction, connection: UUID) -> bool:
    query = sa.select(connections.c.closed_at).where(connections.c.id == connection)
    return tx.db.execute(query).scalar_one() is None


def attested(tx: Transaction, held: sa.Row[tuple[object, ...]]) -> dict[str, object]:
    tx.db.execute(
        sa.update(parts)
        .where(parts.c.holding == held.id, parts.c.ended.is_(None))
        .values(ended=Ended.ATTESTED.value, ended_at=tx.now)
    )
    return {"state": State.ATTESTED.value, "reached_seq": held.asked_seq, "due_at": None}
