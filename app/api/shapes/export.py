"""The shape of a person's copy of the data."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from app.api.shapes import OPERATION, REFERENCE, Shape, Words, like
from app.api.shapes.operations import Line
from app.api.shapes.report import Answered, System

EMAIL = "jan.jansen@example.nl"


class ExportedPerson(Shape):
    """The person as they are known now, with the address in use."""

    reference: str
    email: str
    fields: dict[str, str | None]


class ExportedOperation(Line):
    """What was asked, with why that was allowed. null: not given, or erased since."""

    lists: list[str]
    channel: str
    identity_checked_how: str | None
    basis: dict[str, Any] | None
    told: dict[str, Any] | None


class Recipient(Shape):
    """A platform to which something was sent."""

    platform: str
    title: str
    stores_in: Words | None
    in_eu: bool | None
    fields: list[str]
    ids_there: list[str]
    disconnected_at: datetime | None


class LastRecord(Shape):
    """What ending an erasure still needs; its dates are in ``systems``."""

    reference: str
    emails: list[str]
    name: str | None
    ids_there: dict[str, list[str]]


class Export(Shape):
    """All that is held of one person, in the clear: for the person alone."""

    model_config = like(
        {
            "exported_at": "2026-11-22T09:00:00Z",
            "controller": "De Verfschuur",
            "person": {"reference": REFERENCE, "email": EMAIL, "fields": {"first_name": "Jan"}},
            "addresses": [EMAIL],
            "refused_lists": {},
            "restricted_at": None,
            "erased_at": None,
            "operations": [
                {
                    "id": OPERATION,
                    "verb": "subscribe",
                    "state": "done",
                    "accepted_at": "2026-11-20T13:05:00Z",
                    "received_at": "2026-11-20T13:05:00Z",
                    "deadline": None,
                    "undo_until": None,
                    "answered_at": None,
                    "lists": ["nieuwsbrief"],
                    "channel": "api",
                    "identity_checked_how": None,
                    "basis": {"kind": "consent", "id": "form-42"},
                    "told": None,
                }
            ],
            "answers": [],
            "systems": [],
            "recipients": [],
            "last_record": None,
        }
    )

    exported_at: datetime
    controller: str
    person: Annotated[
        ExportedPerson | None, Field(description="null: nothing is left after an erasure.")
    ]
    addresses: Annotated[list[str], Field(description="Every one ever used, oldest first.")]
    refused_lists: dict[str, datetime]
    restricted_at: datetime | None
    erased_at: datetime | None
    operations: list[ExportedOperation]
    answers: list[Answered]
    systems: list[System]
    recipients: list[Recipient]
    last_record: LastRecord | None
