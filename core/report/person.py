"""What still sits where of one person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from core.backups import day_keys
from core.connector import Platform, Verb
from core.database import Transaction
from core.holding import Holding
from core.identity import mask
from core.ledger import SETTLED, Ledger, alerts, answers, connections, tasks
from core.ledger.customers import Customer, lists_of
from core.ledger.holdings import holding_of
from core.ledger.intake import person_id
from core.ledger.schema import holdings, operations, people
from core.ledger.tasks import OpenTask
from core.refusals import Unknown
from core.report.condition import conditions
from core.report.ours import finishing, in_backups
from core.report.standing import Whose
from core.report.system import Here, system_of
from core.report.values import PersonReport, System
from core.report.work import by_connection, of_connections, works
from core.safe import Finishing


@dataclass(frozen=True, slots=True)
class Request:
    """
    The erasure that waits longest for an answer, or the last one once all were answered.

    ``last_deadline`` is of the last request: it keeps the finishing record.
    """

    asked_at: datetime
    deadline: datetime
    last_deadline: datetime
    answered_at: datetime | None


def person_report(
    ledger: Ledger,
    tx: Transaction,
    customer: Customer,
    reference: str,
    platforms: Mapping[str, Platform],
) -> PersonReport:
    """
    Every connection with what was last seen there, and our own last record.

    Before an erasure only those where something was asked. Works as long as the person's row
    exists, which holds nothing personal. Raises Unknown.
    """
    identity = person_id(ledger.keys_of(tx, customer.id), reference)
    return replace(report_of(ledger, tx, customer, identity, platforms), reference=reference)


def report_of(
    ledger: Ledger,
    tx: Transaction,
    customer: Customer,
    identity: UUID,
    platforms: Mapping[str, Platform],
) -> PersonReport:
    """The same for who knows the id only. Raises Unknown."""
    person = known_person(tx, customer, identity)
    records = ledger.safe.finishing([person.id], ledger.keys_of(tx, customer.id))
    record = records.get(person.id)
    erasures = operations_of(tx, person.id)
    request = request_of(erasures)
    scene = read(tx, customer, person.id, platforms, request)
    systems = tuple(system_of(here) for here in scene)
    reference, email = who(ledger, tx, customer, person, record)
    return PersonReport(
        reference=reference,
        email=mask(email) if email else None,
        asked_at=request.asked_at if request else None,
        deadline=request.deadline.astimezone(customer.time_zone).date() if request else None,
        answered_at=request.answered_at if request else None,
        systems=(
            *systems,
            *of_ours(tx, customer, record, request, scene),
            *of_backups(ledger, tx, customer, person),
        ),
        tasks=works(urgent(scene, systems), platforms, customer.time_zone),
        time_zone=customer.time_zone,
        answers=tuple(answers.of_operations(ledger, tx, customer.id, [one.id for one in erasures])),
        alerts=tuple(alerts.standing(tx, customer.id, person.id)),
        restricted_at=person.restricted_at,
    )


def known_person(tx: Transaction, customer: Customer, identity: UUID) -> sa.Row[Any]:
    mine = sa.and_(people.c.id == identity, people.c.customer == customer.id)
    person = tx.db.execute(sa.select(people).where(mine)).one_or_none()
    if person is None:
        raise Unknown(
            "We know nobody with this reference. Check it, or ask for an erasure with the "
            "e-mail address: then every connected platform is searched."
        )
    return person


def operations_of(tx: Transaction, person: UUID) -> Sequence[sa.Row[Any]]:
    """The erasures for which a term runs, or ran; one that was undone has none."""
    query = sa.select(operations).where(
        operations.c.person == person,
        operations.c.verb == Verb.ERASE.value,
        operations.c.deadline.is_not(None),
    )
    return tx.db.execute(query.order_by(operations.c.seq)).all()


def request_of(erasures: Sequence[sa.Row[Any]]) -> Request | None:
    if not erasures:
        return None
    waiting = [one for one in erasures if one.answered_at is None]
    first = min(waiting, key=lambda one: one.deadline) if waiting else erasures[-1]
    last_deadline = max(one.deadline for one in erasures)
    return Request(first.received_at, first.deadline, last_deadline, first.answered_at)


def read(
    tx: Transaction,
    customer: Customer,
    person: UUID,
    platforms: Mapping[str, Platform],
    request: Request | None,
) -> list[Here]:
    every = {one.id: one for one in connections.of_customer(tx, customer.id)}
    lanes = conditions(tx, every)
    known = holdings_of(tx, person)
    asked_at = asked_moments(tx, person)
    open_tasks = by_connection(tasks.waiting(tx, customer.id, person))
    lane_tasks = by_connection(of_connections(tx, customer.id, every))
    titles = {key: one.title for key, one in lists_of(tx, customer.id).items()}
    held_back = tx.db.execute(
        sa.select(people.c.restricted_at, people.c.erase_at).where(people.c.id == person)
    ).one()
    return [
        Here(
            connection=connection,
            platform=platforms.get(connection.platform),
            lane=lanes[connection.id],
            holding=known.get(connection.id),
            asked_at=asked_at.get(connection.id),
            deadline=request.deadline if request else None,
            tasks=tuple(open_tasks.get(connection.id, ())),
            lane_tasks=tuple(lane_tasks.get(connection.id, ())),
            titles=titles,
            now=tx.now,
            zone=customer.time_zone,
            restricted_at=held_back.restricted_at,
            erase_at=held_back.erase_at,
        )
        for connection in every.values()
        if request or connection.id in known
    ]


def holdings_of(tx: Transaction, person: UUID) -> dict[UUID, Holding]:
    """By connection."""
    rows = tx.db.execute(sa.select(holdings).where(holdings.c.person == person))
    return {row.connection: holding_of(row) for row in rows}


def asked_moments(tx: Transaction, person: UUID) -> dict[UUID, datetime]:
    """By connection, when the request that holds there now was accepted."""
    asked = sa.and_(
        operations.c.person == holdings.c.person, operations.c.seq == holdings.c.asked_seq
    )
    query = sa.select(holdings.c.connection, operations.c.accepted_at).join(operations, asked)
    rows = tx.db.execute(query.where(holdings.c.person == person))
    return {row.connection: row.accepted_at for row in rows}


def of_ours(
    tx: Transaction,
    customer: Customer,
    record: Finishing | None,
    request: Request | None,
    scene: Sequence[Here],
) -> tuple[System, ...]:
    if record is None or request is None:
        return ()
    looks = [here.holding.due_at for here in scene if here.holding and here.holding.due_at]
    system = finishing(
        record,
        asked_at=request.asked_at,
        deadline=request.last_deadline,
        last_look=max(looks, default=None),
        tasks=any(here.tasks for here in scene),
        now=tx.now,
        zone=customer.time_zone,
    )
    return (system,)


def of_backups(
    ledger: Ledger, tx: Transaction, customer: Customer, person: sa.Row[Any]
) -> tuple[System, ...]:
    """
    Until when a backup of the safe has this person's key, which opens what backups of the ledger
    hold. A key may outlive its erasure by the time of a crash: that is counted in.
    """
    if person.erased_at is None:
        return ()
    accepted = operations.c.accepted_at
    first = sa.select(sa.func.min(accepted, type_=accepted.type))
    known_since = tx.db.execute(first.where(operations.c.person == person.id)).scalar_one()
    if known_since is None:
        return ()
    with ledger.safe.database.read() as safe:
        until = day_keys.opens_until(safe, known_since, person.erased_at + SETTLED)
    if until is None or until <= tx.now:
        return ()
    return (in_backups(until, asked_at=person.erased_at, zone=customer.time_zone),)


def urgent(scene: Sequence[Here], systems: Sequence[System]) -> list[OpenTask]:
    """The person's tasks, with those of whole connections that hold this person's work up."""
    found = [task for here in scene for task in here.tasks]
    for here, system in zip(scene, systems, strict=True):
        if here.lane.held and system.next and system.next.whose is Whose.YOURS:
            found += here.lane_tasks
    return sorted(found, key=lambda task: (task.deadline is None, task.deadline or task.opened_at))


def who(
    ledger: Ledger,
    tx: Transaction,
    customer: Customer,
    person: sa.Row[Any],
    record: Finishing | None,
) -> tuple[str | None, str | None]:
    """
    Reference with address, from the sealed person, else from our last record of them; None
    where neither exists.
    """
    incarnation = (person.id, person.key_epoch)
    keys = ledger.safe.keys({incarnation}, ledger.keys_of(tx, customer.id))
    if person.sealed is not None and incarnation in keys:
        known = keys[incarnation].open_json(person.sealed, f"people|{person.id}")
        return known["reference"], known["email"]
    if record is None:
        return None, None
    return record.reference, next(iter(record.emails), None)
