"""Sandbox platforms on which nothing goes wrong but what a storm asks for."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

from connectors.sandbox.api import RIGHTS, Account
from connectors.sandbox.contacts import Contacts, Habit
from connectors.sandbox.journal import Journal
from connectors.sandbox.server import Exchange, Imitation

LIST = "nieuws"
KEY = "secret-of-the-sandbox"
PASSWORD = "of-the-screens"
REFUSALS = {429, 503}
UNDER_WAY = timedelta(seconds=0.25)  # until a refusal is heard, on a machine that is busy

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Shape:
    """How a platform may ask for rest; ``seconds`` is how long it means, by the standard."""

    name: str
    seconds: float
    headers: Callable[[datetime], Headers]
    status: int = 429


@contextmanager
def platform(
    journal: Path, habit: Habit = Habit.FLAKY, exchange: type[Exchange] = Exchange
) -> Iterator[Imitation]:
    """One that takes whatever comes; by default it deletes at once."""
    book = Journal(journal)
    contacts = Contacts(habit, {LIST: "Nieuws"}, book)
    server = Imitation(Account("account-1", "School", {KEY: RIGHTS}), PASSWORD, contacts)
    server.limit = None
    server.RequestHandlerClass = exchange
    serving = Thread(target=server.serve_forever, args=[0.05])
    serving.start()
    try:
        yield server
    finally:
        server.shutdown()
        serving.join()
        server.server_close()
        book.close()


def asking_for_rest(shape: Shape) -> type[Exchange]:
    """How a server does so that refuses a call."""

    class Asking(Exchange):
        def refuse(self, number: int, status: int, wait: int = 0) -> None:
            self.server.journal.write("refused", call=number, status=shape.status)
            self.send_response_only(shape.status)
            for name, value in shape.headers(self.server.contacts.now()):
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

    return Asking


def arrivals(journal: Path) -> list[datetime]:
    """When calls came, by the platform's own account."""
    return [moment(one) for one in records(journal) if one["what"] == "arrived"]


def refusals(journal: Path) -> list[datetime]:
    found = (one for one in records(journal) if one["what"] == "refused")
    return [moment(one) for one in found if one["status"] in REFUSALS]


def early(journal: Path, shape: Shape) -> int:
    """How many calls came before the platform wished; those under way as it spoke are none."""
    wait = timedelta(seconds=shape.seconds)
    return sum(
        refused + UNDER_WAY < arrived < refused + wait
        for refused in refusals(journal)
        for arrived in arrivals(journal)
    )


def most_in(journal: Path, span: timedelta) -> int:
    """The most calls in any window of this length."""
    came = arrivals(journal)
    return max(sum(start <= one < start + span for one in came) for start in came)


def created(journal: Path) -> Counter[str]:
    """How often the platform did subscribe each address."""
    asked: dict[int, str] = {}
    found: Counter[str] = Counter()
    for number, one in enumerate(records(journal), 1):
        if one["what"] == "arrived" and one["path"] == "/v1/contacts":
            asked[number] = json.loads(one["body"])["email"]
        if one["what"] == "applied" and one["call"] in asked:
            found[asked[one["call"]]] += 1
    return found


def records(journal: Path) -> Iterator[Mapping[str, Any]]:
    yield from map(json.loads, journal.read_text().splitlines())


def moment(record: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(record["at"])
