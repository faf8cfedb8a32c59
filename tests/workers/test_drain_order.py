"""Newer work comes at once, nothing in flight is lost or doubled, and an erasure wins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from core.connector import Presence, Verb
from core.errors import OutcomeUnknown, TryLater
from core.ledger.intake import Accepted, Request
from core.refusals import NoBasis
from core.states import Ended, State, Task
from core.testing.imitation import (
    ARCHIVING,
    BY_DATE,
    COURSES,
    HONEST,
    NEWS,
    Call,
    Imitation,
    Lie,
)
from core.testing.lies import (
    acts_then_fails,
    fails,
    ignores,
    late,
    shows_after,
    shows_nobody,
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

NEW = "anna.bakker@example.nl"


def meanwhile(ask: Callable[[], Accepted], asked: list[Accepted]) -> Lie:
    """The platform is honest, and while it works something new is asked."""

    def lie(_: Imitation, call: Call) -> None:
        call.honestly()
        if not asked:
            asked.append(ask())

    return lie


def test_an_erasure_does_not_wait_for_the_back_off_of_an_update(school: School) -> None:
    school.subscribe()
    school.drain()
    school.imitation.always("update", fails(TryLater("503")))
    late_update = school.update(last_name="Bakker")
    school.passes(HOUR)
    assert school.holding().due_at > school.clock.at
    asked = school.erase()
    school.drain()
    assert school.ended(asked) is Ended.CONFIRMED
    assert school.ended(late_update) is Ended.SUPERSEDED


def test_an_update_asked_while_the_subscription_is_in_flight_is_neither_lost_nor_doubled(
    school: School,
) -> None:
    later: list[Accepted] = []
    school.imitation.lie("subscribe", meanwhile(lambda: school.update(last_name="Bakker"), later))
    first = school.subscribe()
    school.passes(MINUTE)
    assert [school.ended(one) for one in (first, *later)] == [Ended.CONFIRMED] * 2
    assert [call.face for call in school.imitation.calls if call.face != "find"][1:] == [
        "subscribe",
        "update",
    ]
    [entry] = school.imitation.entries
    assert entry.fields["last_name"] == "Bakker"


def test_a_second_list_asked_while_the_first_is_in_flight_is_neither_lost_nor_doubled(
    school: School,
) -> None:
    later: list[Accepted] = []
    another = meanwhile(lambda: school.subscribe(ANNA, EMAIL, COURSES.id), later)
    school.imitation.lie("subscribe", another)
    first = school.subscribe()
    school.passes(MINUTE)
    assert [school.ended(one) for one in (first, *later)] == [Ended.CONFIRMED] * 2
    assert school.imitation.made("subscribe") == 2
    assert {entry.place for entry in school.imitation.entries} == {NEWS.id, COURSES.id}


def test_an_opt_out_asked_while_the_subscription_is_in_flight_has_the_last_word(
    school: School,
) -> None:
    later: list[Accepted] = []
    school.imitation.lie("subscribe", meanwhile(school.unsubscribe, later))
    first = school.subscribe()
    school.passes(MINUTE)
    assert school.ended(first) is Ended.SUPERSEDED
    assert school.ended(later[0]) is Ended.CONFIRMED
    assert [entry.presence for entry in school.imitation.entries] == [Presence.UNSUBSCRIBED]


@pytest.mark.parametrize("face", ["subscribe", "find"])
def test_an_erasure_asked_while_a_subscription_is_in_flight_wins(school: School, face: str) -> None:
    asked: list[Accepted] = []

    def lie(_: Imitation, call: Call) -> object:
        asked.append(school.erase())
        return call.honestly()

    school.imitation.lie(face, lie)
    first = school.subscribe()
    school.passes(HOUR)
    assert school.ended(first) is Ended.SUPERSEDED
    assert school.ended(asked[0]) is Ended.CONFIRMED
    assert school.imitation.held(EMAIL) == []


@pytest.mark.parametrize("verb", [Verb.SUBSCRIBE, Verb.UPDATE])
def test_an_erasure_asked_between_claim_and_send_stops_the_send(school: School, verb: Verb) -> None:
    asked: list[Accepted] = []
    if verb is Verb.UPDATE:
        school.subscribe()
        school.drain()

    def just_then() -> None:
        if not asked:
            asked.append(school.erase())

    school.reach.before_change = just_then
    made = school.imitation.made(verb.value)
    first = school.subscribe() if verb is Verb.SUBSCRIBE else school.update(last_name="Bakker")
    school.drain()
    assert school.imitation.made(verb.value) == made
    assert school.ended(first) is Ended.SUPERSEDED
    assert school.ended(asked[0]) is Ended.CONFIRMED
    assert school.imitation.held(EMAIL) == []


def test_a_lost_lane_stops_the_send_and_writes_nothing(school: School) -> None:
    def just_then() -> None:
        school.reach.before_change = lambda: None
        school.bury(school.worker)

    school.reach.before_change = just_then
    asked = school.subscribe()
    school.worker.drain(school.lane)
    assert school.imitation.made("subscribe") == 0
    assert school.outcomes() == [None]
    school.worker = school.hire()
    school.passes(HOUR)
    assert school.ended(asked) is Ended.CONFIRMED
    assert school.imitation.made("subscribe") == 1
    assert school.outcomes().count("interrupted") == 1


def test_a_lane_lost_after_the_send_writes_nothing_and_the_next_owner_looks(
    school: School,
) -> None:
    def lie(_: Imitation, call: Call) -> None:
        call.honestly()
        school.bury(school.worker)

    school.imitation.lie("subscribe", lie)
    asked = school.subscribe()
    school.worker.drain(school.lane)
    assert school.ended(asked) is None
    school.worker = school.hire()
    school.passes(HOUR)
    assert school.ended(asked) is Ended.CONFIRMED
    assert school.imitation.made("subscribe") == 1


def erased_and_back(school: School, email: str = EMAIL) -> tuple[Accepted, Accepted]:
    erased = school.erase()
    school.passing(SECOND)
    return erased, school.subscribe(ANNA, email)


@on_sqlite
def test_who_comes_back_with_a_fresh_basis_is_erased_first_and_then_subscribed(
    school: School,
) -> None:
    school.subscribe()
    school.drain()
    erased, back = erased_and_back(school)
    school.passes(40 * DAY)
    assert [school.ended(one) for one in (erased, back)] == [Ended.CONFIRMED] * 2
    changes = [call.face for call in school.imitation.calls if call.face in set(Verb)]
    assert changes == ["subscribe", "erase", "subscribe"]
    assert school.state() is State.CONFIRMED
    assert len(school.imitation.held(EMAIL)) == 1


def test_who_comes_back_while_the_erasure_is_in_flight_is_erased_once(school: School) -> None:
    later: list[Accepted] = []

    def back() -> Accepted:
        school.passing(SECOND)
        return school.subscribe()

    school.subscribe()
    school.drain()
    school.imitation.lie("erase", meanwhile(back, later))
    erased = school.erase()
    school.passes(HOUR)
    assert [school.ended(one) for one in (erased, *later)] == [Ended.CONFIRMED] * 2
    assert school.imitation.made("erase") == 1
    assert len(school.imitation.held(EMAIL)) == 1


@on_sqlite
@at(ARCHIVING, BY_DATE)
def test_who_comes_back_does_not_wait_for_an_erasure_that_cannot_be_seen(school: School) -> None:
    school.subscribe()
    school.drain()
    erased, back = erased_and_back(school)
    school.passes(MINUTE)
    assert school.imitation.made("erase") == 1
    assert school.ended(erased) is Ended.SUPERSEDED
    [entry] = school.imitation.held(EMAIL)
    assert entry.presence is Presence.SUBSCRIBED
    school.passes(60 * DAY)
    assert school.ended(back) is Ended.CONFIRMED
    assert school.state() is State.CONFIRMED
    assert school.tasks() == []
    [entry] = school.imitation.held(EMAIL)
    assert entry.presence is Presence.SUBSCRIBED


@on_sqlite
@at(ARCHIVING)
def test_an_opt_out_after_an_erasure_does_not_end_it(school: School) -> None:
    school.subscribe()
    school.drain()
    asked = school.erase()
    school.passing(SECOND)
    school.ask(Verb.UNSUBSCRIBE, email=EMAIL, lists=(NEWS.id,))
    school.passes(HOUR)
    assert school.ended(asked) is None
    assert school.state() is State.STILL_THERE
    assert school.tasks() == [(Task.STILL_THERE, Verb.ERASE)]


@on_sqlite
@at(BY_DATE)
def test_who_comes_back_does_not_wait_for_a_platform_that_is_late(school: School) -> None:
    school.subscribe()
    school.drain()
    school.imitation.keeps_its_dates = False
    school.erase()
    school.passes(33 * DAY)
    assert school.state() is State.OVERDUE
    back = school.subscribe()
    school.passes(HOUR)
    assert school.ended(back) is Ended.CONFIRMED
    assert school.tasks() == []


@on_sqlite
@at(ARCHIVING, BY_DATE)
def test_who_comes_back_with_another_address_is_still_there_by_the_old(school: School) -> None:
    school.subscribe()
    school.drain()
    school.erase()
    school.drain()
    school.passing(MINUTE)
    back = school.subscribe(ANNA, NEW)
    school.passes(HOUR)
    assert school.ended(back) is Ended.CONFIRMED
    [left] = school.imitation.held(EMAIL)
    assert [one["presence"] for one in school.holding().seen] == ["subscribed", left.presence]


@on_sqlite
@at(ARCHIVING, BY_DATE)
def test_an_erasure_that_was_sent_twice_may_still_hit_who_came_back(school: School) -> None:
    school.subscribe()
    school.drain()
    school.imitation.lie("erase", shows_after(90 * SECOND))
    school.erase()
    school.drain()
    school.passing(SECOND)
    back = school.subscribe()
    school.passes(HOUR)
    assert school.imitation.made("erase") == 2
    assert school.ended(back) is Ended.CONFIRMED
    [entry] = school.imitation.held(EMAIL)
    assert entry.presence is Presence.SUBSCRIBED


@on_sqlite
@at(ARCHIVING, BY_DATE)
def test_what_was_sent_before_an_erasure_and_comes_after_the_return_is_erased(
    school: School,
) -> None:
    school.subscribe()
    school.drain()
    school.imitation.lie("subscribe", late(8 * MINUTE))
    school.subscribe(ANNA, EMAIL, COURSES.id)
    school.drain()
    erased = school.erase()
    school.passing(SECOND)
    back = school.subscribe(ANNA, NEW)
    school.passes(HOUR)
    assert school.ended(erased) is Ended.SUPERSEDED
    assert school.ended(back) is Ended.CONFIRMED
    mailed = [one for one in school.imitation.entries if one.presence is Presence.SUBSCRIBED]
    assert [one.email for one in mailed] == [NEW]


@on_sqlite
@at(HONEST, ARCHIVING, BY_DATE)
def test_an_erasure_that_did_nothing_is_repeated_for_who_came_back_by_another_address(
    school: School,
) -> None:
    school.imitation.lie("find", shows_nobody)  # its id is learned when it is erased
    school.subscribe()
    school.drain()
    school.imitation.lie("erase", ignores)
    _, back = erased_and_back(school, NEW)
    school.passes(HOUR)
    assert school.ended(back) is Ended.CONFIRMED
    mailed = [one for one in school.imitation.entries if one.presence is Presence.SUBSCRIBED]
    assert [one.email for one in mailed] == [NEW]


@on_sqlite
def test_what_was_answered_and_not_yet_shown_is_waited_for_by_the_erasure(school: School) -> None:
    school.imitation.lie("subscribe", shows_after(5 * MINUTE))
    school.subscribe()
    school.drain()
    erased = school.erase()
    school.drain()
    assert school.state() is State.SENT
    school.passes(HOUR)
    assert school.ended(erased) is Ended.CONFIRMED
    assert school.imitation.held(EMAIL) == []
    assert school.tasks() == []


@on_sqlite
def test_what_was_answered_and_not_yet_shown_is_waited_for_by_the_opt_out(school: School) -> None:
    school.imitation.lie("subscribe", shows_after(5 * MINUTE))
    school.subscribe()
    school.drain()
    left = school.unsubscribe()
    school.drain()
    assert school.ended(left) is None
    school.passes(HOUR)
    assert school.ended(left) is Ended.CONFIRMED
    assert [entry.presence for entry in school.imitation.entries] == [Presence.UNSUBSCRIBED]


@on_sqlite
def test_what_is_shown_at_the_second_look_is_confirmed_at_once(school: School) -> None:
    school.imitation.lie("subscribe", shows_after(SECOND / 2))
    asked = school.subscribe()
    school.passes(3 * SECOND)
    assert school.ended(asked) is Ended.CONFIRMED


@on_sqlite
@at(BY_DATE)
def test_who_comes_back_does_not_wait_for_a_date_that_an_earlier_erasure_got(
    school: School,
) -> None:
    school.subscribe()
    school.drain()
    school.erase()
    school.drain()
    school.passing(MINUTE)
    school.erase()  # of whom the platform erases already: nothing is sent
    school.drain()
    school.passing(MINUTE)
    back = school.subscribe()
    school.passes(HOUR)
    assert school.ended(back) is Ended.CONFIRMED


@on_sqlite
def test_who_comes_back_does_not_wait_where_a_place_is_out_of_sight(school: School) -> None:
    school.subscribe()
    school.drain()
    school.imitation.hidden = {COURSES.id}
    erased, back = erased_and_back(school)
    school.passes(HOUR)
    assert school.imitation.made("erase") == 1
    assert school.ended(erased) is Ended.SUPERSEDED
    assert school.ended(back) is Ended.CONFIRMED


@on_sqlite
def test_an_erasure_that_a_dead_worker_never_saw_is_sent_before_it_is_superseded(
    school: School,
) -> None:
    school.subscribe(ANNA, EMAIL, COURSES.id)
    school.drain()
    school.imitation.lie("update", lambda _, call: school.bury(school.worker))
    school.update(last_name="Bakker")
    school.worker.drain(school.lane)
    school.worker = school.hire()
    school.imitation.hidden = {COURSES.id}
    erased, back = erased_and_back(school)
    school.passes(HOUR)
    assert school.imitation.made("erase") == 1
    assert school.ended(erased) is Ended.SUPERSEDED
    assert school.ended(back) is Ended.CONFIRMED


@on_sqlite
@at(replace(HONEST, can_look=False))
def test_who_comes_back_is_erased_and_subscribed_where_nobody_can_look(school: School) -> None:
    school.subscribe()
    school.drain()
    erased_and_back(school)
    school.passes(HOUR)
    changes = [call.face for call in school.imitation.calls]
    assert changes == ["subscribe", "erase", "subscribe"]


@on_sqlite
def test_an_erasure_that_is_only_said_to_be_done_is_superseded_by_who_comes_back(
    school: School,
) -> None:
    school.subscribe()
    school.drain()
    school.imitation.always("erase", ignores)
    erased, back = erased_and_back(school)
    school.passes(HOUR)
    assert school.ended(erased) is Ended.SUPERSEDED
    assert school.ended(back) is Ended.CONFIRMED


@on_sqlite
@pytest.mark.parametrize("wait", [30 * SECOND, 9 * MINUTE])
def test_a_late_erasure_does_not_end_a_new_subscription_unnoticed(
    school: School, wait: timedelta
) -> None:
    school.subscribe()
    school.drain()
    school.imitation.lie("erase", late(wait))
    _, back = erased_and_back(school)
    school.passes(MINUTE)
    assert school.ended(back) is None
    school.passes(DAY)
    assert school.ended(back) is Ended.CONFIRMED
    assert len(school.imitation.held(EMAIL)) == 1


@on_sqlite
@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("wait", [3 * SECOND, 9 * MINUTE])
def test_an_erasure_that_was_answered_and_acts_late_ends_no_new_subscription_unnoticed(
    school: School, wait: timedelta, *, there: bool
) -> None:
    school.subscribe()
    school.drain()
    if not there:
        school.imitation.entries.clear()
    school.imitation.lie("erase", shows_after(wait))
    erased, back = erased_and_back(school)
    school.passes(SECOND)
    assert school.ended(erased) is (Ended.SUPERSEDED if there else Ended.CONFIRMED)
    assert school.ended(back) is None
    school.passes(DAY)
    assert school.ended(back) is Ended.CONFIRMED
    assert len(school.imitation.held(EMAIL)) == 1


@on_sqlite
def test_who_comes_back_with_another_address_is_still_erased_by_the_old(school: School) -> None:
    school.subscribe()
    school.drain()
    erased, back = erased_and_back(school, NEW)
    school.passes(HOUR)
    assert school.imitation.made("erase") == 1
    assert [school.ended(one) for one in (erased, back)] == [Ended.CONFIRMED] * 2
    assert [entry.email for entry in school.imitation.entries] == [NEW]


@on_sqlite
def test_who_comes_back_with_another_address_is_still_erased_by_remote_id(school: School) -> None:
    school.subscribe()
    school.drain()
    [entry] = school.imitation.entries
    entry.email = "moved@example.nl"
    erased_and_back(school, NEW)
    school.passes(HOUR)
    assert [entry.email for entry in school.imitation.entries] == [NEW]


@on_sqlite
def test_a_look_after_the_return_does_not_erase_again(school: School) -> None:
    """A human's word makes us look; what was erased before the new basis is no measure then."""
    school.imitation.lie("subscribe", acts_then_fails(OutcomeUnknown("none")))
    school.subscribe()
    school.passes(HOUR)
    school.erase()
    school.passes(MINUTE)
    school.imitation.always("subscribe", fails(TryLater("503")))
    back = school.subscribe()
    school.passes(10 * DAY)
    assert school.ended(back) is Ended.GIVEN_UP
    school.imitation.join(EMAIL, NEWS, **NAMES)
    school.attest()
    school.passes(40 * DAY)
    assert school.state() is State.CONFIRMED
    assert len(school.imitation.held(EMAIL)) == 1


@on_sqlite
def test_nobody_comes_back_by_what_was_given_before_the_erasure(school: School) -> None:
    first = school.subscribe()
    school.drain()
    school.erase()
    school.passes(HOUR)
    calls = len(school.imitation.calls)
    again = Request(Verb.SUBSCRIBE, ANNA, EMAIL, NAMES, (NEWS.id,), school.basis(HOUR))
    assert isinstance(school.refusal(again), NoBasis)
    school.drain()
    assert school.ended(first) is Ended.CONFIRMED
    assert len(school.imitation.calls) == calls


@on_sqlite
def test_an_unanswered_erasure_is_sent_again_at_once_and_only_the_claim_waits(
    school: School,
) -> None:
    school.subscribe()
    school.drain()
    school.imitation.lie("erase", fails(OutcomeUnknown("none")))
    asked = school.erase()
    school.passes(5 * SECOND)
    assert school.imitation.held(EMAIL) == []
    assert school.ended(asked) is None
    school.passes(ATTEMPT + HONEST.late_apply)
    assert school.ended(asked) is Ended.CONFIRMED


@on_sqlite
def test_the_horizon_runs_from_when_the_attempt_must_be_over(school: School) -> None:
    over: list[datetime] = []

    def lie(imitation: Imitation, call: Call) -> None:
        over.append(school.holding().intent_until)
        late(SECOND)(imitation, call)

    school.imitation.lie("subscribe", lie)
    school.subscribe()
    school.drain()
    assert over[0] >= school.clock.at + HONEST.deadline
    assert school.holding().ambiguous_until == over[0] + HONEST.late_apply
