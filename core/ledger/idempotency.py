"""
Answering the repetition of a request as the request itself was answered.

The row of a request is written in the transaction that does its work: either both are there
or neither. So a crash leaves nothing behind that would have to be freed, and whoever repeats a
request while it runs waits for that transaction (a unique index, or SQLite's one writer).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from core.database import Transaction
from core.ledger import Ledger
from core.ledger.schema import idempotency
from core.refusals import CannotAccept

KEPT = timedelta(days=30)


class OtherRequest(CannotAccept):
    """The key was used before, for something else."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: whose, under which key of theirs, what. Only hashes of it are kept."""

    api_key: UUID
    customer: UUID
    key: str = field(repr=False)
    route: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """Holds ids and states only: it outlives the people that it is about."""

    status: int
    body: str


def recall(ledger: Ledger, tx: Transaction, asked: Asked) -> Answer | None:
    """
    What this request was answered; None: it is the first, and must ``keep`` in this transaction.

    Raises OtherRequest.
    """
    key, digest = hashes(ledger, tx, asked)
    kind = sqlite if tx.db.dialect.name == "sqlite" else postgresql
    new = kind.insert(idempotency).values(
        api_key=asked.api_key, key=key, digest=digest, begun_at=tx.now
    )
    inserted = new.on_conflict_do_nothing().returning(idempotency.c.key)
    if tx.db.execute(inserted).first() is not None:
        return None
    row = tx.db.execute(sa.select(idempotency).where(same(asked, key))).one()
    if row.digest != digest:
        raise OtherRequest(
            "This Idempotency-Key was used before, for another request. Nothing was stored. "
            "Use a new key for every request, and the same key only to repeat one."
        )
    return Answer(row.status, row.answer)


def keep(ledger: Ledger, tx: Transaction, asked: Asked, answer: Answer) -> None:
    key, _ = hashes(ledger, tx, asked)
    tx.db.execute(
        sa.update(idempotency)
        .where(same(asked, key))
        .values(status=answer.status, answer=answer.body)
    )


def purge(tx: Transaction) -> None:
    """Forget what is older than anybody repeats."""
    tx.db.execute(sa.delete(idempotency).where(idempotency.c.begun_at < tx.now - KEPT))


def hashes(ledger: Ledger, tx: Transaction, asked: Asked) -> tuple[bytes, bytes]:
    """Keyed, as a body holds personal data that a plain hash would let one guess."""
    pepper = ledger.keys_of(tx, asked.customer).pepper
    body = hashlib.sha256(asked.body).hexdigest()
    return (
        pepper.hash("idempotency-key", asked.key),
        pepper.hash("idempotency", f"{asked.route}|{body}"),
    )


def same(asked: Asked, key: bytes) -> sa.ColumnElement[bool]:
    return sa.and_(idempotency.c.api_key == asked.api_key, idempotency.c.key == key)
