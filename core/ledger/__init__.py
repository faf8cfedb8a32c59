"""The ledger: the one truth about what was asked, tried and seen."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from core.database import Database, Transaction
from core.ledger import schema
from core.safe import Safe
from core.sealing import CustomerKeys, Key

SETTLED = timedelta(minutes=1)  # a commit takes no longer than this


class Ledger:
    """The database, the safe beside it, and the keys that open both."""

    def __init__(self, database: Database, safe: Safe, keys: Mapping[int, Key]) -> None:
        self.database = database
        self.safe = safe
        self.key_versions = keys
        self._customers: dict[UUID, CustomerKeys] = {}

    def begin(self) -> AbstractContextManager[Transaction]:
        return self.database.begin()

    def read(self) -> AbstractContextManager[Transaction]:
        return self.database.read()

    def keys_of(self, tx: Transaction, customer: UUID) -> CustomerKeys:
        """Raises CannotOpen when the key file is not the one the customer was made with."""
        if customer not in self._customers:
            row = tx.db.execute(
                sa.select(schema.customers.c.wrapped_key, schema.customers.c.key_version).where(
                    schema.customers.c.id == customer
                )
            ).one()
            wrapping = self.key_versions[row.key_version]
            secret = wrapping.open(row.wrapped_key, f"customers|{customer}")
            self._customers[customer] = CustomerKeys.of(Key(secret))
        return self._customers[customer]

    def wrap_customer_key(self, customer: UUID, key: Key) -> tuple[int, bytes]:
        version = max(self.key_versions)
        return version, self.key_versions[version].seal(key.secret, f"customers|{customer}")

    def reconcile(self) -> None:
        """
        Make the safe agree with the ledger after a crash between their two commits.

        Keys that an erasure should have destroyed are destroyed; what was written ahead of
        an erasure that was never accepted is taken back.
        """
        with self.read() as tx:
            rows = tx.db.execute(sa.select(schema.people.c.id, schema.people.c.epoch, schema.people.c.key_epoch)).all()
            before = tx.now - SETTLED
        key_epochs = {row.id: row.key_epoch for row in rows}
        late = {
            person: key_epochs[person]
            for person, epoch in self.safe.people_with_keys()
            if epoch < key_epochs.get(person, epoch)
        }
        if late:
            self.safe.destroy_keys(late)
        self.safe.reconcile({row.id: row.epoch for row in rows}, before)
