"""A connector before its honest platform, where one case after another is played."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from core.connector import Connector, Erasure, Identity, Place, Presence, Verb
from core.faces import Bulk, Newcomer
from core.http import WayOut
from core.testing.play import ANNA, BRAM, CONSENT, MOVED, RENAMED
from tests.connectors.benches.reached import Reached
from tests.connectors.faults.cases import CHECK, FIND, MANY, PLACES, Case, When
from tests.connectors.faults.doors import HOST, Detour, Doors, here
from tests.connectors.faults.flood import Flood
from tests.connectors.faults.front import Front, Play

DEADLINE = timedelta(seconds=20)
LEFT = timedelta(seconds=0.2)  # of it, for an answer that does not come
WHO = Identity((ANNA.email,))
EVER = Identity((MOVED, ANNA.email))
MAILED = {Presence.SUBSCRIBED, Presence.PENDING}
REMAINS = {
    Erasure.ARCHIVES: {Presence.ARCHIVED},
    Erasure.BY_DATE: {Presence.PURGING},
}


def subscribe_many(one: Connector[Any], place: Place) -> None:
    """Of one person, whose outcome is that of the call."""
    assert isinstance(one, Bulk)
    for error in one.subscribe_many([Newcomer(BRAM, CONSENT)], place):
        if error is not None:
            raise error


ASK: Mapping[str, Callable[[Connector[Any], Place], Any]] = {
    CHECK: lambda one, _: one.check(),
    PLACES: lambda one, _: one.places(),
    FIND: lambda one, _: one.find(EVER),
    Verb.SUBSCRIBE: lambda one, place: one.subscribe(BRAM, place, CONSENT),
    Verb.UPDATE: lambda one, _: one.update(WHO, RENAMED),
    Verb.UNSUBSCRIBE: lambda one, place: one.unsubscribe(WHO, [place]),
    Verb.ERASE: lambda one, _: one.erase(WHO),
    MANY: subscribe_many,
}


@dataclass(slots=True)
class Clock:
    """Real time, which jumps where somebody would only wait."""

    ahead: float = 0.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return time.monotonic() + self.ahead

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.ahead += seconds


@dataclass(slots=True)
class Strike:
    """Says before each call whether it is the one that goes wrong: also when it is repeated."""

    case: Case | None
    first: int  # of the readings that are struck
    start: Callable[[bool], None]
    effects: str = ""  # of the calls so far

    def call(self) -> None:
        self.effects += "R"
        self.start(self.strikes_reading(self.effects.count("R")))

    def change(self) -> None:
        self.effects = f"{self.effects[:-1]}C"
        self.start(self.strikes_change(self.effects.count("C")))

    def strikes_change(self, number: int) -> bool:
        """What was not sent is sent again, to a door that is closed still."""
        if self.case is None or self.case.reads:
            return False
        return number == 1 or bool(self.case.fault.door)

    def strikes_reading(self, number: int) -> bool:
        if self.case is None or not self.case.reads:
            return False
        return number == self.first if self.case.fault.bridged else number >= self.first


@dataclass(slots=True)
class Outcome:
    error: Exception | None
    value: Any  # that the connector returned
    seconds: float
    slept: Sequence[float]
    rests: Sequence[timedelta]
    struck: int  # how often the fault was played
    followed: int  # connections to where a redirect led
    changed: bool  # a change reached the platform


class Stage:
    """``connect`` may be spoilt, to see whether the table notices."""

    def __init__(self, bench: Reached, doors: Doors, nobody: Play) -> None:
        self.bench = bench
        self.doors = doors
        self.place = bench.places[-1]
        url = urlsplit(bench.url)
        self.path = url.path
        platform = ("127.0.0.1", url.port or 80)
        self.flood = Flood()
        self.front = Front(platform, nobody, self.flood)
        self.by_tls = Front(platform, nobody, self.flood, doors.tls)
        self.connect = bench.over
        self.known: dict[str, str] = {}

    @contextmanager
    def open(self) -> Iterator[None]:
        for place in self.bench.places:
            self.bench.join(ANNA.email, "Anna", place)
        self.restore = self.bench.remember()
        with self.flood, self.front, self.by_tls:
            yield

    def put_back(self) -> None:
        self.restore()
        self.restore = self.bench.remember()

    def effects(self, verb: str) -> str:
        """What an honest attempt does: ``R`` for each reading, ``C`` for each change."""
        if verb not in self.known:
            strike = Strike(None, 0, lambda _: None)
            self.attempt(verb, self.front, "http", Clock(), strike, [])
            self.put_back()
            self.known[verb] = strike.effects
        return self.known[verb]

    def play(self, case: Case, patience: timedelta | None = None) -> Outcome:
        """``patience``: the deadline, waited for in full. None: the clock jumps towards it."""
        fault, clock = case.fault, Clock()
        deadline = patience or DEADLINE
        tls = self.doors.by_tls(fault.door)
        front = self.by_tls if tls else self.front
        front.acts, front.struck, front.target.connections = case.when is not When.CHANGE, 0, 0
        ends, self.astray, struck, began = clock() + deadline.total_seconds(), False, 0, 0.0

        def start(wrong: bool) -> None:  # noqa: FBT001
            nonlocal struck, began
            front.play = fault.play if wrong else None
            self.astray = wrong and bool(fault.door)
            if wrong and not struck:
                began = time.monotonic()
                if fault.slow and patience is None:
                    clock.ahead += ends - clock() - LEFT.total_seconds()
            struck += wrong

        early = self.effects(case.verb).partition("C")[0].count("R")
        strike = Strike(case, 1 if case.when is When.FIRST_READ else early, start)
        rests: list[timedelta] = []
        scheme = "https" if tls else "http"
        error, value = self.attempt(
            case.verb, front, scheme, clock, strike, rests, fault.door, deadline
        )
        seconds = time.monotonic() - began
        front.play, self.astray = None, False
        return Outcome(
            error,
            value,
            seconds,
            clock.slept,
            rests,
            struck if fault.door else front.struck,
            front.target.connections,
            strike.effects.count("C") > (case.when is When.CHANGE),
        )

    def attempt(
        self,
        verb: str,
        front: Front,
        scheme: str,
        clock: Clock,
        strike: Strike,
        rests: list[timedelta],
        door: str = "",
        deadline: timedelta = DEADLINE,
    ) -> tuple[Exception | None, Any]:
        """The error that left the connector, and what it returned."""

        def leads() -> int | None:
            return self.doors.port(door) if self.astray else None

        def resolve(host: str, port: int, **kind: object) -> Sequence[tuple[Any, ...]]:
            if self.astray and door == "has no name":
                raise socket.gaierror
            return here(host, port)

        origin = f"{HOST}:{front.port}"
        way_out = WayOut(
            insecure={origin},
            resolve=resolve,
            verify=self.doors.trust,
            clock=clock,
            sleep=clock.sleep,
        )
        way_out.connections.network.sockets = Detour(leads)
        if door:
            way_out.connections.close()  # keeps none open: every call comes by the door
        http = way_out.client(
            base_url=f"{scheme}://{origin}{self.path}",
            hosts={origin},
            deadline=deadline,
            before_call=strike.call,
            before_change=strike.change,
            asked_to_rest=rests.append,
        )
        try:
            return None, ASK[verb](self.connect(http), self.place)
        except Exception as error:  # noqa: BLE001 - which ones may come is what is tested
            return error, None
        finally:
            way_out.close()

    def true(self, verb: str, value: Any) -> bool:
        """Whether what was read leaves nothing out that is there, past the front."""
        if verb == FIND:
            held = self.bench.held(ANNA.email).keys()
            return held <= {trace.place for trace in value}
        if verb == PLACES:
            return {*self.bench.places} <= {Place(each.id, each.title) for each in value}
        return bool(value == self.bench.connect().check())

    def done(self, verb: str) -> bool:
        """Whether the platform holds what the verb asks for, past the front."""
        verb = Verb.SUBSCRIBE if verb == MANY else Verb(verb)
        person = BRAM if verb is Verb.SUBSCRIBE else ANNA
        there = self.bench.connect().find(Identity((person.email,)))
        mailed = {trace.place for trace in there if trace.presence in MAILED}
        match verb:
            case Verb.SUBSCRIBE:
                return self.place.id in mailed
            case Verb.UPDATE:
                texts = self.bench.held(ANNA.email).values()
                return all("Annabel" in each for each in texts)
            case Verb.UNSUBSCRIBE:
                return self.place.id not in mailed
            case Verb.ERASE:
                left = REMAINS.get(self.bench.connect().platform.erasure, set())
                return all(trace.presence in left for trace in there)
