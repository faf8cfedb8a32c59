"""What Laposta's answers say, checked as they come in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, TypeVar

import httpx
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic import StringConstraints as Strings

from core.errors import ConnectorError, Unreadable

MIDNIGHT = " 00:00:00"  # a date is given back as a moment


class State(StrEnum):
    """Of a member. The published specification names only the first and the last of these."""

    ACTIVE = "active"
    UNCONFIRMED = "unconfirmed"
    UNSUBSCRIBED = "unsubscribed"
    CLEANED = "cleaned"
    DELETED = "deleted"


def object_of(fields: object) -> object:
    """PHP writes an empty object as an empty array."""
    return {} if fields == [] else fields


Id = Annotated[str, Strings(pattern=r"^[A-Za-z0-9_-]+$")]
Lower = Annotated[str, Strings(to_lower=True)]
Fields = Annotated[Mapping[str, Any], BeforeValidator(object_of)]


class Value(BaseModel):
    model_config = ConfigDict(frozen=True)


V = TypeVar("V", bound=Value)


class Counts(Value):
    """How many members there are in the states that Laposta counts: it leaves one out."""

    active: int
    unsubscribed: int
    cleaned: int


class MailingList(Value):
    list_id: Id
    name: str
    account_id: Id | None = None
    members: Counts | None = None


class ListRow(Value):
    list: MailingList


class Lists(Value):
    data: list[ListRow]


class Member(Value):
    member_id: Id
    list_id: Id
    email: Lower
    state: State
    custom_fields: Fields = {}

    @property
    def shown(self) -> Mapping[str, str]:
        """Every variable of the list, with the text of its value."""
        return {name: text(value) for name, value in self.custom_fields.items()}


class MemberRow(Value):
    member: Member


class Row(Value):
    """A member that was not looked into: a strange one must not hide the others."""

    member: dict[str, Any]


class Rows(Value):
    data: list[Row]


class Problem(Value):
    """Laposta's own no."""

    type: str
    message: str = ""
    code: int | None = None
    parameter: str | None = None


class Refusal(Value):
    error: Problem


class Provided(Value):
    """What we sent of somebody, given back."""

    email: Lower


class Carried(Value):
    provided_data: Provided
    member: Member


class Failed(Value):
    provided_data: Provided
    error: Problem


class Report(Value):
    """The answer to a bulk call."""

    added: Sequence[Carried]
    edited: Sequence[Carried]
    skipped: Sequence[Carried]
    errors: Sequence[Failed]


def text(value: object) -> str:
    match value:
        case None:
            return ""
        case list():
            return ", ".join(map(text, value))
        case _:
            return plain(str(value))


def plain(value: str) -> str:
    """A value as we compare it, sent or given back."""
    return value.removesuffix(MIDNIGHT)


def parsed(
    kind: type[V], answer: httpx.Response, otherwise: type[ConnectorError] = Unreadable
) -> V:
    """``otherwise`` is what an answer means that is none of Laposta's."""
    try:
        return kind.model_validate_json(answer.content)
    except ValidationError:  # its text quotes the answer, so it must not be chained
        pass
    raise otherwise("not an answer as Laposta gives it", status=answer.status_code)


def valid(kind: type[V], row: Mapping[str, Any]) -> V:
    try:
        return kind.model_validate(row)
    except ValidationError:  # as above
        pass
    raise Unreadable("not an entry as Laposta gives it")
