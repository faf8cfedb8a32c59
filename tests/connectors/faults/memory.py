"""How much memory this process takes while something happens."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

OFTEN = 0.002  # seconds between two looks
MOST_GROWTH = 50 * 2**20  # bytes, whatever a platform sends


class Growth:
    peak = 0  # bytes beyond what it took before


@contextmanager
def growth() -> Iterator[Growth]:
    me, seen, over = psutil.Process(), Growth(), threading.Event()
    before = me.memory_info().rss

    def look() -> None:
        while not over.wait(OFTEN):
            seen.peak = max(seen.peak, me.memory_info().rss - before)

    watch = threading.Thread(target=look)
    watch.start()
    try:
        yield seen
    finally:
        over.set()
        watch.join()
