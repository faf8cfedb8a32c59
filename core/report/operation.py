"""The shape of an operation as its asker sees it: where it stands, at each connection."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from core.connector import Verb
from core.ledger.answers import Answered
from core.report.standing import Standing
from core.report.values import Next, Seen, iso, of_answer
from core.states import Ended
from core.transitions import Group, Way, Ways


class Progress(StrEnum):
    """Of an operation: what follows from how it ended at each connection."""

    WAITING = "waiting"  # an erasure that can still be undone
    OPEN = "open"
    DONE = "done"  # seen as asked wherever it goes
    PARTLY = "partly"  # over, but somewhere refused, kept, given up or a human's word
    SUPERSEDED = "superseded"  # a later operation says otherwise
    UNDONE = "undone"


AS_ASKED = frozenset({Ended.CONFIRMED, Ended.ABSENT})


def progress(ends: Sequence[Ended | None], *, waits: bool, ended: str | None) -> Progress:
    """
    ``ends`` is how it ended at each connection, None where it is open; none at all when it
    goes nowhere. ``ended`` is of an erasure that reached no connection.
    """
    if ended is not None:
        return Progress(ended)
    if waits:
        return Progress.WAITING
    if None in ends:
        return Progress.OPEN
    said: Collection[Ended | None] = [one for one in ends if one is not Ended.SUPERSEDED]
    if ends and not said:
        return Progress.SUPERSEDED
    return Progress.DONE if AS_ASKED.issuperset(said) else Progress.PARTLY


UNSENT = Group("not sent", "while it can be undone", frozenset({Progress.WAITING}))
SENT = Group("under way", "while it is to be brought about", frozenset({Progress.OPEN}))
OVER = Group("over", "once it ended everywhere", frozenset({Progress.DONE, Progress.PARTLY}))

# How it moves while its parts end, each of them once.
WAYS: Ways[Progress] = {
    Progress.WAITING: Way("An erasure is asked, with time to undo it.", (), first=True),
    Progress.OPEN: Way(
        "It is asked, or the time to undo it is over; or a connection is made after an erasure, "
        "which is carried there too.",
        (UNSENT, OVER),
        first=True,
    ),
    Progress.DONE: Way(
        "The last connection shows what was asked; or there is no connection that it goes to.",
        (UNSENT, SENT),
        first=True,
    ),
    Progress.PARTLY: Way(
        "It ended at the last connection, and somewhere otherwise than asked.", (SENT,)
    ),
    Progress.SUPERSEDED: Way(
        "A later operation says otherwise, wherever it went.", (UNSENT, SENT), first=True
    ),
    Progress.UNDONE: Way("It is undone in time.", (UNSENT,)),
}


@dataclass(frozen=True, slots=True)
class Attempt:
    """``outcome`` is None while it runs."""

    started_at: datetime
    ended_at: datetime | None
    outcome: str | None

    def to_json(self) -> dict[str, Any]:
        return {
            "started_at": iso(self.started_at),
            "ended_at": iso(self.ended_at),
            "outcome": self.outcome,
        }


@dataclass(frozen=True, slots=True)
class Evidence:
    """One look: names of places and fields only, never a value."""

    started_at: datetime
    ended_at: datetime
    verdict: str
    seen: tuple[Seen, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "started_at": iso(self.started_at),
            "ended_at": iso(self.ended_at),
            "verdict": self.verdict,
            "seen": [one.to_json() for one in self.seen],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """
    The operation at one connection. ``state`` is where the person stands there now, by
    whatever was asked last; ``next`` is None once this operation ended there.
    """

    connection: UUID
    platform: str
    title: str
    state: Standing
    ended: Ended | None
    ended_at: datetime | None
    next: Next | None
    attempts: tuple[Attempt, ...] = ()
    evidence: tuple[Evidence, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "connection": str(self.connection),
            "platform": self.platform,
            "title": self.title,
            "state": self.state.value,
            "ended": self.ended.value if self.ended else None,
            "ended_at": iso(self.ended_at),
            "next": self.next.to_json() if self.next else None,
            "attempts": [one.to_json() for one in self.attempts],
            "evidence": [one.to_json() for one in self.evidence],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An operation in a list. ``deadline`` is None where no term runs."""

    id: UUID
    verb: Verb
    state: Progress
    accepted_at: datetime
    received_at: datetime
    deadline: datetime | None
    undo_until: datetime | None
    answered_at: datetime | None

    def to_json(self) -> dict[str, Any]:
        return {
            "id": str(self.id),
            "verb": self.verb.value,
            "state": self.state.value,
            "accepted_at": iso(self.accepted_at),
            "received_at": iso(self.received_at),
            "deadline": iso(self.deadline),
            "undo_until": iso(self.undo_until),
            "answered_at": iso(self.answered_at),
        }


@dataclass(frozen=True, slots=True)
class Operation:
    line: Line
    answers: tuple[Answered, ...]
    parts: tuple[Part, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            **self.line.to_json(),
            "answers": [of_answer(one) for one in self.answers],
            "holdings": [one.to_json() for one in self.parts],
        }
