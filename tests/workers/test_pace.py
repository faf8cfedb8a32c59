"""Calls are spaced as the platform counts them, whoever makes them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from core.connector import Limits
from tests.databases import NOW
from workers.pace import Pace

SECOND = timedelta(seconds=1)


class Time:
    """Every thread waits by itself: what it sleeps moves nobody else's clock."""

    def __init__(self) -> None:
        self.now = NOW
        self.slept: list[float] = []

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def test_a_platform_without_a_limit_is_not_waited_for() -> None:
    time = Time()
    pace = Pace(Limits(), None, time, time.sleep)
    for _ in range(100):
        pace.wait()
    assert time.slept == []
    assert pace.next_call_at is None


@pytest.mark.parametrize("threads", [1, 4])
def test_no_window_holds_more_calls_than_allowed(threads: int) -> None:
    time = Time()
    pace = Pace(Limits(at_once=threads, calls=5, per=SECOND), None, time, time.sleep)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda _: pace.wait(), range(50)))
    moments = sorted(timedelta(seconds=slept) for slept in [0.0, *time.slept])
    windows = [later - first for first, later in zip(moments, moments[5:], strict=False)]
    assert min(windows) >= SECOND
    assert max(moments) == 49 * SECOND / 5


def test_the_pace_goes_on_where_the_last_turn_ended() -> None:
    time = Time()
    pace = Pace(Limits(calls=1, per=10 * SECOND), NOW + 7 * SECOND, time, time.sleep)
    pace.wait()
    assert time.slept == [7.0]
    assert pace.next_call_at == NOW + 17 * SECOND


def test_a_rest_is_not_saved_up_for_a_burst() -> None:
    time = Time()
    pace = Pace(Limits(calls=1), NOW - timedelta(hours=1), time, time.sleep)
    pace.wait()
    pace.wait()
    assert time.slept == [1.0]
