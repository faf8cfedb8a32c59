"""When to try, and when to look, again."""

from __future__ import annotations

import random
from datetime import timedelta

from workers.schedule import (
    ATTEMPTS,
    DAY,
    LOOK,
    RETRY,
    host_rest,
    jittered,
    look_after,
    patrol_after,
    rest_after,
    retry_after,
)

HOUR = timedelta(hours=1)


def middle() -> float:
    return 0.0


def test_failures_wait_ever_longer_and_then_a_day() -> None:
    waits = [retry_after(attempts, middle) for attempts in range(1, 40)]
    assert waits == sorted(waits)
    assert waits[0] == timedelta(seconds=5)
    assert set(waits[len(RETRY) - 1 :]) == {DAY}


def test_looks_wait_ever_longer_and_then_a_day() -> None:
    waits = [look_after(looks, middle) for looks in range(1, 40)]
    assert waits == sorted(waits)
    assert waits[0] == timedelta(seconds=1)
    assert set(waits[len(LOOK) - 1 :]) == {DAY}


def test_a_subscription_gets_days_before_it_is_given_up() -> None:
    tried = sum((retry_after(attempts, middle) for attempts in range(1, ATTEMPTS)), timedelta())
    assert timedelta(days=1) < tried < timedelta(days=3)


def test_patrols_come_after_an_hour_a_day_a_week_and_a_month() -> None:
    moments, total, patrols = [], timedelta(), 0
    while (wait := patrol_after(patrols)) is not None:
        total += wait
        moments.append(total)
        patrols += 1
    assert moments == [HOUR, DAY, 7 * DAY, 30 * DAY]


def test_waits_are_spread_by_a_fifth_at_most() -> None:
    chance = random.Random(1)  # noqa: S311 - it only spreads retries
    waits = [jittered(HOUR, lambda: chance.uniform(-1, 1)) for _ in range(200)]
    assert 0.8 * HOUR <= min(waits) < 0.85 * HOUR
    assert 1.15 * HOUR < max(waits) <= 1.2 * HOUR


def test_a_host_rests_as_long_as_it_has_been_away_but_a_minute_at_most() -> None:
    waits = [host_rest(timedelta(seconds=away)).total_seconds() for away in (0, 3, 45, 60, 9000)]
    assert waits == [2, 3, 45, 60, 60]


def test_a_connection_that_fails_rests_ever_longer_and_then_a_minute() -> None:
    waits = [rest_after(failures).total_seconds() for failures in range(1, 9)]
    assert waits == [2, 4, 8, 16, 32, 60, 60, 60]
