"""A sandbox platform of any habit, with a wire in front of it that can lie as well."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import ClassVar

import httpx
from pydantic import SecretStr

from connectors.sandbox.api import RIGHTS, Account, Api
from connectors.sandbox.connector import SEARCH, Sandbox, Settings
from connectors.sandbox.contacts import Contacts, Habit
from connectors.sandbox.exchange import Answer, Call, said
from connectors.sandbox.journal import Journal
from connectors.sandbox.platforms import SandboxArchives, SandboxFlaky, SandboxThirtyDays
from connectors.sandbox.server import LISTS, Imitation
from core.connector import Place
from core.http import WayOut
from core.testing.wire import Wire
from tests.connectors.benches.reached import Reached

KEY = "secret-of-the-sandbox"
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody, and costs nothing
PATIENCE = timedelta(seconds=20)


class ShowsBram(Api):
    """Whoever is searched for."""

    def route(self, call: Call) -> Answer:
        if call.path != SEARCH:
            return super().route(call)
        found = self.contacts.search(email="bram@example.nl")
        return said(200, {"contacts": [asdict(one) for one in found], "blocked": []})


class SandboxBench(Reached):
    cannot: ClassVar[Mapping[str, str]] = {
        "sees-part": "Its keys differ in what they may do; each sees every contact and list.",
    }

    kind: ClassVar[type[Sandbox]]

    def __init__(self) -> None:
        self.folder = TemporaryDirectory()
        habit = Habit(self.kind.platform.name.removeprefix("sandbox-"))
        self.journal = Journal(Path(self.folder.name) / "journal.jsonl")
        self.contacts = Contacts(habit, LISTS, self.journal)
        account = Account("account-1", "School", {KEY: RIGHTS})
        self.server = Imitation(account, "of-the-screens", self.contacts)
        self.server.limit = None  # the kit asks faster than any rate allows
        self.thread = Thread(target=self.server.serve_forever, args=[0.01])
        self.thread.start()
        self.origin = f"127.0.0.1:{self.server.server_port}"
        self.way_out = WayOut(insecure={self.origin}, verify=NO_TLS, sleep=lambda _: None)
        self.wire = Wire(self.way_out, self.remember)
        self.places = tuple(Place(place, title) for place, title in LISTS.items())
        self.lies: Mapping[str, Callable[[], object]] = {
            **self.wire.lies(),
            "archives-instead-of-deleting": self.archive,
            "405-on-an-archived-contact": self.archived,
            "refuses-a-forgotten-address": lambda: self.contacts.block("bram@example.nl"),
            "wrong-person": self.show_bram,
        }

    def archive(self) -> None:
        """Whatever the habit says of it."""
        self.contacts.habit = Habit.ARCHIVES

    def archived(self) -> None:
        for contact in [*self.contacts.held.values()]:
            self.contacts.hold(replace(contact, state="archived"))
        self.wire.lies()["405-on-an-archived-contact"]()

    def show_bram(self) -> None:
        self.server.api = ShowsBram(self.server.api.account, self.contacts)

    def remember(self) -> Callable[[], None]:
        held, blocked = dict(self.contacts.held), dict(self.contacts.blocklist)

        def restore() -> None:
            for contact in [*self.contacts.held]:
                self.contacts.forget(contact)
            for one in held.values():
                self.contacts.remember(one)
            self.contacts.blocklist = dict(blocked)

        return restore

    def connect(self) -> Sandbox:
        http = self.way_out.client(
            base_url=self.server.url,
            hosts={self.origin},
            deadline=PATIENCE,
            before_call=self.wire.call,
            before_change=self.wire.change,
        )
        return self.over(http)

    @property
    def url(self) -> str:
        return self.server.url

    def over(self, http: httpx.Client) -> Sandbox:
        return self.kind(Settings(base_url=self.server.url, api_key=SecretStr(KEY)), http)

    def join(self, email: str, first_name: str, place: Place) -> None:
        self.contacts.upsert(email, {"first_name": first_name}, place.id, None)

    def move(self, old: str, new: str) -> None:
        for contact in self.contacts.search(email=old):
            self.contacts.change(contact.id, new, {})

    def held(self, email: str) -> Mapping[str, Collection[str]]:
        return {
            place: [*contact.fields.values()]
            for contact in self.contacts.search(email=email)
            for place in contact.lists
        }

    def let_happen(self) -> None:
        self.wire.let_happen()

    def be_honest(self) -> None:
        self.wire.told = {}

    def close(self) -> None:
        self.way_out.close()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
        self.journal.close()
        self.folder.cleanup()


class ArchivesBench(SandboxBench):
    kind = SandboxArchives


class FlakyBench(SandboxBench):
    kind = SandboxFlaky


class ThirtyDaysBench(SandboxBench):
    kind = SandboxThirtyDays
