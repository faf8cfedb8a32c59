"""However many operations there were, what is wanted is one thing."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from core.wants import Goal, Wants

PLACES = st.lists(st.sampled_from(["nieuws", "cursus", "agenda"]), min_size=1, unique=True)
ASKED = st.tuples(st.sampled_from(["subscribe", "unsubscribe", "change", "erased"]), PLACES)


def folded(asked: list[tuple[str, list[str]]]) -> Wants:
    wants = Wants()
    for seq, (verb, places) in enumerate(asked, start=1):
        match verb:
            case "subscribe":
                wants = wants.subscribe(places, seq)
            case "unsubscribe":
                wants = wants.unsubscribe(places, seq)
            case "change":
                wants = wants.change(seq)
            case _:
                wants = wants.erased(seq)
    return wants


def test_nothing_asked_is_nothing_wanted() -> None:
    assert not Wants().goal(0)
    assert Wants().live() == frozenset()


def test_the_last_word_about_a_place_counts() -> None:
    wants = Wants().subscribe(["nieuws", "cursus"], 1).unsubscribe(["nieuws"], 2)
    assert wants.goal(0) == Goal(subscribe=("cursus",), unsubscribe=("nieuws",))


def test_an_operation_whose_every_place_was_asked_again_is_superseded() -> None:
    wants = Wants().subscribe(["nieuws"], 1).change(2).unsubscribe(["nieuws"], 3).change(4)
    assert wants.live() == {3, 4}


def test_an_operation_lives_while_one_of_its_places_is_still_wanted() -> None:
    wants = Wants().subscribe(["nieuws", "cursus"], 1).unsubscribe(["nieuws"], 2)
    assert wants.live() == {1, 2}


def test_what_was_reached_is_not_wanted_again() -> None:
    wants = Wants().subscribe(["nieuws"], 1).change(2)
    assert wants.goal(1) == Goal(update=True)
    assert not wants.goal(2)


def test_an_erasure_forgets_all_that_was_asked_before() -> None:
    wants = Wants().subscribe(["nieuws"], 1).change(2).erased(3)
    assert wants.goal(0) == Goal(erase=True)
    assert wants.live() == {3}


def test_an_erasure_comes_alone_and_before_a_later_subscription() -> None:
    wants = Wants().erased(1).subscribe(["nieuws"], 2)
    assert wants.goal(0) == Goal(erase=True)
    assert wants.goal(1) == Goal(subscribe=("nieuws",))


def test_a_second_erasure_supersedes_the_first_with_what_came_between() -> None:
    wants = Wants().erased(1).subscribe(["nieuws"], 2).erased(3)
    assert wants.live() == {3}
    assert wants.goal(1) == Goal(erase=True)


@given(st.lists(ASKED, max_size=12))
def test_wants_survive_storage(asked: list[tuple[str, list[str]]]) -> None:
    wants = folded(asked)
    assert Wants.from_json(json.loads(json.dumps(wants.to_json()))) == wants


@given(st.lists(ASKED, max_size=12))
def test_the_newest_operation_is_always_live_and_reaching_it_leaves_nothing(
    asked: list[tuple[str, list[str]]],
) -> None:
    wants = folded(asked)
    assert max(wants.live(), default=0) == len(asked)
    assert not wants.goal(len(asked))


@given(st.lists(ASKED, max_size=12), st.integers(0, 12))
def test_nothing_from_before_an_erasure_is_ever_wanted(
    asked: list[tuple[str, list[str]]], reached: int
) -> None:
    erased = max((seq for seq, (verb, _) in enumerate(asked, 1) if verb == "erased"), default=0)
    wants = folded(asked)
    assert all(seq >= erased for seq in wants.live())
    goal = wants.goal(reached)
    assert not (goal.erase and (goal.subscribe or goal.unsubscribe or goal.update))
