"""
The imitated platform's API: which call does what, for whom.

    GET    /v1/account                       who am I, and what may this key do
    GET    /v1/lists
    POST   /v1/contacts/search               {email} or {id}; no address is ever in a URL
    POST   /v1/contacts                      {email, fields, list, consent_at}
    PATCH  /v1/contacts/{id}                 {email, fields}; absent keeps, null clears
    POST   /v1/contacts/{id}/unsubscribe     {list}
    DELETE /v1/contacts/{id}                 does what the platform's habit is
    DELETE /v1/blocklist/{id}

A refusal is {"error": word}: 409 opted_out, blocked or email_taken; 422 names what is wrong.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from hmac import compare_digest
from typing import Any

from connectors.sandbox.contacts import Contacts, Habit
from connectors.sandbox.exchange import Answer, Call, Refusal, said

RIGHTS = ("read", "write", "delete")


@dataclass(frozen=True, slots=True)
class Account:
    """``keys`` maps each key to what it may do."""

    id: str
    title: str
    keys: Mapping[str, tuple[str, ...]]

    def rights(self, authorization: str) -> tuple[str, ...]:
        for key, rights in self.keys.items():
            if compare_digest(authorization.encode(), f"Bearer {key}".encode()):
                return rights
        raise Refusal(401, "unknown_key")


@dataclass(frozen=True, slots=True)
class Request:
    """A call whose caller is known and whose body is JSON."""

    rights: tuple[str, ...]
    id: str
    body: Mapping[str, Any]

    def text(self, name: str) -> str:
        value = self.body.get(name, "")
        if not isinstance(value, str):
            raise Refusal(422, name)
        return value

    def fields(self) -> Mapping[str, str | None]:
        fields = self.body.get("fields", {})
        if not isinstance(fields, dict):
            raise Refusal(422, "fields")
        if not all(isinstance(value, str | None) for value in fields.values()):
            raise Refusal(422, "fields")
        return fields

    def moment(self, name: str) -> datetime | None:
        if self.body.get(name) is None:
            return None
        try:
            moment = datetime.fromisoformat(self.text(name))
        except ValueError as error:
            raise Refusal(422, name) from error
        if moment.tzinfo is None:
            raise Refusal(422, name)
        return moment


class Api:
    def __init__(self, account: Account, contacts: Contacts) -> None:
        self.account = account
        self.contacts = contacts

    def answer(self, call: Call) -> Answer:
        try:
            return self.route(call)
        except Refusal as refusal:
            return refusal.answer()

    def route(self, call: Call) -> Answer:
        if self.contacts.habit is Habit.BY_HAND:
            raise Refusal(404, "no_api")
        rights = self.account.rights(call.authorization)
        for method, path, right, action in ROUTES:
            match = re.fullmatch(path, call.path)
            if match and method == call.method:
                if right not in rights:
                    raise Refusal(403, f"may_not_{right}")
                return action(self, Request(rights, "".join(match.groups()), parsed(call.body)))
        raise Refusal(404, "unknown_call")

    def show_account(self, request: Request) -> Answer:
        account = {"id": self.account.id, "title": self.account.title}
        return said(200, {**account, "may": request.rights})

    def show_lists(self, _: Request) -> Answer:
        rows = [{"id": key, "title": title} for key, title in self.contacts.lists.items()]
        return said(200, {"lists": rows})

    def search(self, request: Request) -> Answer:
        """Everything that is held: the contact, and the blocklist entries of its address."""
        email = request.text("email")
        found = self.contacts.search(email=email, contact=request.text("id"))
        blocked = self.contacts.blocked([email, *(contact.email for contact in found)])
        return said(
            200,
            {"contacts": list(map(asdict, found)), "blocked": list(map(asdict, blocked))},
        )

    def upsert(self, request: Request) -> Answer:
        contact = self.contacts.upsert(
            request.text("email"),
            request.fields(),
            request.text("list") or None,
            request.moment("consent_at"),
        )
        return said(200, asdict(contact))

    def change(self, request: Request) -> Answer:
        email = request.text("email") if "email" in request.body else None
        return said(200, asdict(self.contacts.change(request.id, email, request.fields())))

    def unsubscribe(self, request: Request) -> Answer:
        return said(200, asdict(self.contacts.unsubscribe(request.id, request.text("list"))))

    def delete(self, request: Request) -> Answer:
        left = self.contacts.delete(request.id)
        return said(202, asdict(left)) if left else Answer(204)

    def unblock(self, request: Request) -> Answer:
        self.contacts.unblock(request.id)
        return Answer(204)


def parsed(body: str) -> Mapping[str, Any]:
    try:
        value = json.loads(body or "{}")
    except ValueError as error:
        raise Refusal(400, "not_json") from error
    if not isinstance(value, dict):
        raise Refusal(400, "not_an_object")
    return value


ROUTES: tuple[tuple[str, str, str, Callable[[Api, Request], Answer]], ...] = (
    ("GET", r"/v1/account", "read", Api.show_account),
    ("GET", r"/v1/lists", "read", Api.show_lists),
    ("POST", r"/v1/contacts/search", "read", Api.search),
    ("POST", r"/v1/contacts", "write", Api.upsert),
    ("PATCH", r"/v1/contacts/(\w+)", "write", Api.change),
    ("POST", r"/v1/contacts/(\w+)/unsubscribe", "write", Api.unsubscribe),
    ("DELETE", r"/v1/contacts/(\w+)", "delete", Api.delete),
    ("DELETE", r"/v1/blocklist/(\w+)", "delete", Api.unblock),
)
