"""What Mailman's answers say, checked as they come in."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, TypeVar

import httpx
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, RootModel, ValidationError
from pydantic import StringConstraints as Strings

from core.errors import ConnectorError, Unreadable


class Role(StrEnum):
    MEMBER = "member"
    OWNER = "owner"
    MODERATOR = "moderator"
    NONMEMBER = "nonmember"  # posted without being a member


class Delivery(StrEnum):
    ENABLED = "enabled"
    BY_USER = "by_user"
    BY_BOUNCES = "by_bounces"
    BY_MODERATOR = "by_moderator"
    UNKNOWN = "unknown"  # imported from Mailman 2, which did not say


class Asked(StrEnum):
    """What a pending request asks for."""

    SUBSCRIPTION = "subscription"
    UNSUBSCRIPTION = "unsubscription"


class Turn(StrEnum):
    """Whom a pending request waits for."""

    PERSON = "subscriber"
    MODERATOR = "moderator"


def end_of(link: object) -> object:
    return link.rpartition("/")[2] if isinstance(link, str) else link


Id = Annotated[str, BeforeValidator(end_of), Strings(pattern=r"^[0-9a-f]{32}$")]
Lower = Annotated[str, Strings(to_lower=True)]


class Value(BaseModel):
    model_config = ConfigDict(frozen=True)


V = TypeVar("V", bound=Value)


class Versions(Value):
    api_version: str


class MailingList(Value):
    list_id: str
    display_name: str


class User(Value):
    user_id: Id
    display_name: str = ""  # Mailman leaves out what is empty


class Address(Value):
    email: Lower
    display_name: str = ""
    verified_on: str | None = None
    user_id: Id | None = Field(None, alias="user")


class Membership(Value):
    member_id: Id
    list_id: str
    email: Lower
    role: Role
    display_name: str = ""
    user_id: Id | None = Field(None, alias="user")


class Request(Value):
    token: str
    email: Lower
    display_name: str = ""
    turn: Turn = Field(alias="token_owner")


class Ban(Value):
    entry: str = Field(alias="email")  # an address, or a pattern that begins with ^

    @property
    def address(self) -> str:
        """The address that the entry spells, also as a pattern that fits one address only."""
        return self.entry.removeprefix("^").removesuffix("$").replace("\\", "").lower()


class Preferences(Value):
    delivery_status: Delivery


class Problem(Value):
    """
    Mailman's own no. With ``description`` it speaks of the thing asked for; a route that it
    does not know has a title only, and a web server in front of it has neither.
    """

    title: str
    description: str


class Page(Value):
    total_size: int
    entries: list[dict[str, Any]] = []


class Dropped(RootModel[Mapping[Lower, bool | str]]):
    """By address, whether a membership ended; and a tag."""


P = TypeVar("P", bound=BaseModel)


def parsed(
    kind: type[P], answer: httpx.Response, otherwise: type[ConnectorError] = Unreadable
) -> P:
    """``otherwise`` is what an answer means that is none of Mailman's."""
    try:
        return kind.model_validate_json(answer.content)
    except ValidationError:  # its text quotes the answer, so it must not be chained
        pass
    raise otherwise("not an answer as Mailman gives it", status=answer.status_code)


def valid(kind: type[V], entry: dict[str, Any]) -> V:
    try:
        return kind.model_validate(entry)
    except ValidationError:  # as above
        pass
    raise Unreadable("not an entry as Mailman gives it")
