"""The ledger: the one truth about what was asked, tried, seen."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from core.database import Database, Transaction
from core.ledger import schema
from core.moments import EPOCH
from core.safe import Safe
from core.sealing import CannotOpen, CustomerKeys, Key

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
            wrapping = self.key_versions.get(row.key_version)
            if wrapping is None:
                raise CannotOpen("customers")
            secret = wrapping.open(row.wrapped_key, f"customers|{customer}")
            self._customers[customer] = CustomerKeys.of(Key(secret))
        return self._customers[customer]

    def wrap_customer_key(self, customer: UUID, key: Key) -> tuple[int, bytes]:
        version = max(self.key_versions)
        return version, self.key_versions[version].seal(key.secret, f"customers|{customer}")

    def reconcile(self, since: datetime | None = None) -> None:
        """
        Make the safe agree with the ledger after a crash between their two commits.

        Keys that an erasure should have destroyed are destroyed; what was written ahead of
        an erasure that was never accepted is taken back. Everything, or only what happened
        after ``since``.
        """
        with self.read() as tx:
            erased = sa.select(schema.people.c.id, schema.people.c.key_epoch).where(
                schema.people.c.key_epoch > 0,
                sa.true() if since is None else schema.people.c.erased_at >= since,
            )
            late = {row.id: row.key_epoch for row in tx.db.execute(erased)}
            settled = tx.now - SETTLED
        self.safe.destroy_keys(late)
        written = self.safe.written(since or EPOCH, settled)
        with self.read() as tx:
            known = sa.select(schema.people.c.id, schema.people.c.epoch).where(
                schema.people.c.id.in_({person for person, _ in written})
            )
            epochs = {row.id: row.epoch for row in tx.db.execute(known)}
        self.safe.take_back({one for one in written if epochs.get(one[0], -1) < one[1]})
