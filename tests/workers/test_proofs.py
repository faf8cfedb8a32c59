"""The tests of the drain notice it when a rule that they prove is broken."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from core import verdict
from core.connector import Identity, Verb
from core.holding import Holding
from core.ledger import Ledger, assignments, lanes
from core.testing.lies import ignores
from core.verdict import Judgement, Verdict
from core.wants import Goal, Wants
from tests.databases import Clock
from tests.workers import test_drain as plain
from tests.workers import test_drain_erasure as erasure
from tests.workers import test_drain_order as order
from tests.workers.school import School, on_sqlite
from workers import advance
from workers.fence import Fence
from workers.situation import Situation, Step

pytestmark = on_sqlite

Scenario = Callable[[School], None]
Patch = pytest.MonkeyPatch


def a_status_code_is_evidence(patch: Patch) -> None:
    gone = Judgement(Verdict.ABSENT, Goal())
    patch.setattr(verdict, "judge_erasure", lambda *_, **__: gone)


def archived_is_gone(patch: Patch) -> None:
    strict = verdict.judge_erasure

    def lax(traces: Any, *, keep_refusal: bool) -> Judgement:
        left = [trace for trace in traces if trace.presence.value != "archived"]
        return strict(left, keep_refusal=keep_refusal)

    patch.setattr(verdict, "judge_erasure", lax)


def any_place_will_do(patch: Patch) -> None:
    patch.setattr(verdict, "visible", lambda place, sight: True)


def one_copy_is_enough(patch: Patch) -> None:
    def lax(expected: Any, traces: Any) -> Verdict:
        shown = [trace for trace in traces if dict(trace.fields) == dict(expected)]
        return Verdict.CONFIRMED if shown else Verdict.DIFFERS

    patch.setattr(verdict, "judge_update", lax)


def nothing_settles(patch: Patch) -> None:
    def never(_: Any, __: datetime) -> bool:
        return False

    patch.setattr(Holding, "settling", never)
    patch.setattr(Situation, "settling", never)


def repeats_without_a_look(patch: Patch) -> None:
    patch.setattr(Holding, "acted", property(lambda _: False))


def no_fence_before_the_send(patch: Patch) -> None:
    patch.setattr(Fence, "check", lambda *_: None)


def no_fence_at_the_record(patch: Patch) -> None:
    patch.setattr(lanes, "check", lambda *_: None)
    patch.setattr(lanes, "renew", lambda *_: None)


def newer_work_starts_all_over(patch: Patch) -> None:
    patch.setattr(Holding, "acted", property(lambda _: False))
    patch.setattr(
        advance,
        "overtaken",
        lambda it: Step({**it.sent, "state": it.row.state.value, "due_at": it.now}, "overtaken"),
    )


def nobody_ever_comes_back(patch: Patch) -> None:
    patch.setattr(Situation, "came_back", property(lambda _: False))


def a_return_is_measured_by_the_old_erasure(patch: Patch) -> None:
    patch.setattr(Wants, "standing", lambda wants: Goal(erase=bool(wants.erase)))


def old_addresses_are_forgotten(patch: Patch) -> None:
    patch.setattr(
        assignments.Opening,
        "identity",
        lambda opening, one: Identity(tuple(opening.emails.get(one.holding.person, ()))),
    )


def erasures_give_up_too(patch: Patch) -> None:
    patch.setattr(advance, "never_gives_up", lambda _: False)


def no_patrols(patch: Patch) -> None:
    patch.setattr(advance, "patrol_after", lambda _: None)


late = timedelta(minutes=5)
BROKEN: list[tuple[Callable[[Patch], None], Scenario]] = [
    (
        a_status_code_is_evidence,
        erasure.test_what_is_archived_is_still_there_and_a_task,
    ),
    (archived_is_gone, erasure.test_what_is_archived_is_still_there_and_a_task),
    (
        any_place_will_do,
        lambda it: erasure.test_a_credential_that_sees_only_a_part_calls_nobody_gone(it, {"news"}),
    ),
    (one_copy_is_enough, plain.test_one_stale_list_of_two_is_not_called_confirmed),
    (
        nothing_settles,
        lambda it: erasure.test_a_late_subscription_is_erased_before_anything_is_claimed(it, late),
    ),
    (
        nothing_settles,
        lambda it: order.test_a_late_erasure_does_not_end_a_new_subscription_unnoticed(it, late),
    ),
    (
        repeats_without_a_look,
        plain.test_a_call_without_an_answer_is_looked_at_before_it_is_repeated,
    ),
    (no_fence_before_the_send, order.test_a_lost_lane_stops_the_send_and_writes_nothing),
    (
        no_fence_before_the_send,
        lambda it: order.test_an_erasure_asked_between_claim_and_send_stops_the_send(
            it, Verb.SUBSCRIBE
        ),
    ),
    (
        no_fence_at_the_record,
        order.test_a_lane_lost_after_the_send_writes_nothing_and_the_next_owner_looks,
    ),
    (
        newer_work_starts_all_over,
        order.test_an_update_asked_while_the_subscription_is_in_flight_is_neither_lost_nor_doubled,
    ),
    (
        nobody_ever_comes_back,
        order.test_an_erasure_that_is_only_said_to_be_done_is_superseded_by_who_comes_back,
    ),
    (
        a_return_is_measured_by_the_old_erasure,
        order.test_a_look_after_the_return_does_not_erase_again,
    ),
    (
        old_addresses_are_forgotten,
        order.test_who_comes_back_with_another_address_is_still_erased_by_the_old,
    ),
    (
        erasures_give_up_too,
        lambda it: plain.test_an_opt_out_or_an_erasure_is_never_given_up(
            it, Verb.UNSUBSCRIBE, ignores
        ),
    ),
    (
        no_patrols,
        erasure.test_an_erasure_is_confirmed_by_a_look_and_patrolled_until_it_is_final,
    ),
]
IDS = [broken.__name__ for broken, _ in BROKEN]


@pytest.mark.parametrize(("broken", "scenario"), BROKEN, ids=IDS)
def test_a_broken_rule_is_noticed(
    quick_ledger: Ledger, clock: Clock, broken: Callable[[Patch], None], scenario: Scenario
) -> None:
    school = School(quick_ledger, clock)
    try:
        with pytest.MonkeyPatch.context() as patch:
            broken(patch)
            with pytest.raises((AssertionError, pytest.fail.Exception)):
                scenario(school)
    finally:
        school.close()
