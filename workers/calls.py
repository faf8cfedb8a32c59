"""The calls of one lane: as many at once as the platform allows, kept busy."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Generic, TypeVar

GATHER = 0.05  # seconds that what has ended waits for others, to be written down with them
QUIET = 20.0  # seconds after which the lane's lease is to be renewed, although nothing ended

Job = TypeVar("Job")
Result = TypeVar("Result")


class Calls(Generic[Job, Result]):
    """
    Runs jobs in ``width`` threads, with twice as many waiting, so that no thread is idle while
    results are written down. Leaving the block cancels what waits and awaits what runs.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self.waiting = 2 * width if width > 1 else 0  # one at a time: nothing is taken up ahead
        self.under_way: dict[Future[Result], Job] = {}
        self._pool = ThreadPoolExecutor(width)
        self._ended: SimpleQueue[Future[Result]] = SimpleQueue()

    def __enter__(self) -> Calls[Job, Result]:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    @property
    def room(self) -> int:
        """How many more jobs may be started."""
        return self.width + self.waiting - len(self.under_way)

    def start(self, job: Job, work: Callable[[], Result]) -> None:
        future = self._pool.submit(work)
        self.under_way[future] = job
        future.add_done_callback(self._ended.put)

    def ended(self) -> list[tuple[Job, Result]]:
        """
        Wait for one, and for others while they come soon and some wait for their thread: the
        more are written down together, the less each costs. None where all are silent for long.
        Raises what a job raised.
        """
        futures: list[Future[Result]] = []
        enough = min(max(self.waiting * 2 // 3, 1), len(self.under_way))
        try:
            futures.append(self._ended.get(timeout=QUIET))
            while len(futures) < enough:
                futures.append(self._ended.get(timeout=GATHER))
            while True:
                futures.append(self._ended.get_nowait())
        except Empty:
            return [(self.under_way.pop(future), future.result()) for future in futures]
