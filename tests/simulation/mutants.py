"""Faults of the product, planted one at a time: the simulation has to find each of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from core import basis, verdict
from core.connector import Identity, Presence
from core.errors import LeaseLost
from core.holding import Holding
from core.ledger import adoption, assignments
from core.ledger.person import Someone
from core.verdict import Judgement, Verdict
from core.wants import Goal
from workers import advance, situation
from workers.fence import Fence
from workers.situation import Situation, Step

Patch = pytest.MonkeyPatch


# --- the judge


def a_status_code_is_evidence(patch: Patch) -> None:
    patch.setattr(verdict, "judge_erasure", lambda *_, **__: Judgement(Verdict.ABSENT, Goal()))


def archived_is_gone(patch: Patch) -> None:
    strict = verdict.judge_erasure

    def lax(traces: Any, *, keep_refusal: bool) -> Judgement:
        left = [one for one in traces if one.presence is not Presence.ARCHIVED]
        return strict(left, keep_refusal=keep_refusal)

    patch.setattr(verdict, "judge_erasure", lax)


def purging_is_gone(patch: Patch) -> None:
    strict = verdict.judge_erasure

    def lax(traces: Any, *, keep_refusal: bool) -> Judgement:
        left = [one for one in traces if one.presence is not Presence.PURGING]
        return strict(left, keep_refusal=keep_refusal)

    patch.setattr(verdict, "judge_erasure", lax)


def nobody_looks_at_the_fields(patch: Patch) -> None:
    patch.setattr(verdict, "judge_update", lambda expected, traces: Verdict.CONFIRMED)


def anything_is_a_subscription(patch: Patch) -> None:
    patch.setattr(verdict, "judge_subscription", lambda place, expected, sight: Verdict.CONFIRMED)


# --- what is in doubt


def nothing_settles(patch: Patch) -> None:
    patch.setattr(Holding, "settling", lambda holding, moment: False)
    patch.setattr(Situation, "settling", lambda it, moment: False)


def the_platform_is_never_late(patch: Patch) -> None:
    strict = situation.what_was_sent

    def lax(row: Any, before: Any, done: Any, platform: Any, now: Any) -> dict[str, Any]:
        kept = strict(row, before, done, platform, now)
        if "ambiguous_until" in kept:
            kept["ambiguous_until"] -= platform.late_apply
        return kept

    patch.setattr(advance, "what_was_sent", lax)


def interrupted_means_not_sent(patch: Patch) -> None:
    patch.setattr(adoption, "unsure", lambda row, asked, late_apply: {})


def the_new_intent_forgets_the_old_doubt(patch: Patch) -> None:
    strict = adoption.unsure

    def lax(row: Any, asked: int, late_apply: timedelta) -> dict[str, Any]:
        return {**strict(row, asked, late_apply), "ambiguous_until": row.intent_until}

    patch.setattr(adoption, "unsure", lax)


# --- the fence


def no_fence_before_the_send(patch: Patch) -> None:
    patch.setattr(Fence, "check", lambda fence, several: None)


def the_fence_knows_no_epoch(patch: Patch) -> None:
    def lax(fence: Fence, several: Any) -> None:
        marks = fence._answer()
        if any(one.id not in marks for one in several):
            raise LeaseLost

    patch.setattr(Fence, "check", lax)


# --- order: seq, epoch, basis


def an_erasure_raises_no_epoch(patch: Patch) -> None:
    strict = Someone.erase

    def lax(someone: Someone, *given: Any) -> None:
        epoch = someone.epoch
        strict(someone, *given)
        someone.epoch = epoch

    patch.setattr(Someone, "erase", lax)


def any_basis_will_do(patch: Patch) -> None:
    patch.setattr(basis, "check", lambda basis, **_: None)


def newer_work_is_overlooked(patch: Patch) -> None:
    strict = advance.overtaken

    def lax(it: Situation) -> Step:
        step = strict(it)
        return Step({**step.changes, "due_at": None, "reached_seq": it.row.asked_seq}, "overtaken")

    patch.setattr(advance, "overtaken", lax)


def old_addresses_are_forgotten(patch: Patch) -> None:
    strict = assignments.Opening.identity

    def lax(opening: Any, one: Any) -> Identity:
        who = strict(opening, one)
        return Identity(who.emails[:1])

    patch.setattr(assignments.Opening, "identity", lax)


def erasures_give_up_too(patch: Patch) -> None:
    patch.setattr(advance, "never_gives_up", lambda it: False)
    patch.setattr(advance, "ATTEMPTS", 2)


def a_return_is_nobodys_business(patch: Patch) -> None:
    patch.setattr(Situation, "returns", property(lambda it: False))


MUTANTS: list[Callable[[Patch], None]] = [
    a_status_code_is_evidence,
    archived_is_gone,
    purging_is_gone,
    nobody_looks_at_the_fields,
    anything_is_a_subscription,
    nothing_settles,
    the_platform_is_never_late,
    interrupted_means_not_sent,
    the_new_intent_forgets_the_old_doubt,
    no_fence_before_the_send,
    the_fence_knows_no_epoch,
    an_erasure_raises_no_epoch,
    any_basis_will_do,
    newer_work_is_overlooked,
    old_addresses_are_forgotten,
    erasures_give_up_too,
    a_return_is_nobodys_business,
]

# Those that a few stories are enough for.
SOON_FOUND = (
    a_status_code_is_evidence,
    archived_is_gone,
    nobody_looks_at_the_fields,
    anything_is_a_subscription,
    no_fence_before_the_send,
    the_fence_knows_no_epoch,
)
