"""
Nothing personal is anywhere in what we keep, but where platforms keep it.

First of the demo's people, then of a school whose people have a mark in every field, with real
processes at DEBUG, bad input and a platform that repeats what it was told (``marked/``).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from app.demo import story
from core.testing.plaintext import SHORTEST, Finding, Scanner, spellings
from tests.end_to_end.conftest import Performance
from tests.end_to_end.marked import places as marked_places
from tests.end_to_end.marked.story import Plan, Told, tell

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


SHORT = Plan(number=8, patience=2, worse=False)
storm = [pytest.mark.storm, pytest.mark.timeout(1200)]


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(SHORT, id="one process"),
        pytest.param(Plan(50, 40, worse=True), id="embedded", marks=storm),
        pytest.param(Plan(50, 40, worse=True, workers=2, broker="redis"), id="redis", marks=storm),
        pytest.param(
            Plan(50, 40, worse=True, workers=2, broker="rabbit"), id="rabbit", marks=storm
        ),
    ],
)
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Told:
    plan: Plan = request.param
    return tell(tmp_path_factory.mktemp("marked"), plan)


def test_a_mark_is_found_in_each_kind_of_place_however_it_is_spelled(told: Told) -> None:
    every = set(spellings(marked_places.PLANTED))
    unseen = {
        place: every - {spelling for _, spelling, _ in found}
        for place, found in told.control.items()
    }
    assert {place: missed for place, missed in unseen.items() if missed} == {}


def test_no_mark_is_anywhere_while_all_of_it_goes_on(told: Told) -> None:
    assert told.log.count(b"\n") > 100
    assert {place: found for place, found in told.before.items() if found} == {}


def test_no_mark_is_anywhere_after_the_erasures_are_over(told: Told) -> None:
    assert told.forgotten == len([one for one in told.people if one.fate == "erased"])
    assert {place: found for place, found in told.after.items() if found} == {}


def test_what_was_sealed_opened_then_and_nothing_opens_it_now(told: Told) -> None:
    """
    Also what the ledger's backup of the day before holds; and no file holds an old key. The
    safe's own backup opens it for as long as its day's key lives: tests/core/backups.
    """
    kinds = {one.what for one in told.opened_before}
    assert kinds >= {"person", "address", "basis", "key"}
    assert {one.what for one in told.backup} >= {*kinds, "record"}
    assert told.opened_after == []
    assert told.left == []
    assert told.raw == []
