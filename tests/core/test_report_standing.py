"""Every state has a word in the report, an owner and, while it is open, a next moment."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from core.report.moves import Board, next_move
from core.report.standing import (
    OVER,
    SHOWN,
    WHOSE,
    Count,
    Facts,
    Standing,
    Whose,
    as_asked,
    count,
    standing,
)
from core.report.values import Next, Reads
from core.states import State

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
DEADLINE = datetime(2026, 12, 22, 22, 59, 59, tzinfo=UTC)
ASKED = NOW - timedelta(days=2)

PROMISED = [
    "queued", "sent", "not_found", "still_there", "final_on", "overdue", "retrying", "needs_you",
    "only_the_person", "shared", "kept", "in_backups", "finishing", "attested", "cannot_look",
    "returned",
]  # fmt: skip

FLAGS = ("looked", "empty", "reached", "task", "due", "closed", "held", "can_look")
EVERYTHING = [
    Facts(state=state, **dict(zip(FLAGS, flags, strict=True)))
    for state in State
    for flags in itertools.product((False, True), repeat=len(FLAGS))
]


def facts(state: State, **changed: bool) -> Facts:
    usual = {
        "looked": True, "empty": False, "reached": False, "task": False, "due": True,
        "closed": False, "held": False, "can_look": True,
    }  # fmt: skip
    return Facts(state=state, **{**usual, **changed})


def board(found: Facts, *, deadline: datetime | None, erases: bool) -> Board:
    return Board(
        standing=standing(found),
        as_asked=as_asked(found, erases=erases),
        now=NOW,
        since=ASKED,
        deadline=deadline,
        due_at=NOW + timedelta(hours=1) if found.due and not found.closed else None,
        held=found.held,
        final_on=NOW + timedelta(days=9) if found.state is State.FINAL_ON else None,
    )


def test_the_list_of_states_is_the_promised_one() -> None:
    assert [one.value for one in Standing] == PROMISED
    assert {one.value for one in Whose} == {"ours", "yours", "the_platform", "the_person"}


def test_every_state_of_the_ledger_has_a_place_and_an_owner() -> None:
    assert set(SHOWN) == set(State)
    assert set(WHOSE) == set(Standing)


@pytest.mark.parametrize("deadline", [None, DEADLINE], ids=["no term", "a term"])
def test_no_open_state_is_without_a_next_moment(deadline: datetime | None) -> None:
    for found, erases in itertools.product(EVERYTHING, (False, True)):
        here = board(found, deadline=deadline, erases=erases)
        is_open = here.standing not in OVER and not here.as_asked
        assert next_move(here) is not None or not is_open, found


def test_nothing_is_called_not_found_without_an_empty_look() -> None:
    for found in EVERYTHING:
        if standing(found) is Standing.NOT_FOUND or count(found) is Count.NOT_FOUND:
            assert found.looked, found
            assert found.empty, found


def test_what_was_seen_last_is_never_counted_as_not_found() -> None:
    assert not any(
        count(found) is Count.NOT_FOUND for found in EVERYTHING if found.looked and not found.empty
    )


def test_nothing_is_as_asked_that_nobody_saw() -> None:
    for found, erases in itertools.product(EVERYTHING, (False, True)):
        if as_asked(found, erases=erases):
            assert found.looked, found
        if as_asked(found, erases=erases) and erases:
            assert found.empty or found.state in {State.CONFIRMED, State.KEPT}, found


def test_where_we_cannot_look_is_unknown() -> None:
    blind = [found for found in EVERYTHING if not (found.looked and found.can_look)]
    assert {count(found) for found in blind} == {Count.UNKNOWN}


def test_a_held_lane_is_the_customers_turn() -> None:
    for state in (State.QUEUED, State.SENT, State.RETRYING):
        assert standing(facts(state, held=True)) is Standing.NEEDS_YOU
    for found in EVERYTHING:
        move = next_move(board(found, deadline=None, erases=True))
        if found.held and move is not None and move.whose is Whose.OURS:
            assert WHOSE[standing(found)] is Whose.OURS, found
            assert not (found.due and not found.closed), found


@pytest.mark.parametrize(
    ("found", "shown", "counted"),
    [
        (facts(State.QUEUED), Standing.QUEUED, Count.STILL_THERE),
        (facts(State.QUEUED, looked=False, empty=True), Standing.QUEUED, Count.UNKNOWN),
        (facts(State.QUEUED, empty=True), Standing.QUEUED, Count.UNKNOWN),
        (facts(State.SENT, empty=True), Standing.SENT, Count.UNKNOWN),
        (facts(State.RETRYING, empty=True), Standing.RETRYING, Count.UNKNOWN),
        (facts(State.CONFIRMED), Standing.STILL_THERE, Count.STILL_THERE),
        (facts(State.CONFIRMED, empty=True), Standing.NOT_FOUND, Count.NOT_FOUND),
        (facts(State.NOT_FOUND, empty=True), Standing.NOT_FOUND, Count.NOT_FOUND),
        (facts(State.STILL_THERE), Standing.STILL_THERE, Count.STILL_THERE),
        (facts(State.FINAL_ON), Standing.FINAL_ON, Count.STILL_THERE),
        (facts(State.OVERDUE), Standing.OVERDUE, Count.STILL_THERE),
        (facts(State.RETURNED), Standing.RETURNED, Count.STILL_THERE),
        (facts(State.NEEDS_YOU, task=True, due=False), Standing.NEEDS_YOU, Count.STILL_THERE),
        (facts(State.ONLY_THE_PERSON), Standing.ONLY_THE_PERSON, Count.STILL_THERE),
        (facts(State.SHARED), Standing.SHARED, Count.STILL_THERE),
        (facts(State.KEPT), Standing.KEPT, Count.STILL_THERE),
        (facts(State.ATTESTED, can_look=False), Standing.ATTESTED, Count.UNKNOWN),
        (facts(State.CANNOT_LOOK, empty=True), Standing.CANNOT_LOOK, Count.UNKNOWN),
    ],
)
def test_each_state_is_shown_and_counted_by_what_was_seen(
    found: Facts, shown: Standing, counted: Count
) -> None:
    assert (standing(found), count(found)) == (shown, counted)


def test_a_blocklist_entry_is_not_not_found() -> None:
    """An update finds nothing to change on a blocklist; the address is there all the same."""
    found = facts(State.NOT_FOUND, due=False)
    assert standing(found) is Standing.STILL_THERE
    assert as_asked(found, erases=False)
    assert not as_asked(found, erases=True)


def test_a_patrol_that_does_not_get_through_takes_nothing_away() -> None:
    found = facts(State.RETRYING, empty=True, reached=True)
    assert (standing(found), count(found)) == (Standing.NOT_FOUND, Count.NOT_FOUND)


def test_how_an_erasure_ended_stays_true_after_disconnecting() -> None:
    assert standing(facts(State.NOT_FOUND, empty=True, closed=True)) is Standing.NOT_FOUND
    assert standing(facts(State.CONFIRMED, closed=True)) is Standing.CANNOT_LOOK
    assert count(facts(State.CONFIRMED, closed=True)) is Count.UNKNOWN


def test_a_disconnected_platform_is_never_our_turn() -> None:
    for found in EVERYTHING:
        if found.closed and standing(found) is Standing.CANNOT_LOOK:
            move = next_move(board(found, deadline=DEADLINE, erases=True))
            assert move == Next(DEADLINE, Whose.YOURS, Reads.BY)


def test_after_a_humans_word_it_is_our_turn_to_look() -> None:
    found = facts(State.NEEDS_YOU, due=True, task=False)
    assert standing(found) is Standing.RETRYING
    move = next_move(board(found, deadline=DEADLINE, erases=True))
    assert move == Next(NOW + timedelta(hours=1), Whose.OURS)


def test_our_next_moment_is_never_in_the_past() -> None:
    late = Board(
        standing=Standing.QUEUED,
        as_asked=False,
        now=NOW,
        since=ASKED,
        deadline=None,
        due_at=ASKED,
        not_before=NOW + timedelta(minutes=1),
    )
    assert next_move(late) == Next(NOW + timedelta(minutes=1), Whose.OURS)


def test_once_the_promised_day_is_over_we_look() -> None:
    promised = Board(
        standing=Standing.FINAL_ON,
        as_asked=False,
        now=NOW,
        since=ASKED,
        deadline=DEADLINE,
        due_at=NOW + timedelta(hours=5),
        final_on=NOW - timedelta(hours=1),
    )
    assert next_move(promised) == Next(NOW + timedelta(hours=5), Whose.OURS)
