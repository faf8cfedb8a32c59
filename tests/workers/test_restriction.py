"""Restricted (art. 18): nothing is pushed; erasing, unsubscribing and looking go on."""

from __future__ import annotations

import pytest

from core.errors import TryLater
from core.ledger import customers
from core.ledger.restriction import restrict
from core.refusals import Unknown
from core.report import PersonReport, customer_report, person_report
from core.states import Ended, State
from core.testing.imitation import COURSES, HONEST, NEWS, Call, Imitation
from core.testing.lies import fails, ignores, late
from tests.workers.school import ANNA, DAY, EMAIL, HOUR, MINUTE, SECOND, School, on_sqlite

BEN = "cf-2"
PUSHES = ("subscribe", "update")
SETTLED = HONEST.late_apply + MINUTE  # nothing that was answered before can act any more


def hold(school: School, *, restricted: bool = True, reference: str = ANNA) -> None:
    restrict(school.ledger, school.customer, reference, restricted=restricted)


def pushed(school: School) -> int:
    return sum(school.imitation.made(face) for face in PUSHES)


def report(school: School) -> PersonReport:
    with school.ledger.read() as tx:
        platforms = {school.platform.name: school.platform}
        return person_report(school.ledger, tx, school.customer, ANNA, platforms)


@pytest.fixture
def there(school: School) -> School:
    school.subscribe()
    school.drain()
    assert school.state() is State.CONFIRMED
    return school


def test_what_is_asked_of_somebody_restricted_is_accepted_and_waits(there: School) -> None:
    hold(there)
    before = pushed(there)
    asked = there.update(first_name="Ann")
    assert asked.restricted
    there.passes(3 * DAY)
    assert (pushed(there), there.ended(asked)) == (before, None)
    assert there.next_turn() is None, "nobody tries again and again"


def test_what_waited_goes_on_when_the_restriction_is_lifted(there: School) -> None:
    hold(there)
    also = there.subscribe(ANNA, EMAIL, COURSES.id)
    asked = there.update(first_name="Ann")
    there.passes(DAY)
    hold(there, restricted=False)
    there.passes(MINUTE)
    assert (there.ended(asked), there.ended(also)) == (Ended.CONFIRMED, Ended.CONFIRMED)
    assert {entry.fields["first_name"] for entry in there.imitation.held(EMAIL)} == {"Ann"}
    assert len(there.imitation.held(EMAIL)) == 2


@on_sqlite
def test_what_waited_before_the_restriction_is_held_too(school: School) -> None:
    asked = school.subscribe()
    hold(school)
    school.passes(DAY)
    assert (pushed(school), school.ended(asked)) == (0, None)
    assert school.imitation.held(EMAIL) == []


@on_sqlite
def test_what_failed_before_is_not_tried_again(school: School) -> None:
    school.imitation.always("subscribe", fails(TryLater("503")))
    school.subscribe()
    school.drain()
    hold(school)
    before = pushed(school)
    school.passes(3 * DAY)
    assert pushed(school) == before


@on_sqlite
def test_an_unsubscription_goes_through(there: School) -> None:
    hold(there)
    asked = there.unsubscribe()
    there.passes(MINUTE)
    assert there.ended(asked) is Ended.CONFIRMED
    assert [entry.presence for entry in there.imitation.held(EMAIL)] == ["unsubscribed"]


@on_sqlite
def test_an_unsubscription_goes_through_beside_a_push_that_waits(there: School) -> None:
    there.subscribe(ANNA, EMAIL, COURSES.id)
    there.drain()
    hold(there)
    waiting = there.update(first_name="Ann")
    left = there.unsubscribe(ANNA, NEWS.id)
    there.passes(MINUTE)
    assert (there.ended(left), there.ended(waiting)) == (Ended.CONFIRMED, None)
    shown = {entry.place: entry for entry in there.imitation.held(EMAIL)}
    assert shown[NEWS.id].presence == "unsubscribed"
    assert shown[COURSES.id].fields["first_name"] == "Anna"
    hold(there, restricted=False)
    there.passes(SETTLED)
    assert there.ended(waiting) is Ended.CONFIRMED


@on_sqlite
def test_an_unsubscription_that_does_not_show_is_tried_until_it_does(there: School) -> None:
    hold(there)
    there.update(first_name="Ann")
    there.unsubscribe()
    there.imitation.lie("unsubscribe", ignores, ignores)
    there.passes(DAY)
    assert [entry.presence for entry in there.imitation.held(EMAIL)] == ["unsubscribed"]


def test_an_erasure_goes_through_and_ends_the_restriction(there: School) -> None:
    hold(there)
    there.update(first_name="Ann")
    asked = there.erase()
    there.passes(MINUTE)
    assert there.ended(asked) is Ended.CONFIRMED
    assert there.imitation.held(EMAIL) == []
    assert report(there).restricted_at is None
    there.passes(SECOND)
    again = there.subscribe()
    there.passes(SETTLED)
    assert there.ended(again) is Ended.CONFIRMED


def test_a_push_that_is_about_to_be_sent_is_not(school: School) -> None:
    """Restricted between claiming the work and making the call."""
    asked = school.subscribe()
    school.reach.before_change = lambda: hold(school)
    school.drain()
    school.reach.before_change = lambda: None
    school.passes(DAY)
    assert (pushed(school), school.ended(asked)) == (0, None)
    hold(school, restricted=False)
    school.passes(MINUTE)
    assert school.ended(asked) is Ended.CONFIRMED


@on_sqlite
def test_a_restriction_that_is_lifted_while_a_worker_is_busy_loses_nothing(
    there: School,
) -> None:
    there.imitation.lie("update", ignores)
    asked = there.update(first_name="Ann")
    there.drain()
    hold(there)

    def lifted(_: Imitation, call: Call) -> object:
        hold(there, restricted=False)
        return call.honestly()

    there.imitation.lie("find", lifted)
    there.passes(DAY)
    assert there.ended(asked) is Ended.CONFIRMED


@on_sqlite
def test_a_push_without_an_answer_is_looked_at_and_not_repeated(school: School) -> None:
    asked = school.subscribe()
    school.imitation.lie("subscribe", late(5 * MINUTE))
    school.drain()
    hold(school)
    school.passes(HOUR)
    assert pushed(school) == 1
    assert school.ended(asked) is Ended.CONFIRMED, "it came through before, and was seen"


@on_sqlite
def test_others_are_not_held_back(school: School) -> None:
    school.subscribe()
    hold(school)
    asked = school.subscribe(BEN, "ben@example.nl")
    school.drain()
    assert school.ended(asked) is Ended.CONFIRMED


@on_sqlite
def test_the_report_says_whose_turn_it_is_and_since_when(there: School) -> None:
    hold(there)
    since = there.clock.at
    assert report(there).restricted_at == since
    assert report(there).systems[0].next is None, "nothing waits"
    there.passes(HOUR)
    there.update(first_name="Ann")
    for _ in range(2):
        shown = report(there).systems[0]
        assert shown.state == "needs_you"
        assert shown.next is not None
        assert (shown.next.at, shown.next.whose) == (since + HOUR, "yours")
        there.passes(DAY)
    with there.ledger.read() as tx:
        totals = customer_report(there.ledger, tx, there.customer, {}).totals
    assert dict(totals.states) == {"needs_you": 1}


@on_sqlite
def test_asking_twice_keeps_the_first_moment(there: School) -> None:
    hold(there)
    since = there.clock.at
    there.passes(HOUR)
    hold(there)
    assert report(there).restricted_at == since
    for _ in range(2):
        hold(there, restricted=False)
    assert report(there).restricted_at is None


def test_nobody_else_can_restrict_and_nobody_unknown_is_restricted(there: School) -> None:
    other = customers.create(there.ledger, "De Kwast")
    with pytest.raises(Unknown, match="nothing to restrict"):
        restrict(there.ledger, other, ANNA, restricted=True)
    with pytest.raises(Unknown):
        hold(there, reference="cf-9")
    assert there.state() is State.CONFIRMED
    assert report(there).restricted_at is None
