"""An operation as the HTTP API takes it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from app.incoming.asked import LONGEST_NOTE, NO_BASIS_HERE, note
from app.incoming.given_moments import check_past, moment
from app.incoming.misplaced import Misplaced, placed
from app.incoming.person_json import Given, GivenBasis, GivenData, Name
from app.incoming.titles import checked_key
from core.connector import Basis, Text, Verb
from core.identity import LONGEST_REFERENCE, check_reference
from core.ledger.intake import LONGEST_UNDO, Request

CHANNEL = "api"
MOST_LISTS = 50
MINUTE = timedelta(minutes=1)

NO_LISTS_HERE = Text(
    nl="Lijsten horen bij aanmelden en afmelden. Laat ze weg: dit geldt voor elke koppeling.",
    en="Lists belong to subscribing and unsubscribing. Leave them out: this is about every "
    "connection.",
)
NO_LIST = Text(
    nl="Een lijst met deze sleutel is er niet. Maak hem met PUT, of noem een andere.",
    en="There is no list with this key. Make it with PUT, or name another.",
)
NO_UNDO_HERE = Text(
    nl="Alleen verwijderen kan ongedaan worden gemaakt. Laat dit weg.",
    en="Only an erasure can be undone. Leave this out.",
)
NAMES_LISTS = frozenset({Verb.SUBSCRIBE, Verb.UNSUBSCRIBE})

Reference = Annotated[
    str,
    AfterValidator(check_reference),
    Field(
        min_length=1,
        max_length=LONGEST_REFERENCE,
        pattern="^[^@]*$",
        description="Your own key for the person; no @ in it.",
        examples=["cf-123"],
    ),
]
ListKey = Annotated[str, AfterValidator(checked_key), Field(pattern="^[a-z0-9][a-z0-9_-]{0,49}$")]
Note = Annotated[
    str, AfterValidator(note), Field(min_length=1, max_length=LONGEST_NOTE, pattern="^[^@]*$")
]


class AskedPerson(GivenData):
    """Whom it is about. What is left out keeps what is known; null clears a name or a field."""

    reference: Reference


class AskedHow(Given):
    """How the person's wish came in."""

    received_at: Annotated[Name | None, Field(description="When the person asked, if not now.")] = (
        None
    )
    channel: Note = CHANNEL
    identity_checked_how: Annotated[
        Note | None,
        Field(description="In a few words; never the number of a passport or a name."),
    ] = None


class AskedOperation(Given):
    """
    Something that is asked about one person.

    To subscribe needs an address, lists, a basis. An erasure takes no narrowing: it covers
    every connection, whether we know the person or not.
    """

    verb: Verb
    person: AskedPerson
    lists: Annotated[list[ListKey], Field(max_length=MOST_LISTS, default_factory=list)]
    basis: GivenBasis | None = None
    request: AskedHow | None = None
    undo_minutes: Annotated[
        int,
        Field(
            strict=True,
            ge=0,
            le=LONGEST_UNDO // MINUTE,
            description="For so long an erasure can be undone; until then nothing is erased.",
        ),
    ] = 0


HOW = AskedHow()


def request(
    asked: AskedOperation, zone: ZoneInfo, now: datetime, known: Collection[str]
) -> Request:
    """``known`` are the keys of the customer's lists. Raises Misplaced."""
    person, how = asked.person, asked.request or HOW
    check_lists(asked, known)
    if asked.undo_minutes and asked.verb is not Verb.ERASE:
        raise Misplaced("/undo_minutes", NO_UNDO_HERE)
    return Request(
        asked.verb,
        person.reference,
        person.email or None,
        person.changes(),
        tuple(asked.lists),
        basis(asked, zone, now),
        received(how, zone, now),
        how.channel,
        how.identity_checked_how,
        undo=asked.undo_minutes * MINUTE,
    )


def check_lists(asked: AskedOperation, known: Collection[str]) -> None:
    if asked.lists and asked.verb not in NAMES_LISTS:
        raise Misplaced("/lists", NO_LISTS_HERE)
    for place, key in enumerate(asked.lists):
        if key not in known:
            raise Misplaced(f"/lists/{place}", NO_LIST)


def basis(asked: AskedOperation, zone: ZoneInfo, now: datetime) -> Basis | None:
    if asked.basis is None:
        return None
    if asked.verb is not Verb.SUBSCRIBE:
        raise Misplaced("/basis", NO_BASIS_HERE)
    with placed("/basis/given_at"):
        return asked.basis.basis(zone, now)


def received(how: AskedHow, zone: ZoneInfo, now: datetime) -> datetime | None:
    if how.received_at is None:
        return None
    with placed("/request/received_at"):
        return check_past(moment(how.received_at, zone), now)
