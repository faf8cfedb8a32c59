"""A lane's threads are kept busy, no more of them than the platform allows."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

import pytest

from workers.calls import Calls

WAIT = 5.0


def run_all(calls: Calls[int, int], jobs: int, work: Callable[[int], int]) -> list[int]:
    results: list[int] = []
    waiting = list(range(jobs))
    while True:
        for _ in range(min(calls.room, len(waiting))):
            job = waiting.pop()
            calls.start(job, partial(work, job))
        if not calls.under_way:
            return results
        results += [result for _, result in calls.ended()]


def at_once(job: int) -> int:
    return job


def test_every_job_ends_once() -> None:
    with Calls[int, int](4) as calls:
        assert sorted(run_all(calls, 100, at_once)) == list(range(100))


def test_as_many_run_at_once_as_allowed() -> None:
    """Each of four waits for the three others."""
    meeting = threading.Barrier(4)

    def work(job: int) -> int:
        meeting.wait(WAIT)
        return job

    with Calls[int, int](4) as calls:
        assert sorted(run_all(calls, 40, work)) == list(range(40))


def test_no_more_run_at_once_than_allowed() -> None:
    running = threading.Semaphore(3)
    crowds: list[bool] = []

    def work() -> int:
        free = running.acquire(blocking=False)
        crowds.append(not free)
        if free:
            running.release()
        return 0

    with Calls[int, int](3) as calls:
        for job in range(calls.room):
            calls.start(job, work)
        while calls.under_way:
            calls.ended()
    assert not any(crowds)


@pytest.mark.parametrize(("width", "room"), [(1, 1), (4, 12)])
def test_some_wait_for_a_thread_unless_only_one_may_run(width: int, room: int) -> None:
    with Calls[int, int](width) as calls:
        assert calls.room == room


def test_what_a_job_raises_comes_out_and_what_waits_is_not_begun() -> None:
    begun = []

    def fails() -> int:
        raise KeyError("a fault")

    def slow() -> int:
        threading.Event().wait(0.05)
        return 0

    def later() -> int:
        begun.append(1)
        return 0

    with pytest.raises(KeyError), Calls[int, int](1) as calls:  # noqa: PT012 - one story
        calls.start(0, fails)
        calls.start(1, slow)
        calls.start(2, later)
        calls.ended()
    assert begun == []
