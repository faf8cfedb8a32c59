"""
How courseflow-sync talks to a sandbox platform, whatever its habit.

A habit changes what a deletion leaves, never how it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any
from urllib.parse import quote

import httpx
from pydantic import BaseModel, Field, SecretStr

from connectors.sandbox.contact import same
from connectors.sandbox.values import (
    Access,
    Blocked,
    Contact,
    Held,
    Lists,
    Refusal,
    State,
    Status,
    parsed,
)
from core.connector import (
    Account,
    Basis,
    BasisKind,
    Connector,
    Identity,
    Person,
    Place,
    Presence,
    Trace,
)
from core.errors import OnlyThePerson, OutcomeUnknown, Reconnect, Refused, Unreadable
from core.http import READS

CONTACTS = "contacts"  # the place of who is held and in no list
BLOCKLIST = "blocklist"

PRESENCE = {
    Status.SUBSCRIBED: Presence.SUBSCRIBED,
    Status.UNSUBSCRIBED: Presence.UNSUBSCRIBED,
}
LEAVING = {State.ARCHIVED: Presence.ARCHIVED, State.PURGING: Presence.PURGING}

CONFLICTS: Mapping[str, tuple[type[Refused], str]] = {
    "opted_out": (OnlyThePerson, "the person opted out there since; only they can come back"),
    "blocked": (Refused, "the address is on the blocklist there; only its screens can lift that"),
    "email_taken": (Refused, "another contact there has the new address already; merge them"),
}
CONFLICT = frozenset({httpx.codes.CONFLICT.value})
NOT_FOUND = frozenset({httpx.codes.NOT_FOUND.value})
ABSENT = frozenset({"unknown_contact", "unknown_entry"})

SEARCH = "/v1/contacts/search"
CONTACT = "/v1/contacts/{contact}"
REFUSAL = "/v1/contacts/{contact}/unsubscribe"
BLOCKED = "/v1/blocklist/{entry}"

Row = Mapping[str, Any]


class Settings(BaseModel):
    base_url: str = Field(title="Adres / Address", examples=["http://127.0.0.1:8801"])
    api_key: SecretStr = Field(title="API-sleutel / API key", min_length=1)


class Sandbox(Connector[Settings]):
    """A sandbox platform that has an API."""

    settings_model = Settings

    def __init__(self, settings: Settings, http: httpx.Client) -> None:
        super().__init__(settings, http)
        http.headers["Authorization"] = f"Bearer {settings.api_key.get_secret_value()}"

    @classmethod
    def base_url(cls, settings: Settings) -> str:
        try:
            url = httpx.URL(settings.base_url)
        except httpx.InvalidURL as error:
            raise Refused("the address of the sandbox is not a web address") from error
        if url.scheme not in {"http", "https"} or not url.host or url.userinfo:
            raise Refused("the address of the sandbox must look like http://127.0.0.1:8801")
        return settings.base_url

    def check(self) -> Account:
        account = parsed(Access, self.http.get("/v1/account"))
        if "delete" not in account.may:
            raise Reconnect("this key may not delete contacts; use one that may")
        return Account(account.id, account.title)

    def places(self) -> Sequence[Place]:
        listed = parsed(Lists, self.http.get("/v1/lists"))
        return [Place(each.id, each.title) for each in listed.lists]

    def translate(self, person: Person) -> Mapping[str, str]:
        fields = {name: value or "" for name, value in person.fields.items()}
        return {"email": person.email, **fields}

    def find(self, who: Identity) -> Sequence[Trace]:
        contacts, blocked = self.held(who)
        return [
            *(trace for contact in contacts for trace in traces(contact)),
            *(Trace(BLOCKLIST, Presence.SUPPRESSED, {"email": row.email}) for row in blocked),
        ]

    def subscribe(self, person: Person, place: Place, basis: Basis) -> None:
        """Who opted out is known over there; only a consent given later changes that."""
        consent = basis.given_at.isoformat() if basis.kind is BasisKind.CONSENT else None
        body = {**entry(person), "list": place.id, "consent_at": consent}
        said = self.change("POST", "/v1/contacts", body, tolerates=CONFLICT)
        if same(parsed(Contact, said, OutcomeUnknown).email) != same(person.email):
            raise OutcomeUnknown("an answer about somebody else")

    def update(self, who: Identity, new: Person) -> None:
        contacts, _ = self.held(who)
        for contact in contacts:
            self.about(contact, self.change("PATCH", CONTACT, entry(new), contact=contact.id))

    def unsubscribe(self, who: Identity, places: Sequence[Place]) -> None:
        contacts, _ = self.held(who)
        wanted = {place.id for place in places}
        for contact in contacts:
            for place in sorted(wanted & contact.lists.keys()):
                said = self.change("POST", REFUSAL, {"list": place}, contact=contact.id)
                self.about(contact, said)

    def erase(self, who: Identity) -> None:
        contacts, blocked = self.held(who)
        for contact in contacts:
            said = self.change("DELETE", CONTACT, contact=contact.id)
            if not is_gone(said):
                self.about(contact, said)
        for row in blocked:
            if not is_gone(self.change("DELETE", BLOCKED, entry=row.id)):
                raise OutcomeUnknown("an answer that the sandbox does not give to a deletion")

    def held(self, who: Identity) -> tuple[Sequence[Contact], Sequence[Blocked]]:
        """The contacts that are this person's, and the blocklist entries of their addresses."""
        contacts: dict[str, Contact] = {}
        blocked: dict[str, Blocked] = {}
        for name, value in ways_to(who):
            if value in contacts:
                continue  # an address led to it already
            answer = self.search({name: value})
            check_about(value, answer)
            contacts.update((row.id, row) for row in answer.contacts)
            blocked.update((row.id, row) for row in answer.blocked)
        return list(contacts.values()), list(blocked.values())

    def search(self, query: Row) -> Held:
        extensions = {**READS, "route": SEARCH}
        return parsed(Held, self.http.post(SEARCH, json=query, extensions=extensions))

    def change(
        self,
        method: str,
        route: str,
        body: Row | None = None,
        *,
        tolerates: AbstractSet[int] = CONFLICT | NOT_FOUND,
        **ids: str,
    ) -> httpx.Response:
        """The answer of a success, or to what is not there any more. Raises what else it says."""
        extensions = {"route": route, "tolerates": tolerates}
        answer = self.http.request(method, filled(route, ids), json=body, extensions=extensions)
        if answer.is_success:
            return answer
        word = parsed(Refusal, answer).error
        if answer.status_code == httpx.codes.NOT_FOUND and word in ABSENT:
            return answer
        if word not in CONFLICTS:
            raise Unreadable("a refusal that is not the sandbox's", status=answer.status_code)
        refusal, why = CONFLICTS[word]
        raise refusal(why, status=answer.status_code)

    def about(self, contact: Contact, answer: httpx.Response) -> None:
        """Absent is success."""
        if answer.is_success and parsed(Contact, answer, OutcomeUnknown).id != contact.id:
            raise OutcomeUnknown("an answer about somebody else")


def is_gone(answer: httpx.Response) -> bool:
    return answer.status_code in {httpx.codes.NO_CONTENT, httpx.codes.NOT_FOUND}


def ways_to(who: Identity) -> Iterator[tuple[str, str]]:
    yield from (("email", email) for email in who.emails)
    yield from (("id", contact) for contact in who.remote_ids)


def check_about(value: str, answer: Held) -> None:
    """Raises Unreadable: what is found of somebody else would be changed or erased."""
    asked = same(value)
    theirs = {asked, *(same(row.email) for row in answer.contacts)}
    found = all(value == row.id or asked == same(row.email) for row in answer.contacts)
    if not found or any(same(row.email) not in theirs for row in answer.blocked):
        raise Unreadable("an answer about somebody else")


def filled(route: str, ids: Mapping[str, str]) -> str:
    return route.format(**{name: quote(value, safe="") for name, value in ids.items()})


def entry(person: Person) -> Row:
    return {"email": person.email, "fields": dict(person.fields)}


def traces(contact: Contact) -> Iterator[Trace]:
    """One for each list; the contact's own state, when it is leaving, outranks the list's."""
    shown = {place: PRESENCE[row.status] for place, row in contact.lists.items()}
    for place, presence in (shown or {CONTACTS: Presence.UNSUBSCRIBED}).items():
        yield Trace(
            place,
            LEAVING.get(contact.state, presence),
            {"email": contact.email, **contact.fields},
            remote_id=contact.id,
            until=contact.until,
        )
