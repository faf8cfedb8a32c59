"""What follows from what: no step leaves anybody waiting for nobody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any
from uuid import UUID

import pytest

from core.connector import Platform, Presence, Text, Trace, Verb
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
from core.holding import Holding
from core.states import Ended, State, Task
from core.testing.imitation import ARCHIVING, BY_DATE, HONEST, NEWS
from core.verdict import Judgement, Sight, Verdict
from core.wants import Goal, Wants
from tests.databases import NOW
from workers.advance import advance
from workers.attempt import Done, Look
from workers.schedule import ATTEMPTS, DAY, SHOWS_SOON
from workers.situation import Step

ID = UUID(int=1)
SECOND = timedelta(seconds=1)
FRESH = Holding(
    id=ID,
    customer=ID,
    person=ID,
    connection=ID,
    state=State.QUEUED,
    wants=Wants(),
    asked_seq=1,
    reached_seq=0,
    acted_seq=0,
    epoch=0,
    due_at=NOW,
    attempts=0,
    looks=0,
    deaths=0,
    suspect=False,
    intent_fence=1,
    intent_until=NOW + timedelta(seconds=30),
    ambiguous_until=None,
    answered_at=None,
    seen_at=None,
    seen=(),
    patrol=0,
    final_on=None,
    error=None,
)
ASKED = {
    "subscribe": replace(FRESH, wants=Wants().subscribe([NEWS.id], 1)),
    "update": replace(FRESH, wants=Wants().change(1)),
    "unsubscribe": replace(FRESH, wants=Wants().unsubscribe([NEWS.id], 1)),
    "erase": replace(FRESH, wants=Wants(erase=1)),
    "erase and back": replace(
        FRESH, wants=Wants(erase=1).subscribe([NEWS.id], 2), asked_seq=2, acted_seq=1
    ),
    "patrol": replace(FRESH, wants=Wants(erase=1), reached_seq=1, state=State.NOT_FOUND),
    "last patrol": replace(
        FRESH, wants=Wants(erase=1), reached_seq=1, state=State.NOT_FOUND, patrol=3
    ),
    "done after all": replace(
        FRESH, wants=Wants().subscribe([NEWS.id], 1), reached_seq=1, state=State.NEEDS_YOU
    ),
}
ERASES = ("erase", "erase and back", "patrol", "last patrol")
NEVER_GIVEN_UP = (*ERASES, "unsubscribe")
TIRED: dict[str, Any] = {"attempts": ATTEMPTS - 1, "looks": ATTEMPTS - 1}
BLURRED: dict[str, Any] = {"ambiguous_until": NOW + timedelta(minutes=5)}
HISTORIES: dict[str, dict[str, Any]] = {"fresh": {}, "tired": TIRED, "blurred": BLURRED}
ERRORS: list[ConnectorError] = [
    TryLater("503"),
    TryAt("429", wait=timedelta(hours=3)),
    Reconnect("401"),
    Refused("422"),
    NotFound("404"),
    OnlyThePerson("409"),
    Unreadable("200"),
    OutcomeUnknown("none"),
]
PLATFORMS = {"deletes": HONEST, "archives": ARCHIVING, "by date": BY_DATE}


def looked(verdict: Verdict, until: Any = None) -> Look:
    left = verdict not in {Verdict.ABSENT, Verdict.CANNOT_LOOK}
    traces = (Trace(NEWS.id, Presence.SUBSCRIBED, {"email": "anna@example.nl"}),) if left else ()
    sight = Sight((NEWS,), traces, NOW, NOW)
    return Look(sight, Judgement(verdict, Goal(), until))


def ways() -> Iterator[tuple[str, Done]]:
    for verdict in Verdict:
        until = NOW + 30 * DAY if verdict is Verdict.FINAL_ON else None
        yield verdict.value, Done(acted=True, look=looked(verdict, until))
        yield f"{verdict.value}, nothing sent", Done(look=looked(verdict, until))
    for error in ERRORS:
        yield type(error).__name__, Done(error=error)
        before = looked(Verdict.CONTRADICTED)
        yield f"{type(error).__name__} after a look", Done(error=error, look=before, acted=True)
    yield "by hand", Done(by_hand=Verb.ERASE)
    yield "without a look", Done(acted=True)
    yield "overtaken", Done(overtaken=True)


WAYS = dict(ways())


def step(
    row: Holding, done: Done, platform: Platform = HONEST, before: Holding | None = None
) -> Step:
    return advance(row, before or row, done, platform, now=NOW, spread=lambda: 0.0)


def can_be(asked: str, way: str) -> bool:
    """Only an erasure keeps a refusal."""
    return asked in ERASES or not way.startswith(Verdict.KEPT.value)


CASES = [case for case in product(ASKED, WAYS, HISTORIES, PLATFORMS) if can_be(*case[:2])]


def test_no_step_leaves_anybody_waiting_for_nobody() -> None:
    """Open means that a moment is set or that a task is; else it came to a named end."""
    for asked, way, history, platform in CASES:
        row = replace(ASKED[asked], **HISTORIES[history])
        one = step(row, WAYS[way], PLATFORMS[platform])
        case = (asked, way, history, platform, one)
        assert State(one.changes["state"]), case
        assert "due_at" in one.changes, case
        if one.changes["due_at"] is None:
            final = asked == "last patrol" and one.settled
            assert one.ended or one.task or one.settled or one.unseen or final, case
        else:
            assert one.changes["due_at"] >= NOW, case


def test_an_end_is_told_once_and_reached() -> None:
    for asked, way, history, platform in CASES:
        row = replace(ASKED[asked], **HISTORIES[history])
        one = step(row, WAYS[way], PLATFORMS[platform])
        case = (asked, way, history, platform, one)
        assert (one.ended is None) == (one.ended_seq == 0), case
        if one.ended is not None:
            assert one.changes["reached_seq"] == one.ended_seq, case


def test_only_a_look_confirms() -> None:
    for asked, way, history, platform in CASES:
        row, done = replace(ASKED[asked], **HISTORIES[history]), WAYS[way]
        one = step(row, done, PLATFORMS[platform])
        if one.ended in {Ended.CONFIRMED, Ended.KEPT, Ended.ABSENT}:
            assert done.look is not None, (asked, way)
            verdict = done.look.judgement.verdict
            assert verdict in {Verdict.CONFIRMED, Verdict.ABSENT, Verdict.KEPT}, (asked, way)
            assert done.error is None, (asked, way)
            assert history != "blurred", (asked, way)


def test_an_erasure_or_an_opt_out_ends_by_a_look_or_by_newer_work_only() -> None:
    good = {None, Ended.CONFIRMED, Ended.KEPT, Ended.ABSENT, Ended.SUPERSEDED}
    for asked, way, history, platform in CASES:
        if asked in NEVER_GIVEN_UP:
            row = replace(ASKED[asked], **HISTORIES[history])
            one = step(row, WAYS[way], PLATFORMS[platform])
            assert one.ended in good, (asked, way, history, platform)
            superseded = one.ended is Ended.SUPERSEDED
            assert not superseded or asked == "erase and back", (asked, way, history, platform)


def test_everything_else_ends_after_ten_times() -> None:
    for asked, error in product(("subscribe", "update"), ERRORS):
        one = step(replace(ASKED[asked], **TIRED), Done(error=error))
        over = not isinstance(error, (TryAt, Reconnect))
        assert (one.ended is not None) == over, (asked, error)


@pytest.mark.parametrize("error", [TryAt("429", wait=timedelta(hours=5)), Reconnect("401")])
@pytest.mark.parametrize("asked", ASKED)
def test_what_is_not_the_holdings_fault_counts_nowhere(asked: str, error: ConnectorError) -> None:
    one = step(replace(ASKED[asked], **TIRED), Done(error=error))
    assert one.changes.keys().isdisjoint({"attempts", "looks", "patrol", "reached_seq"})
    wait = error.wait if isinstance(error, TryAt) else timedelta(0)
    assert one.changes["due_at"] == NOW + wait


@pytest.mark.parametrize("asked", ASKED)
def test_no_answer_blurs_until_the_platform_can_no_longer_act(asked: str) -> None:
    row = replace(ASKED[asked], intent_until=NOW + 20 * SECOND)
    one = step(row, Done(error=OutcomeUnknown("none")))
    assert one.changes["ambiguous_until"] == NOW + 20 * SECOND + HONEST.late_apply
    assert one.changes["acted_seq"] == (row.wants.erase if row.goal.erase else row.asked_seq)


@pytest.mark.parametrize("asked", ["subscribe", "unsubscribe", "update", "erase"])
def test_a_good_look_that_began_too_early_claims_nothing(asked: str) -> None:
    verdict = Verdict.ABSENT if asked == "erase" else Verdict.CONFIRMED
    horizon = NOW + timedelta(minutes=5)
    early = step(replace(ASKED[asked], ambiguous_until=horizon), Done(look=looked(verdict)))
    assert (early.ended, early.changes["due_at"]) == (None, horizon)
    assert early.changes["state"] == State.SENT.value
    in_time = step(replace(ASKED[asked], ambiguous_until=NOW), Done(look=looked(verdict)))
    assert in_time.ended is Ended.CONFIRMED


def test_a_date_is_believed_after_the_wait_for_late_calls_only() -> None:
    done = Done(acted=True, look=looked(Verdict.FINAL_ON, NOW + 30 * DAY))
    assert step(replace(ASKED["erase"], **BLURRED), done, BY_DATE).outcome == "settling"
    assert step(ASKED["erase"], done, BY_DATE).changes["due_at"] == NOW + 31 * DAY


@pytest.mark.parametrize("late", [timedelta(0), SECOND])
def test_the_day_after_the_date_the_promise_is_broken(late: timedelta) -> None:
    row = replace(ASKED["erase"], final_on=NOW - DAY - late)
    one = step(row, Done(look=looked(Verdict.FINAL_ON, NOW + 9 * DAY)), BY_DATE)
    assert (one.changes["state"], one.task) == (State.OVERDUE.value, Task.OVERDUE)
    assert one.changes["final_on"] == NOW - DAY - late


def test_the_platform_gets_a_little_time_to_show_it() -> None:
    states = []
    for looks in range(SHOWS_SOON + 2):
        row = replace(ASKED["subscribe"], looks=looks)
        states.append(step(row, Done(look=looked(Verdict.CONTRADICTED))).changes["state"])
    sent, retrying = State.SENT.value, State.RETRYING.value
    assert states == [sent] * SHOWS_SOON + [retrying] * 2


@pytest.mark.parametrize("way", [way for way in WAYS if can_be("subscribe", way)])
def test_newer_work_comes_at_once_and_its_own_count_starts_clean(way: str) -> None:
    before = ASKED["subscribe"]
    newer = replace(before, wants=before.wants.change(2), asked_seq=2)
    one = step(newer, WAYS[way], before=before)
    assert one.outcome == "overtaken"
    assert one.changes["due_at"] == NOW
    assert one.changes["state"] == newer.state.value
    assert one.changes.keys().isdisjoint({"attempts", "looks", "error"})
    assert one.changes.get("reached_seq", 1) == 1


def test_what_was_seen_before_newer_work_came_is_not_done_again() -> None:
    before = ASKED["subscribe"]
    newer = replace(before, wants=before.wants.change(2), asked_seq=2)
    one = step(newer, Done(acted=True, look=looked(Verdict.CONFIRMED)), before=before)
    assert (one.ended, one.ended_seq, one.changes["reached_seq"]) == (Ended.CONFIRMED, 1, 1)


@pytest.mark.parametrize("verdict", [Verdict.CONFIRMED, Verdict.CONTRADICTED])
def test_an_erasure_that_came_meanwhile_stays_to_be_done(verdict: Verdict) -> None:
    before = ASKED["subscribe"]
    newer = replace(before, wants=Wants(erase=2), asked_seq=2, epoch=1)
    one = step(newer, Done(acted=True, look=looked(verdict)), before=before)
    assert one.changes.get("reached_seq", 0) < 2
    assert one.changes.get("erasing", True)
    assert one.changes["acted_seq"] == 1


@pytest.mark.parametrize("way", WAYS)
def test_a_humans_word_that_came_meanwhile_stands(way: str) -> None:
    before = replace(ASKED["erase"], state=State.CANNOT_LOOK)
    row = replace(before, state=State.ATTESTED, reached_seq=1, due_at=None)
    one = step(row, WAYS[way], before=before)
    assert (one.changes["state"], one.changes["due_at"]) == (State.ATTESTED.value, None)
    assert one.task is None


@pytest.mark.parametrize("way", WAYS)
def test_whoever_survives_is_no_suspect(way: str) -> None:
    one = step(replace(ASKED["erase"], suspect=True, deaths=2), WAYS[way])
    assert (one.changes["suspect"], one.changes["deaths"]) == (False, 0)


def test_a_return_is_explained_once_by_a_late_call_and_else_a_task() -> None:
    back = Done(look=looked(Verdict.CONTRADICTED))
    row = replace(ASKED["patrol"], ambiguous_until=NOW - timedelta(hours=1))
    late = step(row, back)
    assert (late.task, late.changes["reached_seq"]) == (None, 0)
    assert (late.changes["erasing"], late.changes["ambiguous_until"]) == (True, None)
    own = step(ASKED["patrol"], back)
    assert (own.task, own.changes["state"]) == (Task.RETURNED, State.RETURNED.value)


def test_a_human_who_did_it_is_not_asked_where_we_can_look() -> None:
    hand = {Verb.ERASE: Text(nl="Doe.", en="Do.")}
    done = Done(by_hand=Verb.ERASE)
    seen = step(ASKED["erase"], done, replace(HONEST, by_hand=hand))
    blind = step(ASKED["erase"], done, replace(HONEST, by_hand=hand, can_look=False))
    assert (seen.changes["due_at"], blind.changes["due_at"]) == (NOW + DAY, None)
    assert seen.task is blind.task is Task.BY_HAND
