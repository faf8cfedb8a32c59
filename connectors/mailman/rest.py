"""Mailman's REST API: calls by route, answers as values, collections to their last page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import count
from typing import Any
from urllib.parse import quote

import httpx

from connectors.mailman.values import (
    Address,
    Asked,
    Ban,
    Delivery,
    Dropped,
    MailingList,
    Membership,
    Page,
    Preferences,
    Problem,
    Request,
    User,
    V,
    Versions,
    parsed,
    valid,
)
from core.errors import NotFound, OutcomeUnknown, TryLater, Unreadable
from core.http import READS

BAD_REQUEST = frozenset({httpx.codes.BAD_REQUEST})
CONFLICT = frozenset({httpx.codes.CONFLICT})
NOT_FOUND = frozenset({httpx.codes.NOT_FOUND})
CHANGED = frozenset({httpx.codes.CREATED, httpx.codes.ACCEPTED, httpx.codes.NO_CONTENT})

PAGE = 500  # some 200 kB of the fattest entries


class Rest:
    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def call(
        self,
        method: str,
        route: str,
        parts: Mapping[str, str] | None = None,
        *,
        form: Mapping[str, str | list[str]] | None = None,
        query: Mapping[str, str] | None = None,
        tolerates: AbstractSet[int] = frozenset(),
        extensions: Mapping[str, Any] | None = None,
    ) -> httpx.Response:
        """One call to ``route``, whose ``{placeholders}`` are filled from ``parts``."""
        quoted = {name: quote(part, safe="") for name, part in (parts or {}).items()}
        return self.http.request(
            method,
            route.format(**quoted),
            data=form,
            params=query,
            extensions={"route": route, "tolerates": tolerates, **(extensions or {})},
        )

    def change(
        self,
        method: str,
        route: str,
        parts: Mapping[str, str] | None = None,
        *,
        form: Mapping[str, str | list[str]] | None = None,
        tolerates: AbstractSet[int] = frozenset(),
    ) -> httpx.Response:
        """
        A call that changes something. What it tolerates must be Mailman's own no.

        Mailman answers 201, 202 or 204 (3.3.10, 2026-11); any other success is somebody else's.
        """
        answer = self.call(method, route, parts, form=form, tolerates=tolerates)
        if answer.is_error:
            parsed(Problem, answer)
        elif answer.status_code not in CHANGED:
            raise OutcomeUnknown("an answer that Mailman does not give to a change")
        return answer

    def versions(self) -> Versions:
        return parsed(Versions, self.call("GET", "/system/versions"))

    def lists(self) -> Sequence[MailingList]:
        return self.pages(MailingList, "GET", "/lists")

    def bans(self, list_id: str | None) -> Sequence[Ban]:
        """The bans of one list; of the whole site for None."""
        return self.pages(Ban, "GET", *bans_at(list_id))

    def requests(self, list_id: str, asked: Asked) -> Sequence[Request]:
        query = {"request_type": asked.value}
        return self.pages(Request, "GET", "/lists/{list}/requests", {"list": list_id}, query)

    def memberships(self, email: str) -> Sequence[Membership]:
        """In every list and every role. A form, so that the address stays out of the log."""
        found = self.pages(Membership, "POST", "/members/find", asked={"subscriber": email})
        # An asterisk, which an address may hold, finds other people too (3.3.10, 2026-11).
        return [membership for membership in found if membership.email == email]

    def delivery(self, membership: Membership) -> Delivery:
        """As it works out, whether set for the membership, the address or the user."""
        route, parts = "/members/{member}/all/preferences", {"member": membership.member_id}
        try:
            answer = self.call("GET", route, parts)
        except NotFound as error:
            raise TryLater("a membership ended while it was read") from error
        return parsed(Preferences, answer).delivery_status

    def user(self, user_id: str) -> User | None:
        user = self.one(User, "/users/{user}", {"user": user_id})
        if user is not None and user.user_id != user_id:
            raise Unreadable("an answer about somebody else")
        return user

    def addresses_of(self, user: User) -> Sequence[Address]:
        try:
            return self.pages(Address, "GET", "/users/{user}/addresses", {"user": user.user_id})
        except NotFound as error:
            raise TryLater("a user went away while it was read") from error

    def address(self, email: str) -> Address | None:
        if "/" in email:
            # Its own URL answers 404 though it is there (3.3.10, 2026-11).
            every = self.pages(Address, "GET", "/addresses")
            return next((address for address in every if address.email == email), None)
        address = self.one(Address, "/addresses/{email}", {"email": email})
        if address is not None and address.email != email:
            raise Unreadable("an answer about somebody else")
        return address

    def fits_a_ban(self, email: str, list_id: str) -> bool:
        """Whether an entry of the list or of the site keeps the address out, by Mailman's word."""
        route = "/lists/{list}/bans/{email}"
        return self.one(Ban, route, {"list": list_id, "email": email}) is not None

    def ban(self, email: str, list_id: str | None) -> None:
        route, parts = bans_at(list_id)
        # 400: kept out already, also by an entry that says more.
        self.change("POST", route, parts, form={"email": email}, tolerates=BAD_REQUEST)

    def lift(self, ban: Ban, list_id: str | None) -> None:
        """By its own spelling: Mailman compares entries letter by letter."""
        route, parts = bans_at(list_id)
        parts = {**parts, "entry": ban.entry}
        self.change("DELETE", f"{route}/{{entry}}", parts, tolerates=NOT_FOUND)

    def discard(self, request: Request, list_id: str) -> None:
        """In silence; to reject would mail the person."""
        route, parts = "/lists/{list}/requests/{token}", {"list": list_id, "token": request.token}
        self.change("POST", route, parts, form={"action": "discard"}, tolerates=NOT_FOUND)

    def drop(self, list_id: str, emails: Sequence[str]) -> None:
        """
        End memberships by the list, which tells of each address whether it did.

        False: not there any more.
        """
        route = "/lists/{list}/roster/member"
        answer = self.call("DELETE", route, {"list": list_id}, form={"emails": list(emails)})
        told = parsed(Dropped, answer, OutcomeUnknown).root
        if not told.keys() >= {*emails}:
            raise OutcomeUnknown("an answer about somebody else")

    def one(self, kind: type[V], route: str, parts: Mapping[str, str]) -> V | None:
        """The thing at ``route``. None: Mailman says that it has no such thing."""
        answer = self.call("GET", route, parts, tolerates=NOT_FOUND)
        if answer.status_code != httpx.codes.NOT_FOUND:
            return parsed(kind, answer)
        parsed(Problem, answer)
        return None

    def pages(
        self,
        kind: type[V],
        method: str,
        route: str,
        parts: Mapping[str, str] | None = None,
        asked: Mapping[str, str] | None = None,
    ) -> list[V]:
        """Every entry, or an error: never a part of them."""
        found: list[dict[str, Any]] = []
        total = None
        for number in count(1):
            turn = {**(asked or {}), "count": str(PAGE), "page": str(number)}
            where: dict[str, Any] = {"query" if method == "GET" else "form": turn}
            answer = self.call(method, route, parts, extensions=READS, **where)
            page = parsed(Page, answer)
            found += page.entries
            if total not in {None, page.total_size}:
                raise TryLater("a collection changed while it was read")
            total = page.total_size
            if len(found) >= total:
                break
            if not page.entries:
                raise Unreadable("fewer entries than announced", status=answer.status_code)
        return [valid(kind, entry) for entry in found]


def bans_at(list_id: str | None) -> tuple[str, Mapping[str, str]]:
    return ("/lists/{list}/bans", {"list": list_id}) if list_id else ("/bans", {})
