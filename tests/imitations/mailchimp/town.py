"""A school with an imitated Mailchimp, in which a test may do what a human does there."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Self

from connectors.mailchimp import Mailchimp, Settings
from core.connector import Basis, BasisKind, Identity, Person, Place, Trace
from core.http import WayOut
from tests.imitations.mailchimp.account import Account, Audience
from tests.imitations.mailchimp.server import KEY, Imitation

NEWS = Place("a1b2c3d4e5", "Nieuwsbrief")
COURSES = Place("f6a7b8c9d0", "Cursusinformatie")  # asks the person to confirm
READING_KEY = "f" * 32 + "-us21"
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
ANNA = Person("anna@example.nl", {"first_name": "Anna", "last_name": "de Vries"})
WHO = Identity((ANNA.email,))
BRAM = "bram@example.nl"
PATIENCE = timedelta(seconds=20)
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody, and costs nothing


def consent(given_at: datetime = NOW) -> Basis:
    return Basis(BasisKind.CONSENT, "b1", given_at, "form")


@dataclass
class Clock:
    time: datetime = NOW

    def __call__(self) -> datetime:
        return self.time

    def advance(self, span: timedelta) -> None:
        self.time += span


class Town:
    def __init__(self, places: Sequence[Place] = (NEWS, COURSES)) -> None:
        self.clock = Clock()
        audiences = [
            Audience(place.id, place.title, double_optin=place is COURSES) for place in places
        ]
        self.account = Account({KEY: "owner", READING_KEY: "viewer"}, audiences, self.clock)

    def __enter__(self) -> Self:
        self.server = Imitation(self.account)
        self.thread = Thread(target=self.server.serve_forever, args=[0.01])
        self.thread.start()
        origin = f"127.0.0.1:{self.server.server_port}"
        # What is repeated within an attempt is repeated at once.
        self.way_out = WayOut(insecure={origin}, verify=NO_TLS, sleep=lambda _: None)
        return self

    def __exit__(self, *_: object) -> None:
        self.way_out.close()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def connect(self, key: str = KEY, **settings: str) -> Mailchimp:
        """A connector for one attempt."""
        chosen = Settings.model_validate({"api_key": key, **settings})
        origin = f"127.0.0.1:{self.server.server_port}"
        http = self.way_out.client(base_url=self.server.url, hosts={origin}, deadline=PATIENCE)
        return Mailchimp(chosen, http)

    def find(self, who: Identity = WHO) -> Sequence[Trace]:
        return self.connect().find(who)

    def seen(self, who: Identity = WHO) -> dict[str, str]:
        """The presence that a fresh look shows, by place."""
        return {trace.place: trace.presence.value for trace in self.find(who)}

    def held(self, place: Place = NEWS) -> dict[str, str]:
        """What is really there: the status by address."""
        members = self.account.audiences[place.id].members.values()
        return {member.email: member.status for member in members}
