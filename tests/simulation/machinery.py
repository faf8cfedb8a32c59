"""What in the product waits or commits, put on the stage: nothing blocks, any commit may fail."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from types import TracebackType
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from core.database import Database, DatabaseAway, Transaction
from tests.simulation.faults import Faults
from tests.simulation.stage import Died, Stage, Strand, here
from workers.calls import QUIET
from workers.company import Company

Job = TypeVar("Job")
Result = TypeVar("Result")


class StagedDatabase(Database):
    """Before and after each commit the process may die, the server go away, others come first."""

    stage: Stage
    faults: Faults

    def __init__(self, url: str) -> None:
        super().__init__(url)
        sa.event.listen(self.engine, "connect", without_waiting)

    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        with self.turn():
            with super().begin() as tx:
                yield tx
                self.point("before a commit")
            self.point("after a commit")
        self.stage.rest()

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        with self.turn(), super().read() as tx:
            yield tx

    @contextmanager
    def turn(self) -> Iterator[None]:
        strand = here()
        if strand is None:
            yield
            return
        strand.transactions += 1
        try:
            yield
        finally:
            strand.transactions -= 1

    def point(self, name: str) -> None:
        if here() is None:
            return
        if self.faults.strikes(f"a death {name}"):
            raise Died
        if self.faults.strikes(f"no database {name}"):
            raise DatabaseAway("simulated")


@cache
def staged_database(url: str) -> StagedDatabase:
    """One for all seeds of a process: its engine keeps the statements that it compiled."""
    return StagedDatabase(url)


def without_waiting(connection: Any, _: Any) -> None:
    """No simulated death cuts the power."""
    connection.execute("PRAGMA synchronous=OFF")


class StagedCalls(Generic[Job, Result]):
    """workers.calls.Calls, whose threads are strands of the same process."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.waiting = 2 * width if width > 1 else 0
        self.under_way: dict[Any, Job] = {}
        self.queue: list[tuple[Any, Callable[[], Result]]] = []
        self.running: dict[Any, Strand] = {}

    def __enter__(self) -> StagedCalls[Job, Result]:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.queue.clear()
        strand = here()
        if strand is not None and not strand.process.dead and not isinstance(error, Died):
            strand.stage.rest(None, lambda: all(one.dead for one in self.running.values()))

    @property
    def room(self) -> int:
        return self.width + self.waiting - len(self.under_way)

    def start(self, job: Job, work: Callable[[], Result]) -> None:
        ticket = object()
        self.under_way[ticket] = job
        self.queue.append((ticket, work))
        self.fill()

    def fill(self) -> None:
        strand = here()
        assert strand is not None
        while self.queue and sum(not one.dead for one in self.running.values()) < self.width:
            ticket, work = self.queue.pop(0)
            self.running[ticket] = strand.stage.start(strand.process, work)
            self.running[ticket].awaited = True

    def ended(self) -> list[tuple[Job, Result]]:
        strand = here()
        assert strand is not None
        over = strand.stage.clock.at + timedelta(seconds=QUIET)
        strand.stage.rest(
            over - strand.stage.clock.at, lambda: any(one.dead for one in self.running.values())
        )
        done = [ticket for ticket, one in self.running.items() if one.dead]
        results = []
        for ticket in done:
            one = self.running.pop(ticket)
            if one.failure is not None:
                raise one.failure
            results.append((self.under_way.pop(ticket), one.result))
        self.fill()
        return results


class StagedLock:
    """Whoever comes while it is held lets others have a turn."""

    def __init__(self) -> None:
        self.held = False

    def __enter__(self) -> None:
        strand = here()
        while self.held:
            assert strand is not None
            strand.stage.rest(None, lambda: not self.held)
        self.held = True

    def __exit__(self, *_: object) -> None:
        self.held = False


class StagedCondition:
    """Only strands of one process wait here, one of which runs at a time."""

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...

    def wait_for(self, predicate: Callable[[], bool]) -> None:
        strand = here()
        assert strand is not None
        while not predicate():
            strand.stage.rest(None, predicate)

    def notify_all(self) -> None: ...


class StagedCompany(Company):
    def __init__(self) -> None:
        super().__init__()
        self._changed: threading.Condition = StagedCondition()  # type: ignore[assignment]
