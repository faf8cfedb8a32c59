"""Nothing is sent unless the ledger was asked after the wish to send it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from core.errors import LeaseLost
from core.holding import Holding
from core.ledger.holdings import Mark
from tests.workers.test_advance import ASKED
from workers.fence import Fence

ONE = replace(ASKED["subscribe"], id=uuid4(), epoch=3)
OTHER = replace(ASKED["subscribe"], id=uuid4(), epoch=5)


def fence(*several: Holding) -> Fence:
    return Fence(lambda: {one.id: (one.epoch, False) for one in several})


def test_what_is_in_flight_unchanged_may_be_sent() -> None:
    fence(ONE, OTHER).check([ONE, OTHER])


def test_what_newer_work_overtook_may_not() -> None:
    with pytest.raises(LeaseLost):
        fence(ONE, replace(OTHER, epoch=6)).check([ONE, OTHER])


def test_whose_pushes_are_held_back_since_may_not() -> None:
    with pytest.raises(LeaseLost):
        Fence(lambda: {ONE.id: (ONE.epoch, True)}).check([ONE])


def test_what_was_never_taken_up_may_not() -> None:
    with pytest.raises(LeaseLost):
        fence(ONE).check([OTHER])


def test_a_lost_lane_stops_everything() -> None:
    def lost() -> Mapping[UUID, Mark]:
        raise LeaseLost

    for several in ([ONE], []):
        with pytest.raises(LeaseLost):
            Fence(lost).check(several)


def test_who_comes_while_the_ledger_is_being_asked_gets_a_later_answer() -> None:
    """The first asks before an erasure is accepted, the others after it: only they are stopped."""
    asked, accepted, waiting = threading.Event(), threading.Event(), threading.Event()
    questions = []

    def ask() -> Mapping[UUID, Mark]:
        questions.append(1)
        if len(questions) == 1:
            asked.set()
            assert accepted.wait(5)
            return {ONE.id: (ONE.epoch, False)}
        return {ONE.id: (ONE.epoch + 1, False)}

    shared = Fence(ask)

    def late() -> bool:
        waiting.set()
        try:
            shared.check([ONE])
        except LeaseLost:
            return True
        return False

    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(shared.check, [ONE])
        assert asked.wait(5)
        later = [pool.submit(late) for _ in range(6)]
        assert waiting.wait(5)
        accepted.set()
        assert first.result(5) is None
        assert all(one.result(5) for one in later)
    assert len(questions) < 1 + len(later)  # who waited together shared a question


def test_a_fault_reaches_everybody_who_asked_and_nobody_after() -> None:
    answers = iter([KeyError("database"), None])

    def ask() -> Mapping[UUID, Mark]:
        fault = next(answers)
        if fault is not None:
            raise fault
        return {ONE.id: (ONE.epoch, False)}

    shared = Fence(ask)
    with pytest.raises(KeyError):
        shared.check([ONE])
    shared.check([ONE])
