"""What a sandbox platform's answers say, checked as they come in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TypeVar

import httpx
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from core.errors import ConnectorError, Unreadable


class State(StrEnum):
    """Of a contact."""

    ACTIVE = "active"
    ARCHIVED = "archived"
    PURGING = "purging"


class Status(StrEnum):
    """Of a contact's membership of a list."""

    SUBSCRIBED = "subscribed"
    UNSUBSCRIBED = "unsubscribed"


class Value(BaseModel):
    model_config = ConfigDict(frozen=True)


V = TypeVar("V", bound=Value)


class Access(Value):
    """What a key opens."""

    id: str
    title: str
    may: Sequence[str]


class Listing(Value):
    id: str
    title: str


class Lists(Value):
    lists: Sequence[Listing]


class Membership(Value):
    status: Status


class Contact(Value):
    id: str
    email: str
    fields: Mapping[str, str]
    lists: Mapping[str, Membership]
    state: State
    until: AwareDatetime | None


class Blocked(Value):
    id: str
    email: str


class Held(Value):
    """The answer to a search."""

    contacts: Sequence[Contact]
    blocked: Sequence[Blocked]


class Refusal(Value):
    """The platform's own no, in a word."""

    error: str


def parsed(
    kind: type[V], answer: httpx.Response, otherwise: type[ConnectorError] = Unreadable
) -> V:
    """``otherwise`` is what an answer means that is none of the platform's."""
    try:
        return kind.model_validate_json(answer.content)
    except ValidationError:  # its text quotes the answer, so it must not be chained
        pass
    raise otherwise("not an answer as the sandbox gives it", status=answer.status_code)
