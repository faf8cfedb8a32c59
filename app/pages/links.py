"""Signed links: what one opens, until when, is written in the link itself."""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from core.database import Transaction
from core.ledger import Ledger
from core.ledger.customers import Customer
from core.ledger.links import Holder, holder
from core.moments import EPOCH, MICROSECOND
from core.sealing import KEY, Key

USUAL = timedelta(days=7)
LONGEST = timedelta(days=30)
PURPOSE = "link"

VERSION = 1
CLAIM = struct.Struct(">B16s16sqq")  # version, customer, person, made at, expires at
SIGNATURE = hashlib.sha256().digest_size
LENGTH = CLAIM.size + SIGNATURE  # 81: a multiple of three, so that base64 has one spelling of it
NOBODY = UUID(int=0)
NONSENSE = bytes(LENGTH)
DECOY = Key(bytes(KEY))  # where there is no customer, so that checking takes as long


@dataclass(frozen=True, slots=True)
class Link:
    """What is signed. Whoever has it may read, so it is a credential until it expires."""

    customer: UUID
    person: UUID | None  # None: the overview of the customer
    made_at: datetime
    expires_at: datetime

    def to(self, person: UUID) -> Link:
        """To one person's page, for as long as this one works."""
        return Link(self.customer, person, self.made_at, self.expires_at)


@dataclass(frozen=True, slots=True)
class Opened:
    customer: Customer
    link: Link


def token(link: Link, customer: Key) -> str:
    """108 characters for a URL, overview and person alike."""
    claim = CLAIM.pack(
        VERSION,
        link.customer.bytes,
        (link.person or NOBODY).bytes,
        (link.made_at - EPOCH) // MICROSECOND,
        (link.expires_at - EPOCH) // MICROSECOND,
    )
    return spelled(claim + signature(claim, signing_key(customer)))


def opened(ledger: Ledger, tx: Transaction, written: str) -> Opened | None:
    """
    None for a link that opens nothing, whatever is the matter with it.

    The same work is done for each, so that the time it takes tells nothing either.
    """
    raw = unspelled(written)
    claim, signed = raw[: CLAIM.size], raw[CLAIM.size :]
    found = holder(tx, UUID(bytes=CLAIM.unpack(claim)[1]))
    key = ledger.keys_of(tx, found.customer.id).key if found else DECOY
    genuine = hmac.compare_digest(signature(claim, signing_key(key)), signed)
    if found is None or not genuine:
        return None
    link = link_of(claim)
    return Opened(found.customer, link) if lasts(link, found, tx.now) else None


def lasts(link: Link, found: Holder, now: datetime) -> bool:
    last = min(link.expires_at, link.made_at + LONGEST)
    return now < last and found.counts(link.made_at)


def link_of(claim: bytes) -> Link:
    _, customer, person, made_at, expires_at = CLAIM.unpack(claim)
    return Link(
        UUID(bytes=customer),
        None if person == NOBODY.bytes else UUID(bytes=person),
        EPOCH + made_at * MICROSECOND,
        EPOCH + expires_at * MICROSECOND,
    )


def signing_key(customer: Key) -> bytes:
    """It dies with the customer's key."""
    return customer.derive(PURPOSE)


def signature(claim: bytes, key: bytes) -> bytes:
    return hmac.digest(key, claim, hashlib.sha256)


def spelled(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode()


def unspelled(written: str) -> bytes:
    """Nonsense for whatever is not spelled as we do, another version of this included."""
    try:
        raw = base64.urlsafe_b64decode(written)
    except ValueError:
        return NONSENSE
    ours = len(raw) == LENGTH and raw[0] == VERSION and spelled(raw) == written
    return raw if ours else NONSENSE
