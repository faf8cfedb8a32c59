"""Several things at once, as workers and requests really come."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def at_once(*doing: Callable[[], T]) -> list[T]:
    """Each in a thread of its own, all starting together; the first error comes out."""
    start = threading.Barrier(len(doing))

    def run(what: Callable[[], T]) -> T:
        start.wait()
        return what()

    with ThreadPoolExecutor(len(doing)) as pool:
        return list(pool.map(run, doing))
