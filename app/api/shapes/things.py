"""The shapes of customers, lists, connections, tasks, keys."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from app.api.shapes import CONNECTION, CUSTOMER, KEY, REFERENCE, TASK, Cursor, Shape, Words, like
from app.api.shapes.report import IN_ONE_CONNECTION, STEPS, WORK, ConnectionTotals, Work
from core.connector import Verb
from core.ledger.customers import Purpose
from core.report.condition import Circuit, Doing
from core.states import State
from core.states import Task as Why

SCHOOL: dict[str, Any] = {
    "id": CUSTOMER,
    "name": "De Verfschuur",
    "time_zone": "Europe/Amsterdam",
}
LIST: dict[str, Any] = {"key": "nieuwsbrief", "purpose": "newsletter", "title": "Nieuwsbrief"}
ONE_CONNECTION: dict[str, Any] = {
    "id": CONNECTION,
    "platform": "sandbox-by-hand",
    "title": "Kaartenbak",
    "state": "working",
    "breaker": {"state": "closed", "failures": 0, "since": None, "until": None},
    "host": None,
    "rests_until": None,
    "says": {"nl": "Geen problemen.", "en": "No problems."},
    "lists": {"nieuwsbrief": "contacts"},
    "fields": ["first_name", "last_name"],
    "keep_refusal": False,
    "outside_eu_accepted_at": None,
    "hook": None,
    "closed_at": None,
}
ONE_KEY: dict[str, Any] = {
    "id": KEY,
    "title": "administration",
    "created_at": "2026-11-22T09:00:00Z",
    "revoked_at": None,
}


class Customer(Shape):
    """A school, whose data it is."""

    model_config = like(SCHOOL)

    id: UUID
    name: str
    time_zone: Annotated[str, Field(description="In which legal terms are counted.")]


class Customers(Shape):
    """A page of customers."""

    model_config = like({"items": [SCHOOL], "next": None})

    items: list[Customer]
    next: Cursor


class List(Shape):
    """The customer's name for a stream of mail."""

    model_config = like(LIST)

    key: str
    purpose: Purpose
    title: str


class Lists(Shape):
    """Every list."""

    model_config = like({"items": [LIST]})

    items: list[List]


class Breaker(Shape):
    """Open: nothing is sent until then; half open: one try is due, or under way."""

    state: Circuit
    failures: Annotated[int, Field(description="Turns in a row that did not get through.")]
    since: Annotated[datetime | None, Field(description="The first of those.")]
    until: Annotated[datetime | None, Field(description="When the next try is, while it is open.")]


class Host(Breaker):
    """The same of the platform's host, which all connections to it share."""

    name: Annotated[str, Field(description="`host:port`.")]


class Connection(Shape):
    """One account at a platform. Its settings are never shown."""

    model_config = like(ONE_CONNECTION)

    id: UUID
    platform: str
    title: str
    state: Annotated[Doing, Field(description="Whether work goes on, and what it waits for.")]
    breaker: Breaker
    host: Annotated[Host | None, Field(description="null: nothing is called there, or not yet.")]
    rests_until: Annotated[datetime | None, Field(description="The platform asked to wait.")]
    says: Annotated[Words, Field(description="What happened, what it means, who moves.")]
    lists: Annotated[dict[str, str], Field(description="Key of a list to place at the platform.")]
    fields: Annotated[list[str], Field(description="What is sent besides the address.")]
    keep_refusal: bool
    outside_eu_accepted_at: datetime | None
    hook: Annotated[
        str | None,
        Field(
            description="Where the platform's webhook should lead at this installation, where "
            "it has one that we read. Keep it secret."
        ),
    ]
    closed_at: datetime | None


class Connections(Shape):
    """Every connection there ever was, closed ones included."""

    model_config = like({"items": [ONE_CONNECTION]})

    items: list[Connection]


class Closed(Shape):
    """It is closed; ``remains`` is what it was last seen to hold, and still holds."""

    model_config = like(
        {
            "connection": {
                **ONE_CONNECTION,
                "state": "closed",
                "says": {"nl": "Losgekoppeld. …", "en": "Disconnected. …"},
                "closed_at": "2026-11-22T09:00:00Z",
            },
            "remains": IN_ONE_CONNECTION,
        }
    )

    connection: Connection
    remains: ConnectionTotals


class Place(Shape):
    """A list, audience or group at the platform."""

    id: str
    title: str


class Checked(Shape):
    """The credential works, at this account, and sees these places."""

    model_config = like(
        {"account": "De kaartenbak", "places": [{"id": "contacts", "title": "Contacts"}]}
    )

    account: str
    places: list[Place]


class Tasks(Shape):
    """A page of open tasks, the most urgent first."""

    model_config = like({"items": [WORK], "next": None})

    items: list[Work]
    next: Cursor


class Subject(Shape):
    """The person as the platform must know them: here it is not masked."""

    reference: str
    emails: Annotated[list[str], Field(description="Every address to look for, newest first.")]
    fields: dict[str, str | None]


class TaskDetails(Shape):
    """One task with whom it is about; ``person`` is null where it is about the connection."""

    model_config = like(
        {
            "id": TASK,
            "kind": "by_hand",
            "verb": "erase",
            "connection": CONNECTION,
            "platform": "sandbox-by-hand",
            "title": "Kaartenbak",
            "opened_at": "2026-11-22T09:00:00Z",
            "deadline": "2026-12-22T09:00:00Z",
            "closed_at": None,
            "person": {
                "reference": REFERENCE,
                "emails": ["jan.jansen@example.nl"],
                "fields": {},
            },
            "subscribe": [],
            "unsubscribe": [],
            "by_hand": STEPS,
        }
    )

    id: UUID
    kind: Why
    verb: Verb | None
    connection: UUID
    platform: str
    title: str
    opened_at: datetime
    deadline: datetime | None
    closed_at: datetime | None
    person: Subject | None
    subscribe: list[str]
    unsubscribe: list[str]
    by_hand: Words | None


class Attested(Shape):
    """It was noted. Where we can look, we look again and that decides."""

    model_config = like({"id": TASK, "state": "attested", "verified": False, "looks": False})

    id: UUID
    state: State
    verified: bool
    looks: bool


class Key(Shape):
    """A key of the API, without its secret."""

    model_config = like(ONE_KEY)

    id: UUID
    title: str
    created_at: datetime
    revoked_at: datetime | None


class Keys(Shape):
    """Every key there ever was, revoked ones included."""

    model_config = like({"items": [ONE_KEY]})

    items: list[Key]


class IssuedKey(Key):
    """A new key. Its secret is shown this once."""

    model_config = like({**ONE_KEY, "secret": "cfs_…"})

    secret: str
