"""
What a connector is: declared facts plus translated calls.

A connector never retries, sleeps, logs, stores or decides: the worker does, the same way
for every platform. Each method is one attempt, safe to repeat, and either returns or
raises an error from core.errors.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Generic, TypeVar

import httpx
from pydantic import BaseModel


class Verb(StrEnum):
    SUBSCRIBE = "subscribe"
    UPDATE = "update"
    UNSUBSCRIBE = "unsubscribe"
    ERASE = "erase"


class Presence(StrEnum):
    """How a platform holds data about a person. Nothing in this list means "not there"."""

    SUBSCRIBED = "subscribed"
    PENDING = "pending"  # waits for the person's own confirmation
    UNSUBSCRIBED = "unsubscribed"  # held, and gets no mail there
    SUPPRESSED = "suppressed"  # on a blocklist: banned, bounced, complained
    ARCHIVED = "archived"
    ANONYMISED = "anonymised"  # masked now, removed by the date in ``until``
    PURGING = "purging"  # still readable, removed by the date in ``until``


class Erasure(StrEnum):
    """What the platform's API makes of an erasure, by the platform's own account."""

    DELETES = "deletes"
    BY_DATE = "by date"
    ARCHIVES = "archives"
    IMPOSSIBLE = "impossible"


@dataclass(frozen=True, slots=True)
class Text:
    """A sentence for people. Both languages or none: a missing one does not type-check."""

    nl: str
    en: str


@dataclass(frozen=True, slots=True)
class Person:
    """
    What is to be shown about a person. ``fields`` holds ``first_name``, ``last_name`` and
    whatever else the customer maps: an absent key keeps what is there, ``None`` clears it.
    """

    email: str
    fields: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Identity:
    """Everything a person may be found by: every address ever used, newest first, and ids."""

    emails: tuple[str, ...]
    remote_ids: tuple[str, ...] = ()  # opaque; as this connector's traces gave them


class BasisKind(StrEnum):
    CONSENT = "consent"
    EXISTING_CUSTOMER = "existing_customer"
    COURSE_CONTRACT = "course_contract"


@dataclass(frozen=True, slots=True)
class Basis:
    """Why a person may be mailed."""

    kind: BasisKind
    id: str
    given_at: datetime
    source: str
    text_version: str = ""
    proof: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """The account at the platform that a credential belongs to; pinned at connect time."""

    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Place:
    """A list, audience or group at the platform. ``id`` is the platform's own."""

    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Trace:
    """
    One place where the platform holds data about the person, as it just told us.

    ``fields`` uses the names that ``Connector.translate`` uses. A field that the place can
    show and that is empty is there with ``""``; a field it cannot show is absent. Values
    live in memory only: evidence keeps the names.
    """

    place: str  # a Place.id, or a fixed word for a store beside the lists (a blocklist)
    presence: Presence
    fields: Mapping[str, str]
    remote_id: str | None = None
    until: datetime | None = None  # with ANONYMISED and PURGING: the platform's date


@dataclass(frozen=True, slots=True, kw_only=True)
class Residue:
    """What stays at the platform after an erasure, by its own account."""

    what: Text
    lasts: timedelta | None  # None: until someone removes it by hand
    by_hand: Text | None = None  # how the customer removes it, where that is possible
    source: str  # where the platform says so
    checked: date


JITTER = timedelta(milliseconds=100)  # a line is rarely as quick one time as another


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """At most so many calls in any span of this length."""

    calls: int
    per: timedelta = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """As the platform counts them, per connection; every window holds."""

    at_once: int = 1
    windows: tuple[Window, ...] = ()

    @property
    def gap(self) -> timedelta:
        """
        Between two calls: evenly spaced like this they fit in every window, also where one was
        ``JITTER`` longer on its way than another. Rounded up.
        """
        wholes = (-(-(one.per + JITTER) // one.calls) for one in self.windows)
        return max(wholes, default=timedelta(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """Everything the product says about a platform before, during and after a sync."""

    name: str
    title: str
    hosts: tuple[str, ...]  # the only hosts this connector may reach; () for self-hosted
    stores_in: Text
    in_eu: bool | None  # None: depends on the account
    docs: str
    checked: date  # when a person last read those docs against this declaration
    erasure: Erasure
    residue: tuple[Residue, ...]
    erase_by_hand: Text  # how a human erases somebody there, where the API cannot or did not
    grace: timedelta | None = None  # with BY_DATE: how long the platform takes
    by_hand: Mapping[Verb, Text] = field(default_factory=dict)  # verbs its API lacks
    can_look: bool = True  # False: no API shows what it holds
    deadline: timedelta = timedelta(seconds=30)  # one attempt, all its calls together
    late_apply: timedelta = timedelta(minutes=10)  # how late an unanswered call may still act
    limits: Limits = Limits()
    bulk: int = 0  # the most people in one call of core.faces.Bulk; 0: it has none

    def steps(self, verb: Verb) -> Text | None:
        """What a human does there in place of the API; None where the API always can."""
        return self.erase_by_hand if verb is Verb.ERASE else self.by_hand.get(verb)


S = TypeVar("S", bound=BaseModel)


class Connector(ABC, Generic[S]):
    """
    One customer's connection to one platform, for the length of one attempt.

    ``http`` arrives guarded (core.http): pinned hosts, TLS, a deadline, short repeats and
    error mapping. An answer that a connector sees is a success whose body is empty or JSON
    of bounded size and depth. The client is this attempt's own: set its auth and headers.

    ``seen`` is what ``places`` gave earlier in the same turn at this connection, the very
    objects; empty before. A connector that needs more of a place extends Place.
    """

    platform: ClassVar[Platform]
    settings_model: ClassVar[type[BaseModel]]
    seen: Sequence[Place] = ()

    def __init__(self, settings: S, http: httpx.Client) -> None:
        self.settings = settings
        self.http = http

    @classmethod
    @abstractmethod
    def base_url(cls, settings: S) -> str:
        """Where this account's API lives. Raises Refused when the settings cannot be right."""

    @abstractmethod
    def check(self) -> Account:
        """Prove that the credential works and may erase; name the account it belongs to."""

    @abstractmethod
    def places(self) -> Sequence[Place]:
        """Everything this credential can see: the positive control of every look."""

    @abstractmethod
    def translate(self, person: Person) -> Mapping[str, str]:
        """What a trace shows once ``person`` was carried over; ``""`` for a cleared field."""

    @abstractmethod
    def find(self, who: Identity) -> Sequence[Trace]:
        """Read every place for every address and every remote id. Nothing found: empty."""

    @abstractmethod
    def subscribe(self, person: Person, place: Place, basis: Basis) -> None:
        """
        Add the person at the place, or bring an existing entry up to date.

        Never re-subscribes whom the platform shows as opted out: raises OnlyThePerson.
        """

    @abstractmethod
    def update(self, who: Identity, new: Person) -> None:
        """Carry a change over wherever found, a new address included. Absent stays absent."""

    @abstractmethod
    def unsubscribe(self, who: Identity, places: Sequence[Place]) -> None:
        """Stop mailings at the places and keep the refusal. Absent stays absent."""

    @abstractmethod
    def erase(self, who: Identity) -> None:
        """Remove as much as the API can, everywhere ``find`` looks. Absent is success."""

    def link(self, remote_id: str) -> str | None:  # noqa: ARG002
        """Where a human finds this entry in the platform's own screens. None: it has no link."""
        return None
