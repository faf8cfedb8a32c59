"""What the imitated platform really holds about people, rebuilt from its journal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import uuid4

from connectors.sandbox.contact import Blocked, Contact, Membership, address, merged, same
from connectors.sandbox.exchange import Refusal
from connectors.sandbox.journal import Journal

GRACE_IN_DAYS = 30


class Habit(StrEnum):
    """What the platform's API makes of a deletion."""

    ARCHIVES = "archives"  # hides it; only a human in the screens can delete
    THIRTY_DAYS = "thirty-days"  # deletes it then, and shows it until then
    FLAKY = "flaky"  # deletes it at once, when it answers at all
    BY_HAND = "by-hand"  # has no API


class Contacts:
    """Every change is in the journal before it is in here. One caller at a time."""

    def __init__(
        self,
        habit: Habit,
        lists: Mapping[str, str],
        journal: Journal,
        *,
        day: timedelta = timedelta(days=1),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.habit = habit
        self.lists = lists
        self.journal = journal
        self.day = day
        self.now = now
        self.held: dict[str, Contact] = {}
        self.by_email: dict[str, str] = {}
        self.leaving: dict[str, datetime] = {}
        self.blocklist: dict[str, Blocked] = {}
        for record in journal.records():
            self.recall(record)

    def search(self, *, email: str = "", contact: str = "") -> list[Contact]:
        """By address or by id; archived and purging contacts too."""
        known = self.held.get(contact or self.by_email.get(same(email), ""))
        return [known] if known else []

    def blocked(self, emails: Iterable[str]) -> list[Blocked]:
        wanted = {same(email) for email in emails}
        return [entry for entry in self.blocklist.values() if same(entry.email) in wanted]

    def upsert(
        self,
        email: str,
        fields: Mapping[str, str | None],
        place: str | None,
        consent_at: datetime | None,
    ) -> Contact:
        """Create or complete, at a list or at none. An absent field keeps its value."""
        if place is not None and place not in self.lists:
            raise Refusal(422, "unknown_list")
        if self.blocked([address(email)]):
            raise Refusal(409, "blocked")
        known = self.known(email) or Contact(uuid4().hex, email)
        if place and known.refuses(place, consent_at):
            raise Refusal(409, "opted_out")
        fresh = known.revived()
        lists = {**fresh.lists, **({place: Membership("subscribed")} if place else {})}
        return self.hold(replace(fresh, email=email, fields=merged(fresh, fields), lists=lists))

    def change(self, contact: str, email: str | None, fields: Mapping[str, str | None]) -> Contact:
        held = self.one(contact)
        email = held.email if email is None else address(email)
        other = self.known(email)
        if other and other.id != contact:
            raise Refusal(409, "email_taken")
        return self.hold(replace(held, email=email, fields=merged(held, fields)))

    def unsubscribe(self, contact: str, place: str) -> Contact:
        """Remember the refusal. Whoever is not on the list stays so."""
        held = self.one(contact)
        if place not in held.lists:
            return held
        refusal = Membership("unsubscribed", opted_out_at=self.now().isoformat())
        return self.hold(replace(held, lists={**held.lists, place: refusal}))

    def delete(self, contact: str) -> Contact | None:
        """What this platform's API calls deleting; None when the contact is really gone."""
        held = self.one(contact)
        match self.habit:
            case Habit.ARCHIVES:
                return self.hold(replace(held, state="archived"))
            case Habit.THIRTY_DAYS:
                until = held.until or (self.now() + GRACE_IN_DAYS * self.day).isoformat()
                return self.hold(replace(held, state="purging", until=until))
            case Habit.FLAKY:
                self.drop(contact)
                return None
            case Habit.BY_HAND:
                raise Refusal(404, "no_api")

    def drop(self, contact: str) -> None:
        """Really delete, as a human in the screens can and time does."""
        self.one(contact)
        self.journal.write("dropped", contact=contact)
        self.forget(contact)

    def drop_due(self) -> None:
        for contact in [key for key, until in self.leaving.items() if until <= self.now()]:
            self.drop(contact)

    def block(self, email: str) -> None:
        if not self.blocked([address(email)]):
            entry = Blocked(uuid4().hex, email)
            self.journal.write("blocked", entry=asdict(entry))
            self.blocklist[entry.id] = entry

    def unblock(self, entry: str) -> None:
        if entry not in self.blocklist:
            raise Refusal(404, "unknown_entry")
        self.journal.write("unblocked", entry=entry)
        del self.blocklist[entry]

    def hold(self, contact: Contact) -> Contact:
        self.journal.write("holds", contact=asdict(contact))
        self.remember(contact)
        return contact

    def one(self, contact: str) -> Contact:
        if contact not in self.held:
            raise Refusal(404, "unknown_contact")
        return self.held[contact]

    def known(self, email: str) -> Contact | None:
        return next(iter(self.search(email=email)), None)

    def recall(self, record: Mapping[str, Any]) -> None:
        match record["what"]:
            case "holds":
                self.remember(Contact.read(record["contact"]))
            case "dropped":
                self.forget(record["contact"])
            case "blocked":
                self.blocklist[record["entry"]["id"]] = Blocked(**record["entry"])
            case "unblocked":
                del self.blocklist[record["entry"]]
            case _:
                pass  # calls and answers, which change nothing by themselves

    def remember(self, contact: Contact) -> None:
        if contact.id in self.held:
            self.forget(contact.id)
        self.held[contact.id] = contact
        self.by_email[same(contact.email)] = contact.id
        if contact.until:
            self.leaving[contact.id] = datetime.fromisoformat(contact.until)

    def forget(self, contact: str) -> None:
        del self.by_email[same(self.held.pop(contact).email)]
        self.leaving.pop(contact, None)
