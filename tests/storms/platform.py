"""A platform that deletes what it is asked to, whose journal says who was calling when."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from shutil import copyfile

from connectors.sandbox.api import RIGHTS, Account
from connectors.sandbox.contacts import Contacts, Habit
from connectors.sandbox.exchange import Call
from connectors.sandbox.journal import Journal
from connectors.sandbox.platforms import FOUR_AT_ONCE, SandboxFlaky
from connectors.sandbox.server import LISTS, Exchange, Imitation
from connectors.sandbox.weather import Weather

KEY = "key-of-the-storm"
CONTACTS = "/v1/contacts"
SEARCH = f"{CONTACTS}/search"
LATER = (0.3, 2.8)  # seconds after it was cut off; three are declared
RESETS = 0.7  # of what is late


class Deleting(SandboxFlaky):
    """Deletes at once; nothing goes wrong on the way but what a storm does."""

    platform = replace(SandboxFlaky.platform, name="deleting", limits=FOUR_AT_ONCE)


CONNECTORS = {Deleting.platform.name: Deleting}
PLATFORMS = {Deleting.platform.name: Deleting.platform}


class Server(Imitation):
    """
    Each call takes ``latency`` seconds. Of the changes a share of ``late`` gets no answer, and is
    carried out later.
    """

    def __init__(self, journal: Path, port: int, latency: float, late: float = 0.0) -> None:
        account = Account("deleting", "Deleting", {KEY: RIGHTS})
        super().__init__(account, "", Contacts(Habit.FLAKY, LISTS, Journal(journal)), port=port)
        self.limit = None
        self.latency = latency
        self.late = late
        self.chance = random.Random(len(LISTS))  # noqa: S311 - a storm, and no secret
        self.RequestHandlerClass = Journaled  # the base class names its own


class Journaled(Exchange):
    server: Server

    def suffer(self, call: Call, number: int, weather: Weather) -> None:
        self.server.journal.write("begun", call=number, port=self.client_address[1])
        time.sleep(self.server.latency)
        changes = call.method != "GET" and call.path != SEARCH
        if changes and self.server.chance.random() < self.server.late:
            self.be_late(call, number)
        else:
            super().suffer(call, number, weather)
        self.server.journal.write("answered", call=number)

    def be_late(self, call: Call, number: int) -> None:
        """
        Resets the connection at once, or says nothing until the caller gives up; the deed comes
        after that. Who never gives up, because he stands still, gets nothing.
        """
        seconds = self.server.chance.uniform(*LATER)
        if self.server.chance.random() < RESETS or self.hung_up():
            self.server.apply_later(call, number, seconds)
        self.cut(number)

    def hung_up(self) -> bool:
        """Whether the caller did within the time that an attempt may take."""
        self.connection.settimeout(Deleting.platform.deadline.total_seconds())
        try:
            return not self.connection.recv(1)
        except TimeoutError:
            return False
        except ConnectionError:
            return True


@dataclass(slots=True)
class Flight:
    """
    One call. ``carried_out``: it did what it asked, whoever heard of that; ``applied`` is the
    journal's line that says so.
    """

    number: int
    method: str
    path: str
    body: str
    port: int = 0
    begun_at: datetime | None = None
    carried_out: bool = False
    applied: int = 0
    cut: bool = False  # without an answer
    answered_at: datetime | None = None

    @property
    def creates(self) -> bool:
        return self.method == "POST" and self.path == CONTACTS

    @property
    def email(self) -> str:
        """Whom it looks for or creates; empty where it names an id."""
        return str(json.loads(self.body or "{}").get("email", ""))

    @property
    def lane(self) -> str:
        """The part of an address that says which; empty where none is named."""
        return self.email.partition("@")[0].rpartition(".")[2]

    @property
    def looks(self) -> bool:
        return self.path == SEARCH

    def was_in_the_air(self, moment: datetime) -> bool:
        over = self.answered_at
        begun = self.begun_at is not None and self.begun_at <= moment
        return begun and (over is None or moment < over)

    def begun_between(self, first: datetime, last: datetime) -> bool:
        return self.begun_at is not None and first < self.begun_at < last


@dataclass(frozen=True, slots=True)
class Books:
    """What a platform holds and saw, read from its journal by somebody else."""

    contacts: Contacts
    flights: Mapping[int, Flight] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Books:
        """A copy: opening a journal cuts off what somebody is just writing there."""
        journal = Journal(Path(copyfile(path, path.with_suffix(".read"))))
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
                one = found[record["call"]]
                one.applied, one.carried_out = number, record["status"] < HTTPStatus.BAD_REQUEST
            case "cut":
                found[record["call"]].cut = True
            case "answered":
                found[record["call"]].answered_at = datetime.fromisoformat(record["at"])
            case _:
                pass  # what is held, which Contacts reads
    yield from found.items()
