"""A platform that outlives the processes that call it, whose late calls act in the tests' time."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import count
from pathlib import Path
from typing import Any

from connectors.sandbox.api import RIGHTS, Account, Api
from connectors.sandbox.contacts import Contacts, Habit
from connectors.sandbox.exchange import Call
from connectors.sandbox.journal import Journal
from connectors.sandbox.platforms import SandboxFlaky
from connectors.sandbox.server import LISTS, Exchange, Imitation
from connectors.sandbox.weather import Weather
from core.connector import Limits
from tests.databases import Clock

KEY = "key-of-the-crash-matrix"
FATE = b"crash-matrix-fate"  # a header by which a dying process marks its last call
NEWS = "nieuwsbrief"
CONTACTS = "/v1/contacts"


class Fate(StrEnum):
    """What becomes of the call with which a process dies."""

    APPLIED = "applied"
    LATE = "late"  # as late as the platform's declaration allows
    LOST = "lost"


class Deleting(SandboxFlaky):
    """Deletes what it is asked to; nothing goes wrong on the way but what the matrix does."""

    platform = replace(SandboxFlaky.platform, name="deleting", limits=Limits(at_once=1))


# From the call: the deadline of the attempt, and what the platform may take after that.
LATE_BY = Deleting.platform.deadline + Deleting.platform.late_apply - timedelta(seconds=1)


@dataclass(slots=True)
class Change:
    """A call that can change something; begun and ended by a count of all that happens here."""

    begun: int
    method: str
    path: str
    body: str
    who: str  # the address, as far as the platform knew it then
    fate: str
    ended: int | None = None
    status: int | None = None  # None: no answer was given

    @property
    def fills(self) -> bool:
        """Whether it can create or change what is known of a person."""
        return self.path == CONTACTS or self.method == "PATCH"


@dataclass(slots=True)
class Books:
    """What one run's platform saw, holds, has still to do."""

    contacts: Contacts
    clock: Clock
    changes: list[Change] = field(default_factory=list)
    later: list[tuple[datetime, Callable[[], Any]]] = field(default_factory=list)
    counter: count[int] = field(default_factory=lambda: count(1))

    def held(self, emails: Collection[str]) -> list[tuple[str, str, str, str]]:
        """Everything about these addresses: the address, both names, the state at the list."""
        found = {one.id: one for email in emails for one in self.contacts.search(email=email)}
        return [
            (
                one.email,
                one.fields["first_name"],
                one.fields["last_name"],
                one.lists[NEWS].status if NEWS in one.lists else "",
            )
            for one in found.values()
        ]

    def catch_up(self) -> None:
        """What was to happen by now happens."""
        due = [effect for moment, effect in self.later if moment <= self.clock.at]
        self.later = [one for one in self.later if one[0] > self.clock.at]
        for effect in due:
            effect()


class DeletingServer(Imitation):
    """Serves one run after the other; ``settle`` waits until every caller has hung up."""

    books: Books
    seconds = 0.0  # that a change takes: then two at once are seen to be

    def __init__(self, folder: Path) -> None:
        self._changed = threading.Condition()
        self._open = 0
        self._numbers = count(1)
        self.folder = folder
        self._fated = threading.Semaphore(0)
        nothing = Contacts(Habit.FLAKY, LISTS, Journal(folder / "none.journal"))
        super().__init__(Account("deleting", "Deleting", {KEY: RIGHTS}), "", nothing)
        self.limit = None
        self.RequestHandlerClass = Fated  # the base class names its own
        self._serving = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self._serving.start()

    def open_books(self, clock: Clock) -> Books:
        """A platform that holds nobody, on this clock."""
        self.journal.close()
        journal = Journal(self.folder / f"{next(self._numbers)}.journal")
        contacts = Contacts(Habit.FLAKY, LISTS, journal, now=lambda: clock.at)
        self.contacts, self.journal = contacts, contacts.journal
        self.api = Api(self.api.account, contacts)
        self.books = Books(contacts, clock)
        self._fated = threading.Semaphore(0)
        return self.books

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._changed:
            self._open += 1
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._changed:
            self._open -= 1
            self._changed.notify_all()

    def fated(self) -> None:
        self._fated.release()

    def receive_last_call(self) -> None:
        """Wait until the call of a process that is about to die is here, and done or not."""
        assert self._fated.acquire(timeout=5), "the last call did not arrive"

    def settle(self) -> None:
        """While nobody else calls: what the dead had sent was received, and done or not."""
        with self._changed:
            assert self._changed.wait_for(lambda: not self._open, 5)

    def server_close(self) -> None:
        self.shutdown()
        self.journal.close()
        super().server_close()


class Fated(Exchange):
    server: DeletingServer

    def suffer(self, call: Call, number: int, weather: Weather) -> None:
        books, fate = self.server.books, self.headers.get(FATE.decode(), "")
        change = self.change(call, fate)
        if change is not None:
            books.changes.append(change)
        try:
            match fate:
                case Fate.LATE:
                    late = books.clock.at + LATE_BY
                    books.later.append((late, lambda: self.server.apply(call, number)))
                    self.cut(number)
                case Fate.LOST:
                    self.cut(number)
                case _:
                    time.sleep(self.server.seconds if change else 0.0)
                    answer = self.server.apply(call, number)
                    if change is not None:
                        change.status = answer.status
                    self.send(answer)
        finally:
            if change is not None:
                change.ended = next(books.counter)
            if fate:
                self.server.fated()

    def change(self, call: Call, fate: str) -> Change | None:
        """None for a call that only reads."""
        if call.method == "GET" or call.path.endswith("/search"):
            return None
        contact = call.path.split("/")[3:4]
        found = self.server.contacts.search(contact=contact[0]) if contact else ()
        who = found[0].email if found else json.loads(call.body or "{}").get("email", "")
        counter = self.server.books.counter
        return Change(next(counter), call.method, call.path, call.body, who, fate)
