"""No address or name of the demo is anywhere in what we keep, but where platforms keep it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from app.demo import story
from core.testing.plaintext import SHORTEST, Finding, Scanner
from tests.end_to_end.conftest import Performance

pytestmark = pytest.mark.timeout(300)  # the first test to come plays the demo

PLANTED = "Planted.Mark@example.nl"


@pytest.fixture(scope="module")
def scanner(performance: Performance) -> Scanner:
    """Every address ever used, every full name; a mark of our own that is planted."""
    people = performance.played.school.people.values()
    marks = {email for known in people for email in known.emails}
    names = {known.name for known in people} | {story.STRANGER_NAME}
    marks |= {name for name in names if len(name) > SHORTEST and " " in name}
    assert len(marks) > 350
    return Scanner([*marks, PLANTED])


def ours(performance: Performance) -> Sequence[Path]:
    """Everything in the demo's folder, but what the platforms keep."""
    place = performance.played.stage.folder
    found = sorted(one for one in place.path.iterdir() if one != place.platforms)
    names = {one.name for one in found}
    assert {"ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.db.locks"} <= names
    assert {"safe.db", "safe.db-wal", "safe.db-shm", "key.json", "courseflow-sync.log"} <= names
    return found


def places(found: Sequence[Finding]) -> set[tuple[str, str]]:
    return {(one.where, one.spelling) for one in found}


def test_the_scanner_finds_what_the_platforms_keep(
    performance: Performance, scanner: Scanner
) -> None:
    found = list(scanner.in_files([performance.played.stage.folder.platforms]))
    assert {"mailman.db", "flaky.journal"} <= {Path(one.where).name for one in found}


def test_the_scanner_finds_a_planted_mark_in_each_file(
    performance: Performance, scanner: Scanner
) -> None:
    files = [path for path in ours(performance) if path.is_file() and path.stat().st_size]
    for path in files:
        data = path.read_bytes()
        middle = len(data) // 2
        planted = data[:middle] + PLANTED.encode() + data[middle:]
        found = {one.mark for one in scanner.in_bytes(planted, path.name)}
        assert found == {PLANTED}, path.name


def test_nothing_is_in_the_databases_or_the_log(performance: Performance, scanner: Scanner) -> None:
    assert places(list(scanner.in_files(ours(performance)))) == set()


def test_nothing_is_in_what_all_libraries_log_at_debug(
    performance: Performance, scanner: Scanner
) -> None:
    data = performance.raw_log.read_bytes()
    assert data.count(b"\n") > 1000
    assert places(list(scanner.in_bytes(data, "raw log"))) == set()


def test_nothing_is_in_the_broker(performance: Performance, scanner: Scanner) -> None:
    assert len(performance.messages) > 20
    assert places(list(scanner.in_bytes(b"\n".join(performance.messages), "broker"))) == set()
