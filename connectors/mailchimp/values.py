"""What Mailchimp's answers say, checked as they come in."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from core.connector import Place, Presence, Trace
from core.errors import Unreadable


class Status(StrEnum):
    SUBSCRIBED = "subscribed"
    PENDING = "pending"
    UNSUBSCRIBED = "unsubscribed"
    CLEANED = "cleaned"  # mail to it bounced
    ARCHIVED = "archived"  # hides whether it was subscribed (MailChimp.Net#529, read 2026-11)
    TRANSACTIONAL = "transactional"  # known from a purchase; never asked for newsletters


PRESENCE = {
    Status.SUBSCRIBED: Presence.SUBSCRIBED,
    Status.PENDING: Presence.PENDING,
    Status.UNSUBSCRIBED: Presence.UNSUBSCRIBED,
    Status.CLEANED: Presence.SUPPRESSED,
    Status.ARCHIVED: Presence.ARCHIVED,
    Status.TRANSACTIONAL: Presence.UNSUBSCRIBED,
}
MAILED = frozenset({Status.SUBSCRIBED, Status.PENDING})

# All that is asked for of a member; a whole one is some 4 kB.
ASKED_FOR = (
    "id",
    "contact_id",
    "web_id",
    "email_address",
    "status",
    "merge_fields",
    "last_changed",
)


@dataclass(frozen=True, slots=True)
class Audience(Place):
    double_optin: bool


@dataclass(frozen=True, slots=True)
class Member:
    """One audience's own copy of a person. ``merge_fields`` are by merge tag."""

    audience: str
    hash: str
    contact_id: str
    web_id: str
    email: str
    status: Status
    merge_fields: Mapping[str, str]
    last_changed: datetime

    def trace(self, names: Mapping[str, str]) -> Trace:
        """``names`` are ours by merge tag. A field that is not ours keeps its tag, if filled."""
        fields = {
            names.get(tag, tag): value
            for tag, value in self.merge_fields.items()
            if value or tag in names
        }
        return Trace(
            self.audience,
            PRESENCE[self.status],
            {"email": self.email, **fields},
            remote_id=f"{self.contact_id}.{self.web_id}",
        )


def key_of(email: str) -> str:
    """What Mailchimp calls the subscriber hash."""
    return hashlib.md5(email.lower().encode(), usedforsecurity=False).hexdigest()


def contact_in(remote_id: str) -> str:
    return remote_id.partition(".")[0]


def web_id_in(remote_id: str) -> str:
    return remote_id.partition(".")[2]


# By hand: pydantic would take several times as long, for the hundreds in an answer.
def member(audience: str, row: Any) -> Member:
    try:
        return Member(
            audience,
            text(row["id"]),
            text(row["contact_id"]),
            str(row["web_id"]),
            text(row["email_address"]).lower(),
            Status(row["status"]),
            {tag: shown(value) for tag, value in row["merge_fields"].items()},
            moment(row["last_changed"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError):  # its text may quote the answer
        pass
    raise Unreadable("not a member as Mailchimp gives one")


def audience(row: Any) -> Audience:
    try:
        return Audience(text(row["id"]), text(row["name"]), bool(row["double_optin"]))
    except (KeyError, TypeError):  # as above
        pass
    raise Unreadable("not an audience as Mailchimp gives one")


def rows(answer: Any, name: str) -> list[Mapping[str, Any]]:
    """The list called ``name`` in an answer."""
    found = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise Unreadable(f"an answer from Mailchimp without {name}")
    return found


def number(answer: Any, name: str) -> int:
    found = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(found, int) or found < 0:
        raise Unreadable(f"an answer from Mailchimp without {name}")
    return found


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def moment(value: Any) -> datetime:
    """Raises ValueError where it does not say its zone."""
    found = datetime.fromisoformat(value)
    if found.tzinfo is None:
        raise ValueError
    return found


def shown(value: Any) -> str:
    """A merge field as text: a number without a needless fraction, an address in one line."""
    match value:
        case str():
            return value
        case None:
            return ""
        case dict():
            return ", ".join(part for part in map(shown, value.values()) if part)
        case int() | float():
            return str(int(value) if value == int(value) else value)
        case _:
            raise TypeError
