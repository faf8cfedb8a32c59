"""The imitated Mailchimp, with a wire in front of it that can lie as well."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from copy import deepcopy

import httpx

from connectors.mailchimp import Mailchimp, Settings
from core.connector import Place
from core.testing.wire import Wire
from tests.connectors.benches.reached import Reached
from tests.imitations.mailchimp import lies
from tests.imitations.mailchimp.account import Audience, key_of, shown
from tests.imitations.mailchimp.api import Answer, Call, partly
from tests.imitations.mailchimp.server import KEY, Imitation, Lie
from tests.imitations.mailchimp.town import COURSES, NEWS, PATIENCE, Town

MANY = 20


class MailchimpBench(Reached):
    places = (COURSES, NEWS)

    def __init__(self) -> None:
        self.town = Town(self.places).__enter__()
        for audience in self.town.account.audiences.values():
            audience.double_optin = False
        self.hidden: dict[str, Audience] = {}
        self.wire = Wire(self.town.way_out, self.remember)
        self.lies: Mapping[str, Callable[[], object]] = {
            **self.wire.lies(),
            "archives-instead-of-deleting": self.telling("delete-permanent", lies.archives),
            "405-on-an-archived-contact": self.archived,
            "refuses-a-forgotten-address": self.forgotten,
            "wrong-person": self.telling("member", shows_bram),
            "sees-part": self.hide,
        }

    def telling(self, face: str, lie: Lie) -> Callable[[], None]:
        return lambda: self.town.server.lie(face, *[lie] * MANY)

    def archived(self) -> None:
        for audience in self.town.account.audiences.values():
            for member in audience.members.values():
                member.status = "archived"
        self.wire.lies()["405-on-an-archived-contact"]()

    def forgotten(self) -> None:
        for audience in self.town.account.audiences.values():
            audience.forgotten.add(key_of("bram@example.nl"))

    def hide(self) -> None:
        """An audience that this key's user may not see, which its listing leaves out."""
        place = self.places[-1].id
        self.hidden[place] = self.town.account.audiences.pop(place)

    def remember(self) -> Callable[[], None]:
        account = self.town.account
        before = deepcopy(account.audiences)
        return lambda: setattr(account, "audiences", before)

    def connect(self) -> Mailchimp:
        server = self.town.server
        http = self.town.way_out.client(
            base_url=server.url,
            hosts={f"127.0.0.1:{server.server_port}"},
            deadline=PATIENCE,
            before_call=self.wire.call,
            before_change=self.wire.change,
        )
        return self.over(http)

    @property
    def url(self) -> str:
        return self.town.server.url

    def over(self, http: httpx.Client) -> Mailchimp:
        return Mailchimp(Settings.model_validate({"api_key": KEY}), http)

    def join(self, email: str, first_name: str, place: Place) -> None:
        self.town.account.join(place.id, email, FNAME=first_name)

    def move(self, old: str, new: str) -> None:
        for place in self.places:
            self.town.account.move(place.id, old, new)

    def held(self, email: str) -> Mapping[str, Collection[str]]:
        return {
            place: [*map(str, member.merge_fields.values())]
            for place, audience in {**self.town.account.audiences, **self.hidden}.items()
            if (member := audience.members.get(key_of(email)))
        }

    def let_happen(self) -> None:
        self.wire.let_happen()

    def be_honest(self) -> None:
        self.wire.told = {}
        self.town.server.lies.clear()

    def close(self) -> None:
        self.town.__exit__()


def shows_bram(imitation: Imitation, call: Call, honestly: lies.Truth) -> Answer:
    there = lies.there_in(imitation, call)
    return partly(call, shown(there, there.held(key_of("bram@example.nl"))))
