"""Keys of the HTTP API: shown once, kept as a hash, revoked at once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

import sqlalchemy as sa

from core.database import Transaction
from core.ledger import Ledger
from core.ledger.schema import api_keys
from core.refusals import Unknown

PREFIX = "cfs_"  # by which a scanner of leaked secrets knows one
RANDOM = 32  # bytes

NO_KEY = "There is no key with this id. Nothing was changed. See: courseflow-sync key list"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """``customer`` is None for the operator's keys, which open every customer."""

    id: UUID
    customer: UUID | None
    title: str
    created_at: datetime
    revoked_at: datetime | None

    @property
    def is_operator(self) -> bool:
        return self.customer is None


@dataclass(frozen=True, slots=True)
class Issued:
    """A new key with its secret, which nobody can show again."""

    key: ApiKey
    secret: str = field(repr=False)


def issue(ledger: Ledger, title: str, customer: UUID | None) -> Issued:
    """256 random bits are not guessed, so a plain hash of them keeps them."""
    secret = PREFIX + base64.urlsafe_b64encode(os.urandom(RANDOM)).decode().rstrip("=")
    with ledger.begin() as tx:
        made = ApiKey(uuid4(), customer, title, tx.now, None)
        tx.db.execute(
            sa.insert(api_keys).values(
                id=made.id,
                customer=customer,
                title=title,
                hash=hashed(secret),
                created_at=tx.now,
            )
        )
    return Issued(made, secret)


def find(tx: Transaction, presented: str) -> ApiKey | None:
    """The key that this is the secret of, unless it was revoked."""
    digest = hashed(presented)
    query = sa.select(api_keys).where(api_keys.c.hash == digest, api_keys.c.revoked_at.is_(None))
    row = tx.db.execute(query).one_or_none()
    if row is None or not hmac.compare_digest(row.hash, digest):
        return None
    return key_of(row)


def one(tx: Transaction, key: UUID) -> ApiKey:
    """Raises Unknown."""
    row = tx.db.execute(sa.select(api_keys).where(api_keys.c.id == key)).one_or_none()
    if row is None:
        raise Unknown(NO_KEY)
    return key_of(row)


def of_customer(tx: Transaction, customer: UUID | None) -> Sequence[ApiKey]:
    """Every key there ever was, revoked ones included, oldest first; None: the operator's."""
    query = sa.select(api_keys).where(api_keys.c.customer == customer)
    rows = tx.db.execute(query.order_by(api_keys.c.created_at, api_keys.c.id))
    return [key_of(row) for row in rows]


def revoke(ledger: Ledger, key: UUID, customer: UUID | None) -> None:
    """From now on it opens nothing; revoking it again changes nothing. Raises Unknown."""
    with ledger.begin() as tx:
        if one(tx, key).customer != customer:
            raise Unknown(NO_KEY)
        tx.db.execute(
            sa.update(api_keys)
            .where(api_keys.c.id == key, api_keys.c.revoked_at.is_(None))
            .values(revoked_at=tx.now)
        )


def hashed(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def key_of(row: sa.Row[tuple[object, ...]]) -> ApiKey:
    return ApiKey(row.id, row.customer, row.title, row.created_at, row.revoked_at)
