"""What watches over the histories of all tests finds each way in which one can be false."""

from __future__ import annotations

from uuid import UUID

import pytest

from core.transitions import NEW
from tests.histories import Move, add_up

ANNA, BEN = UUID(int=1), UUID(int=2)
STANDS = {ANNA: "confirmed", BEN: "queued"}
TRUE = [
    Move("asked", ANNA, NEW, "queued"),
    Move("asked", BEN, NEW, "queued"),
    Move("answered", ANNA, "queued", "sent"),
    Move("confirmed", ANNA, "sent", "confirmed"),
]
FALSE = {
    "the first is silent": TRUE[1:],
    "one between is silent": [*TRUE[:2], TRUE[3]],
    "the last is silent": TRUE[:3],
    "one is told twice": [*TRUE, TRUE[3]],
    "one is told of somebody else": [*TRUE[:3], Move("confirmed", BEN, "sent", "confirmed")],
    "two change places": [*TRUE[:2], TRUE[3], TRUE[2]],
    "one moved nothing": [*TRUE, Move("patrolled", ANNA, "confirmed", "confirmed")],
    "one never happened": [*TRUE, Move("returned", ANNA, "confirmed", "returned")],
    "nobody is told of": [],
}


def test_a_true_history_adds_up() -> None:
    add_up(TRUE, STANDS)


@pytest.mark.parametrize("fault", FALSE)
def test_a_false_history_is_found(fault: str) -> None:
    with pytest.raises(AssertionError):
        add_up(FALSE[fault], STANDS)
