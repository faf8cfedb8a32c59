"""The installation that the environment describes, for the length of a command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from app import logs, wiring
from app.settings import Settings, from_environment
from app.wiring import Installation
from core.ledger import customers
from core.ledger.customers import Customer


def settings() -> Settings:
    """Raises BadSettings."""
    found = from_environment()
    logs.configure(found.log_level)
    return found


@contextmanager
def installation(*, in_step: bool = True) -> Iterator[Installation]:
    with wiring.opened(settings(), in_step=in_step) as found:
        yield found


def customer_named(found: Installation, name: str) -> Customer:
    """Raises Unknown."""
    with found.ledger.read() as tx:
        return customers.named(tx, name)
