"""What an imitated Mailchimp account holds, by Mailchimp's rules."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

STATUSES = {"subscribed", "unsubscribed", "cleaned", "pending", "transactional"}
LINKS = ("self", "parent", "update", "upsert", "delete", "activity", "goals", "notes", "events")


class Problem(Exception):
    """Mailchimp's no, as a problem document."""

    def __init__(self, status: int, title: str, detail: str = "") -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.detail = detail


def not_found() -> Problem:
    return Problem(404, "Resource Not Found", "The requested resource could not be found.")


def key_of(email: str) -> str:
    return hashlib.md5(email.lower().encode(), usedforsecurity=False).hexdigest()


@dataclass
class Member:
    contact_id: str
    web_id: int
    email: str
    status: str
    merge_fields: dict[str, Any]
    changed: datetime
    own_doing: bool = False  # opted out by the person, or bounced: the API cannot undo it

    @property
    def hash(self) -> str:
        return key_of(self.email)


@dataclass
class Audience:
    id: str
    name: str
    double_optin: bool = False
    tags: tuple[str, ...] = ("FNAME", "LNAME")
    members: dict[str, Member] = field(default_factory=dict)  # by hash
    forgotten: set[str] = field(default_factory=set)

    contacts: dict[str, Member] = field(default_factory=dict)  # the same, by contact id

    def held(self, key: str) -> Member:
        """By hash or contact id."""
        member = self.members.get(key) or self.contacts.get(key)
        if member is None:
            raise not_found()
        return member

    def keep(self, member: Member) -> None:
        self.members[member.hash] = self.contacts[member.contact_id] = member

    def drop(self, member: Member) -> None:
        del self.members[member.hash], self.contacts[member.contact_id]


class Account:
    """``keys`` maps each API key to its user's role."""

    def __init__(
        self, keys: Mapping[str, str], audiences: Iterable[Audience], now: Callable[[], datetime]
    ) -> None:
        self.id = "8d3a3db4d97663a9074efcc16"
        self.name = "De Verfschuur"
        self.keys = dict(keys)
        self.audiences = {audience.id: audience for audience in audiences}
        self.now = now
        self.numbers = count(1)

    def audience(self, audience: str) -> Audience:
        try:
            return self.audiences[audience]
        except KeyError:
            raise not_found() from None

    def join(
        self, audience: str, email: str, status: str = "subscribed", **merge_fields: Any
    ) -> Member:
        """A person, or the school, makes an entry in the screens."""
        there, number = self.audience(audience), next(self.numbers)
        contact = hashlib.md5(f"contact-{number}".encode(), usedforsecurity=False).hexdigest()
        fields = {**dict.fromkeys(there.tags, ""), **merge_fields}
        member = Member(contact, number, email, status, fields, self.now())
        there.forgotten.discard(member.hash)
        there.keep(member)
        return member

    def move(self, audience: str, old: str, new: str) -> None:
        """The person changes the address in Mailchimp's own preferences."""
        there = self.audience(audience)
        member = there.held(key_of(old))
        there.drop(member)
        member.email, member.changed = new, self.now()
        there.keep(member)

    def becomes(self, audience: str, email: str, status: str) -> None:
        """By the person's own doing, or a bounce."""
        member = self.audience(audience).held(key_of(email))
        member.status, member.changed, member.own_doing = status, self.now(), True

    def add_new(self, audience: str, body: Mapping[str, Any]) -> Member:
        there, email = self.audience(audience), body["email_address"]
        if key_of(email) in there.members:
            detail = f"{email} is already a list member. Use PUT to insert or update list members."
            raise Problem(400, "Member Exists", detail)
        return self.add(there, email, body["status"], body)

    def put(self, audience: str, key: str, body: Mapping[str, Any]) -> Member:
        there = self.audience(audience)
        try:
            member = there.held(key)
        except Problem:
            return self.add(there, body["email_address"], body["status_if_new"], body)
        return self.take(there, member, body)

    def patch(self, audience: str, key: str, body: Mapping[str, Any]) -> Member:
        there = self.audience(audience)
        return self.take(there, there.held(key), body)

    def add(self, there: Audience, email: str, status: str, body: Mapping[str, Any]) -> Member:
        self.check_address(there, email)
        member = self.join(there.id, email, status)
        return self.take(there, member, {"merge_fields": body.get("merge_fields", {})})

    def check_address(self, there: Audience, email: str) -> None:
        local_part = email.partition("@")[0]
        if key_of(email) in there.forgotten:
            detail = f"{email} was permanently deleted and cannot be re-imported."
            raise Problem(400, "Forgotten Email Not Subscribed", detail)
        if local_part == "everywhere":
            detail = f"{email} has signed up to a lot of lists very recently; not adding."
            raise Problem(400, "Invalid Resource", detail)
        if local_part == "fake":
            raise Problem(400, "Invalid Resource", f"{email} looks fake or invalid.")

    def take(self, there: Audience, member: Member, body: Mapping[str, Any]) -> Member:
        email, status = body.get("email_address", member.email), body.get("status", member.status)
        self.check_status(member, status)
        if key_of(email) != member.hash:
            self.check_address(there, email)
            if key_of(email) in there.members:
                raise Problem(400, "Member Exists", f"{email} is already a list member.")
            there.drop(member)
        member.email, member.status, member.changed = email, status, self.now()
        there.keep(member)
        for tag, value in body.get("merge_fields", {}).items():
            if tag in there.tags and value is not None:  # any other is dropped without a word
                member.merge_fields[tag] = value
        return member

    def check_status(self, member: Member, status: str) -> None:
        if status == member.status:
            return
        if status not in STATUSES:
            raise Problem(400, "Invalid Resource", "a status that is no status")
        if member.own_doing and (status == "subscribed" or member.status == "cleaned"):
            detail = f"{member.email} is in a compliance state."
            raise Problem(400, "Member In Compliance State", detail)

    def archive(self, audience: str, key: str) -> None:
        member = self.audience(audience).held(key)
        if member.status in {"archived", "cleaned", "pending"}:
            raise Problem(405, "Method Not Allowed", "This list member cannot be removed.")
        member.status, member.changed = "archived", self.now()

    def forget(self, audience: str, key: str) -> None:
        there = self.audience(audience)
        member = there.held(key)
        there.drop(member)
        there.forgotten.add(member.hash)

    def batch(self, audience: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Who is archived comes back; who is unsubscribed is left out in silence."""
        there, seen = self.audience(audience), set[str]()
        said: dict[str, Any] = {"new_members": [], "updated_members": [], "errors": []}
        for row in body["members"]:
            try:
                self.add_one(there, row, seen, said)
            except Problem as no:
                error = {"error": no.detail, "error_code": no.title, "field": ""}
                said["errors"].append({"email_address": row["email_address"], **error})
        totals = {"total_created": len(said["new_members"]), "error_count": len(said["errors"])}
        return {**said, **totals, "total_updated": len(said["updated_members"])}

    def add_one(
        self, there: Audience, row: Mapping[str, Any], seen: set[str], said: dict[str, Any]
    ) -> None:
        email, key = row["email_address"], key_of(row["email_address"])
        known = there.members.get(key)
        if key in seen:
            raise Problem(400, "ERROR_GENERIC", f"{email} is twice in this batch.")
        seen.add(key)
        if known is None:
            said["new_members"].append(shown(there, self.add(there, email, row["status"], row)))
        elif known.status == "archived":
            said["updated_members"].append(shown(there, self.take(there, known, row)))
        elif known.status != "unsubscribed":
            raise Problem(400, "ERROR_CONTACT_EXISTS", f"{email} is there already.")


def shown(audience: Audience, member: Member) -> dict[str, Any]:
    """A member as Mailchimp gives one when nobody asks for less."""
    address = f"https://us21.api.mailchimp.com/3.0/lists/{audience.id}/members/{member.hash}"
    schema = "https://us21.api.mailchimp.com/schema/3.0/Definitions/Lists/Members/Response.json"
    return {
        "id": member.hash,
        "email_address": member.email,
        "unique_email_id": member.contact_id[:10],
        "contact_id": member.contact_id,
        "full_name": " ".join(map(str, list(member.merge_fields.values())[:2])).strip(),
        "web_id": member.web_id,
        "email_type": "html",
        "status": member.status,
        "consents_to_one_to_one_messaging": True,
        "merge_fields": dict(member.merge_fields),
        "interests": {},
        "stats": {"avg_open_rate": 0.25, "avg_click_rate": 0.5},
        "ip_signup": "",
        "timestamp_signup": "",
        "ip_opt": "198.51.100.7",
        "timestamp_opt": member.changed.isoformat(timespec="seconds"),
        "member_rating": 2,
        "last_changed": member.changed.isoformat(timespec="seconds"),
        "language": "",
        "vip": False,
        "email_client": "",
        "location": {"latitude": 0, "longitude": 0, "gmtoff": 0, "country_code": ""},
        "source": "API - Generic",
        "tags_count": 0,
        "tags": [],
        "list_id": audience.id,
        "_links": [
            {"rel": rel, "href": address, "method": "GET", "targetSchema": schema, "schema": schema}
            for rel in LINKS
        ],
    }
