"""One connection is brought to what was asked, and nothing is claimed that was not seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NoReturn
from uuid import uuid4

import pytest
import sqlalchemy as sa

from core.connector import Account, Limits, Presence, Text, Verb, Window
from core.errors import (
    ConnectorError,
    NotFound,
    OnlyThePerson,
    OutcomeUnknown,
    Reconnect,
    Refused,
    TryAt,
    TryLater,
    Unreadable,
)
from core.ledger import connections, lanes
from core.ledger.intake import Accepted
from core.ledger.schema import attempts
from core.refusals import Unknown
from core.states import Ended, State, Task
from core.testing.imitation import (
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
    keeps_what_was_cleared,
    late,
    leaves_one_copy_stale,
    shows_after,
    shows_somebody_else,
)
from tests.workers.school import ANNA, DAY, EMAIL, HOUR, MINUTE, SECOND, School, at, on_sqlite
from workers import flow
from workers.drain import Worker

pytestmark = on_sqlite

QUANTUM = 20

DEFINITE = [
    TryLater("503"),
    Reconnect("401"),
    Refused("422"),
    NotFound("404"),
    OnlyThePerson("409"),
    Unreadable("200"),
]
UNFORESEEN = [KeyError("email"), ValueError("anna@example.nl")]


def ask(school: School, verb: Verb) -> Accepted:
    match verb:
        case Verb.SUBSCRIBE:
            return school.subscribe(ANNA, EMAIL, COURSES.id)
        case Verb.UPDATE:
            return school.update(last_name="Bakker")
        case Verb.UNSUBSCRIBE:
            return school.unsubscribe()
        case Verb.ERASE:
            return school.erase()


def test_a_subscription_is_confirmed_by_a_look(school: School) -> None:
    asked = school.subscribe()
    school.drain()
    assert school.ended(asked) is Ended.CONFIRMED
    assert school.state() is State.CONFIRMED
    assert [call.face for call in school.imitation.calls] == ["places", "subscribe", "find"]


def test_a_change_is_carried_to_every_copy(school: School) -> None:
    school.subscribe(ANNA, EMAIL, NEWS.id, COURSES.id)
    school.drain()
    asked = school.update(email="anna.bakker@example.nl", last_name=None)
    school.drain()
    assert school.ended(asked) is Ended.CONFIRMED
    assert [(one.email, one.fields["last_name"]) for one in school.imitation.entries] == [
        ("anna.bakker@example.nl", ""),
        ("anna.bakker@example.nl", ""),
    ]


def test_an_opt_out_is_confirmed_by_a_look(school: School) -> None:
    school.subscribe()
    school.drain()
    asked = school.unsubscribe()
    school.drain()
    assert school.ended(asked) is Ended.CONFIRMED
    assert [one.presence for one in school.imitation.entries] == [Presence.UNSUBSCRIBED]


def test_a_clock_that_steps_back_wears_nobody_out(school: School) -> None:
    """The database's, in the middle of a turn: what is asked after that is done in that turn."""
    school.subscribe()

    def an_hour_back() -> None:
        school.reach.before_change = lambda: None
        school.clock.at -= HOUR
        asked.append(school.subscribe("cf-2", "bea@example.nl"))

    asked: list[Accepted] = []
    school.reach.before_change = an_hour_back
    worker = Worker(school.ledger, school.reach)  # whose own clock goes on
    worker.drain(school.lane)
    worker.close()
    assert school.ended(asked[0]) is Ended.CONFIRMED
    assert len(school.rows(sa.select(attempts))) == 2


def test_an_update_of_an_absent_person_is_not_called_confirmed(school: School) -> None:
    school.subscribe()
    school.drain()
    school.imitation.entries.clear()
    asked = school.update(last_name="Bakker")
    school.drain()
    assert school.ended(asked) is Ended.ABSENT
    assert school.state() is State.NOT_FOUND
    assert school.imitation.entries == []


def test_a_name_that_was_not_cleared_is_not_called_confirmed(school: School) -> None:
    school.subscribe()
    school.drain()
    school.imitation.always("update", keeps_what_was_cleared)
    asked = school.update(last_name=None)
    school.passes(HOUR)
    assert school.ended(asked) is None
    assert school.state() is State.RETRYING


def test_one_stale_list_of_two_is_not_called_confirmed(school: School) -> None:
    school.subscribe(ANNA, EMAIL, NEWS.id, COURSES.id)
    school.drain()
    school.imitation.always("update", leaves_one_copy_stale)
    asked = school.update(last_name="Bakker")
    school.passes(HOUR)
    assert school.ended(asked) is None
    assert school.state() is State.RETRYING


def test_a_stale_list_that_this_credential_no_longer_sees_is_not_called_confirmed(
    school: School,
) -> None:
    school.subscribe(ANNA, EMAIL, NEWS.id, COURSES.id)
    school.drain()
    school.imitation.hidden.add(COURSES.id)
    asked = school.update(last_name="Bakker")
    school.drain()
    assert school.ended(asked) is None
    assert school.state() is State.CANNOT_LOOK
    assert school.tasks() == [(Task.CANNOT_LOOK, Verb.UPDATE)]


def test_somebody_else_is_no_subscription(school: School) -> None:
    school.imitation.always("find", shows_somebody_else)
    asked = school.subscribe()
    school.passes(HOUR)
    assert school.ended(asked) is None


def test_a_subscription_that_waits_for_the_person_is_no_subscription_yet(school: School) -> None:
    school.imitation.confirms = True
    asked = school.subscribe()
    school.passes(HOUR)
    assert school.state() is State.ONLY_THE_PERSON
    assert school.ended(asked) is None
    [entry] = school.imitation.entries
    entry.presence = Presence.SUBSCRIBED
    school.passes(DAY)
    assert school.ended(asked) is Ended.CONFIRMED
    assert school.imitation.made("subscribe") == 1


def test_who_opted_out_there_is_not_subscribed_again(school: School) -> None:
    school.imitation.join(EMAIL).opted_out = True
    asked = school.subscribe()
    school.passes(DAY)
    assert school.ended(asked) is Ended.REFUSED
    assert school.state() is State.ONLY_THE_PERSON
    assert school.imitation.made("subscribe") == 1


def test_a_refusal_at_one_list_does_not_keep_the_person_from_another(school: School) -> None:
    school.imitation.join(EMAIL, NEWS).opted_out = True
    school.subscribe(ANNA, EMAIL, NEWS.id, COURSES.id)
    school.passes(DAY)
    [entry] = [one for one in school.imitation.entries if one.place == COURSES.id]
    assert entry.presence is Presence.SUBSCRIBED


def test_what_the_platform_is_slow_to_show_is_not_sent_twice(school: School) -> None:
    school.imitation.lie("subscribe", shows_after(20 * SECOND))
    asked = school.subscribe()
    school.drain()
    assert school.state() is State.SENT
    school.passes(HOUR)
    assert school.ended(asked) is Ended.CONFIRMED
    assert school.imitation.made("subscribe") == 1


def test_what_the_platform_only_says_it_did_is_sent_again(school: School) -> None:
    school.imitation.lie("subscribe", ignores)
    asked = school.subscribe()
    school.passes(HOUR)
    assert school.ended(asked) is Ended.CONFIRMED
    assert school.imitation.made("subscribe") == 2


def test_a_call_without_an_answer_is_looked_at_before_it_is_repeated(school: School) -> None:
    school.imitation.lie("subscribe", acts_then_fails(OutcomeUnknown("no answer")))
    asked = school.subscribe()
    school.passes(HOUR)
    assert school.ended(asked) is Ended.CONFIRMED
    assert school.imitation.made("subscribe") == 1


def test_nothing_is_confirmed_while_an_unanswered_call_can_still_act(school: School) -> None:
    """A late opt-out must not end a new subscription unnoticed."""
    school.subscribe()
    school.drain()
    school.imitation.lie("unsubscribe", late(5 * MINUTE))
    school.unsubscribe()
    school.drain()
    school.passes(SECOND)
    again = school.subscribe()
    school.passes(2 * MINUTE)
    assert [one.presence for one in school.imitation.entries] == [Presence.SUBSCRIBED]
    assert school.ended(again) is None
    school.passes(HOUR)
    assert school.ended(again) is Ended.CONFIRMED
    assert [one.presence for one in school.imitation.entries] == [Presence.SUBSCRIBED]


@pytest.mark.parametrize("error", DEFINITE, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("verb", list(Verb))
def test_every_error_is_bridged_once_it_has_passed(
    school: School, verb: Verb, error: ConnectorError
) -> None:
    school.subscribe()
    school.drain()
    school.imitation.lie(verb.value, fails(error))
    asked = ask(school, verb)
    school.drain()
    if isinstance(error, Reconnect):
        school.resume()
    school.passes(2 * DAY)
    gives_in = isinstance(error, Refused) and verb in {Verb.SUBSCRIBE, Verb.UPDATE}
    assert school.ended(asked) is (Ended.REFUSED if gives_in else Ended.CONFIRMED)


@pytest.mark.parametrize("lie", [fails, acts_then_fails], ids=["before", "after"])
@pytest.mark.parametrize(
    "error", [OutcomeUnknown("no answer"), *UNFORESEEN], ids=lambda error: type(error).__name__
)
def test_whoever_fails_in_the_middle_may_have_acted(
    school: School, lie: Callable[[BaseException], Lie], error: Exception
) -> None:
    school.imitation.lie("subscribe", lie(error))
    asked = school.subscribe()
    school.drain()
    assert school.holding().ambiguous_until is not None
    school.passes(MINUTE)
    assert school.ended(asked) is None
    school.passes(HOUR)
    assert school.ended(asked) is Ended.CONFIRMED
    assert school.imitation.made("subscribe") == (1 if lie is acts_then_fails else 2)
    assert len(school.imitation.entries) == 1


def test_an_unforeseen_error_leaves_its_text_nowhere(
    school: School, caplog: pytest.LogCaptureFixture
) -> None:
    school.imitation.always("find", fails(ValueError("anna@example.nl")))
    school.subscribe()
    school.drain()
    assert school.holding().error == "Unreadable"
    assert "ValueError" in caplog.text
    assert "anna" not in caplog.text


@pytest.mark.parametrize("lie", [fails(TryLater("503")), ignores, fails(OutcomeUnknown("none"))])
@pytest.mark.parametrize("verb", [Verb.SUBSCRIBE, Verb.UPDATE])
def test_a_subscription_or_an_update_ends_in_a_task_after_ten_tries(
    school: School, verb: Verb, lie: Lie
) -> None:
    school.subscribe()
    if verb is Verb.UPDATE:
        school.drain()
    school.imitation.always(verb.value, lie)
    asked = school.update(last_name="Bakker") if verb is Verb.UPDATE else None
    school.passes(20 * DAY)
    assert school.state() is State.NEEDS_YOU
    assert school.tasks() == [(Task.GIVEN_UP, verb)]
    assert asked is None or school.ended(asked) is Ended.GIVEN_UP
    assert school.holding().due_at is None
    assert 5 <= school.imitation.made(verb.value) <= 10


@pytest.mark.parametrize("lie", [fails(TryLater("503")), ignores, fails(Refused("no"))])
@pytest.mark.parametrize("verb", [Verb.UNSUBSCRIBE, Verb.ERASE])
def test_an_opt_out_or_an_erasure_is_never_given_up(school: School, verb: Verb, lie: Lie) -> None:
    school.subscribe()
    school.drain()
    school.imitation.always(verb.value, lie)
    asked = school.unsubscribe() if verb is Verb.UNSUBSCRIBE else school.erase()
    school.passes(12 * DAY)
    assert school.ended(asked) is None
    assert school.tasks() != []
    school.imitation.lie(verb.value)
    school.passes(2 * DAY)
    assert school.ended(asked) is Ended.CONFIRMED
    assert school.tasks() == []


def test_only_the_person_is_no_end_of_an_erasure(school: School) -> None:
    school.subscribe()
    school.drain()
    school.imitation.lie("erase", fails(OnlyThePerson("409")))
    asked = school.erase()
    school.drain()
    assert school.ended(asked) is None
    assert school.tasks() == [(Task.REFUSED, Verb.ERASE)]
    school.passes(2 * DAY)
    assert school.ended(asked) is Ended.CONFIRMED


def test_what_was_given_up_is_looked_at_when_the_school_says_that_it_is_done(
    school: School,
) -> None:
    school.imitation.always("subscribe", fails(Refused("422")))
    school.subscribe()
    school.drain()
    assert school.tasks() == [(Task.REFUSED, Verb.SUBSCRIBE)]
    school.attest()
    school.passes(MINUTE)
    assert school.state() is State.NEEDS_YOU
    assert school.tasks() == [(Task.REFUSED, Verb.SUBSCRIBE)]
    school.imitation.join(EMAIL, first_name="Anna", last_name="de Vries")
    school.attest()
    school.passes(MINUTE)
    assert school.state() is State.CONFIRMED
    assert school.tasks() == []


@pytest.mark.parametrize("error", [TryLater("503"), Refused("422")])
def test_what_a_human_said_was_done_is_asked_again_where_no_look_gets_through(
    school: School, error: Exception
) -> None:
    school.imitation.always("subscribe", fails(OutcomeUnknown("none")))
    school.subscribe()
    school.passes(9 * DAY)
    assert school.tasks() == [(Task.GIVEN_UP, Verb.SUBSCRIBE)]
    school.imitation.always("find", fails(error))
    school.attest()
    school.passes(9 * DAY)
    assert (school.state(), school.next_turn()) == (State.NEEDS_YOU, None)
    assert school.tasks() == [(Task.GIVEN_UP, Verb.SUBSCRIBE)]


def test_the_platforms_own_wait_is_obeyed_and_counted_nowhere(school: School) -> None:
    school.imitation.lie("subscribe", fails(TryAt("429", wait=3 * HOUR)))
    asked = school.subscribe()
    school.drain()
    before = len(school.imitation.calls)
    assert (school.holding().attempts, school.holding().looks) == (0, 0)
    school.passes(3 * HOUR - SECOND)
    school.subscribe("cf-2", "ben@example.nl")
    school.drain()
    assert len(school.imitation.calls) == before
    school.passes(SECOND)
    assert school.ended(asked) is Ended.CONFIRMED


def test_the_platforms_own_wait_holds_when_the_lane_cannot_be_read(school: School) -> None:
    school.imitation.lie("places", fails(TryAt("429", wait=HOUR)))
    asked = school.subscribe()
    school.drain()
    school.passes(HOUR - SECOND)
    assert school.imitation.made("places") == 1
    school.passes(SECOND)
    assert school.ended(asked) is Ended.CONFIRMED


@pytest.mark.parametrize("face", ["places", "subscribe", "find"])
def test_a_dead_credential_holds_the_lane_with_one_task(school: School, face: str) -> None:
    school.imitation.always(face, fails(Reconnect("401")))
    asked = [school.subscribe(f"cf-{n}", f"p{n}@example.nl") for n in range(5)]
    school.passes(30 * DAY)
    school.drain()
    assert school.imitation.made("places") == 1
    assert school.tasks() == [(Task.RECONNECT, None)]
    assert {school.holding(f"cf-{n}").attempts for n in range(5)} == {0}
    school.imitation.lie(face)
    school.resume()
    school.passes(MINUTE)
    assert {school.ended(one) for one in asked} == {Ended.CONFIRMED}


@pytest.mark.parametrize("face", ["places", "subscribe", "find"])
def test_credentials_that_were_renewed_in_the_middle_of_a_turn_are_tried(
    school: School, face: str
) -> None:
    def renewed_too_late(_imitation: Imitation, _call: Call) -> NoReturn:
        with school.ledger.read() as tx:
            known = connections.one(tx, school.lane)
        connections.renew(school.ledger, known, {}, Account("imitation-1", "Imitation"))
        raise Reconnect("401")

    asked = school.subscribe()
    school.imitation.lie(face, renewed_too_late)
    school.passes(MINUTE)
    assert school.ended(asked) is Ended.CONFIRMED
    assert school.tasks() == []


@pytest.mark.parametrize(
    "error",
    [TryLater("503"), Unreadable("200"), OutcomeUnknown("none"), Refused("404"), KeyError("lists")],
    ids=lambda error: type(error).__name__,
)
def test_a_failure_of_the_whole_connection_charges_nobody(school: School, error: Exception) -> None:
    school.imitation.lie("places", *[fails(error)] * 3)
    asked = school.subscribe()
    school.drain()
    holding = school.holding()
    assert (holding.attempts, holding.looks, holding.state) == (0, 0, State.QUEUED.value)
    assert school.lane_row().session is None
    school.passes(MINUTE)
    assert school.ended(asked) is Ended.CONFIRMED
    school.passes(MINUTE)
    assert school.lane_row().failures == 0


def test_a_connection_that_stays_refused_asks_for_a_human(school: School) -> None:
    school.imitation.always("places", fails(Refused("404")))
    asked = school.subscribe()
    school.passes(HOUR)
    assert school.tasks() == [(Task.CANNOT_LOOK, None)]
    assert school.ended(asked) is None
    school.imitation.lie("places")
    school.passes(HOUR)
    assert school.ended(asked) is Ended.CONFIRMED
    assert school.tasks() == []


def test_a_dead_platform_is_called_ever_more_rarely(school: School) -> None:
    school.imitation.always("places", fails(TryLater("503")))
    school.subscribe()
    school.passes(HOUR / 2)
    assert 30 <= school.imitation.made("places") <= 40
    assert school.tasks() == []
    school.passes(HOUR)
    assert school.tasks() == [(Task.CANNOT_LOOK, None)]


def test_a_bell_for_a_lane_that_is_not_there_changes_nothing(school: School) -> None:
    """A message may outlive its database, or come from anybody."""
    asked = school.subscribe()
    school.worker.drain(uuid4())
    assert school.ended(asked) is None
    school.drain()
    assert school.ended(asked) is Ended.CONFIRMED


def no_such_platform(_: str) -> NoReturn:
    raise Unknown("There is no such platform.")


def test_a_fault_of_our_own_costs_a_wait_and_not_the_lane(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = school.subscribe()
    with monkeypatch.context() as patch:
        patch.setattr(school.reach, "platform", no_such_platform)
        with pytest.raises(Unknown):
            school.worker.drain(school.lane)
    assert (school.lane_row().session, school.lane_row().failures) == (None, 1)
    school.passes(MINUTE)
    assert school.ended(asked) is Ended.CONFIRMED


def test_one_that_fails_keeps_no_other_from_going_on(school: School) -> None:
    school.imitation.lie("subscribe", fails(Unreadable("200")))
    asked = [school.subscribe(f"cf-{n}", f"p{n}@example.nl") for n in range(5)]
    school.drain()
    assert [school.ended(one) for one in asked].count(Ended.CONFIRMED) == 4


def crowd(school: School, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(flow, "QUANTUM", QUANTUM)
    for n in range(2 * QUANTUM):
        school.subscribe(f"cf-{n}", f"p{n}@example.nl")
    school.worker.drain(school.lane)
    return school.imitation.made("subscribe")


def test_a_turn_is_bounded_where_another_lane_waits(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    school.connect_another(waiting_for=2 * SECOND)
    assert 0 < crowd(school, monkeypatch) < 2 * QUANTUM
    for _ in range(5):
        school.worker.drain(school.lane)
    assert school.imitation.made("subscribe") == 2 * QUANTUM  # what was given back, too


def test_a_turn_goes_on_where_nobody_waits(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    school.connect_another(waiting_for=SECOND / 2)
    assert crowd(school, monkeypatch) == 2 * QUANTUM


@at(replace(HONEST, limits=Limits(at_once=4)))
def test_what_waits_for_its_call_is_not_sent_once_the_platform_asks_for_rest(
    school: School,
) -> None:
    school.imitation.always("subscribe", fails(TryAt("429", wait=HOUR)))
    for n in range(40):
        school.subscribe(f"cf-{n}", f"p{n}@example.nl")
    school.worker.drain(school.lane)
    assert school.imitation.made("subscribe") <= 4
    assert school.next_turn() == school.clock.at + HOUR


@at(replace(HONEST, limits=Limits(windows=(Window(calls=2),))))
def test_calls_keep_the_platforms_pace_over_turns(school: School) -> None:
    for n in range(8):
        school.subscribe(f"cf-{n}", f"p{n}@example.nl")
    school.passes(HOUR)
    moments = [call.at for call in school.imitation.calls]
    spans = [later - first for first, later in zip(moments, moments[2:], strict=False)]
    assert min(spans) >= SECOND


BY_HAND = Text(nl="Doe het daar zelf.", en="Do it there yourself.")


@at(replace(HONEST, by_hand={Verb.ERASE: BY_HAND}))
def test_what_the_api_lacks_is_a_task_and_a_look_ends_it(school: School) -> None:
    school.subscribe()
    school.drain()
    asked = school.erase()
    school.drain()
    assert school.state() is State.NEEDS_YOU
    assert school.tasks() == [(Task.BY_HAND, Verb.ERASE)]
    school.attest()
    school.passes(MINUTE)
    assert school.ended(asked) is None
    assert school.tasks() == [(Task.BY_HAND, Verb.ERASE)]
    school.imitation.entries.clear()
    school.attest()
    school.passes(MINUTE)
    assert school.ended(asked) is Ended.CONFIRMED
    assert school.state() is State.NOT_FOUND
    assert school.tasks() == []
    assert school.imitation.made("erase") == 0


@at(replace(HONEST, by_hand={Verb.UNSUBSCRIBE: BY_HAND}))
def test_what_is_by_hand_keeps_nothing_else_waiting(school: School) -> None:
    school.subscribe()
    school.drain()
    school.unsubscribe()
    school.clock.passes(SECOND)
    school.subscribe(ANNA, EMAIL, COURSES.id)
    school.drain()
    assert {one.place: one.presence for one in school.imitation.entries} == {
        NEWS.id: Presence.SUBSCRIBED,
        COURSES.id: Presence.SUBSCRIBED,
    }
    assert school.tasks() == [(Task.BY_HAND, Verb.UNSUBSCRIBE)]


NO_API = replace(HONEST, by_hand=dict.fromkeys(Verb, BY_HAND), can_look=False)


@at(NO_API)
def test_where_we_cannot_look_a_human_word_is_called_so(school: School) -> None:
    asked = school.subscribe()
    school.drain()
    assert school.tasks() == [(Task.BY_HAND, Verb.SUBSCRIBE)]
    school.attest()
    school.passes(DAY)
    assert school.state() is State.ATTESTED
    assert school.ended(asked) is Ended.ATTESTED
    assert school.imitation.calls == []


@at(replace(HONEST, can_look=False))
def test_where_we_cannot_look_nothing_is_called_gone(school: School) -> None:
    asked = school.erase(email=EMAIL)
    school.passes(HOUR)
    assert school.imitation.made("erase") == 1
    assert school.state() is State.CANNOT_LOOK
    assert school.ended(asked) is None
    assert school.tasks() == [(Task.CANNOT_LOOK, Verb.ERASE)]


def test_a_stopping_worker_starts_nothing(school: School) -> None:
    school.subscribe()
    school.worker.close()
    school.drain()
    assert school.imitation.calls == []
    assert school.lane_row().session is None


def test_a_closed_connection_is_left_alone(school: School) -> None:
    school.subscribe()
    school.drain()
    school.erase()
    school.drain()
    calls = len(school.imitation.calls)
    connections.close(school.ledger, school.lane)
    school.clock.passes(2 * DAY)
    with school.ledger.begin() as tx:
        lanes.heal(tx)
    school.drain()
    assert len(school.imitation.calls) == calls
