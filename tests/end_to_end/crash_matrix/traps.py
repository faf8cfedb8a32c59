"""How a process comes to die at a point: laid around the product, nothing of it in the product."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.connection import Connection
from typing import Any

import httpx
import pytest

from core.connector import Identity, Trace
from core.database import Database, Transaction
from core.http import transport
from core.http.requests import Effect, effect_of, outgoing
from core.ledger import holdings, lanes
from tests.databases import Clock
from tests.end_to_end.crash_matrix.platform import FATE, Deleting, Fate
from tests.end_to_end.crash_matrix.points import Point
from workers.reach import Reach


@dataclass(frozen=True, slots=True)
class At:
    """The process stands at this point, and waits for a word."""

    point: Point


class Trap:
    """
    Strikes at the n-th passage of its points: the process stands there until it is told.

    None is the word to die; else it goes on at that moment, to the first of those points.
    """

    def __init__(self, line: Connection[Any, Any], clock: Clock) -> None:
        self.line = line
        self.clock = clock
        self.fate = ""  # of the call with which the process dies
        self._points: Collection[Point] = ()
        self._left = 0
        self._door = threading.Lock()

    def set(self, points: Collection[Point], passage: int, fate: str) -> None:
        self._points, self._left, self.fate = points, passage, fate

    def comes(self, point: Point) -> bool:
        """Whether this passage, which begins now, is the one."""
        with self._door:
            self._left -= point in self._points
            return point in self._points and self._left == 0

    def passes(self, point: Point) -> None:
        if self.comes(point):
            self.strikes(point)

    def strikes(self, point: Point) -> None:
        self.line.send(At(point))
        if (word := self.line.recv()) is None:
            os.kill(os.getpid(), signal.SIGKILL)
        self.clock.at, points = word
        self.set(points, 1, Fate.APPLIED)


class Steps(threading.local):
    """What the transactions of this thread have done, the innermost last."""

    def __init__(self) -> None:
        self.open: list[set[str]] = []
        self.committed: list[str] | None = None  # of the intake that this thread is in


class Traps:
    """Tells the trap of every point that this process passes."""

    def __init__(self, trap: Trap, ledger: Database, patch: pytest.MonkeyPatch) -> None:
        self.trap = trap
        self.ledger = ledger
        self.steps = Steps()
        patch.setattr(Database, "begin", self.around_begin(Database.begin))
        patch.setattr(lanes, "lease", self.noted(lanes.lease, lambda lease, *_: lease))
        patch.setattr(holdings, "write", self.noted(holdings.write, lambda _, __, records: records))
        patch.setattr(transport, "outgoing", self.around_outgoing(outgoing))
        patch.setattr(
            transport.Transport, "exchange", self.around_exchange(transport.Transport.exchange)
        )
        patch.setattr(Deleting, "find", self.around_find(Deleting.find))

    @contextmanager
    def asking(self) -> Iterator[None]:
        self.steps.committed = []
        yield
        self.steps.committed = None
        self.trap.passes(Point.COMMITTED)

    # --- transactions

    def around_begin(self, begin: Callable[..., Any]) -> Callable[..., Any]:
        @contextmanager
        def trapped(database: Database) -> Iterator[Transaction]:
            done: set[str] = set()
            with begin(database) as tx:
                self.steps.open.append(done)
                try:
                    yield tx
                finally:
                    self.steps.open.pop()
                self.before_commit(database, done)
            self.after_commit(database, done)

        return trapped

    def before_commit(self, database: Database, done: set[str]) -> None:
        committed = self.steps.committed
        if committed is not None:
            ledger = database is self.ledger
            if not committed:
                self.trap.passes(Point.ASKED)
            if ledger and "safe" in committed:
                self.trap.passes(Point.SAFE_WRITTEN)
            if not ledger and "ledger" in committed:
                self.trap.passes(Point.LEDGER_WRITTEN)
        if "write" in done:
            self.trap.passes(Point.TO_COMMIT)

    def after_commit(self, database: Database, done: set[str]) -> None:
        if self.steps.committed is not None:
            self.steps.committed.append("ledger" if database is self.ledger else "safe")
        if "lease" in done:
            self.trap.passes(Point.LEASED)
        if "write" in done:
            self.trap.passes(Point.RECORDED)

    def noted(self, step: Callable[..., Any], if_any: Callable[..., Any]) -> Callable[..., Any]:
        """``if_any`` is told the result, then what was given: where it finds nothing is no step."""

        def then_noted(*given: Any) -> Any:
            result = step(*given)
            if if_any(result, *given):
                self.steps.open[-1].add(step.__name__)
            return result

        return then_noted

    # --- calls

    def around_outgoing(self, made: Callable[..., Any]) -> Callable[..., Any]:
        def trapped(request: httpx.Request) -> Any:
            wire = made(request)
            if effect_of(request) is Effect.CHANGES and self.trap.comes(Point.SENT):
                wire.headers.append((FATE, self.trap.fate.encode()))
                wire.extensions = {**wire.extensions, "trace": self.when_sent}
            return wire

        return trapped

    def when_sent(self, event: str, _: dict[str, Any]) -> None:
        if event == "http11.receive_response_headers.started":
            self.trap.strikes(Point.SENT)

    def around_exchange(self, exchange: Callable[..., Any]) -> Callable[..., Any]:
        def trapped(
            one: transport.Transport, request: httpx.Request, wire: Any, effect: Effect, call: Any
        ) -> Any:
            answer = exchange(one, request, wire, effect, call)
            if effect is Effect.CHANGES:
                self.trap.passes(Point.ANSWERED)
            return answer

        return trapped

    def around_find(self, find: Callable[..., Any]) -> Callable[..., Any]:
        def trapped(one: Deleting, who: Identity) -> list[Trace]:
            self.trap.passes(Point.TO_LOOK)
            found: list[Trace] = find(one, who)
            self.trap.passes(Point.LOOKED)
            return found

        return trapped


class TrappedReach(Reach):
    """The hook before a change, which the transport asks before it sends."""

    trap: Trap

    def connect(
        self,
        platform: str,
        settings: Any,
        *,
        before_call: Callable[[], None] = lambda: None,
        before_change: Callable[[], None] = lambda: None,
        asked_to_rest: Callable[[timedelta], None] = lambda _: None,
    ) -> Any:
        def trapped() -> None:
            self.trap.passes(Point.TO_SEND)
            before_change()

        return super().connect(
            platform,
            settings,
            before_call=before_call,
            before_change=trapped,
            asked_to_rest=asked_to_rest,
        )
