"""Two months that pass at once: every look, every task, every answer, until an erasure is over."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from app.wiring import Installation
from core.ledger import tasks
from core.ledger.connections import of_customer
from core.ledger.customers import Customer
from core.ledger.schema import holdings, people
from core.refusals import Unknown
from workers.dispatcher import Dispatcher
from workers.drain import Worker

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
AHEAD = [MINUTE * n for n in (2, 10, 60, 90, 150)] + [DAY * n for n in (1, 2, 8, 9, 32, 33, 45, 60)]
TURNS = 20


@dataclass
class Hours:
    """A clock that nobody waits for."""

    skipped: float = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.skipped

    def skip(self, seconds: float) -> None:
        self.skipped += seconds


def pass_by(found: Installation, customer: Customer) -> None:
    """With nobody else at work."""
    hours = Hours()
    worker = Worker(found.ledger, found.reach, monotonic=hours, sleep=hours.skip)
    dispatcher = Dispatcher(found.ledger, worker.drain)
    with found.ledger.read() as tx:
        lanes = [one.id for one in of_customer(tx, customer.id)]
    for ahead in AHEAD:

        def clock(_: sa.Connection, ahead: timedelta = ahead) -> datetime:
            return datetime.now(UTC) + ahead + timedelta(seconds=hours.skipped)

        found.ledger.database.clock = found.ledger.safe.database.clock = clock
        for _ in range(TURNS):
            dispatcher.tick()
            if not due(found):
                break
            for lane in lanes:
                worker.drain(lane)
        attest(found, customer)
        dispatcher.tidy()
    worker.close()


def due(found: Installation) -> int:
    with found.ledger.read() as tx:
        query = sa.select(sa.func.count()).where(holdings.c.due_at <= tx.now)
        return int(tx.db.execute(query).scalar_one())


def attest(found: Installation, customer: Customer) -> None:
    with found.ledger.read() as tx:
        waiting = tasks.waiting(tx, customer.id)
        names = {one.id: one.platform for one in of_customer(tx, customer.id)}
    for task in waiting:
        platform = found.platforms[names[task.connection]]
        try:
            tasks.attest(
                found.ledger, customer.id, task.id, role="administration", platform=platform
            )
        except Unknown:
            continue  # about the connection: it closes by itself


def forgotten(found: Installation) -> int:
    """How many people were erased to the end."""
    with found.ledger.read() as tx:
        query = sa.select(sa.func.count()).where(people.c.forgotten_at.is_not(None))
        return int(tx.db.execute(query).scalar_one())
