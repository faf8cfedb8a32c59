"""The shapes of reports."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from app.api.shapes import (
    CONNECTION,
    CUSTOMER,
    OPERATION,
    REFERENCE,
    TASK,
    Cursor,
    Shape,
    Words,
    like,
)
from core.connector import Verb
from core.ledger.alerts import Needs, Threshold
from core.ledger.answers import Outcome
from core.report.standing import Standing, Whose
from core.report.values import Kind
from core.states import Task

STEPS = {
    "nl": "Verwijder het contact daar met de hand.",
    "en": "Delete the contact there by hand.",
}
WORK: dict[str, Any] = {
    "id": TASK,
    "kind": "by_hand",
    "verb": "erase",
    "connection": CONNECTION,
    "platform": "sandbox-by-hand",
    "title": "Kaartenbak",
    "opened_at": "2026-11-22T09:00:00Z",
    "deadline": "2026-12-22",
    "by_hand": STEPS,
}
PERSON: dict[str, Any] = {"reference": REFERENCE, "email": "j•••@e•••.nl"}
COUNTS: dict[str, Any] = {"not_found": 3, "still_there": 1, "unknown": 0}


TOLD: dict[str, Any] = {
    "operation": OPERATION,
    "how": "letter",
    "at": "2026-11-24T15:30:00Z",
    "outcome": "done",
    "reason": None,
    "deadline": None,
}


class Answered(Shape):
    """
    What the person was answered. ``deadline`` is the term that an extension gave; ``reason`` is
    null once our own last record of the person is gone.
    """

    model_config = like(TOLD)

    operation: UUID
    how: str
    at: datetime
    outcome: Outcome
    reason: str | None
    deadline: datetime | None


ALERT: dict[str, Any] = {
    "operation": OPERATION,
    "threshold": "week",
    "needs": "erasure",
    "raised_at": "2026-12-14T23:00:12Z",
    "deadline": "2026-12-22T22:59:59Z",
}


class Alert(Shape):
    """
    An erasure is slow (72 hours), or its term ends in a week or a day, or is over. ``needs``
    says whether something is still to be erased, or only the person to be answered.
    """

    model_config = like(ALERT)

    operation: UUID
    threshold: Threshold
    needs: Needs
    raised_at: datetime
    deadline: datetime


TOLD_ALERT: dict[str, Any] = {
    "customer": CUSTOMER,
    **ALERT,
    "says": {
        "nl": "De termijn eindigt binnen een week, op 22 december 2026, en …",
        "en": "The term ends within a week, on 22 December 2026, and …",
    },
}


class ToldAlert(Alert):
    """The same with its customer, and a sentence."""

    model_config = like(TOLD_ALERT)

    customer: UUID
    says: Words


class Alerts(Shape):
    """A page of warnings, the term that ends first leading."""

    model_config = like({"items": [TOLD_ALERT], "next": None})

    items: list[ToldAlert]
    next: Cursor


class Who(Shape):
    """``email`` is masked. Both are null once nothing of the person is kept."""

    reference: str | None
    email: str | None


class Next(Shape):
    """Who moves next: on that moment, by it, or since it, as the state says."""

    at: datetime
    whose: Whose


class Seen(Shape):
    """What a look saw at one place: names of fields, never their content."""

    place: str
    presence: str
    fields: list[str]


class Residue(Shape):
    """What stays after an erasure, by the platform's own account."""

    what: Words
    until: date | None
    by_hand: Words | None
    source: str


class System(Shape):
    """One place where data may sit."""

    kind: Kind
    platform: str | None
    connection: UUID | None
    title: str
    state: Standing
    as_asked: Annotated[bool, Field(description="We looked, and saw what was asked.")]
    asked_at: datetime | None
    platform_answered_at: datetime | None
    seen_at: datetime | None
    seen: list[Seen]
    residue: list[Residue]
    next: Next | None


class Work(Shape):
    """A task: what only a human can do. It names nobody."""

    model_config = like(WORK)

    id: UUID
    kind: Task
    verb: Verb | None
    connection: UUID
    platform: str
    title: str
    opened_at: datetime
    deadline: date | None
    by_hand: Words | None


class PersonReport(Shape):
    """What still sits where of one person, until when, and whose turn it is."""

    model_config = like(
        {
            "person": PERSON,
            "asked_at": "2026-11-22T09:00:00Z",
            "deadline": "2026-12-22",
            "answered_at": None,
            "answers": [],
            "alerts": [ALERT],
            "restricted_at": None,
            **COUNTS,
            "systems": [
                {
                    "kind": "platform",
                    "platform": "sandbox-archives",
                    "connection": CONNECTION,
                    "title": "Nieuwsbrief",
                    "state": "still_there",
                    "as_asked": False,
                    "asked_at": "2026-11-22T09:00:00Z",
                    "platform_answered_at": "2026-11-22T09:00:02Z",
                    "seen_at": "2026-11-22T09:00:03Z",
                    "seen": [{"place": "Nieuwsbrief", "presence": "archived", "fields": ["email"]}],
                    "residue": [],
                    "next": {"at": "2026-12-21T23:00:00Z", "whose": "yours"},
                }
            ],
            "tasks": [WORK],
        }
    )

    person: Who
    asked_at: Annotated[datetime | None, Field(description="When erasure was asked.")]
    deadline: date | None
    answered_at: datetime | None
    answers: list[Answered]
    alerts: list[Alert]
    restricted_at: Annotated[datetime | None, Field(description="Pushes wait since then.")]
    not_found: int
    still_there: int
    unknown: int
    systems: list[System]
    tasks: list[Work]


class Totals(Shape):
    """How many holdings stand where."""

    not_found: int
    still_there: int
    unknown: int
    states: dict[Standing, int]


class ConnectionTotals(Totals):
    """The same for one connection."""

    connection: UUID
    platform: str
    title: str
    connected: bool


class OpenErasure(Shape):
    """A request whose person was not answered yet."""

    person: Who
    asked_at: datetime
    deadline: date | None
    alert: Alert | None


TOTALS: dict[str, Any] = {**COUNTS, "states": {"not_found": 3, "still_there": 1}}
IN_ONE_CONNECTION: dict[str, Any] = {
    "connection": CONNECTION,
    "platform": "sandbox-archives",
    "title": "Nieuwsbrief",
    "connected": True,
    **TOTALS,
}


class CustomerReport(Totals):
    """What still sits where in totals, with the 100 most urgent erasures and tasks."""

    model_config = like(
        {
            "people": 4,
            **TOTALS,
            "connections": [IN_ONE_CONNECTION],
            "open_erasures": 1,
            "erasures": [
                {
                    "person": PERSON,
                    "asked_at": "2026-11-22T09:00:00Z",
                    "deadline": "2026-12-22",
                    "alert": ALERT,
                }
            ],
            "alerts": {"week": 1},
            "open_tasks": {"by_hand": 1},
            "tasks": [WORK],
        }
    )

    people: Annotated[int, Field(description="Whose data we have.")]
    connections: list[ConnectionTotals]
    open_erasures: int
    erasures: list[OpenErasure]
    alerts: Annotated[dict[Threshold, int], Field(description="How many warnings stand.")]
    open_tasks: dict[Task, int]
    tasks: list[Work]


class Restricted(Shape):
    """Whether pushes for the person wait; since when, null: they do not."""

    model_config = like({"restricted": True, "since": "2026-11-22T09:00:00Z"})

    restricted: bool
    since: datetime | None
