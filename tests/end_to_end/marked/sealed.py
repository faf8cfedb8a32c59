"""What is sealed about people, and everything that might still open it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

import sqlalchemy as sa

from core.ledger import Ledger, intake
from core.ledger.customers import Customer
from core.ledger.people import address_row
from core.ledger.postponed import row_of
from core.ledger.schema import addresses, holdings, operations, people
from core.safe import key_row
from core.safe.records import bound_to
from core.safe.schema import finishing_records, person_keys
from core.sealing import CannotOpen, CustomerKeys, Key


@dataclass(frozen=True)
class Sealed:
    """A cipher text as a backup would hold it; ``bound`` is the row that it belongs to."""

    what: str
    bound: str
    value: bytes = field(repr=False)


def of_people(ledger: Ledger, them: Collection[UUID]) -> Sequence[Sealed]:
    """All of the ledger's: what its backup of today holds of these people."""
    with ledger.read() as tx:
        rows = tx.db.execute
        found = [
            *(
                ("person", f"people|{row.id}", row.sealed)
                for row in rows(sa.select(people).where(people.c.id.in_(them)))
            ),
            *(
                ("address", address_row(row), row.sealed)
                for row in rows(sa.select(addresses).where(addresses.c.person.in_(them)))
            ),
            *(
                part
                for row in rows(sa.select(operations).where(operations.c.person.in_(them)))
                for part in (
                    ("basis", f"operations|{row.id}", row.basis),
                    ("told", row_of(row.id), row.told),
                )
            ),
            *(
                ("remote ids", f"holdings|{row.id}", row.remote)
                for row in rows(sa.select(holdings).where(holdings.c.person.in_(them)))
            ),
        ]
    return [Sealed(*one) for one in found if one[2] is not None]


def in_the_safe(ledger: Ledger, them: Collection[UUID]) -> Sequence[Sealed]:
    """Their wrapped keys and their finishing records."""
    with ledger.safe.database.read() as tx:
        keys = tx.db.execute(sa.select(person_keys).where(person_keys.c.person.in_(them))).all()
        records = finishing_records.c
        last = tx.db.execute(sa.select(finishing_records).where(records.person.in_(them))).all()
    return [
        *(Sealed("key", key_row(row.person, row.epoch), row.wrapped) for row in keys),
        *(Sealed("record", bound_to(row.person, row.epoch), row.sealed) for row in last),
    ]


def every_key(ledger: Ledger, customer: Customer) -> Sequence[Key]:
    """Of the file, of the customer, of whoever still has one."""
    with ledger.read() as tx:
        owned: CustomerKeys = ledger.keys_of(tx, customer.id)
    with ledger.safe.database.read() as tx:
        rows = tx.db.execute(sa.select(person_keys)).all()
    wrapped = [owned.key.open(row.wrapped, key_row(row.person, row.epoch)) for row in rows]
    return [*ledger.key_versions.values(), owned.key, *map(Key, wrapped)]


def opened(sealed: Iterable[Sealed], keys: Sequence[Key]) -> list[Sealed]:
    """Those that one of the keys opens."""
    return [one for one in sealed if any(opens(key, one) for key in keys)]


def opens(key: Key, sealed: Sealed) -> bool:
    with suppress(CannotOpen):
        key.open(sealed.value, sealed.bound)
        return True
    return False


def ids(ledger: Ledger, customer: Customer, references: Iterable[str]) -> set[UUID]:
    with ledger.read() as tx:
        keys = ledger.keys_of(tx, customer.id)
    return {intake.person_id(keys, reference) for reference in references}
