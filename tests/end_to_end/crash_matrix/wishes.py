"""What the school asks about its people, as its administration sends it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from core.connector import Verb
from tests.end_to_end.crash_matrix.platform import NEWS


@dataclass(frozen=True, slots=True)
class Member:
    reference: str
    first_name: str
    email: str
    new_email: str

    @property
    def emails(self) -> tuple[str, str]:
        return self.email, self.new_email


ANNA = Member("cf-1", "Anna", "anna@example.nl", "anna.bakker@example.nl")  # there from the start
BERT = Member("cf-2", "Bert", "bert@example.nl", "bert.bakker@example.nl")  # as well
NINA = Member("cf-3", "Nina", "nina@example.nl", "nina.bakker@example.nl")  # a newcomer

Held = tuple[str, str, str, str]  # the address, both names, the state at the list


@dataclass(slots=True)
class Wish:
    """
    One request. ``operation`` is what was answered; None where it was refused, or nobody
    answered (``unanswered``). ``told_at`` is when, by the platform's count.
    """

    who: Member
    verb: Verb
    key: str
    body: str
    changes: dict[str, Any] = field(default_factory=dict)
    operation: UUID | None = None
    unanswered: bool = False
    told_at: int = 0

    def follows(self, held: Held | None) -> Held | None:
        """What the platform is to hold once this was carried over as well."""
        match self.verb:
            case Verb.SUBSCRIBE:
                first, last = self.changes["first_name"], self.changes["last_name"]
                return self.changes["email"], first, last, "subscribed"
            case Verb.UPDATE if held is not None:
                email, first, last, status = held
                last = self.changes.get("last_name", last)
                return self.changes.get("email", email), first, last, status
            case Verb.UNSUBSCRIBE if held is not None:
                return *held[:3], "unsubscribed"
            case Verb.ERASE:
                return None
            case _:
                return held


def wish(who: Member, verb: Verb, number: int, now: datetime, **changes: Any) -> Wish:
    body: dict[str, Any] = {"verb": verb}
    match verb:
        case Verb.SUBSCRIBE:
            changes = {"email": who.email, "first_name": who.first_name, "last_name": "de Vries"}
            basis = {"kind": "consent", "id": f"form-{number}", "given_at": now.isoformat()}
            body |= {"lists": [NEWS], "basis": {**basis, "source": "form"}}
        case Verb.UNSUBSCRIBE:
            body |= {"lists": [NEWS]}
        case Verb.ERASE:
            changes = {"email": who.email}
        case Verb.UPDATE:
            pass
    body["person"] = {"reference": who.reference, **changes}
    return Wish(who, verb, f"key-{number}", json.dumps(body), changes)


def wanted(wishes: Iterable[Wish]) -> Held | None:
    """What the platform is to hold once all of these, in order, were carried over."""
    held: Held | None = None
    for one in wishes:
        held = one.follows(held)
    return held
