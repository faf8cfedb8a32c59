"""Undoing an erasure while its window is open, carrying it out when that ends."""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from core.connector import Verb
from core.database import Transaction
from core.ledger import Ledger, customers, holding_back, intake
from core.ledger.customers import Customer
from core.ledger.intake import Batch, Request
from core.ledger.people import load
from core.ledger.person import Someone
from core.ledger.schema import events, operations, people
from core.refusals import Taken, Unknown
from core.sealing import CannotOpen

log = logging.getLogger(__name__)

UNDONE = "undone"
AT_ONCE = 100  # that one call carries out


def undo(ledger: Ledger, customer: Customer, operation: UUID) -> None:
    """
    Let everything be as it was; what was asked meanwhile stays asked, and goes on.

    Raises Unknown, or Taken when it is too late. Another erasure that waits goes on waiting.
    """
    with ledger.begin() as tx:
        asked = locked(tx, customer.id, operation)
        check_open(asked, tx)
        this = operations.c.id == operation
        ended = {"told": None, "ended": UNDONE, "ended_at": tx.now}
        no_term = {"deadline": None, "alert_at": None}
        tx.db.execute(sa.update(operations).where(this).values({**ended, **no_term}))
        mine = people.c.id == asked.person
        others = sa.select(sa.func.min(operations.c.undo_until)).where(
            operations.c.person == asked.person, operations.c.told.is_not(None)
        )
        next_one = tx.db.execute(others).scalar()
        tx.db.execute(sa.update(people).where(mine).values(erase_at=next_one))
        holding_back.release(tx, asked.person)
        event = {"customer": customer.id, "at": tx.now, "kind": UNDONE, "operation": operation}
        tx.db.execute(sa.insert(events).values(event))


def locked(tx: Transaction, customer: UUID, operation: UUID) -> sa.Row[Any]:
    """The operation, once nobody else changes its person."""
    this = sa.and_(operations.c.id == operation, operations.c.customer == customer)
    person = tx.db.execute(sa.select(operations.c.person).where(this)).scalar_one_or_none()
    if person is None:
        raise Unknown("There is no operation with this id. Take it from the answer to ask.")
    lock = sa.select(people.c.id).where(people.c.id == person).with_for_update(key_share=True)
    tx.db.execute(lock)
    return tx.db.execute(sa.select(operations).where(this)).one()


def check_open(asked: sa.Row[Any], tx: Transaction) -> None:
    if asked.undo_until is None:
        raise Taken(
            "This operation was asked without time to undo it. Nothing was changed. Ask for "
            "what you want instead."
        )
    if asked.ended == UNDONE:
        raise Taken("This erasure was undone already. Nothing is left to undo.")
    if asked.told is None or asked.undo_until <= tx.now:
        raise Taken(
            "It is too late: the time to undo this erasure is over, and it is being carried "
            "out. Nothing was changed. The person can only sign up again."
        )


def carry_out(ledger: Ledger) -> int:
    """The erasures whose window ended; how many there were. May be repeated at any moment."""
    with ledger.read() as tx:
        over = sa.select(people.c.id, people.c.customer).where(people.c.erase_at <= tx.now)
        due = tx.db.execute(over.order_by(people.c.erase_at).limit(AT_ONCE)).all()
    return sum(carried_out(ledger, row.customer, row.id) for row in due)


def carried_out(ledger: Ledger, customer: UUID, person: UUID) -> bool:
    """
    As the intake does it, now. It comes after all that was asked meanwhile: erase wins.

    False when it was undone, or overtaken by another erasure, at the last moment.
    """
    try:
        with ledger.begin() as tx:
            batch = Batch(ledger, tx, customers.named(tx, str(customer)), [])
            batch.people = load(ledger, tx, customer, {person})
            someone = batch.people[person]
            if someone.told is None or someone.erase_at is None or someone.erase_at > tx.now:
                return False
            told = Request(Verb.ERASE, someone.told.reference)
            operation = first_over(tx, person)
            for held in batch.erase(someone, told):
                held.parts[someone.seq] = operation
            number(tx, operation, someone)
            batch.write()
    except CannotOpen as error:  # a fault of this one keeps no other waiting
        log.error("an erasure cannot be carried out: %s", error)  # noqa: TRY400
        return False
    intake.committed(ledger, batch)
    return True


def first_over(tx: Transaction, person: UUID) -> UUID:
    query = sa.select(operations.c.id).where(
        operations.c.person == person, operations.c.told.is_not(None)
    )
    first: UUID = tx.db.execute(query.order_by(operations.c.undo_until).limit(1)).scalar_one()
    return first


def number(tx: Transaction, operation: UUID, someone: Someone) -> None:
    """Its place in the order is where it was carried out, not where it was asked."""
    this = operations.c.id == operation
    values = {"seq": someone.seq, "epoch": someone.epoch, "told": None}
    tx.db.execute(sa.update(operations).where(this).values(values))
