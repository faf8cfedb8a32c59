"""The shapes of operations."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from app.api.shapes import CONNECTION, OPERATION, Cursor, Shape, like
from app.api.shapes.problem import Problem
from app.api.shapes.report import Answered, Next, Seen
from core.connector import Verb
from core.report.operation import Progress
from core.report.standing import Standing
from core.states import Ended

ACCEPTED: dict[str, Any] = {
    "id": OPERATION,
    "verb": "erase",
    "state": "open",
    "restricted": False,
    "holdings": [{"connection": CONNECTION, "state": "queued"}],
}


class AcceptedHolding(Shape):
    """What one connection holds, or may hold, about the person."""

    connection: UUID
    state: Standing


class Accepted(Shape):
    """It was stored, and will be carried out."""

    model_config = like(ACCEPTED)

    id: UUID
    verb: Verb
    state: Annotated[
        Progress,
        Field(description="open; waiting: it can be undone; done: no connection is concerned."),
    ]
    restricted: Annotated[
        bool, Field(description="The person is restricted: pushes wait until that is lifted.")
    ]
    holdings: list[AcceptedHolding]


class NotAccepted(Shape):
    """This one was not stored; the others may be."""

    problem: Problem


class BatchAccepted(Shape):
    """An outcome for each operation, in their order."""

    model_config = like({"outcomes": [ACCEPTED]})

    outcomes: list[Accepted | NotAccepted]


LINE: dict[str, Any] = {
    "id": OPERATION,
    "verb": "erase",
    "state": "open",
    "accepted_at": "2026-11-22T09:00:00Z",
    "received_at": "2026-11-22T09:00:00Z",
    "deadline": "2026-12-22T09:00:00Z",
    "undo_until": None,
    "answered_at": None,
}


class Line(Shape):
    """An operation in a list."""

    model_config = like(LINE)

    id: UUID
    verb: Verb
    state: Progress
    accepted_at: datetime
    received_at: datetime
    deadline: Annotated[datetime | None, Field(description="null: no term runs.")]
    undo_until: datetime | None
    answered_at: datetime | None


class Operations(Shape):
    """A page of operations, the newest first."""

    model_config = like({"items": [LINE], "next": None})

    items: list[Line]
    next: Cursor


class Attempt(Shape):
    """One try; its outcome is null while it runs."""

    started_at: datetime
    ended_at: datetime | None
    outcome: str | None


class Evidence(Shape):
    """One look, with what it saw."""

    started_at: datetime
    ended_at: datetime
    verdict: str
    seen: list[Seen]


class Holding(Shape):
    """The operation at one connection; ``next`` is null once it ended there."""

    connection: UUID
    platform: str
    title: str
    state: Standing
    ended: Ended | None
    ended_at: datetime | None
    next: Next | None
    attempts: list[Attempt]
    evidence: list[Evidence]


class Operation(Line):
    """One operation in full."""

    model_config = like(
        {
            **LINE,
            "answers": [],
            "holdings": [
                {
                    "connection": CONNECTION,
                    "platform": "sandbox-archives",
                    "title": "Nieuwsbrief",
                    "state": "sent",
                    "ended": None,
                    "ended_at": None,
                    "next": {"at": "2026-11-22T09:10:00Z", "whose": "ours"},
                    "attempts": [
                        {
                            "started_at": "2026-11-22T09:00:01Z",
                            "ended_at": "2026-11-22T09:00:02Z",
                            "outcome": "confirmed",
                        }
                    ],
                    "evidence": [],
                }
            ],
        }
    )

    answers: list[Answered]
    holdings: list[Holding]
