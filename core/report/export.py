"""All that we hold of one person, for the person: a copy of the data (GDPR art. 15, 20)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from core.connector import Platform
from core.database import Transaction
from core.ledger import Ledger, connections
from core.ledger.connections import Connection
from core.ledger.customers import Customer
from core.ledger.intake import person_id
from core.ledger.people import address_row
from core.ledger.postponed import row_of
from core.ledger.schema import addresses, holdings, operations
from core.moments import EPOCH, MICROSECOND
from core.report.operations import ends_of, line_of
from core.report.person import known_person, person_report
from core.report.values import iso, of_answer, words
from core.safe import Finishing
from core.sealing import Key


@dataclass(frozen=True, slots=True)
class Opened:
    """A person's rows with the key that still opens them; None after an erasure."""

    person: sa.Row[Any]
    key: Key | None
    operations: Sequence[sa.Row[Any]]
    holdings: Mapping[UUID, sa.Row[Any]]  # by connection
    record: Finishing | None


def export(
    ledger: Ledger,
    tx: Transaction,
    customer: Customer,
    reference: str,
    platforms: Mapping[str, Platform],
) -> dict[str, Any]:
    """
    As JSON, in the clear: it is for the person, and for nobody's log or screen.

    Of somebody erased there is only what the finishing record still holds. Raises Unknown.
    """
    identity = person_id(ledger.keys_of(tx, customer.id), reference)
    person = known_person(tx, customer, identity)
    opened = open_person(ledger, tx, customer, person)
    every = connections.of_customer(tx, customer.id)
    report = person_report(ledger, tx, customer, reference, platforms)
    return {
        "exported_at": iso(tx.now),
        "controller": customer.name,
        "person": person_of(opened),
        "addresses": addresses_of(tx, opened),
        "refused_lists": {
            key: iso(EPOCH + moment * MICROSECOND) for key, moment in person.refused.items()
        },
        "restricted_at": iso(person.restricted_at),
        "erased_at": iso(person.erased_at),
        "operations": operations_of(tx, opened),
        "answers": [of_answer(one) for one in report.answers],
        "systems": [one.to_json() for one in report.systems],
        "recipients": [
            recipient(one, opened, platforms.get(one.platform))
            for one in every
            if one.id in opened.holdings and opened.holdings[one.id].acted_seq
        ],
        "last_record": of_record(opened.record, every) if opened.record else None,
    }


def open_person(ledger: Ledger, tx: Transaction, customer: Customer, person: sa.Row[Any]) -> Opened:
    keys = ledger.keys_of(tx, customer.id)
    incarnation = (person.id, person.key_epoch)
    mine = operations.c.person == person.id
    asked = tx.db.execute(sa.select(operations).where(mine).order_by(operations.c.seq)).all()
    held = tx.db.execute(sa.select(holdings).where(holdings.c.person == person.id))
    return Opened(
        person,
        ledger.safe.keys({incarnation}, keys).get(incarnation),
        asked,
        {row.connection: row for row in held},
        ledger.safe.finishing([person.id], keys).get(person.id),
    )


def person_of(opened: Opened) -> Any:
    """The reference, the address in use, all fields; None when nothing is left."""
    if opened.key is None or opened.person.sealed is None:
        return None
    return opened.key.open_json(opened.person.sealed, f"people|{opened.person.id}")


def addresses_of(tx: Transaction, opened: Opened) -> list[str]:
    """Every address ever used, oldest first."""
    if opened.key is None:
        return []
    query = sa.select(addresses).where(addresses.c.person == opened.person.id)
    return [
        opened.key.open(row.sealed, address_row(row)).decode()
        for row in tx.db.execute(query.order_by(addresses.c.since))
    ]


def operations_of(tx: Transaction, opened: Opened) -> list[dict[str, Any]]:
    ends = ends_of(tx, [row.id for row in opened.operations])
    return [
        {
            **line_of(row, ends).to_json(),
            "lists": list(row.lists),
            "channel": row.channel,
            "identity_checked_how": row.identity_checked_how,
            "basis": unsealed(opened, row, row.basis, f"operations|{row.id}"),
            "told": unsealed(opened, row, row.told, row_of(row.id)),
        }
        for row in opened.operations
    ]


def unsealed(opened: Opened, asked: sa.Row[Any], sealed: bytes | None, bound_to: str) -> Any:
    """None where nothing was stored, and where an erasure since made it unreadable."""
    if sealed is None or opened.key is None or asked.epoch < opened.person.key_epoch:
        return None
    return opened.key.open_json(sealed, bound_to)


def recipient(connection: Connection, opened: Opened, platform: Platform | None) -> dict[str, Any]:
    """A platform to which something about the person was sent, with the names of the fields."""
    held, ids = opened.holdings[connection.id], []
    if held.remote is not None and opened.key is not None:
        ids = opened.key.open_json(held.remote, f"holdings|{held.id}")
    return {
        "platform": connection.platform,
        "title": connection.title,
        "stores_in": words(platform.stores_in) if platform else None,
        "in_eu": platform.in_eu if platform else None,
        "fields": ["email", *connection.fields],
        "ids_there": ids,
        "disconnected_at": iso(connection.closed_at),
    }


def of_record(record: Finishing, every: Sequence[Connection]) -> dict[str, Any]:
    """What ending an erasure still needs; its dates are in ``systems``."""
    titles = {one.id: one.title for one in every}
    return {
        "reference": record.reference,
        "emails": list(record.emails),
        "name": record.name,
        "ids_there": {titles[where]: list(ids) for where, ids in record.remote_ids.items() if ids},
    }
