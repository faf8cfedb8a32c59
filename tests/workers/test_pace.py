"""Calls are spaced as the platform counts them, whoever makes them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from core.connector import JITTER, Limits, Window
from core.errors import TryAt
from tests.databases import NOW
from workers.pace import Pace

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


class Time(threading.local):
    """Every thread waits by itself: what it sleeps moves nobody else's clock."""

    def __init__(self) -> None:
        self.now = NOW
        self.slept: list[float] = []

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)


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
    pace = Pace(Limits(at_once=threads, windows=(Window(calls=5),)), None, time, time.sleep)

    def called(_: int) -> timedelta:
        pace.wait()
        return time() - NOW

    with ThreadPoolExecutor(threads) as pool:
        moments = sorted(pool.map(called, range(50)))
    windows = [later - first for first, later in zip(moments, moments[5:], strict=False)]
    assert min(windows) >= SECOND
    assert max(moments) == 49 * (SECOND + JITTER) / 5


def test_who_wakes_late_keeps_the_next_from_coming_on_time() -> None:
    """Where the whole process stood still, all that waited wake at once."""
    at = NOW

    def oversleep(seconds: float) -> None:
        nonlocal at
        at += timedelta(seconds=seconds) + SECOND

    pace = Pace(Limits(windows=(Window(calls=10),)), NOW, lambda: at, oversleep)
    pace.wait()
    pace.wait()
    assert pace.next_call_at == at + pace.gap


def test_the_pace_goes_on_where_the_last_turn_ended() -> None:
    time = Time()
    pace = Pace(
        Limits(windows=(Window(calls=1, per=10 * SECOND),)), NOW + 7 * SECOND, time, time.sleep
    )
    pace.wait()
    assert time.slept == [7.0]
    assert pace.next_call_at == NOW + 17 * SECOND + JITTER


def test_a_rest_is_not_saved_up_for_a_burst() -> None:
    time = Time()
    pace = Pace(Limits(windows=(Window(calls=1),)), NOW - timedelta(hours=1), time, time.sleep)
    pace.wait()
    pace.wait()
    assert time.slept == [(SECOND + JITTER).total_seconds()]


@pytest.mark.parametrize(
    "windows",
    [
        (Window(calls=7, per=10 * SECOND),),  # not a whole number of microseconds each
        (Window(calls=3), Window(calls=7, per=10 * SECOND)),
        (Window(calls=80), Window(calls=30_000, per=600 * SECOND)),
    ],
)
def test_calls_fit_in_every_window_that_a_platform_counts_in(windows: tuple[Window, ...]) -> None:
    gap = Limits(windows=windows).gap
    assert all(gap * window.calls >= window.per + JITTER for window in windows)


def test_calls_that_wait_for_their_turn_hear_that_rest_was_asked() -> None:
    at = NOW

    def sleep(seconds: float) -> None:
        nonlocal at
        at += timedelta(seconds=seconds)
        pace.rest(HOUR)

    pace = Pace(Limits(windows=(Window(calls=1),)), NOW + SECOND, lambda: at, sleep)
    for _ in range(2):
        with pytest.raises(TryAt) as caught:
            pace.wait()
        assert caught.value.wait == HOUR
    at += 24 * HOUR
    pace.wait()
