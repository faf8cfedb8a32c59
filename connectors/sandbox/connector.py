"""
How courseflow-sync talks to a sandbox platform, whatever its habit.

A habit changes what a deletion leaves, never how it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx
from pydantic import BaseModel, Field, SecretStr

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
from core.errors import NotFound, OnlyThePerson, Reconnect, Refused
from core.http import READS

CONTACTS = "contacts"  # the place of who is held and in no list
BLOCKLIST = "blocklist"

PRESENCE = {
    "subscribed": Presence.SUBSCRIBED,
    "unsubscribed": Presence.UNSUBSCRIBED,
    "active": Presence.UNSUBSCRIBED,  # held, and in no list
    "archived": Presence.ARCHIVED,
    "purging": Presence.PURGING,
}

CONFLICTS: Mapping[str, tuple[type[Refused], str]] = {
    "opted_out": (OnlyThePerson, "the person opted out there since; only they can come back"),
    "blocked": (Refused, "the address is on the blocklist there; only its screens can lift that"),
    "email_taken": (Refused, "another contact there has the new address already; merge them"),
}


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
        account = self.http.get("/v1/account").json()
        if "delete" not in account["may"]:
            raise Reconnect("this key may not delete contacts; use one that may")
        return Account(account["id"], account["title"])

    def places(self) -> Sequence[Place]:
        rows = self.http.get("/v1/lists").json()["lists"]
        return [Place(row["id"], row["title"]) for row in rows]

    def translate(self, person: Person) -> Mapping[str, str]:
        fields = {name: value or "" for name, value in person.fields.items()}
        return {"email": person.email, **fields}

    def find(self, who: Identity) -> Sequence[Trace]:
        contacts, blocked = self.held(who)
        return [
            *(trace for contact in contacts for trace in traces(contact)),
            *(Trace(BLOCKLIST, Presence.SUPPRESSED, {"email": row["email"]}) for row in blocked),
        ]

    def subscribe(self, person: Person, place: Place, basis: Basis) -> None:
        """Who opted out is known over there; only a consent given later changes that."""
        consent = basis.given_at.isoformat() if basis.kind is BasisKind.CONSENT else None
        self.save(
            "POST", "/v1/contacts", {**entry(person), "list": place.id, "consent_at": consent}
        )

    def update(self, who: Identity, new: Person) -> None:
        contacts, _ = self.held(who)
        for contact in contacts:
            with suppress(NotFound):
                self.save("PATCH", CONTACT, entry(new), contact=contact["id"])

    def unsubscribe(self, who: Identity, places: Sequence[Place]) -> None:
        contacts, _ = self.held(who)
        wanted = {place.id for place in places}
        for contact in contacts:
            for place in sorted(wanted & contact["lists"].keys()):
                with suppress(NotFound):
                    self.save("POST", REFUSAL, {"list": place}, contact=contact["id"])

    def erase(self, who: Identity) -> None:
        contacts, blocked = self.held(who)
        for contact in contacts:
            with suppress(NotFound):
                self.delete(CONTACT, contact=contact["id"])
        for row in blocked:
            with suppress(NotFound):
                self.delete(BLOCKED, entry=row["id"])

    def held(self, who: Identity) -> tuple[Sequence[Row], Sequence[Row]]:
        """The contacts that are this person's, and the blocklist entries of their addresses."""
        contacts: dict[str, Row] = {}
        blocked: dict[str, Row] = {}
        for name, value in ways_to(who):
            if value in contacts:
                continue  # an address led to it already
            answer = self.search({name: value})
            contacts.update((row["id"], row) for row in answer["contacts"])
            blocked.update((row["id"], row) for row in answer["blocked"])
        return list(contacts.values()), list(blocked.values())

    def search(self, query: Row) -> Row:
        answer = self.http.post(SEARCH, json=query, extensions={**READS, "route": SEARCH})
        found: Row = answer.json()
        return found

    def save(self, method: str, route: str, body: Row, **ids: str) -> None:
        extensions = {"route": route, "tolerates": {409}}
        answer = self.http.request(method, filled(route, ids), json=body, extensions=extensions)
        if answer.status_code == httpx.codes.CONFLICT:
            refusal, why = CONFLICTS[answer.json()["error"]]
            raise refusal(why, status=answer.status_code)

    def delete(self, route: str, **ids: str) -> None:
        self.http.delete(filled(route, ids), extensions={"route": route})


def ways_to(who: Identity) -> Iterator[tuple[str, str]]:
    yield from (("email", email) for email in who.emails)
    yield from (("id", contact) for contact in who.remote_ids)


def filled(route: str, ids: Mapping[str, str]) -> str:
    return route.format(**{name: quote(value, safe="") for name, value in ids.items()})


def entry(person: Person) -> Row:
    return {"email": person.email, "fields": dict(person.fields)}


def traces(contact: Row) -> Iterator[Trace]:
    """One for each list; the contact's own state, when it is leaving, outranks the list's."""
    statuses = {place: row["status"] for place, row in contact["lists"].items()}
    for place, status in (statuses or {CONTACTS: "active"}).items():
        yield Trace(
            place,
            PRESENCE[status if contact["state"] == "active" else contact["state"]],
            {"email": contact["email"], **contact["fields"]},
            remote_id=contact["id"],
            until=contact["until"] and datetime.fromisoformat(contact["until"]),
        )
