"""What the conformance kit needs to know of one imitated platform."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from typing import Any, ClassVar

from core.connector import Connector, Place


class Bench(ABC):
    """
    An imitation with at least two places, used for one rule and then thrown away.

    ``lies`` starts the lie of each rule that has one; it goes on until the bench is gone.
    ``cannot`` says of the other rules why their lie cannot happen at this platform.
    """

    cannot: ClassVar[Mapping[str, str]] = {}
    places: tuple[Place, ...]
    lies: Mapping[str, Callable[[], object]]

    @abstractmethod
    def connect(self) -> Connector[Any]:
        """A connector for one attempt."""

    @abstractmethod
    def join(self, email: str, first_name: str, place: Place) -> None:
        """The person becomes a member without us."""

    @abstractmethod
    def move(self, old: str, new: str) -> None:
        """The person changes the address at the platform itself, wherever it is held."""

    @abstractmethod
    def held(self, email: str) -> Mapping[str, Collection[str]]:
        """The truth, past the connector: by place, every text that is kept of this address."""

    @abstractmethod
    def let_happen(self) -> None:
        """Time passes until every call that got no answer has acted."""

    @abstractmethod
    def be_honest(self) -> None:
        """The lie is over."""

    @abstractmethod
    def close(self) -> None: ...
