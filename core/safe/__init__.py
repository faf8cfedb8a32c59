"""
The safe: person keys, tombstones, finishing records, in a database of its own.

It is never part of the ledger's dumps. It is written before the ledger commits, and every
write may be repeated; what a lost commit left behind is taken back (``Ledger.reconcile``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from core import rows
from core.database import Database, Transaction
from core.safe.records import Burial, Erasure, Finishing
from core.safe.schema import (
    KEPT,
    Tombstone,
    finishing_records,
    metadata,
    person_keys,
    refusals,
    tombstones,
)
from core.sealing import CustomerKeys, Key

Incarnation = tuple[UUID, int]  # a person and the epoch in which the key was made


class Safe:
    """Every method is one transaction of its own. Raises DatabaseAway."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def keep_keys(self, keys: Mapping[Incarnation, Key], customer: CustomerKeys) -> None:
        """Store the keys of people who are about to be recorded for the first time."""
        if not keys:
            return
        wrapped = [
            {
                "person": person,
                "epoch": epoch,
                "wrapped": customer.key.seal(key.secret, key_row(person, epoch)),
            }
            for (person, epoch), key in keys.items()
        ]
        with self.database.begin() as tx:
            rows.put(tx, person_keys, wrapped)  # over orphans of a commit that never was

    def keys(
        self, incarnations: Collection[Incarnation], customer: CustomerKeys
    ) -> dict[Incarnation, Key]:
        """The keys that still exist. Raises CannotOpen when one is another customer's."""
        if not incarnations:
            return {}
        epochs = dict(incarnations)
        with self.database.glance() as db:
            asked, parameter = rows.one_of(db, person_keys.c.person, epochs)
            found = db.execute(sa.select(person_keys).where(asked), parameter).all()
        return {
            (row.person, row.epoch): Key(
                customer.key.open(row.wrapped, key_row(row.person, row.epoch))
            )
            for row in found
            if epochs[row.person] == row.epoch
        }

    def bury(self, customer: UUID, burials: Sequence[Burial], keys: CustomerKeys) -> None:
        """Remember erasures that are about to be accepted, all of them or none."""
        if not burials:
            return
        stones = [row for burial in burials for row in stones_of(customer, burial)]
        records = [record_of(burial, keys) for burial in burials]
        with self.database.begin() as tx:
            for table, new in ((tombstones, stones), (finishing_records, records)):
                delete(tx, table, [(burial.person, burial.epoch) for burial in burials])
                rows.insert(tx, table, new)

    def confirm(self, erased: Mapping[UUID, int]) -> None:
        """The ledger has these erasures, by epoch: every key from before them is destroyed."""
        if not erased:
            return
        last = [{"of": person, "last": epoch} for person, epoch in erased.items()]
        keys, records = person_keys.c, finishing_records.c
        older = (keys.person == sa.bindparam("of")) & (keys.epoch < sa.bindparam("last"))
        known = (records.person == sa.bindparam("of")) & (records.epoch <= sa.bindparam("last"))
        with self.database.begin() as tx:
            tx.db.execute(sa.delete(person_keys).where(older), last)
            tx.db.execute(sa.update(finishing_records).where(known).values(confirmed=True), last)

    def unconfirmed(self) -> dict[Incarnation, datetime]:
        """Erasures that were written here, of which the ledger may know nothing; since when."""
        with self.database.read() as tx:
            query = sa.select(finishing_records).where(sa.not_(finishing_records.c.confirmed))
            return {(row.person, row.epoch): row.at for row in tx.db.execute(query)}

    def take_back(self, never_accepted: Mapping[Incarnation, datetime]) -> None:
        """
        Remove what was written, at those moments, ahead of a commit that never came. What was
        written anew since is another erasure's.
        """
        lost = [
            {"person": person, "epoch": epoch, "at": at}
            for (person, epoch), at in never_accepted.items()
        ]
        if lost:
            with self.database.begin() as tx:
                for table in (tombstones, finishing_records):
                    rows.delete(tx, table, lost)

    def buried(self, customer: UUID, hashes: Collection[bytes]) -> dict[bytes, datetime]:
        """When each of these was last erased with the instruction not to return."""
        if not hashes:
            return {}
        with self.database.read() as tx:
            query = sa.select(tombstones.c.hash, tombstones.c.at).where(
                do_not_return(customer, hashes), tombstones.c.until > tx.now
            )
            return {row.hash: row.at for row in tx.db.execute(query.order_by(tombstones.c.at))}

    def erased(self, customer: UUID, hashes: Collection[bytes]) -> set[UUID]:
        """The people of whom one of these was erased, while that is remembered."""
        if not hashes:
            return set()
        query = sa.select(tombstones.c.person).where(
            tombstones.c.customer == customer,
            tombstones.c.hash.in_(list(hashes)),
            tombstones.c.kind == Tombstone.RESTORE.value,
        )
        with self.database.read() as tx:
            return set(tx.db.execute(query).scalars())

    def forget(self) -> None:
        """What was remembered until a date that has come; opt-outs that no backup lacks."""
        with self.database.begin() as tx:
            tx.db.execute(sa.delete(tombstones).where(tombstones.c.until <= tx.now))
            kept = KEPT[Tombstone.RESTORE]
            tx.db.execute(sa.delete(refusals).where(refusals.c.at <= tx.now - kept))

    def unbury(self, customer: UUID, lifted: Mapping[bytes, datetime]) -> None:
        """
        A fresh basis lifts the instruction not to return that was given until then; the restore
        tombstone stays, and so does what an erasure after it has said by now.
        """
        if not lifted:
            return
        with self.database.begin() as tx:
            for digest, at in lifted.items():
                older = do_not_return(customer, {digest}) & (tombstones.c.at <= at)
                tx.db.execute(sa.delete(tombstones).where(older))

    def refuse(self, customer: UUID, refused: Mapping[UUID, Mapping[str, datetime]]) -> None:
        """Remember opt-outs, by person and list, that are about to be accepted."""
        known = [
            {"person": person, "list": key, "customer": customer, "at": at}
            for person, lists in refused.items()
            for key, at in lists.items()
        ]
        if known:
            with self.database.begin() as tx:
                rows.put(tx, refusals, known)

    def allow(self, lifted: Mapping[UUID, Mapping[str, datetime]]) -> None:
        """A newer consent has lifted these opt-outs; one that came after it holds."""
        over = [
            {"person": one, "list": key, "at": at}
            for one, lists in lifted.items()
            for key, at in lists.items()
        ]
        if over:
            with self.database.begin() as tx:
                rows.delete(tx, refusals, over)

    def erasures(self, customer: UUID, after: UUID | None, most: int) -> list[Erasure]:
        """The newest of each person, by person, that is remembered against restoring."""
        mine = [tombstones.c.customer == customer, tombstones.c.kind == Tombstone.RESTORE.value]
        if after is not None:
            mine.append(tombstones.c.person > after)
        newest_of = (
            sa.select(
                tombstones.c.person,
                sa.func.max(tombstones.c.epoch).label("epoch"),
                sa.func.max(tombstones.c.at).label("at"),
            )
            .where(*mine)
            .group_by(tombstones.c.person)
            .order_by(tombstones.c.person)
            .limit(most)
        )
        with self.database.read() as tx:
            found = tx.db.execute(newest_of).all()
            several = [(row.person, row.epoch) for row in found]
            back = person_keys.c
            came = sa.select(back.person, back.epoch).where(
                sa.tuple_(back.person, back.epoch).in_(several)
            )
            returned = {tuple(row) for row in tx.db.execute(came)} if several else set()
        return [
            Erasure(row.person, row.epoch, row.at, (row.person, row.epoch) in returned)
            for row in found
        ]

    def refusals(self, customer: UUID) -> dict[UUID, dict[str, datetime]]:
        """The opt-outs that hold, by person and list."""
        query = sa.select(refusals).where(refusals.c.customer == customer)
        found: dict[UUID, dict[str, datetime]] = {}
        with self.database.read() as tx:
            for row in tx.db.execute(query.order_by(refusals.c.person)):
                found.setdefault(row.person, {})[row.list] = row.at
        return found

    def finishing(self, people: Collection[UUID], customer: CustomerKeys) -> dict[UUID, Finishing]:
        """The newest finishing record of each of these people that still has one."""
        if not people:
            return {}
        with self.database.glance() as db:
            asked, parameter = rows.one_of(db, finishing_records.c.person, people)
            query = sa.select(finishing_records).where(asked).order_by(finishing_records.c.epoch)
            found = db.execute(query, parameter).all()
        return {row.person: Finishing.opened(row, customer) for row in found}

    def learn_remote_ids(
        self, person: UUID, connection: UUID, ids: Collection[str], customer: CustomerKeys
    ) -> None:
        """Add what a look found to the record of an erasure that is under way."""
        with self.database.begin() as tx:
            row = newest(tx, person)
            if row is None:
                return
            record = Finishing.opened(row, customer)
            if not set(ids) <= set(record.remote_ids.get(connection, ())):
                rewrite(tx, row, record.with_remote_ids(connection, ids), customer)

    def keep_reason(self, person: UUID, answer: UUID, reason: str, customer: CustomerKeys) -> bool:
        """Add what an answer said to the person's record; False where that is gone."""
        with self.database.begin() as tx:
            row = newest(tx, person)
            if row is None:
                return False
            record = Finishing.opened(row, customer)
            known = {**record.reasons, answer: reason}
            rewrite(tx, row, replace(record, reasons=known), customer)
            return True

    def forget_name(self, person: UUID, epoch: int, customer: CustomerKeys) -> None:
        """Take the name out of an erasure's finishing record; the rest is still needed."""
        with self.database.begin() as tx:
            row = newest(tx, person)
            if row is None or row.epoch > epoch:
                return
            record = Finishing.opened(row, customer)
            if record.name:
                rewrite(tx, row, replace(record, name=""), customer)

    def end_finishing(self, until: Mapping[UUID, int]) -> None:
        """Destroy the records of these people up to the epoch given; a newer erasure keeps its."""
        if not until:
            return
        last = [{"of": person, "last": epoch} for person, epoch in until.items()]
        records = finishing_records.c
        over = (records.person == sa.bindparam("of")) & (records.epoch <= sa.bindparam("last"))
        with self.database.begin() as tx:
            tx.db.execute(sa.delete(finishing_records).where(over), last)


def key_row(person: UUID, epoch: int) -> str:
    return f"person_keys|{person}|{epoch}"


def delete(tx: Transaction, table: sa.Table, incarnations: Collection[Incarnation]) -> None:
    rows.delete(tx, table, [{"person": person, "epoch": epoch} for person, epoch in incarnations])


def stones_of(customer: UUID, burial: Burial) -> list[dict[str, Any]]:
    return [
        {
            "person": burial.person,
            "epoch": burial.epoch,
            "kind": kind.value,
            "hash": digest,
            "customer": customer,
            "at": burial.at,
            "until": burial.at + KEPT[kind],
        }
        for kind, hashes in burial.hashes.items()
        for digest in set(hashes)
    ]


def record_of(burial: Burial, keys: CustomerKeys) -> dict[str, Any]:
    sealed = burial.finishing.sealed(burial.person, burial.epoch, keys)
    return {
        "person": burial.person,
        "epoch": burial.epoch,
        "sealed": sealed,
        "at": burial.at,
        "confirmed": False,
    }


def do_not_return(customer: UUID, hashes: Collection[bytes]) -> sa.ColumnElement[bool]:
    return sa.and_(
        tombstones.c.customer == customer,
        tombstones.c.hash.in_(list(hashes)),
        tombstones.c.kind == Tombstone.DO_NOT_RETURN.value,
    )


def newest(tx: Transaction, person: UUID) -> sa.Row[Any] | None:
    """To be written anew: several lanes may learn of one person at once."""
    query = sa.select(finishing_records).where(finishing_records.c.person == person).limit(1)
    newest_first = query.order_by(finishing_records.c.epoch.desc())
    return tx.db.execute(newest_first.with_for_update()).one_or_none()


def rewrite(tx: Transaction, row: Any, record: Finishing, customer: CustomerKeys) -> None:
    where = (finishing_records.c.person == row.person) & (finishing_records.c.epoch == row.epoch)
    sealed = record.sealed(row.person, row.epoch, customer)
    tx.db.execute(sa.update(finishing_records).where(where).values(sealed=sealed))


__all__ = ["Burial", "Erasure", "Finishing", "Incarnation", "Safe", "Tombstone", "metadata"]
