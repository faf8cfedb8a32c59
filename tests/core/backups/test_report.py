"""Until when a backup holds an erased person: the report says it, and then nobody can read it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.backups import making
from core.backups.dumps_of_postgresql import Programs
from core.report import person_report
from core.report.standing import Standing
from core.safe.schema import backups
from tests.databases import Clock
from tests.school import School, erasure

Backup = Callable[[], object]
DAY = timedelta(days=1)
pytestmark = pytest.mark.usefixtures("number")


@pytest.fixture
def back_up(school: School, folder: Path, key_file: Path, programs: Programs) -> Backup:
    return lambda: making.backup(school.ledger, folder, key_file, programs)


def in_backups(school: School, reference: str = "cf-1") -> list[str | None]:
    with school.ledger.read() as tx:
        found = person_report(school.ledger, tx, school.customer, reference, {})
    return [
        f"{system.residue[0].until:%Y-%m-%d}"
        for system in found.systems
        if system.state is Standing.IN_BACKUPS
    ]


def test_s5_the_report_says_until_when_backups_hold_an_erased_person(
    school: School, back_up: Backup, clock: Clock
) -> None:
    school.accepted(school.subscription())
    back_up()  # on 22 November
    assert in_backups(school) == []
    clock.passes(2 * DAY)
    school.accepted(erasure())
    assert in_backups(school) == ["2027-02-20"]
    clock.passes(2 * DAY)
    back_up()  # in which the key is no more
    assert in_backups(school) == ["2027-02-20"]
    clock.at = datetime(2027, 2, 20, tzinfo=UTC)
    assert in_backups(school) == []


def test_who_was_in_no_backup_is_said_to_be_in_none(
    school: School, back_up: Backup, clock: Clock
) -> None:
    back_up()
    clock.passes(DAY)
    school.accepted(school.subscription())
    school.accepted(erasure())
    assert in_backups(school) == []


def test_a_backup_that_was_killed_counts_as_it_may_have_been_copied(school: School) -> None:
    school.accepted(school.subscription())
    with school.ledger.safe.database.begin() as tx:
        tx.db.execute(sa.insert(backups).values(begun_at=tx.now))
    school.accepted(erasure())
    assert in_backups(school) == ["2027-02-20"]
