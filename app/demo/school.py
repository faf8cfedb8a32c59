"""Remembers what the invented school asked, apart from the ledger that is to be checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from core.connector import Verb
from core.ledger import Ledger, intake
from core.ledger.customers import Customer
from core.ledger.intake import Accepted, Outcome, Request


@dataclass(slots=True)
class Known:
    """
    One person as the school means it. ``emails`` is every address ever used, newest first,
    those included that the product was never told of.
    """

    reference: str
    person: UUID
    email: str = ""
    emails: list[str] = field(default_factory=list)
    fields: dict[str, str | None] = field(default_factory=dict)
    lists: dict[str, bool] = field(default_factory=dict)  # subscribed, or unsubscribed
    erased: bool = False

    @property
    def name(self) -> str:
        parts = (self.fields.get(key) for key in ("first_name", "last_name"))
        return " ".join(part for part in parts if part)

    def met(self, email: str) -> None:
        """An address of this person's, told to us or not."""
        self.emails = list(dict.fromkeys((email, *self.emails)))

    def follow(self, request: Request) -> None:
        if request.email is not None:
            self.email = request.email
            self.met(request.email)
        self.fields.update(request.fields)
        match request.verb:
            case Verb.SUBSCRIBE:
                self.lists.update(dict.fromkeys(request.lists, True))
            case Verb.UNSUBSCRIBE:
                self.lists.update(dict.fromkeys(request.lists, False))
            case Verb.ERASE:
                self.erased = True
            case Verb.UPDATE:
                pass


@dataclass(slots=True)
class School:
    ledger: Ledger
    customer: Customer
    people: dict[str, Known] = field(default_factory=dict)  # by reference
    accepted: list[Accepted] = field(default_factory=list)
    refused: list[Request] = field(default_factory=list)

    def ask(self, requests: Sequence[Request]) -> None:
        self.take(self.ledger, self.customer, requests)

    def take(
        self, ledger: Ledger, customer: Customer, requests: Sequence[Request]
    ) -> list[Outcome]:
        """The intake, watched: what it accepted is what counts from now on."""
        outcomes = intake.accept(ledger, customer, requests)
        for request, outcome in zip(requests, outcomes, strict=True):
            if isinstance(outcome, Accepted):
                self.accepted.append(outcome)
                self.one(request.reference, outcome.person).follow(request)
            else:
                self.refused.append(request)
        return outcomes

    def one(self, reference: str, person: UUID) -> Known:
        return self.people.setdefault(reference, Known(reference, person))

    def reference_of(self, person: UUID) -> str:
        return next(one.reference for one in self.people.values() if one.person == person)

    def users(self) -> Mapping[str, Sequence[Known]]:
        """Who uses an address, of those who were not erased."""
        found: dict[str, list[Known]] = {}
        for one in self.people.values():
            for email in () if one.erased else one.emails:
                found.setdefault(email, []).append(one)
        return found
