"""
What a customer wants of one person at one connection: the fold of all operations.

Converge, do not replay: a worker brings a holding to the latest wants, whatever happened to
the messages in between. Places and numbers only, so nothing here is personal.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from core.connector import Verb

# What can create or fill data; an unsubscription or an erasure never does.
PUSHES = frozenset({Verb.SUBSCRIBE, Verb.UPDATE})


@dataclass(frozen=True, slots=True)
class Want:
    """At one place: to be subscribed there or not, as asked by operation ``seq``."""

    subscribed: bool
    seq: int


@dataclass(frozen=True, slots=True)
class Goal:
    """What is still to be done. An erasure comes alone and first."""

    erase: bool = False
    subscribe: tuple[str, ...] = ()
    unsubscribe: tuple[str, ...] = ()
    update: bool = False

    def __bool__(self) -> bool:
        return self.verb is not None

    @property
    def verb(self) -> Verb | None:
        """The gravest part of it; None when nothing is left to do."""
        asked = {
            Verb.ERASE: self.erase,
            Verb.UNSUBSCRIBE: self.unsubscribe,
            Verb.SUBSCRIBE: self.subscribe,
            Verb.UPDATE: self.update,
        }
        return next((verb for verb, due in asked.items() if due), None)

    def only(self, verbs: Collection[Verb]) -> Goal:
        return Goal(
            erase=self.erase and Verb.ERASE in verbs,
            subscribe=self.subscribe if Verb.SUBSCRIBE in verbs else (),
            unsubscribe=self.unsubscribe if Verb.UNSUBSCRIBE in verbs else (),
            update=self.update and Verb.UPDATE in verbs,
        )

    def without(self, verbs: Collection[Verb]) -> Goal:
        return self.only(set(Verb).difference(verbs))


@dataclass(frozen=True, slots=True)
class Wants:
    """``update`` and ``erase`` are the number of the operation that last asked; 0 for none."""

    places: Mapping[str, Want] = field(default_factory=dict)
    update: int = 0
    erase: int = 0

    def subscribe(self, places: Iterable[str], seq: int) -> Wants:
        return replace(
            self, places={**self.places, **dict.fromkeys(places, Want(subscribed=True, seq=seq))}
        )

    def unsubscribe(self, places: Iterable[str], seq: int) -> Wants:
        return replace(
            self, places={**self.places, **dict.fromkeys(places, Want(subscribed=False, seq=seq))}
        )

    def change(self, seq: int) -> Wants:
        return replace(self, update=seq)

    def erased(self, seq: int) -> Wants:
        """Nothing asked before an erasure is wanted any more."""
        return Wants(erase=seq)

    def live(self) -> frozenset[int]:
        """The operations that still say something; all others are superseded."""
        numbers = {want.seq for want in self.places.values()} | {self.update, self.erase}
        return frozenset(numbers - {0})

    def goal(self, reached: int) -> Goal:
        """What is left to do once everything up to operation ``reached`` was brought about."""
        if self.erase > reached:
            return Goal(erase=True)
        due = {place: want for place, want in self.places.items() if want.seq > reached}
        return Goal(
            subscribe=tuple(place for place, want in due.items() if want.subscribed),
            unsubscribe=tuple(place for place, want in due.items() if not want.subscribed),
            update=self.update > reached,
        )

    def pushes(self, reached: int) -> frozenset[int]:
        """The operations after ``reached`` that still have something to push."""
        numbers = {want.seq for want in self.places.values() if want.subscribed} | {self.update}
        return frozenset(seq for seq in numbers if seq > reached)

    def standing(self) -> Goal:
        """What a look is judged by once everything was brought about."""
        return self.goal(self.erase) or Goal(erase=bool(self.erase))

    def to_json(self) -> dict[str, Any]:
        places = {place: [want.subscribed, want.seq] for place, want in self.places.items()}
        return {"places": places, "update": self.update, "erase": self.erase}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Wants:
        places = {place: Want(*want) for place, want in stored["places"].items()}
        return cls(places, stored["update"], stored["erase"])
