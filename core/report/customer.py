"""What still sits where, in totals, with what is most urgent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

import sqlalchemy as sa

from core.connector import Platform
from core.database import Transaction
from core.identity import mask
from core.ledger import Ledger, alerts, connections, tasks
from core.ledger.alerts import Alert
from core.ledger.connections import Connection
from core.ledger.customers import Customer
from core.ledger.schema import holdings, operations, people
from core.ledger.schema import tasks as task_rows
from core.report.condition import Condition, conditions
from core.report.standing import Count, Facts, Standing, count, standing
from core.report.totals import ConnectionTotals, CustomerReport, OpenErasure, Totals
from core.report.work import works
from core.safe import Finishing
from core.states import State

MOST = 100  # erasures and tasks that are named; all are counted

Standings = list[tuple[Standing, Count, int]]


def customer_report(
    ledger: Ledger, tx: Transaction, customer: Customer, platforms: Mapping[str, Platform]
) -> CustomerReport:
    """An erasure is open until the person was answered, or nobody can be any more."""
    every = {one.id: one for one in connections.of_customer(tx, customer.id)}
    per_connection = standings(tx, customer.id, every, platforms)
    asked = open_erasures(tx, customer.id)
    warnings = alerts.standing(tx, customer.id)
    waiting = tasks.waiting(tx, customer.id)
    return CustomerReport(
        people=number_of_people(tx, customer.id),
        totals=Totals.of([one for several in per_connection.values() for one in several]),
        connections=tuple(
            ConnectionTotals(
                one.id, one.platform, one.title, one.is_open, Totals.of(per_connection[one.id])
            )
            for one in every.values()
        ),
        open_erasures=len(asked),
        erasures=named(ledger, tx, customer, asked[:MOST], by_person(warnings)),
        alerts=Counter(one.threshold for one in warnings),
        open_tasks=Counter(task.kind for task in waiting),
        tasks=works(waiting[:MOST], platforms, customer.time_zone),
        time_zone=customer.time_zone,
    )


def number_of_people(tx: Transaction, customer: UUID) -> int:
    query = sa.select(sa.func.count()).where(
        people.c.customer == customer, people.c.sealed.is_not(None)
    )
    return tx.db.execute(query).scalar_one()


def standings(
    tx: Transaction,
    customer: UUID,
    every: Mapping[UUID, Connection],
    platforms: Mapping[str, Platform],
) -> dict[UUID, Standings]:
    """Holdings that stand alike are counted by the database, not one by one."""
    found: dict[UUID, Standings] = {connection: [] for connection in every}
    lanes = conditions(tx, every)
    kinds = kinds_of_holdings(customer).subquery()
    query = sa.select(kinds, sa.func.count().label("number")).group_by(*kinds.c)
    for row in tx.db.execute(query):
        connection = every[row.connection]
        facts = facts_of(row, connection, lanes[connection.id], platforms.get(connection.platform))
        found[connection.id].append((standing(facts), count(facts), row.number))
    return found


def kinds_of_holdings(customer: UUID) -> sa.Select[tuple[object, ...]]:
    asked_human = sa.exists().where(
        task_rows.c.holding == holdings.c.id, task_rows.c.closed_at.is_(None)
    )
    restricted = sa.exists().where(
        holdings.c.held_back.is_(True),
        people.c.id == holdings.c.person,
        people.c.restricted_at.is_not(None),
    )
    return sa.select(
        holdings.c.connection,
        holdings.c.state,
        holdings.c.seen_at.is_not(None).label("looked"),
        (sa.cast(holdings.c.seen, sa.String) == "[]").label("empty"),
        (holdings.c.reached_seq >= holdings.c.asked_seq).label("reached"),
        holdings.c.due_at.is_not(None).label("due"),
        asked_human.label("task"),
        sa.and_(holdings.c.due_at.is_(None), restricted).label("waits"),
    ).where(holdings.c.customer == customer)


def facts_of(
    row: sa.Row[tuple[object, ...]],
    connection: Connection,
    lane: Condition,
    platform: Platform | None,
) -> Facts:
    return Facts(
        state=State(row.state),
        looked=bool(row.looked),
        empty=bool(row.empty),
        reached=bool(row.reached),
        task=bool(row.task),
        due=bool(row.due),
        closed=not connection.is_open,
        held=lane.held or bool(row.waits),
        can_look=platform is None or platform.can_look,
    )


def open_erasures(tx: Transaction, customer: UUID) -> Sequence[sa.Row[tuple[object, ...]]]:
    """Whose answer is due first, by the request of each that waits longest."""
    deadline = sa.func.min(operations.c.deadline).label("deadline")
    asked_at = sa.func.min(operations.c.received_at).label("asked_at")
    query = (
        sa.select(people.c.id, asked_at, deadline)
        .join(operations, operations.c.person == people.c.id)
        .where(
            people.c.customer == customer,
            sa.or_(people.c.forgotten_at.is_(None), people.c.erase_at.is_not(None)),
            operations.c.deadline.is_not(None),
            operations.c.answered_at.is_(None),
        )
        .group_by(people.c.id)
        .order_by(deadline, people.c.id)
    )
    return tx.db.execute(query).all()


def named(
    ledger: Ledger,
    tx: Transaction,
    customer: Customer,
    asked: Sequence[sa.Row[tuple[object, ...]]],
    warnings: Mapping[UUID, Alert],
) -> tuple[OpenErasure, ...]:
    these = [row.id for row in asked]
    known = not_erased_yet(ledger, tx, customer.id, these)
    records = ledger.safe.finishing(these, ledger.keys_of(tx, customer.id))
    return tuple(
        OpenErasure(
            row.id,
            *(known.get(row.id) or who(records.get(row.id))),
            row.asked_at,
            row.deadline.astimezone(customer.time_zone).date(),
            warnings.get(row.id),
        )
        for row in asked
    )


def by_person(warnings: Iterable[Alert]) -> dict[UUID, Alert]:
    """Of the term that ends first."""
    found: dict[UUID, Alert] = {}
    for one in warnings:
        found.setdefault(one.person, one)
    return found


def not_erased_yet(
    ledger: Ledger, tx: Transaction, customer: UUID, these: Collection[UUID]
) -> Mapping[UUID, tuple[str | None, str | None]]:
    """Those whose erasure can still be undone: there is no finishing record of it."""
    waiting = sa.and_(people.c.id.in_(list(these)), people.c.erase_at.is_not(None))
    rows = {row.id: row for row in tx.db.execute(sa.select(people).where(waiting))}
    alive = {(row.id, row.key_epoch) for row in rows.values() if row.sealed is not None}
    keys = ledger.safe.keys(alive, ledger.keys_of(tx, customer))
    found = {}
    for (person, _), key in keys.items():
        data = key.open_json(rows[person].sealed, f"people|{person}")
        found[person] = data["reference"], mask(data["email"])
    return found


def who(record: Finishing | None) -> tuple[str | None, str | None]:
    if record is None:
        return None, None
    return record.reference, mask(record.emails[0]) if record.emails else None
