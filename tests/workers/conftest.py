"""Fixtures for the tests of the workers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from core.ledger import Ledger
from core.testing.imitation import HONEST
from tests.databases import Clock
from tests.workers.school import School


@pytest.fixture
def quick_ledger(ledger: Ledger) -> Iterator[Ledger]:
    """One that would not survive a power cut: no test cuts the power."""
    engines = [store.engine for store in (ledger.database, ledger.safe.database) if store.is_sqlite]
    for engine in engines:
        sa.event.listen(engine, "connect", write_without_waiting)
    yield ledger
    for engine in engines:
        sa.event.remove(engine, "connect", write_without_waiting)


def write_without_waiting(connection: Any, _: Any) -> None:
    connection.execute("PRAGMA synchronous=OFF")


@pytest.fixture
def school(request: pytest.FixtureRequest, quick_ledger: Ledger, clock: Clock) -> Iterator[School]:
    """Its platform keeps what it declares, unless a test asks for another (``school.at``)."""
    one = School(quick_ledger, clock, getattr(request, "param", HONEST))
    yield one
    one.close()
