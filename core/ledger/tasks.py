"""Work that only a human can do: opened once, closed by a look or by a human's word."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa

from core import rows
from core.connector import Platform, Verb
from core.database import Transaction
from core.holding import Holding
from core.ledger import Ledger, lanes, moves
from core.ledger.schema import (
    connections,
    events,
    holdings,
    operations,
    parts,
    tasks,
)
from core.refusals import Unknown
from core.states import Ended, State, Task
from core.wants import Wants

ATTESTED = "attested"  # how a task is closed by a human's word
NO_TASK = "There is no such open task. See: courseflow-sync tasks list"


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
    """
    Open a task once. One that is open there for older work gives way: whoever read that may
    say what they did, and nothing about the newer.

    The holding is locked, or made, by this transaction. A task about the connection itself
    locks the lane: several may find at once that it needs somebody.
    """
    if holding is None:
        lanes.held_for(tx, connection)
    there = sa.and_(
        tasks.c.connection == connection,
        tasks.c.holding.is_(None) if holding is None else tasks.c.holding == holding,
        tasks.c.kind == kind.value,
        tasks.c.closed_at.is_(None),
    )
    verb_value, seq = verb.value if verb else None, operation(tx, holding, verb)
    known = tx.db.execute(sa.select(tasks.c.verb, tasks.c.seq).where(there)).one_or_none()
    if known is not None and tuple(known) == (verb_value, seq):
        return
    tx.db.execute(sa.update(tasks).where(there).values(closed_at=tx.now, closed_how="overtaken"))
    tx.db.execute(
        sa.insert(tasks).values(
            id=uuid4(),
            customer=customer,
            connection=connection,
            person=person,
            holding=holding,
            kind=kind.value,
            verb=verb_value,
            seq=seq,
            opened_at=tx.now,
            deadline=legal_term(tx, person) if verb is Verb.ERASE else None,
        )
    )


def open_again(tx: Transaction, holding: Holding) -> None:
    """A human said that it was done, and no look shows it: the same task as before."""
    query = sa.select(tasks).where(tasks.c.holding == holding.id, tasks.c.closed_at.is_not(None))
    last = tx.db.execute(query.order_by(tasks.c.closed_at.desc()).limit(1)).one_or_none()
    if last is None or last.closed_how != ATTESTED or last.seq != holding.asked_seq:
        return
    open_for(
        tx,
        kind=Task(last.kind),
        verb=Verb(last.verb) if last.verb else None,
        customer=holding.customer,
        connection=holding.connection,
        person=holding.person,
        holding=holding.id,
    )


def operation(tx: Transaction, holding: UUID | None, verb: Verb | None) -> int | None:
    """The number of the operation up to which there is work: an erasure comes alone and first."""
    if holding is None:
        return None
    query = sa.select(holdings.c.asked_seq, holdings.c.wants).where(holdings.c.id == holding)
    held = tx.db.execute(query).one()
    seq: int = Wants.from_json(held.wants).erase if verb is Verb.ERASE else held.asked_seq
    return seq


def legal_term(tx: Transaction, person: UUID | None) -> datetime | None:
    """When the earliest erasure that this person was not answered about must be."""
    term: datetime | None = tx.db.execute(
        sa.select(sa.func.min(operations.c.deadline)).where(
            operations.c.person == person, operations.c.answered_at.is_(None)
        )
    ).scalar()
    return term


def close_seen(tx: Transaction, several: Collection[UUID]) -> None:
    """A look showed that nothing is left to do at these holdings."""
    if not several:
        return
    these, parameters = rows.one_of(tx.db, tasks.c.holding, several)
    tx.db.execute(
        sa.update(tasks)
        .where(these, tasks.c.closed_at.is_(None))
        .values(closed_at=tx.now, closed_how="seen"),
        parameters,
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
            raise Unknown(NO_TASK)
        looks = platform.can_look and is_open(tx, row.connection)
        held = tx.db.execute(
            sa.select(holdings).where(holdings.c.id == row.holding).with_for_update(key_share=True)
        ).one()
        said = (
            sa.update(tasks)
            .where(tasks.c.id == task, tasks.c.closed_at.is_(None))
            .values(closed_at=tx.now, closed_by=role, closed_how=ATTESTED)
        )
        if not tx.db.execute(said).rowcount:  # a look or another word came before us
            raise Unknown(NO_TASK)
        if looks:
            changes: dict[str, Any] = {"state": held.state, "due_at": tx.now}
        else:
            changes = attested(tx, held, row.seq)
        tx.db.execute(sa.update(holdings).where(holdings.c.id == held.id).values(changes))
        event = moves.event(
            tx,
            ATTESTED,
            customer=customer,
            holding=held.id,
            was=held.state,
            became=changes["state"],
        )
        tx.db.execute(sa.insert(events).values(event))
        if changes["due_at"] is not None:
            lanes.ring(tx, {held.connection})
    return State(changes["state"])


def is_open(tx: Transaction, connection: UUID) -> bool:
    """It stays so until the transaction ends. To be asked before people and holdings are locked."""
    query = sa.select(connections.c.closed_at).where(connections.c.id == connection)
    return tx.db.execute(query.with_for_update(read=True)).scalar_one() is None


def attested(tx: Transaction, held: sa.Row[Any], seq: int) -> dict[str, Any]:
    """A human's word for what the task said; what was asked since is still to be done."""
    tx.db.execute(
        sa.update(parts)
        .where(parts.c.holding == held.id, parts.c.ended.is_(None), parts.c.seq <= seq)
        .values(ended=Ended.ATTESTED.value, ended_at=tx.now)
    )
    reached = max(held.reached_seq, seq)
    rest = held.asked_seq > reached
    return {
        "state": State.QUEUED.value if rest else State.ATTESTED.value,
        "due_at": tx.now if rest else None,
        "reached_seq": reached,
        "erasing": Wants.from_json(held.wants).erase > reached,
    }
