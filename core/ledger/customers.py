"""Customers: whose data it is, with the streams of mail that they send."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import sqlalchemy as sa

from core.database import Transaction
from core.ledger import Ledger, wrapping
from core.ledger.schema import customers, lists
from core.refusals import Taken, Unknown
from core.sealing import Key


class Purpose(StrEnum):
    NEWSLETTER = "newsletter"
    COURSE_INFO = "course_info"


@dataclass(frozen=True, slots=True)
class Customer:
    id: UUID
    name: str
    time_zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class MailingList:
    """The customer's name for a stream of mail; connections map it to their places."""

    key: str
    purpose: Purpose
    title: str


def create(ledger: Ledger, name: str, time_zone: str = "Europe/Amsterdam") -> Customer:
    """Raises Taken when the name exists, Unknown when there is no such time zone."""
    zone = zone_named(time_zone)
    customer = Customer(uuid4(), name, zone)
    with ledger.begin() as tx:
        wrapping.alone(tx)  # who takes the name at the same moment is seen, and told
        if tx.db.execute(sa.select(customers.c.id).where(customers.c.name == name)).first():
            raise Taken("There is a customer with this name already. Choose another.")
        version, wrapped = wrapping.new(tx, ledger.key_versions, customer.id, Key.random())
        tx.db.execute(
            sa.insert(customers).values(
                id=customer.id,
                name=name,
                time_zone=zone.key,
                wrapped_key=wrapped,
                key_version=version,
                created_at=tx.now,
            )
        )
    return customer


def zone_named(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: "Europe" is a folder
        raise Unknown(
            f'There is no time zone "{name}". Use one such as Europe/Amsterdam.'
        ) from None


def every(tx: Transaction) -> Sequence[Customer]:
    return [
        customer_of(row) for row in tx.db.execute(sa.select(customers).order_by(customers.c.name))
    ]


def page(tx: Transaction, *, after: UUID | None, limit: int) -> Sequence[Customer]:
    """By id, those that follow ``after``; None: from the first."""
    query = sa.select(customers).order_by(customers.c.id).limit(limit)
    if after is not None:
        query = query.where(customers.c.id > after)
    return [customer_of(row) for row in tx.db.execute(query)]


def alone(tx: Transaction, customer: UUID) -> None:
    """
    Until the transaction ends no other one erases anybody of this customer, nor connects an
    account, closes a connection or puts a list. Before people, holdings and lanes are locked.
    """
    query = sa.select(customers.c.id).where(customers.c.id == customer)
    tx.db.execute(query.with_for_update(key_share=True))


def with_id(tx: Transaction, customer: UUID) -> Customer | None:
    query = sa.select(customers).where(customers.c.id == customer)
    row = tx.db.execute(query).one_or_none()
    return customer_of(row) if row else None


def customer_of(row: sa.Row[Any]) -> Customer:
    return Customer(row.id, row.name, ZoneInfo(row.time_zone))


def named(tx: Transaction, name: str) -> Customer:
    """Raises Unknown, naming the customers that exist."""
    known = every(tx)
    for customer in known:
        if name in {customer.name, str(customer.id)}:
            return customer
    names = ", ".join(customer.name for customer in known) or "none yet"
    raise Unknown(
        f'There is no customer "{name}". Known: {names}. '
        "Make one with: courseflow-sync customer create NAME"
    )


def put_list(ledger: Ledger, customer: Customer, wanted: MailingList) -> None:
    """Create the list, or give the one with this key a new purpose and title."""
    with ledger.begin() as tx:
        alone(tx, customer.id)
        changed = tx.db.execute(
            sa.update(lists)
            .where(lists.c.customer == customer.id, lists.c.key == wanted.key)
            .values(purpose=wanted.purpose.value, title=wanted.title)
        )
        if not changed.rowcount:
            tx.db.execute(
                sa.insert(lists).values(
                    id=uuid4(),
                    customer=customer.id,
                    key=wanted.key,
                    purpose=wanted.purpose.value,
                    title=wanted.title,
                )
            )


def lists_of(tx: Transaction, customer: UUID) -> dict[str, MailingList]:
    rows = tx.db.execute(sa.select(lists).where(lists.c.customer == customer).order_by(lists.c.key))
    return {row.key: MailingList(row.key, Purpose(row.purpose), row.title) for row in rows}
