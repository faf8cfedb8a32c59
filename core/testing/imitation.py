"""A platform in memory, which remembers everything but lies by a script."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import count, repeat
from typing import Any

import httpx
from pydantic import BaseModel

from core.connector import (
    Account,
    Basis,
    Connector,
    Erasure,
    Identity,
    Limits,
    Person,
    Place,
    Platform,
    Presence,
    Text,
    Trace,
)
from core.errors import OnlyThePerson, Refused

NEWS = Place("news", "Nieuwsbrief")
COURSES = Place("courses", "Cursusinformatie")
BLOCKLIST = "blocklist"
ADDRESS = "https://imitation.test"
EMPTY = {"first_name": "", "last_name": ""}

HONEST = Platform(
    name="imitation",
    title="Imitation",
    hosts=(),
    stores_in=Text(nl="In het geheugen van deze test", en="In the memory of this test"),
    in_eu=True,
    docs="core/testing/imitation.py",
    checked=date(2026, 11, 22),
    erasure=Erasure.DELETES,
    residue=(),
    erase_by_hand=Text(nl="Verwijder het contact.", en="Delete the contact."),
    deadline=timedelta(seconds=30),
    late_apply=timedelta(minutes=10),
    limits=Limits(at_once=2),
)
ARCHIVING = replace(HONEST, erasure=Erasure.ARCHIVES)
BY_DATE = replace(HONEST, erasure=Erasure.BY_DATE, grace=timedelta(days=30))


@dataclass(slots=True)
class Entry:
    """One place's own copy of a person."""

    id: str
    place: str
    email: str
    fields: dict[str, str] = field(default_factory=lambda: dict(EMPTY))
    presence: Presence = Presence.SUBSCRIBED
    until: datetime | None = None
    opted_out: bool = False  # by the person, at the platform itself

    def take(self, new: Person) -> None:
        self.email = new.email
        self.fields |= {name: value or "" for name, value in new.fields.items()}


@dataclass(frozen=True, slots=True)
class Call:
    """``face`` is the connector's method; ``honestly`` does what an honest platform would do."""

    face: str
    arguments: tuple[Any, ...]
    at: datetime
    honestly: Callable[[], Any]

    def is_about(self, emails: Collection[str]) -> bool:
        who = self.arguments[0]
        addresses = (who.email,) if isinstance(who, Person) else who.emails
        return any(address in emails for address in addresses)


Lie = Callable[["Imitation", Call], Any]


class Imitation:
    """
    Stateful, with any number of places, each with its own copy of a person's fields.

    ``lie`` sets what the next calls of a face get instead of the truth; every call is in
    ``calls``. Whatever a human does there goes around the connector.
    """

    def __init__(
        self,
        clock: Callable[[], datetime],
        platform: Platform = HONEST,
        places: Sequence[Place] = (NEWS, COURSES),
    ) -> None:
        self.clock = clock
        self.platform = platform
        self.all_places = tuple(places)
        self.hidden: set[str] = set()  # from this credential
        self.confirms = False  # the person has to confirm a subscription first
        self.gives_ids = True  # False: the address is the only identity
        self.keeps_its_dates = True
        self.entries: list[Entry] = []
        self.blocked: set[str] = set()
        self.calls: list[Call] = []
        self._script: dict[str, Iterator[Lie]] = {}
        self._late: list[tuple[datetime, Callable[[], Any]]] = []
        self.unanswered: list[tuple[datetime, Call]] = []  # and when they act
        self._ids = count(1)
        self._lock = threading.RLock()
        self._http = httpx.Client(
            base_url=ADDRESS, transport=httpx.MockTransport(no_http), trust_env=False
        )

    def connect(
        self, before_call: Callable[[], None], before_change: Callable[[], None]
    ) -> Imitated:
        return Imitated(self, self._http, before_call, before_change)

    def lie(self, face: str, *lies: Lie) -> None:
        """The next calls of this face get these lies, in order; then the truth."""
        self._script[face] = iter(lies)

    def always(self, face: str, lie: Lie) -> None:
        self._script[face] = repeat(lie)

    def call(self, face: str, honestly: Callable[..., Any], *arguments: Any) -> Any:
        with self._lock:
            self.catch_up()
            call = Call(face, arguments, self.clock(), lambda: honestly(*arguments))
            self.calls.append(call)
            lie = next(self._script.get(face, iter(())), honest)
            return lie(self, call)

    def later(self, wait: timedelta, effect: Callable[[], Any]) -> datetime:
        moment = self.clock() + wait
        self._late.append((moment, effect))
        return moment

    def catch_up(self) -> None:
        """Let happen what was due: late calls, and the erasures that were promised by a date."""
        with self._lock:
            now = self.clock()
            due = [effect for moment, effect in self._late if moment <= now]
            self._late = [one for one in self._late if one[0] > now]
            for effect in due:
                with suppress(Refused):  # nobody hears of it any more
                    effect()
            if self.keeps_its_dates:
                self.entries = [one for one in self.entries if not (one.until and one.until <= now)]

    def is_to_come(self, emails: Collection[str]) -> bool:
        """A call about one of these that got no answer has still to act."""
        now = self.clock()
        return any(moment > now and call.is_about(emails) for moment, call in self.unanswered)

    def made(self, face: str) -> int:
        return sum(call.face == face for call in self.calls)

    def held(self, *emails: str) -> list[Entry]:
        """What really is there, whatever a credential can see."""
        self.catch_up()
        return [entry for entry in self.entries if entry.email in emails]

    def join(self, email: str, place: Place = NEWS, **fields: str) -> Entry:
        """A person, or the school, makes an entry by the platform's own form."""
        entry = Entry(f"id-{next(self._ids)}", place.id, email, EMPTY | fields)
        self.entries.append(entry)
        return entry

    def places(self) -> Sequence[Place]:
        return [place for place in self.all_places if place.id not in self.hidden]

    def found(self, who: Identity) -> list[Entry]:
        ids = who.remote_ids if self.gives_ids else ()
        return [
            entry
            for entry in self.entries
            if entry.place not in self.hidden and (entry.email in who.emails or entry.id in ids)
        ]

    def find(self, who: Identity) -> list[Trace]:
        blocked = sorted(self.blocked.intersection(who.emails))
        return [
            *(self.trace(entry) for entry in self.found(who)),
            *(Trace(BLOCKLIST, Presence.SUPPRESSED, {"email": email}) for email in blocked),
        ]

    def trace(self, entry: Entry) -> Trace:
        return Trace(
            entry.place,
            entry.presence,
            {"email": entry.email, **entry.fields},
            entry.id if self.gives_ids else None,
            entry.until,
        )

    def subscribe(self, person: Person, place: Place, _: Basis) -> None:
        if person.email in self.blocked:
            raise Refused("on the blocklist of imitation.test", status=409)
        there = [one for one in self.held(person.email) if one.place == place.id]
        if any(one.opted_out for one in there):
            raise OnlyThePerson("opted out at imitation.test", status=409)
        for entry in there or [self.join(person.email, place)]:
            entry.presence = Presence.PENDING if self.confirms else Presence.SUBSCRIBED
            entry.until = None
            entry.take(person)

    def update(self, who: Identity, new: Person) -> None:
        for entry in self.found(who):
            entry.take(new)

    def unsubscribe(self, who: Identity, places: Sequence[Place]) -> None:
        for entry in self.found(who):
            if entry.place in {place.id for place in places}:
                entry.presence = Presence.UNSUBSCRIBED

    def erase(self, who: Identity) -> None:
        for entry in self.found(who):
            match self.platform.erasure:
                case Erasure.DELETES:
                    self.entries.remove(entry)
                case Erasure.BY_DATE:
                    entry.presence = Presence.PURGING
                    entry.until = entry.until or self.clock() + (self.platform.grace or timedelta())
                case Erasure.ARCHIVES:
                    entry.presence = Presence.ARCHIVED
                case Erasure.IMPOSSIBLE:
                    raise Refused("imitation.test erases nothing", status=405)
        self.blocked -= set(who.emails)


class Settings(BaseModel):
    """An imitation needs none."""


class Imitated(Connector[Settings]):
    """The connector to an imitation, whose declaration is the imitation's own."""

    platform = HONEST
    settings_model = Settings

    def __init__(
        self,
        imitation: Imitation,
        http: httpx.Client,
        before_call: Callable[[], None],
        before_change: Callable[[], None],
    ) -> None:
        super().__init__(Settings(), http)
        self.imitation = imitation
        self.before_call = before_call
        self.before_change = before_change

    @classmethod
    def base_url(cls, settings: Settings) -> str:  # noqa: ARG003
        return ADDRESS

    def check(self) -> Account:
        return Account("imitation-1", "Imitation")

    def places(self) -> Sequence[Place]:
        seen: Sequence[Place] = self.read("places", self.imitation.places)
        return seen

    def translate(self, person: Person) -> Mapping[str, str]:
        return {
            "email": person.email,
            **{name: value or "" for name, value in person.fields.items()},
        }

    def find(self, who: Identity) -> Sequence[Trace]:
        found: Sequence[Trace] = self.read("find", self.imitation.find, who)
        return found

    def subscribe(self, person: Person, place: Place, basis: Basis) -> None:
        self.change("subscribe", self.imitation.subscribe, person, place, basis)

    def update(self, who: Identity, new: Person) -> None:
        self.change("update", self.imitation.update, who, new)

    def unsubscribe(self, who: Identity, places: Sequence[Place]) -> None:
        self.change("unsubscribe", self.imitation.unsubscribe, who, places)

    def erase(self, who: Identity) -> None:
        self.change("erase", self.imitation.erase, who)

    def read(self, face: str, honestly: Callable[..., Any], *arguments: Any) -> Any:
        self.before_call()
        return self.imitation.call(face, honestly, *arguments)

    def change(self, face: str, honestly: Callable[..., Any], *arguments: Any) -> None:
        self.before_call()
        self.before_change()
        self.imitation.call(face, honestly, *arguments)


def no_http(_: httpx.Request) -> httpx.Response:
    raise AssertionError("an imitation is not reached over HTTP")


def honest(_: Imitation, call: Call) -> Any:
    return call.honestly()
