"""
What a customer wants of one person at one connection: the fold of all operations.

Converge, do not replay: a worker brings a holding to the latest wants, whatever happened to
the messages in between. Places and numbers only, so nothing here is personal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any


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
        return bool(self.erase or self.subscribe or self.unsubscribe or self.update)


@dataclass(frozen=True, slots=True)
class Wants:
    """``update`` and ``erase`` are the number of the operation that last asked; 0 for none."""

    places: Mapping[str, Want] = field(default_factory=dict)
    update: int = 0
    erase: int = 0

    def subscribe(self, places: Iterable[str], seq: int) -> Wants:
        return replace(self, places={**self.places, **dict.fromkeys(places, Want(True, seq))})

    def unsubscribe(self, places: Iterable[str], seq: int) -> Wants:
        return replace(self, places={**self.places, **dict.fromkeys(places, Want(False, seq))})

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

    def to_json(self) -> dict[str, Any]:
        places = {place: [want.subscribed, want.seq] for place, want in self.places.items()}
        return {"places": places, "update": self.update, "erase": self.erase}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Wants:
        places = {place: Want(*want) for place, want in stored["places"].items()}
        return cls(places, stored["update"], stored["erase"])
