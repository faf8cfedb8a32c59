"""Whom a task is about, opened for the human who has to do it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from app.words.vocabulary import TASKS, VERBS
from core.connector import Text, Verb
from core.database import Transaction
from core.ledger import Ledger, connections
from core.ledger.assignments import Opening
from core.ledger.connections import Connection
from core.ledger.holdings import Claimed, holding_of
from core.ledger.schema import customers, holdings, tasks
from core.refusals import Unknown
from core.states import Task
from core.wants import Goal

NO_TASK = "There is no task with this id. See: courseflow-sync tasks list CUSTOMER"


@dataclass(frozen=True, slots=True)
class Subject:
    """A person as the platform must know them. ``fields`` are only those that are sent there."""

    reference: str = field(repr=False)
    emails: tuple[str, ...] = field(repr=False)  # every address ever used, newest first
    fields: Mapping[str, str | None] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """``subject`` is None for a task about the connection, and once nothing of them is left."""

    id: UUID
    customer: UUID
    time_zone: ZoneInfo  # of the customer
    kind: Task
    verb: Verb | None
    connection: Connection
    opened_at: datetime
    deadline: datetime | None
    closed_at: datetime | None
    closed_how: str | None
    about_person: bool
    subject: Subject | None = None
    subscribe: tuple[str, ...] = ()  # keys of lists, else places
    unsubscribe: tuple[str, ...] = ()


def sentence(kind: Task, verb: Verb | None, title: str) -> Text:
    """What is to be done at the connection of this title; it names nobody."""
    of, to_do = TASKS[kind], VERBS[verb] if verb else Text(nl="", en="")
    return Text(
        nl=of.nl.format(title=title, verb=to_do.nl), en=of.en.format(title=title, verb=to_do.en)
    )


def details(
    ledger: Ledger, tx: Transaction, task: UUID, *, customer: UUID | None = None
) -> Details:
    """
    Who it was is opened for open tasks only. Raises Unknown.

    ``customer``: only a task of theirs; None: whosever it is.
    """
    theirs = tasks.join(customers, customers.c.id == tasks.c.customer)
    query = sa.select(tasks, customers.c.time_zone).select_from(theirs)
    row = tx.db.execute(query.where(tasks.c.id == task)).one_or_none()
    if row is None or customer not in {None, row.customer}:
        raise Unknown(NO_TASK)
    connection = connections.one(tx, row.connection)
    return Details(
        id=row.id,
        customer=row.customer,
        time_zone=ZoneInfo(row.time_zone),
        kind=Task(row.kind),
        verb=Verb(row.verb) if row.verb else None,
        connection=connection,
        opened_at=row.opened_at,
        deadline=row.deadline,
        closed_at=row.closed_at,
        closed_how=row.closed_how,
        about_person=row.holding is not None,
        **(opened(ledger, tx, connection, row.holding) if is_open(row) else {}),
    )


def is_open(row: Any) -> bool:
    return row.closed_at is None and row.holding is not None


def opened(ledger: Ledger, tx: Transaction, connection: Connection, held: UUID) -> dict[str, Any]:
    row = tx.db.execute(sa.select(holdings).where(holdings.c.id == held)).one()
    claimed = Claimed(holding_of(row), row.remote, uuid4())
    opening = Opening(ledger, tx, connection, [claimed])
    goal = claimed.holding.goal
    return {
        "subject": subject(opening, claimed),
        "subscribe": lists(connection, goal.subscribe),
        "unsubscribe": lists(connection, goal.unsubscribe),
    }


def subject(opening: Opening, claimed: Claimed) -> Subject | None:
    person = claimed.holding.person
    shown = opening.person(person)
    if person in opening.records:
        record = opening.records[person]
        return Subject(record.reference, record.emails)
    if shown is None:
        return None
    sealed, key = opening.people[person].sealed, opening.keys[person]
    reference = key.open_json(sealed, f"people|{person}")["reference"]
    fields = shown.fields if needs_fields(claimed.holding.goal) else {}
    return Subject(reference, opening.identity(claimed).emails, fields)


def needs_fields(goal: Goal) -> bool:
    return bool(goal.subscribe or goal.update)


def lists(connection: Connection, places: Sequence[str]) -> tuple[str, ...]:
    keys = {place: key for key, place in connection.places.items()}
    return tuple(keys.get(place, place) for place in places)
