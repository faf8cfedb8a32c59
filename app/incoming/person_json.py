"""What may be told about a person, as JSON."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from app.incoming.given_moments import check_past, moment
from app.incoming.members_csv import FORMULA, LONGEST_CELL, SIGNED_NUMBER
from core.connector import Basis, BasisKind
from core.identity import normalise

FIELD_NAME = re.compile(r"\w[\w -]{0,49}", re.ASCII)  # as field:NAME in a CSV file
RESERVED = {"email", "first_name", "last_name"}


def clean(text: str) -> str:
    """What no platform, terminal or spreadsheet can take for something else."""
    tidy = unicodedata.normalize("NFC", text.strip())
    if not tidy:
        raise ValueError("empty; give null to clear it, or leave it out to keep it")
    if len(tidy) > LONGEST_CELL:
        raise ValueError(f"longer than {LONGEST_CELL} characters")
    if not tidy.replace("\n", " ").isprintable():
        raise ValueError("it holds an invisible character")
    return tidy


def one_line(text: str) -> str:
    tidy = clean(text)
    if "\n" in tidy:
        raise ValueError("it holds a line break")
    if FORMULA.match(tidy):
        raise ValueError("it begins like a formula (=, +, -, @)")
    return tidy


def free(text: str) -> str:
    tidy = clean(text)
    if FORMULA.match(tidy) and not SIGNED_NUMBER.fullmatch(tidy):
        raise ValueError("it begins like a formula (=, +, -, @)")
    return tidy


def named(fields: Mapping[str, str | None]) -> Mapping[str, str | None]:
    for name in fields:
        if not FIELD_NAME.fullmatch(name) or name.casefold() in RESERVED:
            raise ValueError(
                "a name of a field has letters, digits, blanks, - and _, and is no other name here"
            )
    return fields


FieldName = Annotated[str, Field(pattern="^[A-Za-z0-9_][A-Za-z0-9_ -]{0,49}$")]
Name = Annotated[str, AfterValidator(one_line)]
Free = Annotated[str, AfterValidator(free)]


class Given(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class GivenBasis(Given):
    """Why the person may be mailed."""

    kind: BasisKind
    id: Name
    given_at: Name
    source: Name
    text_version: Name | None = None
    proof: Free | None = None

    def basis(self, zone: ZoneInfo, now: datetime) -> Basis:
        """Raises BadInput for a moment that does not exist, or is still to come."""
        return Basis(
            self.kind,
            self.id,
            check_past(moment(self.given_at, zone), now),
            self.source,
            self.text_version or "",
            self.proof or "",
        )


class GivenData(Given):
    """What is left out keeps what is known; ``null`` clears a name or a field."""

    email: Annotated[str, AfterValidator(normalise)] = ""  # "" is: not given; null is refused
    first_name: Name | None = None
    last_name: Name | None = None
    fields: Annotated[dict[str, Free | None], AfterValidator(named)] = Field(default_factory=dict)

    def changes(self) -> dict[str, str | None]:
        """As in core.connector.Person: only what was given."""
        names = {"first_name": self.first_name, "last_name": self.last_name}
        told = {name: value for name, value in names.items() if name in self.model_fields_set}
        return {**told, **self.fields}


class GivenPerson(GivenData):
    """The same with the reason why the person may be mailed, in one file."""

    basis: GivenBasis | None = None
