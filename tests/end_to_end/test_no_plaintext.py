"""
Nothing personal is anywhere in what we keep, but where platforms keep it.

A school whose people have a mark in every field, with real processes at DEBUG, bad input and a
platform that repeats what it was told (``marked/``). Of the demo's people: test_demo.py.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from core.testing.plaintext import spellings
from tests.end_to_end.marked import places as marked_places
from tests.end_to_end.marked.story import Plan, Told, tell

pytestmark = pytest.mark.timeout(300)  # the first test to come plays the months


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return tell(tmp_path_factory.mktemp("marked"), Plan(number=8, patience=2, worse=False))


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


@pytest.mark.large
@pytest.mark.timeout(800)
@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(Plan(50, 40, worse=True), id="embedded"),
        pytest.param(Plan(50, 40, worse=True, workers=2, broker="redis"), id="redis"),
        pytest.param(Plan(50, 40, worse=True, workers=2, broker="rabbit"), id="rabbit"),
    ],
)
def test_a_larger_school_leaves_no_mark_either(plan: Plan, tmp_path: Path) -> None:
    told = tell(tmp_path, plan)
    test_a_mark_is_found_in_each_kind_of_place_however_it_is_spelled(told)
    test_no_mark_is_anywhere_while_all_of_it_goes_on(told)
    test_no_mark_is_anywhere_after_the_erasures_are_over(told)
    test_what_was_sealed_opened_then_and_nothing_opens_it_now(told)
