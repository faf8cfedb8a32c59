"""Several things at once, as workers and requests really come."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import wraps
from typing import ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")


def at_once(*doing: Callable[[], T]) -> list[T]:
    """Each in a thread of its own, all starting together; the first error comes out."""
    start = threading.Barrier(len(doing))

    def run(what: Callable[[], T]) -> T:
        start.wait()
        return what()

    with ThreadPoolExecutor(len(doing)) as pool:
        return list(pool.map(run, doing))


def meeting() -> threading.Barrier:
    """Of two, for half a second."""
    return threading.Barrier(2, timeout=0.5)


def together(what: Callable[P, T], at: threading.Barrier | None = None) -> Callable[P, T]:
    """Nobody goes on from there before both have come, unless something keeps the other away."""
    both_there = at or meeting()

    @wraps(what)
    def waiting(*args: P.args, **kwargs: P.kwargs) -> T:
        came = what(*args, **kwargs)
        with suppress(threading.BrokenBarrierError):
            both_there.wait()
        return came

    return waiting
