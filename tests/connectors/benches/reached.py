"""A bench whose platform is reached over HTTP."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import httpx

from core.connector import Connector
from core.testing.bench import Bench


class Reached(Bench):
    @property
    @abstractmethod
    def url(self) -> str:
        """Where the platform listens on this machine, its path included."""

    @abstractmethod
    def over(self, http: httpx.Client) -> Connector[Any]:
        """A connector over another way to it."""

    @abstractmethod
    def remember(self) -> Callable[[], None]:
        """What puts the people there back as they are now; to be used once."""
