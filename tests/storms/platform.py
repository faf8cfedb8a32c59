"""A platform that deletes what it is asked to, whose journal says who was calling when."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from http import HTTPStatus
from pathlib import Path

from connectors.sandbox.api import RIGHTS, Account
from connectors.sandbox.contacts import Contacts, Habit
from connectors.sandbox.exchange import Call
from connectors.sandbox.journal import Journal
from connectors.sandbox.platforms import FOUR_AT_ONCE, SandboxFlaky
from connectors.sandbox.server import LISTS, Exchange, Imitation
from connectors.sandbox.weather import Weather

KEY = "key-of-the-storm"
CONTACTS = "/v1/contacts"


class Deleting(SandboxFlaky):
    """Deletes at once; nothing goes wrong on the way but what a storm does."""

    platform = replace(SandboxFlaky.platform, name="deleting", limits=FOUR_AT_ONCE)


CONNECTORS = {Deleting.platform.name: Deleting}
PLATFORMS = {Deleting.platform.name: Deleting.platform}


class Server(Imitation):
    """Each call takes ``latency`` seconds."""

    def __init__(self, journal: Path, port: int, latency: float) -> None:
        account = Account("deleting", "Deleting", {KEY: RIGHTS})
        super().__init__(account, "", Contacts(Habit.FLAKY, LISTS, Journal(journal)), port=port)
        self.limit = None
        self.latency = latency
        self.RequestHandlerClass = Journaled  # the base class names its own


class Journaled(Exchange):
    server: Server

    def suffer(self, call: Call, number: int, weather: Weather) -> None:
        self.server.journal.write("begun", call=number, port=self.client_address[1])
        time.sleep(self.server.latency)
        super().suffer(call, number, weather)
        self.server.journal.write("answered", call=number)


@dataclass(slots=True)
class Flight:
    """One call. ``carried_out``: it did what it asked, whoever heard of that."""

    number: int
    method: str
    path: str
    body: str
    port: int = 0
    begun_at: datetime | None = None
    carried_out: bool = False
    answered_at: datetime | None = None

    @property
    def creates(self) -> bool:
        return self.method == "POST" and self.path == CONTACTS

    def was_in_the_air(self, moment: datetime) -> bool:
        over = self.answered_at
        begun = self.begun_at is not None and self.begun_at <= moment
        return begun and (over is None or moment < over)


@dataclass(frozen=True, slots=True)
class Books:
    """What a platform holds and saw, read from its journal by somebody else."""

    contacts: Contacts
    flights: Mapping[int, Flight] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Books:
        journal = Journal(path)
        found = cls(Contacts(Habit.FLAKY, LISTS, journal), dict(flights(journal)))
        journal.close()
        return found


def flights(journal: Journal) -> Iterator[tuple[int, Flight]]:
    found: dict[int, Flight] = {}
    for number, record in enumerate(journal.records(), 1):
        match record["what"]:
            case "arrived":
                found[number] = Flight(number, record["method"], record["path"], record["body"])
            case "begun":
                one = found[record["call"]]
                one.port, one.begun_at = record["port"], datetime.fromisoformat(record["at"])
            case "applied":
                found[record["call"]].carried_out = record["status"] < HTTPStatus.BAD_REQUEST
            case "answered":
                found[record["call"]].answered_at = datetime.fromisoformat(record["at"])
            case _:
                pass  # what is held, which Contacts reads
    yield from found.items()
