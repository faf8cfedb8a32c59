"""
The optional faces of a connector: what some platforms offer beside one person at a time.

A connector takes a face on by inheriting it. What holds for Connector holds here: no method
repeats, sleeps, logs, stores or decides.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.connector import Basis, Identity, Person, Place, Trace
from core.errors import ConnectorError


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Who is to be subscribed, with the reason why that is allowed."""

    person: Person
    basis: Basis


class Bulk(ABC):
    """
    Many people in one call, an outcome for each: never one outcome for all.

    Erasing is no part of it, as no platform that we know answers per person for that; nor is
    updating, as a bulk call may create who is absent.
    """

    @abstractmethod
    def at_most(self) -> int:
        """How many people this account takes in one call; 0: none together. Makes no call."""

    @abstractmethod
    def subscribe_many(
        self, several: Sequence[Newcomer], place: Place
    ) -> Sequence[ConnectorError | None]:
        """
        ``Connector.subscribe`` for each, in order; None is a definite yes. Raises when the
        call as a whole failed: then its class holds for everybody in it.
        """

    @abstractmethod
    def find_many(
        self, several: Sequence[Identity], place: Place, since: datetime
    ) -> Sequence[Sequence[Trace] | None]:
        """
        What ``Connector.find`` gives for each, in order. None: this face cannot tell, ask
        ``find``; so is everybody whom a look at ``place`` alone would not show completely.

        ``since`` is a moment before everybody's last change there, by our clock.
        """


@dataclass(frozen=True, slots=True)
class Notice:
    """What a platform sent us unasked: the raw body with its headers in lower case."""

    body: bytes
    headers: Mapping[str, str]
    received_at: datetime


class Notices(ABC):
    """The platform tells by a webhook that somebody changed there: a reason to look, no more."""

    @abstractmethod
    def whom(self, notice: Notice) -> Sequence[Identity]:
        """
        Who may have changed, by address or remote id. Makes no call. Raises Refused where the
        platform signs and the signature is wrong or old, Unreadable for anything else.
        """
