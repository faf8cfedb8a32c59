"""An erasure ends seen to be done, or with a task; never in silence, never by a false claim."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core.connector import (
    Basis,
    Connector,
    Erasure,
    Identity,
    Person,
    Place,
    Presence,
    Text,
    Verb,
)
from core.errors import OutcomeUnknown, TryLater
from core.ledger import lanes
from core.states import Ended, State, Task
from core.testing.imitation import (
    ARCHIVING,
    BY_DATE,
    COURSES,
    HONEST,
    NEWS,
    Lie,
)
from core.testing.lies import (
    acts_then_fails,
    archives,
    fails,
    ignores,
    late,
    shows_after,
    shows_nobody,
    shows_somebody_else,
)
from tests.workers.school import (
    ANNA,
    ATTEMPT,
    DAY,
    EMAIL,
    HOUR,
    MINUTE,
    NAMES,
    SECOND,
    School,
    at,
    on_sqlite,
)

pytestmark = on_sqlite

MOVED = "anna.bakker@example.nl"
BEN = "cf-2"


def there(school: School, *lists: str) -> None:
    school.subscribe(ANNA, EMAIL, *lists)
    school.drain()
    assert school.state() is State.CONFIRMED


def test_an_erasure_is_confirmed_by_a_look_and_patrolled_until_it_is_final(school: School) -> None:
    there(school, NEWS.id, COURSES.id)
    asked = school.erase()
    school.drain()
    assert school.ended(asked) is Ended.CONFIRMED
    erased_at, looks = school.clock.at, []
    while (due := school.holding().due_at) is not None:
        looks.append(due - erased_at)
        school.passes(due - school.clock.at)
    assert looks == [HOUR, DAY, 7 * DAY, 30 * DAY]
    assert school.state() is State.NOT_FOUND
    assert school.imitation.held(EMAIL) == []


def test_a_person_unknown_to_us_is_searched_and_erased(school: School) -> None:
    school.imitation.join(EMAIL)
    school.imitation.blocked.add(EMAIL)
    asked = school.erase(email=EMAIL)
    school.drain()
    assert school.ended(asked) is Ended.CONFIRMED
    assert school.imitation.held(EMAIL) == []
    assert school.imitation.blocked == set()


def test_a_person_who_changed_the_address_there_is_still_found_and_erased(school: School) -> None:
    there(school)
    [entry] = school.imitation.entries
    entry.email = MOVED
    asked = school.erase()
    school.drain()
    assert school.ended(asked) is Ended.CONFIRMED
    assert school.imitation.entries == []


def test_where_the_address_is_the_only_identity_every_address_ever_told_is_searched(
    school: School,
) -> None:
    school.imitation.gives_ids = False
    there(school)
    school.imitation.lie("update", ignores)
    school.update(email=MOVED)
    school.drain()
    school.erase()
    school.passes(HOUR)
    assert school.state() is State.NOT_FOUND
    assert school.imitation.held(EMAIL, MOVED) == []


def test_what_is_archived_is_still_there_and_a_task(school: School) -> None:
    there(school)
    school.imitation.always("erase", archives)
    asked = school.erase()
    school.passes(HOUR)
    assert school.state() is State.STILL_THERE
    assert school.tasks() == [(Task.STILL_THERE, Verb.ERASE)]
    assert school.ended(asked) is None


@at(ARCHIVING)
def test_where_erasing_means_archiving_the_task_comes_at_once_and_a_look_ends_it(
    school: School,
) -> None:
    there(school)
    asked = school.erase()
    school.drain()
    assert school.state() is State.STILL_THERE
    assert school.tasks() == [(Task.STILL_THERE, Verb.ERASE)]
    school.passes(3 * DAY)
    assert school.tasks() == [(Task.STILL_THERE, Verb.ERASE)]
    school.imitation.entries.clear()
    school.attest()
    school.passes(MINUTE)
    assert school.ended(asked) is Ended.CONFIRMED
    assert school.state() is State.NOT_FOUND


@at(BY_DATE)
def test_what_goes_by_a_date_is_looked_at_one_day_after(school: School) -> None:
    there(school)
    asked = school.erase()
    school.drain()
    assert school.state() is State.FINAL_ON
    assert school.holding().final_on == school.clock.at + 30 * DAY
    assert school.tasks() == []
    looks = school.imitation.made("find")
    school.passes(31 * DAY - SECOND)
    assert (school.imitation.made("find"), school.ended(asked)) == (looks, None)
    school.passes(SECOND)
    assert school.ended(asked) is Ended.CONFIRMED
    assert school.state() is State.NOT_FOUND


@at(BY_DATE)
def test_a_broken_promise_is_overdue_and_a_task_until_it_is_kept(school: School) -> None:
    there(school)
    school.imitation.keeps_its_dates = False
    asked = school.erase()
    school.passes(31 * DAY)
    assert school.state() is State.OVERDUE
    assert school.tasks() == [(Task.OVERDUE, Verb.ERASE)]
    school.passes(5 * DAY)
    assert school.ended(asked) is None
    assert len(school.tasks()) == 1
    school.imitation.keeps_its_dates = True
    school.passes(DAY)
    assert school.ended(asked) is Ended.CONFIRMED
    assert school.tasks() == []


@at(BY_DATE)
def test_a_date_that_is_moved_is_still_a_broken_promise(school: School) -> None:
    there(school)
    school.erase()
    school.drain()
    [entry] = school.imitation.entries
    assert entry.until is not None
    entry.until += 60 * DAY
    school.passes(31 * DAY)
    assert school.state() is State.OVERDUE


@pytest.mark.parametrize(
    "lie",
    [ignores, archives, shows_after(HOUR), late(5 * MINUTE), fails(TryLater("503"))],
    ids=["ignores", "archives", "slowly", "late", "fails"],
)
def test_an_erasure_is_never_called_not_found_while_anything_is_there(
    school: School, lie: Lie
) -> None:
    """``School.drain`` compares every claim with what is really there at that moment."""
    there(school, NEWS.id, COURSES.id)
    school.imitation.lie("erase", *[lie] * 6)
    asked = school.erase()
    school.drain()
    assert school.state() is not State.NOT_FOUND
    school.passes(5 * DAY)
    assert school.ended(asked) is Ended.CONFIRMED
    assert school.imitation.entries == []


@pytest.mark.parametrize("wait", [30 * SECOND, 5 * MINUTE, 10 * MINUTE])
def test_a_late_subscription_is_erased_before_anything_is_claimed(
    school: School, wait: timedelta
) -> None:
    school.imitation.lie("subscribe", late(wait))
    school.subscribe()
    school.drain()
    school.passes(SECOND)
    asked = school.erase()
    school.passes(2 * SECOND)
    assert school.state() is not State.NOT_FOUND
    assert school.ended(asked) is None
    school.passes(HOUR)
    assert school.ended(asked) is Ended.CONFIRMED
    assert school.imitation.held(EMAIL) == []


def test_the_wait_for_unanswered_calls_counts_from_the_deadline_of_the_attempt(
    school: School,
) -> None:
    school.imitation.lie("erase", late(20 * SECOND))
    there(school)
    asked = school.erase()
    school.drain()
    horizon = school.clock.at + ATTEMPT + HONEST.late_apply
    assert school.holding().ambiguous_until == horizon
    school.passes(horizon - school.clock.at - SECOND)
    assert school.imitation.held(EMAIL) == []
    assert school.ended(asked) is None
    school.passes(SECOND)
    assert school.ended(asked) is Ended.CONFIRMED


def test_what_a_late_call_of_ours_brought_back_is_erased_again(school: School) -> None:
    school.breaks_late_apply = True
    school.imitation.lie("subscribe", late(2 * HOUR))
    school.subscribe()
    school.drain()
    school.erase()
    school.passes(2 * HOUR)
    assert len(school.imitation.held(EMAIL)) == 1
    school.passes(DAY)
    assert school.imitation.held(EMAIL) == []
    assert school.state() is State.NOT_FOUND
    assert school.tasks() == []
    assert school.holding().patrol == 0 or school.holding().due_at is not None
    again = school.clock.at
    school.passes(40 * DAY)
    patrols = [call.at - again for call in school.imitation.calls if call.at > again]
    assert len(set(patrols)) >= 3


def test_who_signs_up_there_again_is_a_task_and_not_erased(school: School) -> None:
    there(school)
    school.erase()
    school.drain()
    school.imitation.join(EMAIL)
    school.passes(DAY)
    assert school.state() is State.RETURNED
    assert school.tasks() == [(Task.RETURNED, Verb.ERASE)]
    assert len(school.imitation.held(EMAIL)) == 1
    assert school.imitation.made("erase") == 1


def test_an_unanswered_call_that_was_settled_long_ago_explains_no_return(school: School) -> None:
    school.imitation.lie("subscribe", acts_then_fails(OutcomeUnknown("none")))
    asked = school.subscribe()
    school.passes(HOUR)
    assert school.ended(asked) is Ended.CONFIRMED
    school.erase()
    school.passes(MINUTE)
    school.imitation.join(EMAIL)
    school.passes(DAY)
    assert school.tasks() == [(Task.RETURNED, Verb.ERASE)]
    assert len(school.imitation.held(EMAIL)) == 1


def test_a_second_return_is_not_explained_by_the_same_late_call(school: School) -> None:
    school.breaks_late_apply = True
    school.imitation.lie("subscribe", late(2 * HOUR))
    school.subscribe()
    school.drain()
    school.erase()
    school.passes(26 * HOUR)
    assert school.state() is State.NOT_FOUND
    school.imitation.join(EMAIL)
    school.passes(2 * DAY)
    assert school.tasks() == [(Task.RETURNED, Verb.ERASE)]


@pytest.mark.parametrize("hidden", [{NEWS.id}, {COURSES.id}, {NEWS.id, COURSES.id}])
def test_a_credential_that_sees_only_a_part_calls_nobody_gone(
    school: School, hidden: set[str]
) -> None:
    there(school, NEWS.id, COURSES.id)
    school.imitation.hidden = hidden
    asked = school.erase()
    school.passes(3 * DAY)
    assert school.state() is State.CANNOT_LOOK
    assert school.ended(asked) is None
    assert school.tasks() == [(Task.CANNOT_LOOK, Verb.ERASE)]
    school.imitation.hidden = set()
    school.passes(2 * DAY)
    assert school.ended(asked) is Ended.CONFIRMED
    assert school.imitation.held(EMAIL) == []
    assert school.tasks() == []


def test_a_patrol_that_no_longer_sees_a_place_says_so(school: School) -> None:
    there(school)
    school.erase()
    school.drain()
    school.imitation.hidden = {NEWS.id}
    school.passes(2 * HOUR)
    assert school.state() is State.CANNOT_LOOK
    school.imitation.hidden = set()
    school.passes(2 * DAY)
    assert school.state() is State.NOT_FOUND
    assert school.tasks() == []


def test_a_patrol_that_fails_takes_nothing_back(school: School) -> None:
    there(school)
    school.erase()
    school.drain()
    school.imitation.lie("find", *[fails(TryLater("503"))] * 3)
    school.passes(HOUR)
    assert school.state() is State.NOT_FOUND
    assert school.holding().due_at is not None
    school.passes(40 * DAY)
    assert (school.state(), school.holding().due_at) == (State.NOT_FOUND, None)


def test_somebody_else_in_the_answer_keeps_an_erasure_open(school: School) -> None:
    there(school)
    school.imitation.always("find", shows_somebody_else)
    asked = school.erase()
    school.passes(DAY)
    assert school.ended(asked) is None
    assert school.state() is State.STILL_THERE


def test_what_a_look_overlooked_is_found_by_a_patrol(school: School) -> None:
    school.breaks_late_apply = True
    there(school)
    school.imitation.lie("erase", ignores)
    school.imitation.lie("find", shows_nobody)
    school.erase()
    with pytest.raises(AssertionError, match="called not found, and there"):
        school.drain()
    school.passes(2 * HOUR)
    assert school.tasks() == [(Task.RETURNED, Verb.ERASE)]


def test_remote_ids_of_an_earlier_look_are_searched_by_every_patrol(school: School) -> None:
    school.imitation.join(EMAIL)
    school.imitation.lie("erase", ignores)
    school.erase(email=EMAIL)
    school.passes(HOUR)
    last = [call for call in school.imitation.calls if call.face == "find"][-1]
    assert last.arguments[0].remote_ids == ("id-1",)


@at(replace(HONEST, erasure=Erasure.IMPOSSIBLE, by_hand={Verb.ERASE: Text(nl="Doe.", en="Do.")}))
def test_an_erasure_by_hand_of_somebody_who_is_not_there_is_no_task(school: School) -> None:
    asked = school.erase(email=EMAIL)
    school.drain()
    assert school.ended(asked) is Ended.CONFIRMED
    assert school.tasks() == []


def test_a_shared_contact_loses_the_name_and_stays_with_one_task(school: School) -> None:
    there(school)
    school.subscribe(BEN, EMAIL, COURSES.id)
    school.drain()
    asked = school.erase()
    school.passes(40 * DAY)
    assert school.ended(asked) is Ended.KEPT
    assert school.state() is State.SHARED
    assert school.tasks() == [(Task.SHARED, Verb.ERASE)]
    assert {entry.place for entry in school.imitation.held(EMAIL)} == {NEWS.id, COURSES.id}
    assert {value for one in school.imitation.entries for value in one.fields.values()} == {""}
    assert school.imitation.made("erase") == 0
    school.attest()
    school.passes(40 * DAY)
    assert (school.state(), school.tasks()) == (State.SHARED, [])


def test_the_last_of_those_who_share_takes_the_contact_along(school: School) -> None:
    there(school)
    school.subscribe(BEN, EMAIL)
    school.drain()
    school.erase()
    school.drain()
    asked = school.erase(BEN)
    school.drain()
    assert school.ended(asked) is Ended.CONFIRMED
    assert school.imitation.held(EMAIL) == []


def test_a_contact_of_the_persons_own_goes_although_another_is_shared(school: School) -> None:
    there(school)
    school.subscribe(BEN, EMAIL)
    school.drain()
    school.imitation.join(MOVED, COURSES, **NAMES)
    asked = school.erase(email=MOVED)
    school.drain()
    assert school.ended(asked) is Ended.KEPT
    assert school.imitation.held(MOVED) == []
    [shared] = school.imitation.held(EMAIL)
    assert shared.fields == {"first_name": "", "last_name": ""}


def test_a_new_address_of_one_does_not_take_the_contact_of_another_along(school: School) -> None:
    there(school)
    school.subscribe(BEN, EMAIL)
    school.drain()
    asked = school.update(email=MOVED)
    school.passes(HOUR)
    assert [entry.email for entry in school.imitation.entries] == [EMAIL]
    assert school.ended(asked) is not Ended.CONFIRMED


def test_who_signs_up_with_an_address_while_it_is_erased_for_another_stays(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a lane with several calls at once theirs could come between, and be seen to be done."""
    there(school)
    asked = threading.Event()
    connect = school.reach.connect

    def connected(*args: Any, **named: Any) -> Connector[Any]:
        connector = connect(*args, **named)
        erase, subscribe = connector.erase, connector.subscribe

        def slowly(who: Identity) -> None:
            school.clock.passes(SECOND)
            school.subscribe(BEN, EMAIL)
            asked.set()
            until = time.monotonic() + 1
            while school.state(BEN) is not State.CONFIRMED and time.monotonic() < until:
                time.sleep(0.01)
            erase(who)

        def after_that(person: Person, place: Place, basis: Basis) -> None:
            asked.wait(1)
            subscribe(person, place, basis)

        monkeypatch.setattr(connector, "erase", slowly)
        monkeypatch.setattr(connector, "subscribe", after_that)
        return connector

    monkeypatch.setattr(school.reach, "connect", connected)
    school.erase()
    school.subscribe("cf-3", "carla@example.nl")  # whose end is when more is taken up
    school.worker.drain(school.lane)  # all in one moment, so that nothing here judges it
    monkeypatch.undo()
    school.passes(DAY)
    assert school.state(BEN) is State.CONFIRMED
    assert school.imitation.held(EMAIL)


def test_an_address_that_somebody_else_uses_since_is_no_return(school: School) -> None:
    there(school)
    school.erase()
    school.drain()
    school.passing(SECOND)
    school.subscribe(BEN, EMAIL)
    school.passes(40 * DAY)
    assert school.state() is State.SHARED
    assert school.tasks() == []
    [entry] = school.imitation.held(EMAIL)
    assert entry.fields == NAMES
    assert entry.presence is Presence.SUBSCRIBED


def test_erasures_go_first(school: School) -> None:
    for n in range(6):
        school.subscribe(f"cf-{n}", f"p{n}@example.nl")
    school.passing(SECOND)
    school.erase("cf-5")
    school.drain()
    changes = [call.face for call in school.imitation.calls if call.face in set(Verb)]
    assert "erase" in changes[:2]  # of two at once


def test_a_held_lane_loses_no_erasure(school: School) -> None:
    there(school)
    with school.ledger.begin() as tx:
        lanes.hold(tx, school.lane, "paused")
    asked = school.erase()
    school.passes(DAY)
    assert school.imitation.made("erase") == 0
    school.resume()
    school.passes(MINUTE)
    assert school.ended(asked) is Ended.CONFIRMED
