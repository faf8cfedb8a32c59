"""Many strands of work on one thread: whose turn it is follows from a seed alone."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from greenlet import getcurrent, greenlet

from tests.databases import Clock

AT_ONCE = timedelta(0)


class Died(BaseException):
    """The process is gone: nothing after this runs in it."""


class Stuck(AssertionError):
    """The strands run on without coming to rest."""


@dataclass(eq=False)
class Process:
    """What dies together. ``on_death`` lets go of what the system drops with a process."""

    name: str
    on_death: Callable[[], None] = lambda: None
    strands: list[Strand] = field(default_factory=list)
    dead: bool = False


class Strand(greenlet):
    """One thread of a process. It runs until it rests, ends, or dies with its process."""

    def __init__(self, stage: Stage, process: Process, work: Callable[[], Any]) -> None:
        super().__init__(self._live)
        self.stage = stage
        self.process = process
        self.work = work
        self.wakes: datetime | None = stage.clock.at
        self.until: Callable[[], bool] | None = None
        self.transactions = 0  # open: nobody else can write, so nobody else has a turn
        self.deadline = stage.clock.at  # of the attempt that it makes
        self.began = False
        self.awaited = False  # by another strand, which is told what it came to
        self.result: Any = None
        self.failure: BaseException | None = None

    def _live(self) -> None:
        self.began = True
        try:
            self.result = self.work()
        except BaseException as error:  # noqa: BLE001 - told to whoever waits, or to the stage
            self.failure = error

    def is_ready(self, now: datetime) -> bool:
        if self.until is not None and self.until():
            return True
        return self.wakes is not None and self.wakes <= now


def here() -> Strand | None:
    """The strand that is running; None outside of the stage's play."""
    current = getcurrent()
    return current if isinstance(current, Strand) else None


class Stage:
    """
    Gives one strand after another its turn; time passes only when all of them rest.

    The same seed gives the same play, to the microsecond.
    """

    MOST_TURNS = 60_000

    def __init__(self, chance: random.Random, clock: Clock) -> None:
        self.chance = chance
        self.clock = clock
        self.strands: list[Strand] = []
        self.hub = getcurrent()
        self.turns = 0
        self.failed: BaseException | None = None  # what a strand may not have passed on

    def start(self, process: Process, work: Callable[[], Any]) -> Strand:
        strand = Strand(self, process, work)
        strand.parent = self.hub
        process.strands.append(strand)
        self.strands.append(strand)
        return strand

    def rest(
        self, wait: timedelta | None = AT_ONCE, until: Callable[[], bool] | None = None
    ) -> None:
        """
        Let others have a turn: until that time has passed, or that has become true. In the
        middle of a transaction nobody else could do anything, so it goes on.
        """
        strand = here()
        if strand is None or strand.transactions:
            return
        if strand.process.dead:
            raise Died
        strand.wakes = None if wait is None else self.clock.at + wait
        strand.until = until
        self.hub.switch()

    def run(self, until: datetime) -> None:
        """Raises what a strand did not expect."""
        while True:
            if self.failed is not None:
                raise self.failed
            ready = [one for one in self.strands if one.is_ready(self.clock.at)]
            if ready:
                self.turn(self.chance.choice(ready))
                continue
            moments = [one.wakes for one in self.strands if one.wakes is not None]
            soonest = min(moments, default=None)
            if soonest is None or soonest > until:
                self.clock.at = max(until, self.clock.at)
                return
            self.clock.at = soonest

    def turn(self, strand: Strand) -> None:
        self.turns += 1
        if self.turns > self.MOST_TURNS:
            raise Stuck
        strand.wakes = strand.until = None
        strand.switch()
        if strand.dead:
            self.strands.remove(strand)
            strand.process.strands.remove(strand)
        if isinstance(strand.failure, Died):
            self.kill(strand.process)
        elif strand.failure is not None and not strand.awaited:
            raise strand.failure

    def kill(self, process: Process) -> None:
        """All its strands end where they are; what it held is dropped."""
        if process.dead:
            return
        process.dead = True
        for strand in list(process.strands):
            self.strands.remove(strand)
            if strand.began and not strand.dead:
                strand.throw(Died)
        process.strands.clear()
        process.on_death()

    def close(self) -> None:
        for process in {one.process for one in self.strands}:
            process.on_death = lambda: None
            self.kill(process)
