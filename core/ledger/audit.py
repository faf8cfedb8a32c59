"""
The audit trail: the events of each customer in one order, each sealed with all before it.

Who can write to the database, and has no key, cannot change, move, add or take away a sealed event
unseen. Taking away the newest shows by a head that was kept outside of the database.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

import sqlalchemy as sa
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.dialects import postgresql, sqlite

from core.database import Transaction
from core.ledger import Ledger
from core.ledger.schema import audit_heads, events
from core.refusals import Unknown
from core.sealing import CannotOpen, CustomerKeys

AT_ONCE = 1000  # events of one transaction
FIRST = b""  # what comes before the first

# As stored: what is sealed is what the database holds, not what a type makes of it.
SEALED = (
    events.c.id,
    sa.type_coerce(events.c.at, sa.BigInteger).label("at"),
    events.c.kind,
    events.c.operation,
    events.c.holding,
    events.c.was,
    events.c.became,
)


@dataclass(frozen=True, slots=True)
class Head:
    """The newest sealed event of a customer, and when that was. ``position`` counts from 1."""

    customer: UUID
    position: int
    seal: bytes
    at: datetime

    def signed(self, keys: CustomerKeys) -> dict[str, Any]:
        """As it is kept elsewhere, on one line of JSON."""
        said = {
            "customer": str(self.customer),
            "position": self.position,
            "seal": self.seal.hex(),
            "at": self.at.isoformat(),
        }
        signature = signer(keys).sign(json.dumps(said).encode())
        return {**said, "signature": base64.b64encode(signature).decode()}

    @classmethod
    def read(cls, told: Any) -> tuple[Self, bytes]:
        """With its signature. Raises Unknown for what is no such line."""
        try:
            head = cls(
                UUID(told["customer"]),
                int(told["position"]),
                bytes.fromhex(told["seal"]),
                datetime.fromisoformat(told["at"]),
            )
            return head, base64.b64decode(told["signature"], validate=True)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise Unknown("This is no head of an audit trail.") from None


@dataclass(frozen=True, slots=True)
class Verified:
    """``broken`` is the first position at which the trail is not as it was sealed; None: none."""

    customer: UUID
    events: int
    broken: int | None = None
    event: int | None = None  # its row, where there is one
    how: str = ""


def signer(keys: CustomerKeys) -> Ed25519PrivateKey:
    """Of one customer; what it signs others can check who have its public key."""
    return Ed25519PrivateKey.from_private_bytes(keys.key.derive("audit head"))


def seal_after(secret: bytes, before: bytes, position: int, event: Sequence[Any]) -> bytes:
    number, at, kind, operation, holding, was, became = event
    ids = [one.hex if one else "" for one in (operation, holding)]
    said = json.dumps([position, number, at, kind, *ids, was, became])
    return hmac.digest(secret, before + said.encode(), hashlib.sha256)


# --- sealing


def seal(ledger: Ledger) -> int:
    """Seal what was written since, up to a thousand events; how many. Only the leader does."""
    with ledger.read() as tx:
        if tx.db.execute(sa.select(events.c.id).where(unsealed()).limit(1)).first() is None:
            return 0
    with ledger.begin() as tx:
        customers = openable(ledger, tx)
        heads = locked(tx, customers)
        waiting = tx.db.execute(
            sa.select(events.c.customer, *SEALED)
            .where(unsealed(), events.c.customer.in_(list(heads)))
            .order_by(events.c.id)
            .limit(AT_ONCE)
        ).all()
        sealed = []
        secrets = {one: keys.key.derive("audit") for one, keys in customers.items()}
        for customer, *event in waiting:
            position, before = heads[customer]
            after = seal_after(secrets[customer], before, position + 1, event)
            heads[customer] = position + 1, after
            sealed.append({"of_event": event[0], "position": position + 1, "seal": after})
        if sealed:
            tx.db.execute(sa.update(events).where(events.c.id == sa.bindparam("of_event")), sealed)
            new = [
                {
                    "of_customer": customer,
                    "position": heads[customer][0],
                    "seal": heads[customer][1],
                }
                for customer in {row.customer for row in waiting}
            ]
            same = audit_heads.c.customer == sa.bindparam("of_customer")
            tx.db.execute(sa.update(audit_heads).where(same).values(at=tx.now), new)
    return len(sealed)


def unsealed() -> sa.ColumnElement[bool]:
    return events.c.position.is_(None)


def openable(ledger: Ledger, tx: Transaction) -> dict[UUID, CustomerKeys]:
    """Of those who have unsealed events; without its key a customer's cannot be sealed."""
    found = {}
    for customer in tx.db.execute(sa.select(events.c.customer).where(unsealed()).distinct()):
        try:
            found[customer.customer] = ledger.keys_of(tx, customer.customer)
        except CannotOpen:
            continue
    return found


def locked(tx: Transaction, customers: Iterable[UUID]) -> dict[UUID, tuple[int, bytes]]:
    """Their heads, which nobody else moves until the transaction ends."""
    asked = sorted(customers)
    if not asked:
        return {}
    kind = sqlite if tx.db.dialect.name == "sqlite" else postgresql
    none = [{"customer": one, "position": 0, "seal": FIRST, "at": tx.now} for one in asked]
    tx.db.execute(kind.insert(audit_heads).on_conflict_do_nothing(), none)
    query = sa.select(audit_heads).where(audit_heads.c.customer.in_(asked))
    rows = tx.db.execute(query.order_by(audit_heads.c.customer).with_for_update())
    return {row.customer: (row.position, row.seal) for row in rows}


# --- verifying


def heads(tx: Transaction, customer: UUID | None = None) -> list[Head]:
    """Of one customer, or of all."""
    query = sa.select(audit_heads).order_by(audit_heads.c.customer)
    if customer is not None:
        query = query.where(audit_heads.c.customer == customer)
    return [Head(row.customer, row.position, row.seal, row.at) for row in tx.db.execute(query)]


def verify(
    ledger: Ledger, tx: Transaction, customer: UUID, kept: Iterable[tuple[Head, bytes]] = ()
) -> Verified:
    """
    Read the whole trail of a customer; ``kept`` are signed heads from outside of the database.
    Raises CannotOpen without the customer's key.
    """
    keys = ledger.keys_of(tx, customer)
    expected = {own.position: own.seal for own in heads(tx, customer) if own.position}
    for head, signature in kept:
        if head.customer == customer:
            if not is_signed(head, signature, keys):
                return Verified(customer, 0, head.position, how="a kept head is not signed by us")
            expected[head.position] = head.seal
    query = sa.select(events.c.position, events.c.seal, *SEALED).where(
        events.c.customer == customer, events.c.position.is_not(None)
    )
    in_order = query.order_by(events.c.position, events.c.id)
    with tx.db.execute(in_order, execution_options={"yield_per": AT_ONCE}) as trail:
        return read_through(customer, trail, keys.key.derive("audit"), expected)


def is_signed(head: Head, signature: bytes, keys: CustomerKeys) -> bool:
    said = {name: value for name, value in head.signed(keys).items() if name != "signature"}
    try:
        signer(keys).public_key().verify(signature, json.dumps(said).encode())
    except InvalidSignature:
        return False
    return True


def read_through(
    customer: UUID, trail: Iterable[Sequence[Any]], secret: bytes, expected: Mapping[int, bytes]
) -> Verified:
    """``expected`` are the seals at positions that are known otherwise."""
    before, number = FIRST, 0
    for position, seal_of_it, *event in trail:
        if position != number + 1:
            how = "an event is missing" if position > number + 1 else "an event was added"
            return Verified(customer, number, number + 1, event[0], how)
        after = seal_after(secret, before, position, event)
        if not hmac.compare_digest(after, seal_of_it):
            return Verified(customer, number, position, event[0], "an event was changed")
        if not hmac.compare_digest(expected.get(position, after), after):
            how = "the trail is another than the one whose head was kept"
            return Verified(customer, number, position, event[0], how)
        before, number = after, position
    last = max(expected, default=0)
    if last > number:
        return Verified(customer, number, number + 1, how="the newest events are missing")
    return Verified(customer, number)
