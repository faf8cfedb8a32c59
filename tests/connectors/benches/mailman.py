"""A real Mailman, with a wire in front of it that lies in its name."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from typing import ClassVar
from urllib.parse import quote

import httpcore
import httpx

from app.demo.mailman_server import MailmanServer, make_lists
from connectors.mailman import Mailman, Settings
from connectors.mailman.connector import ADDRESS_BOOK
from core.connector import Place
from core.http import WayOut
from core.testing.play import ANNA, BRAM, MOVED
from core.testing.wire import Send, Wire
from tests.connectors.benches.reached import Reached

DOMAIN = "kit.test"


class WireToMailman(Wire):
    """A real server is not put back, so what is ignored is never sent."""

    def ignores(self, send: Send) -> httpcore.Response:
        return httpcore.Response(204)


class MailmanBench(Reached):
    cannot: ClassVar[Mapping[str, str]] = {
        "archives-instead-of-deleting": "Mailman has no archive: a user is there or is not.",
        "sees-part": "Mailman has one credential, which sees every list.",
    }

    def __init__(self, server: MailmanServer) -> None:
        self.server = server
        self.origin = server.url.split("/")[2]
        self.places = (Place(f"news.{DOMAIN}", "News"), Place(f"course.{DOMAIN}", "Course"))
        self.truth = server.client()
        make_lists(server, DOMAIN, ["news", "course"])
        self.way_out = WayOut(insecure={self.origin}, sleep=lambda _: None)
        self.wire = WireToMailman(self.way_out, self.remember)
        self.lies: Mapping[str, Callable[[], object]] = {
            **self.wire.lies(),
            "refuses-a-forgotten-address": self.ban,
            "wrong-person": lambda: self.wire.lie(self.shows_bram, reading=True),
        }

    def ban(self) -> None:
        self.truth.post("/bans", data={"email": BRAM.email}).raise_for_status()

    def shows_bram(self, send: Send) -> httpcore.Response:
        """Whichever user was asked for."""
        answer = send()
        body = answer.read()
        said = json.loads(body) if body else {}
        if "user_id" in said and "is_server_owner" in said:
            body = self.truth.get(f"/users/{quote(BRAM.email)}").content
        kept = [(name, value) for name, value in answer.headers if name.lower() == b"content-type"]
        return httpcore.Response(answer.status, headers=kept, content=body)

    def connect(self) -> Mailman:
        http = self.way_out.client(
            base_url=Mailman.base_url(self.settings),
            hosts={self.origin},
            deadline=Mailman.platform.deadline * 4,  # this machine may be busy
            before_call=self.wire.call,
            before_change=self.wire.change,
        )
        return self.over(http)

    @property
    def url(self) -> str:
        return self.server.url

    def over(self, http: httpx.Client) -> Mailman:
        return Mailman(self.settings, http)

    @property
    def settings(self) -> Settings:
        given = {
            "base_url": self.server.url,
            "user": self.server.user,
            "password": self.server.password,
        }
        return Settings.model_validate(given)

    def remember(self) -> Callable[[], None]:
        """People with one address each; a real server is not put back in one go."""
        people = (ANNA, BRAM)
        there = [
            (one, place)
            for one in people
            for place in self.places
            if place.id in self.held(one.email)
        ]

        def restore() -> None:
            self.nobody_stays()
            for one, place in there:
                self.join(one.email, one.fields["first_name"] or "", place)

        return restore

    def join(self, email: str, first_name: str, place: Place) -> None:
        self.do(
            "POST",
            "/members",
            list_id=place.id,
            subscriber=email,
            display_name=first_name,
            pre_verified="true",
            pre_confirmed="true",
            pre_approved="true",
            send_welcome_message="false",
        )

    def do(self, method: str, path: str, **form: str) -> None:
        self.truth.request(method, path, data=form).raise_for_status()

    def move(self, old: str, new: str) -> None:
        user = self.truth.get(f"/users/{quote(old)}").json()["user_id"]
        self.do("POST", f"/users/{user}/addresses", email=new)
        self.do("POST", f"/addresses/{quote(new)}/verify")
        for place in self.places:
            held = self.truth.get(f"/lists/{place.id}/member/{quote(old)}").json()
            self.do("PATCH", f"/members/{held['member_id']}", address=new)
        self.do("DELETE", f"/addresses/{quote(old)}")

    def held(self, email: str) -> Mapping[str, Collection[str]]:
        told = {
            place.id: self.truth.get(f"/lists/{place.id}/member/{quote(email)}")
            for place in self.places
        }
        told[ADDRESS_BOOK] = self.truth.get(f"/addresses/{quote(email)}")
        return {
            place: [answer.json().get("display_name", "")]
            for place, answer in told.items()
            if answer.is_success
        }

    def let_happen(self) -> None:
        self.wire.let_happen()

    def be_honest(self) -> None:
        self.wire.told = {}

    def close(self) -> None:
        """The server is used again: nobody of this bench stays."""
        self.nobody_stays()
        self.truth.close()
        self.way_out.close()

    def nobody_stays(self) -> None:
        for email in (ANNA.email, BRAM.email, MOVED):
            self.truth.delete(f"/users/{quote(email)}")
            self.truth.delete(f"/addresses/{quote(email)}")
            self.truth.delete(f"/bans/{quote(email)}")
