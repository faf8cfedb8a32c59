"""The imitated Laposta, with a wire in front of it that can lie as well."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from copy import deepcopy

import httpx
from pydantic import SecretStr

from connectors.laposta import Laposta, Settings
from core.connector import Person, Place
from core.testing.wire import Wire
from tests.connectors.benches.reached import Reached
from tests.connectors.laposta_server import (
    COURSES,
    KEY,
    NARROW_KEY,
    NEWS,
    PATIENCE,
    Answer,
    Call,
    Honestly,
    Lie,
    No,
    Platform,
    Town,
    about,
    said,
)

MANY = 20


class LapostaBench(Reached):
    places = (NEWS, COURSES)

    def __init__(self) -> None:
        self.town = Town()
        self.platform = self.town.platform()
        self.platform.bulk = True
        self.key = KEY
        self.way_out = self.town.way_out(self.platform)
        self.wire = Wire(self.way_out, self.remember)
        self.lies: Mapping[str, Callable[[], object]] = {
            **self.wire.lies(),
            "archives-instead-of-deleting": self.telling("DELETE /member/{member_id}", archives),
            "405-on-an-archived-contact": self.archived,
            "refuses-a-forgotten-address": self.telling("POST /member", refuses_address),
            "wrong-person": self.telling("GET /member/{member_id}", about("bram@example.nl")),
            "sees-part": self.narrow,
        }

    def telling(self, call: str, lie: Lie) -> Callable[[], None]:
        return lambda: self.platform.lie(call, *[lie] * MANY)

    def archived(self) -> None:
        for listing in self.platform.lists.values():
            for row in listing.rows.values():
                row.state = "deleted"
        self.wire.lies()["405-on-an-archived-contact"]()

    def narrow(self) -> None:
        self.key = NARROW_KEY

    def remember(self) -> Callable[[], None]:
        before = deepcopy(self.platform.lists)
        return lambda: setattr(self.platform, "lists", before)

    def connect(self) -> Laposta:
        http = self.way_out.client(
            base_url=self.platform.url,
            hosts={self.platform.origin},
            deadline=PATIENCE,
            before_call=self.wire.call,
            before_change=self.wire.change,
        )
        return self.over(http)

    @property
    def url(self) -> str:
        return self.platform.url

    def over(self, http: httpx.Client) -> Laposta:
        return Laposta(Settings(api_key=SecretStr(self.key), bulk=True), http)

    def join(self, email: str, first_name: str, place: Place) -> None:
        self.platform.join(Person(email, {"first_name": first_name}), place)

    def move(self, old: str, new: str) -> None:
        for listing in self.platform.lists.values():
            if row := listing.named(old):
                row.email = new

    def held(self, email: str) -> Mapping[str, Collection[str]]:
        return {
            place: [str(value) for value in row.fields.values()]
            for place, listing in self.platform.lists.items()
            if (row := listing.named(email))
        }

    def let_happen(self) -> None:
        self.wire.let_happen()

    def be_honest(self) -> None:
        self.wire.told = {}
        self.platform._lies.clear()

    def close(self) -> None:
        self.town.end()


def archives(platform: Platform, call: Call, honestly: Honestly) -> Answer:
    """Says that it deleted, and still shows the member."""
    listing = platform.lists[call.query["list_id"]]
    row = listing.named(call.path.rpartition("/")[2])
    answer = honestly()
    if row is not None:
        listing.rows[row.id] = row
    return answer


def refuses_address(platform: Platform, call: Call, honestly: Honestly) -> Answer:
    return said({"error": No(208, "email").problem}, 400)
