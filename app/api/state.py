"""What all requests of one application share."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

from starlette.requests import Request

from app.api.cursors import Cursors
from app.api.problems import Kind, of
from app.api.rates import Rates
from app.wiring import Installation
from core.ledger import Ledger
from core.ledger.api_keys import ApiKey
from core.ledger.customers import Customer


@dataclass(frozen=True, slots=True)
class Running:
    """The requests that run in this process, by key: their repetitions need not wait."""

    keys: set[tuple[UUID, UUID, str]] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def alone(self, request: tuple[UUID, UUID, str]) -> Iterator[None]:
        """Raises Problem while the same request runs."""
        with self.lock:
            if request in self.keys:
                raise of(Kind.STILL_RUNNING, headers={"Retry-After": "1"})
            self.keys.add(request)
        try:
            yield
        finally:
            with self.lock:
                self.keys.discard(request)


@dataclass(frozen=True, slots=True)
class Api:
    """One installation with what is counted about its requests."""

    installation: Installation
    rates: Rates
    running: Running = field(default_factory=Running)

    @property
    def ledger(self) -> Ledger:
        return self.installation.ledger

    def cursors(self, of_what: str) -> Cursors:
        """Made under the oldest key: a newer one may not be known to every process yet."""
        oldest_first = sorted(self.ledger.key_versions.items())
        return Cursors([key.derive("cursors") for _, key in oldest_first], of_what)


@dataclass(frozen=True, slots=True)
class Admitted:
    """Who asks; ``customer`` is the one that the path names, None where it names none."""

    key: ApiKey
    customer: Customer | None


def api_of(request: Request) -> Api:
    api: Api = request.app.state.api
    return api
