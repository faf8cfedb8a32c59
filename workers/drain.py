"""Draining one lane: a bounded turn at one connection, with sole right to it."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core.connector import Connector, Place
from core.database import DatabaseAway, Transaction
from core.errors import (
    ConnectorError,
    LeaseLost,
    Reconnect,
    Refused,
    TryAt,
    TryLater,
    Unreadable,
)
from core.holding import Assignment, Holding
from core.ledger import Ledger, assignments, connections, holdings, lanes, tasks
from core.ledger.holdings import Record
from core.ledger.lanes import Lease
from core.states import Task
from workers.advance import advance
from workers.attempt import Done, Scene, attempt
from workers.company import Company
from workers.pace import Pace
from workers.reach import Reach
from workers.session import Session
from workers.situation import Step

log = logging.getLogger(__name__)

QUANTUM = 100
TURN = timedelta(seconds=2)
SILENT = 60  # failures in a row, about an hour of a connection that cannot be reached


class Worker:
    """One process's hands: drains whichever lane it is rung for."""

    def __init__(
        self,
        ledger: Ledger,
        reach: Reach,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        chance: random.Random | None = None,
    ) -> None:
        self.ledger = ledger
        self.reach = reach
        self.monotonic = monotonic
        self.sleep = sleep
        self.chance = chance or random.Random()  # noqa: S311 - it only spreads retries
        self.stopping = threading.Event()
        self.company = Company()
        self._session: Session | None = None
        self._opening = threading.Lock()

    def session(self) -> Session:
        """This process's session; a new one when the database dropped the last."""
        with self._opening:
            if self._session is None or not self._session.alive():
                self._session = Session(self.ledger)
            return self._session

    def drain(self, connection: UUID) -> None:
        """Work on the lane for one turn, if it is due and nobody else has it."""
        if self.stopping.is_set():
            return
        try:
            session = self.session()
            with self.ledger.begin() as tx:
                lease = lanes.lease(tx, connection, session.id)
                now = tx.now
            if lease is not None:
                self.turn(lease, now)
        except LeaseLost:
            log.info("lane lost", extra={"connection": str(connection)})
        except DatabaseAway as away:
            log.warning("the database is away: %s", away)

    def turn(self, lease: Lease, now: datetime) -> None:
        """A fault of our own costs this lane a wait, not the whole lease."""
        try:
            Turn(self, lease, now).run()
        except (LeaseLost, DatabaseAway):
            raise
        except Exception:
            with self.ledger.begin() as tx:
                failures, slot = lease.failures + 1, lease.next_call_at
                lanes.release(tx, lease, not_before=None, next_call_at=slot, failures=failures)
            raise

    def close(self) -> None:
        """
        Start nothing more, and let the others see at once that this process is gone.

        Turns that still run lose their lanes by it: set ``stopping`` first and wait for them.
        """
        self.stopping.set()
        if self._session is not None:
            self._session.close()


class Turn:
    """One lease of one lane, from the positive control to giving it back."""

    def __init__(self, worker: Worker, lease: Lease, now: datetime) -> None:
        self.worker = worker
        self.ledger = worker.ledger
        self.lease = lease
        self._zero = now - timedelta(seconds=worker.monotonic())
        self._end = self.clock() + TURN
        with self.ledger.read() as tx:
            self.connection = connections.one(tx, lease.connection)
            given = connections.settings_of(self.ledger, tx, self.connection)
        self.platform = worker.reach.platform(self.connection.platform)
        self.settings = worker.reach.settings(self.connection.platform, given)
        self.pace = Pace(self.platform.limits, lease.next_call_at, self.clock, worker.sleep)
        self.not_before: datetime | None = None
        self.failures = lease.failures
        self.over = False

    def clock(self) -> datetime:
        """The ledger's time, read once and carried on by this process's steady clock."""
        return self._zero + timedelta(seconds=self.worker.monotonic())

    def run(self) -> None:
        with self.ledger.begin() as tx:
            holdings.adopt(tx, self.lease, self.platform.late_apply)
        try:
            scene = self.scene()
        except ConnectorError as error:
            self.unreachable(error)
        else:
            self.chunks(scene)
        with self.ledger.begin() as tx:
            lanes.release(
                tx,
                self.lease,
                not_before=self.not_before,
                next_call_at=self.pace.next_call_at,
                failures=self.failures,
            )

    def scene(self) -> Scene:
        """Read the places: a credential that cannot see them proves nothing later."""
        mapped = frozenset(self.connection.places.values())
        unseen = tuple(Place(place, place) for place in sorted(mapped))
        places = self.places() if self.platform.can_look else unseen
        if self.lease.failures:
            with self.ledger.begin() as tx:
                tasks.close_for_connection(tx, self.connection.id, Task.CANNOT_LOOK)
        return Scene(
            self.platform,
            places,
            mapped,
            self.connection.fields,
            self.connection.keep_refusal,
            self.clock,
        )

    def places(self) -> tuple[Place, ...]:
        try:
            return tuple(self.connect().places())
        except (ConnectorError, LeaseLost, DatabaseAway):
            raise
        except Exception as error:  # noqa: BLE001 - a connector may fail in any way
            raise Unreadable(type(error).__name__) from None

    def connect(self, holding: Holding | None = None) -> Connector[Any]:
        def before_change() -> None:
            with self.ledger.read() as tx:
                if holding is None:
                    lanes.check(tx, self.lease)
                else:
                    holdings.check(tx, self.lease, holding)

        return self.worker.reach.connect(
            self.connection.platform,
            self.settings,
            before_call=self.pace.wait,
            before_change=before_change,
        )

    def unreachable(self, error: ConnectorError) -> None:
        """The whole connection fails, so no holding is charged with it."""
        log.info("connection failed", extra={"error": type(error).__name__})
        match error:
            case Reconnect():
                self.hold()
            case TryAt():
                self.not_before = self.clock() + error.wait
            case _:
                self.failures += 1
                if isinstance(error, Refused) or self.failures >= SILENT:
                    with self.ledger.begin() as tx:
                        self.ask(tx, Task.CANNOT_LOOK)

    def hold(self) -> None:
        self.over = True
        with self.ledger.begin() as tx:
            lanes.check(tx, self.lease)
            lanes.hold(tx, self.connection.id, "credentials")
            self.ask(tx, Task.RECONNECT)

    def ask(self, tx: Transaction, kind: Task) -> None:
        """A task about the connection itself."""
        customer, connection = self.connection.customer, self.connection.id
        tasks.open_for(tx, kind=kind, verb=None, customer=customer, connection=connection)

    def chunks(self, scene: Scene) -> None:
        width = self.platform.limits.at_once
        taken = 0
        with ThreadPoolExecutor(width) as pool:
            while not self.over and not self.worker.stopping.is_set():
                with self.company():
                    batch = self.claim(min(width, QUANTUM - taken))
                    if not batch:
                        return
                    done = list(pool.map(lambda one: self.attempt(one, scene), batch))
                    self.record(batch, done)
                self.notice(done)
                taken += len(batch)
                if taken >= QUANTUM or self.clock() > self._end:
                    return

    def company(self) -> AbstractContextManager[None]:
        with self.ledger.read() as tx:
            grave = holdings.has_grave_suspect(tx, self.connection.id)
        company = self.worker.company
        return company.alone() if grave else company.together()

    def claim(self, limit: int) -> list[Assignment]:
        with self.ledger.begin() as tx:
            lanes.renew(tx, self.lease)
            claimed = holdings.claim(tx, self.lease, limit=limit, deadline=self.platform.deadline)
            return assignments.assign(self.ledger, tx, self.connection, claimed)

    def attempt(self, one: Assignment, scene: Scene) -> Done:
        return attempt(one, lambda: self.connect(one.holding), scene)

    def record(self, batch: Sequence[Assignment], done: Sequence[Done]) -> None:
        """Write down a whole chunk under the fence. Raises LeaseLost; then nothing is."""
        with self.ledger.begin() as tx:
            rows = holdings.lock(tx, self.lease, [one.holding.id for one in batch])
            for one, result in zip(batch, done, strict=True):
                step = self.step(rows[one.holding.id], one, result, tx.now)
                holdings.write(tx, record_of(one, result, step))
                assignments.learn(
                    self.ledger, tx, self.connection, one.holding, one.who, result.remote_ids
                )
                if step.settled:
                    tasks.close_seen(tx, one.holding.id)
                if step.task is not None:
                    tasks.open_for(
                        tx,
                        kind=step.task,
                        verb=step.verb,
                        customer=self.connection.customer,
                        connection=self.connection.id,
                        person=one.holding.person,
                        holding=one.holding.id,
                    )

    def step(self, row: Holding, one: Assignment, result: Done, now: datetime) -> Step:
        return advance(
            row,
            one.holding,
            result,
            self.platform,
            now=now,
            spread=lambda: self.worker.chance.uniform(-1, 1),
        )

    def notice(self, done: Sequence[Done]) -> None:
        """End the turn when the platform asks for rest, or a whole chunk did not reach it."""
        errors = [result.error for result in done]
        waits = [error.wait for error in errors if isinstance(error, TryAt)]
        if waits:
            self.not_before, self.over = self.clock() + max(waits), True
        if any(isinstance(error, Reconnect) for error in errors):
            self.hold()
        away = [isinstance(error, TryLater) and not isinstance(error, TryAt) for error in errors]
        if all(away):
            self.failures, self.over = self.failures + 1, True
        elif not any(errors):
            self.failures = 0


def record_of(one: Assignment, result: Done, step: Step) -> Record:
    look = None
    if result.look is not None:
        look = {
            "started_at": result.look.sight.started,
            "ended_at": result.look.sight.ended,
            "verdict": result.look.judgement.verdict.value,
            "places": [place.id for place in result.look.sight.places],
            "seen": step.changes["seen"],
        }
    return Record(
        holding=one.holding.id,
        customer=one.holding.customer,
        was=one.holding.state,
        changes=step.changes,
        attempt=one.attempt,
        outcome=step.outcome,
        detail=step.detail,
        ended=step.ended,
        ended_seq=step.ended_seq,
        look=look,
    )
