"""A contact as the imitated platform keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from connectors.sandbox.exchange import Refusal


@dataclass(frozen=True, slots=True)
class Membership:
    status: str  # "subscribed" or "unsubscribed"
    opted_out_at: str | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """One address, one contact. The id stays when the address changes."""

    id: str
    email: str
    fields: Mapping[str, str] = field(default_factory=lambda: {"first_name": "", "last_name": ""})
    lists: Mapping[str, Membership] = field(default_factory=dict)
    state: str = "active"  # or "archived", "purging"
    until: str | None = None  # with "purging": when it will be gone

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> Self:
        lists = {place: Membership(**row) for place, row in record["lists"].items()}
        return cls(**{**record, "lists": lists})

    def revived(self) -> Contact:
        """Whoever comes back starts afresh, except that a refusal is remembered."""
        if self.state == "active":
            return self
        refusals = {place: row for place, row in self.lists.items() if row.opted_out_at}
        return Contact(self.id, self.email, lists=refusals)

    def refuses(self, place: str, consent_at: datetime | None) -> bool:
        row = self.lists.get(place)
        if row is None or row.opted_out_at is None:
            return False
        return consent_at is None or consent_at <= datetime.fromisoformat(row.opted_out_at)


@dataclass(frozen=True, slots=True)
class Blocked:
    """An address that gets no mail whatever the lists say."""

    id: str
    email: str


def same(email: str) -> str:
    """Two addresses with the same answer are one address to this platform."""
    return email.strip().casefold()


def address(email: str) -> str:
    if "@" not in email:
        raise Refusal(422, "email")
    return email


def merged(contact: Contact, fields: Mapping[str, str | None]) -> Mapping[str, str]:
    """An absent field keeps its value, None empties it."""
    return {**contact.fields, **{name: value or "" for name, value in fields.items()}}
