"""What the client was told: the one list from which the judge knows what is due."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from core.connector import Verb
from core.ledger.intake import Accepted, Request


@dataclass(frozen=True, slots=True)
class Promise:
    """A request that was accepted; ``at`` is when the client heard of it."""

    request: Request
    accepted: Accepted
    at: datetime


@dataclass(frozen=True, slots=True)
class Due:
    """What follows from all promises about one person."""

    erased: bool = False  # and did not come back
    subscribed: frozenset[str] = frozenset()
    unsubscribed: frozenset[str] = frozenset()
    email: str | None = None  # in use
    fields: dict[str, str | None] = field(default_factory=dict)


@dataclass
class Promises:
    """``unsure`` counts, by reference, requests of which the client has no answer yet."""

    kept: list[Promise] = field(default_factory=list)
    addresses: dict[str, set[str]] = field(default_factory=dict)  # every one ever told
    unsure: dict[str, int] = field(default_factory=dict)

    def keep(self, promise: Promise) -> None:
        self.kept.append(promise)
        self.know(promise.request)

    def know(self, request: Request) -> None:
        if request.email:
            self.addresses.setdefault(request.reference, set()).add(request.email)

    def of(self, reference: str) -> list[Promise]:
        """In the order of their numbers, which is the order that counts."""
        mine = [one for one in self.kept if one.request.reference == reference]
        return sorted(mine, key=lambda one: one.accepted.seq)

    def due(self, reference: str) -> Due:
        due = Due()
        for one in self.of(reference):
            due = after(due, one.request)
        return due

    def erased_at(self, reference: str) -> datetime | None:
        """When the client last heard that an erasure was accepted."""
        erasures = [one.at for one in self.of(reference) if one.request.verb is Verb.ERASE]
        return max(erasures, default=None)

    def operations(self) -> list[UUID]:
        return [one.accepted.operation for one in self.kept]


def after(due: Due, request: Request) -> Due:
    lists = frozenset(request.lists)
    fields = {**due.fields, **request.fields}
    match request.verb:
        case Verb.ERASE:
            return Due(erased=True)
        case Verb.SUBSCRIBE:
            left = due.unsubscribed - lists
            email = request.email or due.email
            return Due(
                subscribed=due.subscribed | lists, unsubscribed=left, email=email, fields=fields
            )
        case Verb.UNSUBSCRIBE:
            left = due.subscribed - lists
            return Due(due.erased, left, due.unsubscribed | lists, due.email, due.fields)
        case Verb.UPDATE:
            email = request.email or due.email
            return Due(due.erased, due.subscribed, due.unsubscribed, email, fields)
