"""One rule of the conformance kit, played on one bench."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from core.connector import (
    Basis,
    BasisKind,
    Connector,
    Erasure,
    Identity,
    Person,
    Place,
    Trace,
)
from core.errors import ConnectorError
from core.testing.bench import Bench
from core.verdict import Sight, Verdict, judge, judge_beside_others
from core.wants import Goal

PAGE = "docs/conformance.md"
NOW = datetime(2026, 11, 26, 10, 30, tzinfo=UTC)
CONSENT = Basis(BasisKind.CONSENT, "b-1", NOW, "form")
ANNA = Person("anna@example.nl", {"first_name": "Anna"})
RENAMED = Person(ANNA.email, {"first_name": "Annabel"})
NAMELESS = Person(ANNA.email, {"first_name": None})
BRAM = Person("bram@example.nl", {"first_name": "Bram"})
MOVED = "anna.nieuw@example.nl"
ERASE = Goal(erase=True)
UPDATE = Goal(update=True)
# What an honest look shows after an honest erasure.
ENDS = {
    Erasure.DELETES: Verdict.ABSENT,
    Erasure.BY_DATE: Verdict.FINAL_ON,
    Erasure.ARCHIVES: Verdict.CONTRADICTED,
    Erasure.IMPOSSIBLE: Verdict.CONTRADICTED,
}


@dataclass(frozen=True, slots=True)
class Rule:
    """``name`` is that of the lie, and the anchor of its section in the docs."""

    name: str
    sentence: str
    play: Callable[[Play], None]

    @property
    def docs(self) -> str:
        return f"{PAGE}#{self.name}"


class Broken(AssertionError):
    """A connector broke ``rule``."""

    def __init__(self, rule: Rule, sent: str, wanted: str, came: str) -> None:
        super().__init__(
            f"{rule.name}: {rule.sentence}\n"
            f"sent: {sent}\nwanted: {wanted}\ncame: {came}\nsee {rule.docs}"
        )
        self.rule = rule
        self.sent = sent
        self.wanted = wanted
        self.came = came


@dataclass(slots=True)
class Play:
    """One rule on one bench: every attempt with a connector of its own."""

    bench: Bench
    rule: Rule
    sent: str = "nothing yet"

    @property
    def place(self) -> Place:
        return self.bench.places[-1]

    def join(self, *people: Person) -> None:
        """At every place, so that who looks at one of them sees too little."""
        for person in people:
            for place in self.bench.places:
                self.bench.join(person.email, person.fields["first_name"] or "", place)

    def lie(self) -> None:
        self.bench.lies[self.rule.name]()

    def broken(self, wanted: str, came: str) -> Broken:
        return Broken(self.rule, self.sent, wanted, came)

    def attempt(self, what: str, call: Callable[[Connector[Any]], Any]) -> ConnectorError | None:
        """The error that left the connector. None: it said that all went well."""
        self.sent = what
        connector = self.bench.connect()
        try:
            call(connector)
        except ConnectorError as error:
            return error
        except Exception as error:
            raise self.broken("an error of core.errors, or none", type(error).__name__) from error
        return None

    def erase(self) -> ConnectorError | None:
        return self.attempt("erase", lambda one: one.erase(Identity((ANNA.email,))))

    def subscribe(self) -> ConnectorError | None:
        return self.attempt("subscribe", lambda one: one.subscribe(BRAM, self.place, CONSENT))

    def update(self, new: Person) -> ConnectorError | None:
        return self.attempt("update", lambda one: one.update(Identity((new.email,)), new))

    def wants(self, error: ConnectorError | None, kind: type[ConnectorError]) -> None:
        if not isinstance(error, kind):
            raise self.broken(kind.__name__, type(error).__name__ if error else "no error")

    def wants_verdict(self, came: Verdict | None, *wanted: Verdict) -> None:
        if came not in wanted:
            raise self.broken(" or ".join(wanted), came or "an error")

    def wants_the_end(self, who: Identity | None = None) -> None:
        self.wants_verdict(self.look(ERASE, who=who), ENDS[self.bench.connect().platform.erasure])

    def look(
        self, goal: Goal, person: Person = ANNA, who: Identity | None = None
    ) -> Verdict | None:
        """What the product would say. None: nothing, because an error left the connector."""
        known = who or Identity((person.email,))
        sight = self.sight(known)
        if sight is None:
            return None
        expected = self.bench.connect().translate(person)
        every = {place.id for place in self.bench.places}
        verdict = judge(goal, expected, sight, must_see=every).verdict
        self.compare(verdict, goal, person, known)
        self.compare_places(sight, known)
        return verdict

    def sight(self, who: Identity) -> Sight | None:
        places: list[Place] = []
        traces: list[Trace] = []
        blind = self.attempt("places", lambda one: places.extend(one.places()))
        blind = blind or self.attempt("find", lambda one: traces.extend(one.find(who)))
        return None if blind else Sight(tuple(places), tuple(traces), NOW, NOW)

    def compare_places(self, sight: Sight, who: Identity) -> None:
        there = {place for email in (*who.emails, MOVED) for place in self.bench.held(email)}
        visible = {place.id for place in sight.places}
        if there & visible - {trace.place for trace in sight.traces}:
            raise self.broken("a trace at every place that holds the person", "fewer traces")

    def compare(self, verdict: Verdict, goal: Goal, person: Person, who: Identity) -> None:
        """What is claimed against what is so. Whatever claims nothing may err."""
        held = [texts for email in (*who.emails, MOVED) for texts in self.texts(email)]
        stale = [texts for texts in held if not shown(person) <= texts]
        if goal.erase and verdict in {Verdict.ABSENT, Verdict.KEPT} and held:
            raise self.broken("nothing called gone that is there", verdict)
        if goal.update and verdict in {Verdict.ABSENT, Verdict.CONFIRMED} and stale:
            raise self.broken("nothing called up to date that is not", verdict)
        if goal.subscribe and verdict is Verdict.CONFIRMED:
            there = self.bench.held(person.email)
            if not all(shown(person) <= {*there.get(place, ())} for place in goal.subscribe):
                raise self.broken("nobody called subscribed who is not", verdict)

    def texts(self, email: str) -> list[set[str]]:
        return [{*texts} for texts in self.bench.held(email).values()]

    def beside_others(self, sight: Sight) -> Verdict:
        own = judge(ERASE, {}, replace(sight, traces=()))
        blank = {ANNA.email: self.bench.connect().translate(NAMELESS)}
        common = {ANNA.email: sight.traces}
        return judge_beside_others(own, blank, common, names_may_show=False).verdict

    @property
    def subscription(self) -> Goal:
        return Goal(subscribe=(self.place.id,))

    def finish(self) -> None:
        """The lie over, an erasure reaches what the platform can, and is judged as it is."""
        self.bench.be_honest()
        if error := self.erase():
            raise self.broken("an erasure that succeeds once nobody lies", type(error).__name__)
        self.wants_the_end()


def shown(person: Person) -> set[str]:
    return {value for value in person.fields.values() if value}
