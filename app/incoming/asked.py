"""Turns a wish as somebody typed it into a request that the intake can take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from app.incoming.given_moments import check_past, moment
from app.incoming.json_input import STANDARD_INPUT, checked, read_object
from app.incoming.person_json import GivenBasis, GivenPerson
from core.connector import Text, Verb
from core.identity import BadInput, check_reference
from core.ledger.intake import Request

LONGEST_NOTE = 200

BASIS_TWICE = Text(
    nl="De grondslag staat in --person en in --basis. Geef hem een keer.",
    en="The basis is in --person and in --basis. Give it once.",
)
ONE_INPUT = Text(
    nl="Standaardinvoer kan maar een keer worden gelezen. Gebruik voor een van beide een bestand.",
    en="Standard input can be read once only. Use a file for one of the two.",
)
NO_BASIS_HERE = Text(
    nl="Een grondslag hoort alleen bij aanmelden. Laat hem weg.",
    en="A basis belongs to subscribing only. Leave it out.",
)
NOTE = Text(
    nl="Schrijf in hoogstens 200 tekens hoe, zonder e-mailadres.",
    en="Say how in 200 characters at most, without an e-mail address.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A wish as it was typed; ``person`` and ``basis`` name where their JSON is."""

    verb: Verb
    reference: str
    person: str = ""
    basis: str = ""
    lists: Sequence[str] = field(default=())
    received_at: str = ""
    channel: str = ""
    identity_checked_how: str = ""
    undo: timedelta = timedelta(0)


def request(asked: Asked, zone: ZoneInfo, now: datetime) -> Request:
    """Raises BadInput."""
    check_reference(asked.reference)
    person, basis = given(asked)
    received = check_past(moment(asked.received_at, zone), now) if asked.received_at else None
    return Request(
        asked.verb,
        asked.reference,
        person.email or None,
        person.changes(),
        tuple(asked.lists),
        basis.basis(zone, now) if basis else None,
        received,
        note(asked.channel),
        note(asked.identity_checked_how) if asked.identity_checked_how else None,
        undo=asked.undo,
    )


def given(asked: Asked) -> tuple[GivenPerson, GivenBasis | None]:
    if STANDARD_INPUT == asked.person == asked.basis:
        raise BadInput(ONE_INPUT)
    person = checked(GivenPerson, read_object(asked.person)) if asked.person else GivenPerson()
    basis = checked(GivenBasis, read_object(asked.basis)) if asked.basis else None
    if person.basis and asked.verb is not Verb.SUBSCRIBE:
        raise BadInput(NO_BASIS_HERE)
    if person.basis and basis:
        raise BadInput(BASIS_TWICE)
    return person, basis or person.basis


def note(text: str) -> str:
    """Raises BadInput: this is stored as it stands."""
    if not 1 <= len(text) <= LONGEST_NOTE or "@" in text or not text.isprintable():
        raise BadInput(NOTE)
    return text
