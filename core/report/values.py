"""The shape of a person's report."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from core.connector import Text, Verb
from core.ledger.alerts import Alert
from core.ledger.answers import Answered
from core.report.standing import Count, Standing, Whose
from core.states import Task


class Kind(StrEnum):
    PLATFORM = "platform"
    OURS = "ours"


class Reads(StrEnum):
    """How a sentence says the moment: "on", "by", or "since"."""

    ON = "on"
    BY = "by"
    SINCE = "since"  # no term runs; it waits for whoever's turn it is


@dataclass(frozen=True, slots=True)
class Next:
    """Who moves next, and when: the moment itself, a last day, or since when it waits."""

    at: datetime
    whose: Whose
    reads: Reads = Reads.ON

    def to_json(self) -> dict[str, Any]:
        return {"at": iso(self.at), "whose": self.whose.value}


@dataclass(frozen=True, slots=True)
class Seen:
    """``place`` is the customer's title of the list; the platform's id where there is none."""

    place: str
    presence: str
    fields: tuple[str, ...]  # names, never values

    def to_json(self) -> dict[str, Any]:
        return {"place": self.place, "presence": self.presence, "fields": list(self.fields)}


@dataclass(frozen=True, slots=True)
class Left:
    """What stays after an erasure. ``until`` is None while no date is known."""

    what: Text
    until: date | None
    by_hand: Text | None
    source: str

    def to_json(self) -> dict[str, Any]:
        return {
            "what": words(self.what),
            "until": day(self.until),
            "by_hand": words(self.by_hand),
            "source": self.source,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """
    One place where data may sit.

    ``as_asked`` is what tells a subscriber who is there by wish (``still_there``, true) from
    one who should be gone (``still_there``, false): we looked and saw what was asked.
    ``platform_answered_at`` is about the present request; ``seen_at`` is the last look ever.
    ``counts_as`` and ``blind`` serve the headline; nothing of ours is counted.
    """

    kind: Kind = Kind.PLATFORM
    platform: str | None
    connection: UUID | None
    title: str
    state: Standing
    as_asked: bool
    asked_at: datetime | None
    platform_answered_at: datetime | None = None
    seen_at: datetime | None = None
    seen: tuple[Seen, ...] = ()
    residue: tuple[Left, ...] = ()
    next: Next | None
    counts_as: Count | None = None
    blind: bool = False
    disconnected_at: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind.value,
            "platform": self.platform,
            "connection": str(self.connection) if self.connection else None,
            "title": self.title,
            "state": self.state.value,
            "as_asked": self.as_asked,
            "asked_at": iso(self.asked_at),
            "platform_answered_at": iso(self.platform_answered_at),
            "seen_at": iso(self.seen_at),
            "seen": [one.to_json() for one in self.seen],
            "residue": [one.to_json() for one in self.residue],
            "next": self.next.to_json() if self.next else None,
        }


@dataclass(frozen=True, slots=True)
class Work:
    """A task that waits for the customer, with the platform's own steps where it has them."""

    id: UUID
    kind: Task
    verb: Verb | None
    connection: UUID
    platform: str
    title: str
    opened_at: datetime
    deadline: date | None
    by_hand: Text | None
    person: UUID | None = None  # None: it is about the whole connection

    def to_json(self) -> dict[str, Any]:
        return {
            "id": str(self.id),
            "kind": self.kind.value,
            "verb": self.verb.value if self.verb else None,
            "connection": str(self.connection),
            "platform": self.platform,
            "title": self.title,
            "opened_at": iso(self.opened_at),
            "deadline": day(self.deadline),
            "by_hand": words(self.by_hand),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonReport:
    """The term runs from ``asked_at``, when the person asked to be erased; None: never."""

    reference: str | None  # None: not known here any more
    email: str | None  # masked
    asked_at: datetime | None
    deadline: date | None
    answered_at: datetime | None
    systems: tuple[System, ...]
    tasks: tuple[Work, ...]
    time_zone: ZoneInfo
    answers: tuple[Answered, ...] = ()  # to every erasure, oldest first
    alerts: tuple[Alert, ...] = ()  # of terms that run, the first to end leading
    restricted_at: datetime | None = None

    def counted(self, what: Count) -> int:
        return sum(system.counts_as is what for system in self.systems)

    def to_json(self) -> dict[str, Any]:
        return {
            "person": {"reference": self.reference, "email": self.email},
            "asked_at": iso(self.asked_at),
            "deadline": day(self.deadline),
            "answered_at": iso(self.answered_at),
            "answers": [of_answer(one) for one in self.answers],
            "alerts": [of_alert(one) for one in self.alerts],
            "restricted_at": iso(self.restricted_at),
            **{what.value: self.counted(what) for what in Count},
            "systems": [system.to_json() for system in self.systems],
            "tasks": [task.to_json() for task in self.tasks],
        }


def of_answer(one: Answered) -> dict[str, Any]:
    return {
        "operation": str(one.operation),
        "how": one.answer.how,
        "at": iso(one.answer.at),
        "outcome": one.answer.outcome.value,
        "reason": one.answer.reason,
        "deadline": iso(one.deadline),
    }


def of_alert(one: Alert) -> dict[str, Any]:
    return {
        "operation": str(one.operation),
        "threshold": one.threshold.value,
        "needs": one.needs.value,
        "raised_at": iso(one.raised_at),
        "deadline": iso(one.deadline),
    }


def iso(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def day(when: date | None) -> str | None:
    return when.isoformat() if when else None


def words(text: Text | None) -> dict[str, str] | None:
    return {"nl": text.nl, "en": text.en} if text else None
