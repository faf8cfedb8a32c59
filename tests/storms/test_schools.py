"""A storm is over when nothing is open that is due in time, and not before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.running import working
from core.ledger.schema import holdings
from tests.databases import Urls
from tests.storms.schools import still_open
from tests.storms.town import Town, a_town
from tests.waiting import eventually

SOON, HOUR = timedelta(minutes=1), timedelta(hours=1)

pytestmark = pytest.mark.parametrize("urls", ["sqlite"], indirect=True)


@pytest.fixture
def town(urls: Urls, tmp_path: Path) -> Iterator[Town]:
    with a_town(urls, "memory:", tmp_path, 1) as one:
        one.subscribe(one.house())
        yield one


def put(town: Town, **columns: object) -> None:
    with town.installation.ledger.begin() as tx:
        tx.db.execute(sa.update(holdings).values(**columns))


def test_what_was_asked_is_open_until_it_is_done(town: Town) -> None:
    ledger, now = town.installation.ledger, datetime.now(UTC)
    assert still_open(ledger) == 1
    assert still_open(ledger, accepted=now + SOON) == 1
    assert still_open(ledger, accepted=now - SOON) == 0
    with working(town.installation, threads=1):
        eventually(lambda: town.open(*town.houses) == 0)
    assert still_open(ledger) == 0


def test_what_rests_for_hours_is_not_waited_for_but_what_is_under_way_is(town: Town) -> None:
    ledger, now = town.installation.ledger, datetime.now(UTC)
    assert still_open(ledger, due=now + SOON) == 1
    put(town, due_at=now + HOUR)
    assert (still_open(ledger), still_open(ledger, due=now + SOON)) == (1, 0)
    put(town, intent_fence=7)
    assert still_open(ledger, due=now + SOON) == 1
