"""Every window of a platform's counting holds, over turns and processes, the dead included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import pytest

from core.connector import Limits, Window
from core.ledger import lanes
from core.testing.imitation import HONEST
from tests.workers.school import MINUTE, SECOND, School, at, on_sqlite
from tests.workers.test_drain_crashes import Died, dies
from workers import flow, outcomes

pytestmark = on_sqlite

WINDOWS = (Window(calls=3), Window(calls=40, per=MINUTE))
PEOPLE = 12

both = at(replace(HONEST, limits=Limits(at_once=2, windows=WINDOWS)))


def broken(moments: Sequence[datetime], windows: Sequence[Window]) -> list[Window]:
    """The windows that held too much, in any position: one that begins with each arrival."""
    return [
        window
        for window in windows
        for first, last in zip(moments, moments[window.calls :], strict=False)
        if last - first < window.per
    ]


def arrivals(school: School) -> list[datetime]:
    return sorted(call.at for call in school.imitation.calls)


def keep_busy(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    """Turns that end early, workers that take over from each other or die at any call."""
    monkeypatch.setattr(flow, "QUANTUM", 3)
    school.connect_another(waiting_for=MINUTE)
    for number in range(PEOPLE):
        school.subscribe(f"cf-{number}", f"p{number}@example.nl")
        school.worker.drain(school.lane)
        if number % 3 == 0:
            school.worker = school.hire()
        if number % 4 == 3:
            crash(school, monkeypatch)
    school.passes(5 * MINUTE)


def crash(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    """Right after its calls, before it could tell when it made the last."""
    school.subscribe("cf-crash", f"{school.clock.at:%H%M%S%f}@example.nl")
    with monkeypatch.context() as patch:
        patch.setattr(outcomes, "record", dies)
        with pytest.raises(Died):
            school.worker.drain(school.lane)
    school.bury(school.worker)
    school.worker = school.hire()
    school.worker.drain(school.lane)


@both
def test_no_window_ever_holds_more_than_the_platform_allows(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_busy(school, monkeypatch)
    assert len(arrivals(school)) > 3 * PEOPLE
    assert broken(arrivals(school), WINDOWS) == []


@both
def test_a_pace_that_forgets_a_window_is_seen_to_break_it(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Limits, "gap", property(lambda it: it.windows[0].per / 3))
    keep_busy(school, monkeypatch)
    assert WINDOWS[1] in broken(arrivals(school), WINDOWS)


@both
def test_a_worker_that_does_not_wait_after_a_death_is_seen_to_break_it(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = lanes.lease

    def trusting(*given: object) -> object:
        lease = honest(*given)  # type: ignore[arg-type]  # as they were given
        return lease and replace(lease, next_call_at=lease.next_call_at or school.clock.at)

    monkeypatch.setattr(lanes, "lease", trusting)
    tight = (Window(calls=1, per=SECOND),)
    monkeypatch.setattr(Limits, "gap", property(lambda _: SECOND))
    keep_busy(school, monkeypatch)
    assert broken(arrivals(school), tight) != []
