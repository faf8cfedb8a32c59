"""
The safe: person keys, tombstones, finishing records, in a database of its own.

It is never part of the ledger's dumps. It is written before the ledger commits, and every
write may be repeated: what a lost commit left behind is reconciled (``reconcile``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from core.database import Database, Transaction
from core.moments import Moment
from core.sealing import CannotOpen, CustomerKeys, Key

RESTORE_KEPT = timedelta(days=120)  # until no backup holds the person
DO_NOT_RETURN_KEPT = timedelta(days=730)  # the customer's instruction

metadata = sa.MetaData()

person_keys = sa.Table(
    "person_keys",
    metadata,
    sa.Column("person", sa.Uuid, primary_key=True),
    sa.Column("epoch", sa.Integer, primary_key=True),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
)

tombstones = sa.Table(
    "tombstones",
    metadata,
    sa.Column("customer", sa.Uuid, primary_key=True),
    sa.Column("hash", sa.LargeBinary, primary_key=True),  # of an address or a reference
    sa.Column("kind", sa.String, primary_key=True),
    sa.Column("person", sa.Uuid, nullable=False),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("at", Moment, nullable=False, index=True),
    sa.Column("until", Moment, nullable=False),
)

finishing_records = sa.Table(
    "finishing_records",
    metadata,
    sa.Column("person", sa.Uuid, primary_key=True),
    sa.Column("epoch", sa.Integer, primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("at", Moment, nullable=False),
)


class Tombstone(StrEnum):
    RESTORE = "restore"
    DO_NOT_RETURN = "do_not_return"


@dataclass(frozen=True, slots=True)
class Finishing:
    """The little that ending an erasure still needs; ``remote_ids`` by connection."""

    reference: str
    emails: tuple[str, ...]
    name: str
    remote_ids: Mapping[UUID, tuple[str, ...]]

    def to_json(self) -> dict[str, Any]:
        return {
            "reference": self.reference,
            "emails": self.emails,
            "name": self.name,
            "remote_ids": {str(where): ids for where, ids in self.remote_ids.items()},
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Finishing:
        remote = {UUID(where): tuple(ids) for where, ids in stored["remote_ids"].items()}
        return cls(stored["reference"], tuple(stored["emails"]), stored["name"], remote)

    def with_remote_ids(self, connection: UUID, ids: Iterable[str]) -> Finishing:
        known = dict.fromkeys((*self.remote_ids.get(connection, ()), *ids))
        return replace(self, remote_ids={**self.remote_ids, connection: tuple(known)})


Incarnation = tuple[UUID, int]  # a person and the epoch in which the key was made


class Safe:
    """Every method is one transaction of its own. Raises DatabaseAway."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def keep_keys(self, keys: Mapping[Incarnation, Key], customer: CustomerKeys) -> None:
        """Store the keys of people who are about to be recorded for the first time."""
        if not keys:
            return
        rows = [
            {"person": person, "epoch": epoch, "wrapped": wrap(customer, person, epoch, key)}
            for (person, epoch), key in keys.items()
        ]
        with self.database.begin() as tx:
            orphans = sa.and_(  # of a commit that never was
                person_keys.c.person == sa.bindparam("of"),
                person_keys.c.epoch == sa.bindparam("since"),
            )
            tx.db.execute(
                sa.delete(person_keys).where(orphans),
                [{"of": person, "since": epoch} for person, epoch in keys],
            )
            tx.db.execute(sa.insert(person_keys), rows)

    def keys(
        self, incarnations: Collection[Incarnation], customer: CustomerKeys
    ) -> dict[Incarnation, Key]:
        """The keys that still exist. Raises CannotOpen when one is another customer's."""
        if not incarnations:
            return {}
        epochs = dict(incarnations)
        with self.database.read() as tx:
            rows = tx.db.execute(
                sa.select(person_keys).where(person_keys.c.person.in_(list(epochs)))
            ).all()
        return {
            (row.person, row.epoch): unwrap(customer, row.person, row.epoch, row.wrapped)
            for row in rows
            if epochs[row.person] == row.epoch
        }

    def destroy_keys(self, before: Mapping[UUID, int]) -> None:
        """Destroy every key of these people that was made before the epoch given."""
        if not before:
            return
        older = sa.and_(
            person_keys.c.person == sa.bindparam("of"),
            person_keys.c.epoch < sa.bindparam("younger"),
        )
        rows = [{"of": person, "younger": epoch} for person, epoch in before.items()]
        with self.database.begin() as tx:
            tx.db.execute(sa.delete(person_keys).where(older), rows)

    def bury(
        self,
        customer: UUID,
        person: UUID,
        epoch: int,
        hashes: Iterable[bytes],
        kinds: Mapping[Tombstone, datetime],
        at: datetime,
    ) -> None:
        """Remember an erasure by keyed hashes; ``kinds`` says until when each is kept."""
        rows = [
            {
                "customer": customer,
                "hash": digest,
                "kind": kind.value,
                "person": person,
                "epoch": epoch,
                "at": at,
                "until": until,
            }
            for digest in set(hashes)
            for kind, until in kinds.items()
        ]
        with self.database.begin() as tx:
            for row in rows:
                tx.db.execute(
                    sa.delete(tombstones).where(
                        tombstones.c.customer == customer,
                        tombstones.c.hash == row["hash"],
                        tombstones.c.kind == row["kind"],
                    )
                )
            if rows:
                tx.db.execute(sa.insert(tombstones), rows)

    def buried(self, customer: UUID, hashes: Collection[bytes]) -> dict[bytes, datetime]:
        """When each of these was last erased with the instruction not to return."""
        if not hashes:
            return {}
        with self.database.read() as tx:
            rows = tx.db.execute(
                sa.select(tombstones.c.hash, tombstones.c.at).where(
                    tombstones.c.customer == customer,
                    tombstones.c.hash.in_(list(hashes)),
                    tombstones.c.kind == Tombstone.DO_NOT_RETURN.value,
                    tombstones.c.until > tx.now,
                )
            )
            return {row.hash: row.at for row in rows}

    def unbury(self, customer: UUID, hashes: Collection[bytes]) -> None:
        """A fresh basis lifts the instruction not to return; the restore tombstone stays."""
        with self.database.begin() as tx:
            tx.db.execute(
                sa.delete(tombstones).where(
                    tombstones.c.customer == customer,
                    tombstones.c.hash.in_(list(hashes)),
                    tombstones.c.kind == Tombstone.DO_NOT_RETURN.value,
                )
            )

    def keep_finishing(
        self, person: UUID, epoch: int, record: Finishing, customer: CustomerKeys
    ) -> None:
        with self.database.begin() as tx:
            keep(tx, person, epoch, record, customer)

    def finishing(self, people: Collection[UUID], customer: CustomerKeys) -> dict[UUID, Finishing]:
        """The newest finishing record of each of these people that still has one."""
        if not people:
            return {}
        with self.database.read() as tx:
            rows = tx.db.execute(
                sa.select(finishing_records)
                .where(finishing_records.c.person.in_(list(people)))
                .order_by(finishing_records.c.epoch)
            ).all()
        return {row.person: opened(row, customer) for row in rows}

    def learn_remote_ids(
        self, person: UUID, connection: UUID, ids: Collection[str], customer: CustomerKeys
    ) -> None:
        """Add what a look found to the record of an erasure that is under way."""
        with self.database.begin() as tx:
            row = newest(tx, person)
            if row is None:
                return
            record = opened(row, customer)
            if set(ids) <= set(record.remote_ids.get(connection, ())):
                return
            keep(tx, person, row.epoch, record.with_remote_ids(connection, ids), customer)

    def forget_name(self, person: UUID, customer: CustomerKeys) -> None:
        """Take the name out of the finishing record; the rest is still needed."""
        with self.database.begin() as tx:
            row = newest(tx, person)
            if row is not None and (record := opened(row, customer)).name:
                keep(tx, person, row.epoch, replace(record, name=""), customer)

    def end_finishing(self, people: Collection[UUID]) -> None:
        with self.database.begin() as tx:
            tx.db.execute(
                sa.delete(finishing_records).where(finishing_records.c.person.in_(list(people)))
            )

    def written(self, since: datetime, before: datetime) -> set[Incarnation]:
        """Of which erasures something was written here between these moments."""
        with self.database.read() as tx:
            return {
                (row.person, row.epoch)
                for table in (finishing_records, tombstones)
                for row in tx.db.execute(
                    sa.select(table.c.person, table.c.epoch)
                    .where(table.c.at >= since, table.c.at < before)
                    .distinct()
                )
            }

    def take_back(self, never_accepted: Collection[Incarnation]) -> None:
        """Remove what was written ahead of erasures whose commit never came."""
        if not never_accepted:
            return
        with self.database.begin() as tx:
            for table in (finishing_records, tombstones):
                for person, epoch in never_accepted:
                    tx.db.execute(sa.delete(table).where(incarnation(table, person, epoch)))


def incarnation(table: sa.Table, person: UUID, epoch: int) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.person == person, table.c.epoch == epoch)


def wrap(customer: CustomerKeys, person: UUID, epoch: int, key: Key) -> bytes:
    return customer.key.seal(key.secret, f"person_keys|{person}|{epoch}")


def unwrap(customer: CustomerKeys, person: UUID, epoch: int, wrapped: bytes) -> Key:
    return Key(customer.key.open(wrapped, f"person_keys|{person}|{epoch}"))


def keep(
    tx: Transaction, person: UUID, epoch: int, record: Finishing, customer: CustomerKeys
) -> None:
    sealed = customer.key.seal_json(record.to_json(), f"finishing|{person}|{epoch}")
    where = incarnation(finishing_records, person, epoch)
    tx.db.execute(sa.delete(finishing_records).where(where))
    row = {"person": person, "epoch": epoch, "sealed": sealed, "at": tx.now}
    tx.db.execute(sa.insert(finishing_records), row)


def newest(tx: Transaction, person: UUID) -> sa.Row[Any] | None:
    query = sa.select(finishing_records).where(finishing_records.c.person == person)
    return tx.db.execute(query.order_by(finishing_records.c.epoch.desc()).limit(1)).one_or_none()


def opened(row: Any, customer: CustomerKeys) -> Finishing:
    bound = f"finishing|{row.person}|{row.epoch}"
    return Finishing.from_json(customer.key.open_json(row.sealed, bound))


__all__ = ["CannotOpen", "Finishing", "Safe", "Tombstone"]
