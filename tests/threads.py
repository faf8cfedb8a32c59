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


def together(what: Callable[P, T], several: int = 2) -> Callable[P, T]:
    """Nobody goes on from there before all have come, unless something keeps the others away."""
    all_there = threading.Barrier(several, timeout=0.5)

    @wraps(what)
    def waiting(*args: P.args, **kwargs: P.kwargs) -> T:
        came = what(*args, **kwargs)
        with suppress(threading.BrokenBarrierError):
            all_there.wait()
        return came

    return waiting
