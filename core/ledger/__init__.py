"""The ledger: the one truth about what was asked, tried, seen."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from core.database import Database, Transaction
from core.ledger import schema, wrapping
from core.safe import Safe
from core.sealing import CustomerKeys, Key

SETTLED = timedelta(hours=1)  # no commit takes longer, even where the machine slept


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
            key = wrapping.opened(self.key_versions, wrapping.of_customer(tx, customer))
            self._customers[customer] = CustomerKeys.of(key)
        return self._customers[customer]

    def reconcile(self) -> None:
        """
        Make the safe agree with the ledger after a crash between their two commits.

        Of erasures that the ledger has, the keys are destroyed; what was written ahead of an
        erasure that was never accepted is taken back. Nothing else is touched: a ledger that
        knows less than the safe may be a restored one.
        """
        written = self.safe.unconfirmed()
        with self.read() as tx:
            people = schema.people.c
            query = sa.select(people.id, people.key_epoch).where(
                people.id.in_({person for person, _ in written})
            )
            erased = {row.id: row.key_epoch for row in tx.db.execute(query)}
            settled = tx.now - SETTLED
        self.safe.confirm(
            {one: erased[one] for one, epoch in written if erased.get(one, -1) >= epoch}
        )
        self.safe.take_back(
            {
                one: at
                for one, at in written.items()
                if erased.get(one[0], -1) < one[1] and at < settled
            }
        )
