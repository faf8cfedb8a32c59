"""The simulated installation: real core, real workers, on a stage where everything can go wrong."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa

from core.connector import Account as Pinned
from core.connector import Erasure, Platform
from core.database import DatabaseAway
from core.ledger import Ledger, connections, customers
from core.ledger.customers import MailingList, Purpose
from core.ledger.schema import events, holdings
from core.migrations import Store
from core.moments import EPOCH, MICROSECOND
from core.safe import Safe
from core.sealing import Key
from core.testing.imitation import BY_DATE, COURSES, HONEST, NEWS
from tests.databases import NOW, Clock, sqlite_urls
from tests.simulation.faults import Faults
from tests.simulation.machinery import StagedCompany, StagedDatabase, StagedLock, staged_database
from tests.simulation.platform import Account, ToAccounts
from tests.simulation.stage import Died, Process, Stage
from workers.dispatcher import Dispatcher
from workers.drain import Worker

WORKERS = 2  # processes …
THREADS = 2  # … with as many lanes at a time
TICK = timedelta(seconds=1)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
ARCHIVING = replace(HONEST, erasure=Erasure.ARCHIVES)
KINDS = (HONEST, BY_DATE, ARCHIVING)  # of the second connection, in turn
DAY = timedelta(days=1)

# When a tick of the dispatcher can next do something, in microseconds.
SOONEST = """
SELECT min(moment) FROM (
    SELECT lease_until AS moment FROM lanes WHERE session IS NOT NULL
    UNION ALL
    SELECT max(ready_at, coalesce(closed_until, 0), coalesce(ring_at, 0),
               coalesce((SELECT max(closed_until) FROM hosts), 0))
    FROM lanes WHERE session IS NULL AND held_for IS NULL AND ready_at IS NOT NULL
    UNION ALL
    SELECT min(erase_at) FROM people
)
"""


class World:
    """
    One school with two connections, two worker processes, one dispatcher. Everything that is
    left to chance is drawn from the seed; its time is ``clock``.
    """

    def __init__(self, seed: int, folder: Path, *, only: frozenset[str] | None = None) -> None:
        self.chance = random.Random(seed)
        self.clock = Clock()
        self.skew = timedelta(0)  # of the database's clock
        self.stage = Stage(self.chance, self.clock)
        self.faults = Faults(random.Random(seed + 1), only)
        self.last_event = 0
        self.judge: Callable[[], None] = lambda: None
        stores = {store: self.database(url) for store, url in sqlite_urls(folder).items()}
        self.ledger = Ledger(
            stores[Store.LEDGER], Safe(stores[Store.SAFE]), {1: Key(self.chance.randbytes(32))}
        )
        self.customer = customers.create(self.ledger, "De Verfschuur")
        for place, purpose in ((NEWS, Purpose.NEWSLETTER), (COURSES, Purpose.COURSE_INFO)):
            customers.put_list(
                self.ledger, self.customer, MailingList(place.id, purpose, place.title)
            )
        self.accounts: dict[str, Account] = {}
        self.lanes: dict[UUID, Account] = {}
        self.reach = ToAccounts.__new__(ToAccounts)
        self.reach.stage, self.reach.accounts = self.stage, self.accounts
        self.reach.hurry = self.hurry_up
        self.hurry = False
        for kind in (HONEST, KINDS[seed % len(KINDS)]):
            self.connect(kind)
        self.bells: list[UUID] = []
        self.unrenewed: list[UUID] = []  # connections whose new credentials nobody has yet
        self.workers: list[Worker] = []
        self.news = True  # something may have to be rung
        self.died = False  # a process, since the dispatcher last ticked
        self.dispatch()
        for _ in range(WORKERS):
            self.hire()
        self.operate()

    def database(self, url: str) -> StagedDatabase:
        database = staged_database(url)
        database.stage, database.faults = self.stage, self.faults
        database.clock = lambda _: self.now()
        return database

    def touched(self) -> set[UUID]:
        """Whose holdings changed since this was last asked: only their reports can have."""
        query = (
            sa.select(events.c.id, holdings.c.person)
            .join(holdings, holdings.c.id == events.c.holding)
            .where(events.c.id > self.last_event)
        )
        with self.ledger.read() as tx:
            rows = tx.db.execute(query).all()
        self.last_event = max((row.id for row in rows), default=self.last_event)
        return {row.person for row in rows}

    def watch(self, judge: Callable[[], None]) -> None:
        """``judge`` is asked whenever a worker is done with a lane."""
        self.judge = judge

    def hurry_up(self) -> None:
        self.hurry = True

    def calm(self) -> None:
        """From now on everything works, and nobody does anything at the platforms."""
        self.faults.over = True
        self.news = True

    def now(self) -> datetime:
        return self.clock.at + self.skew

    def connect(self, kind: Platform) -> None:
        name = f"imitation-{len(self.accounts) + 1}"
        account = self.accounts[name] = Account(self.stage, self.faults, kind)
        account.gives_ids = self.chance.random() < 0.8
        lane = connections.add(
            self.ledger,
            self.customer.id,
            platform=name,
            title=name,
            settings={},
            account=Pinned(name, name),
            places={NEWS.id: NEWS.id, COURSES.id: COURSES.id},
            fields=("first_name", "last_name"),
            keep_refusal=False,
        )
        self.lanes[lane] = account

    @property
    def platforms(self) -> Mapping[str, Platform]:
        return {name: self.reach.platform(name) for name in self.accounts}

    def close(self) -> None:
        self.faults.over = True
        self.stage.close()
        for worker in self.workers:
            worker.close()
        for database in (self.ledger.database, self.ledger.safe.database):
            database.engine.dispose()

    # --- the broker: it loses, doubles and shuffles

    def ring(self, lane: UUID) -> None:
        if self.faults.strikes("no broker"):
            raise ConnectionError
        if self.faults.strikes("a bell is lost"):
            return
        self.bells.append(lane)
        if self.faults.strikes("a bell is doubled"):
            self.bells.append(lane)

    # --- the processes: they die, and others are started

    def hire(self) -> None:
        worker = Worker(
            self.ledger,
            self.reach,
            monotonic=self.monotonic,
            sleep=self.sleep,
            chance=random.Random(self.chance.random()),
        )
        worker.hands = replace(worker.hands, company=StagedCompany())
        worker._opening = StagedLock()  # type: ignore[assignment]
        self.workers.append(worker)

        def buried() -> None:
            worker.close()
            self.workers.remove(worker)
            self.later(self.hire)

        process = Process(f"worker {id(worker)}", buried)
        for _ in range(THREADS):
            self.stage.start(process, partial(self.listen, worker))

    def monotonic(self) -> float:
        return (self.clock.at - NOW).total_seconds()

    def sleep(self, seconds: float) -> None:
        self.stage.rest(timedelta(seconds=seconds))

    def listen(self, worker: Worker) -> None:
        while True:
            self.stage.rest(None, lambda: bool(self.bells))
            if not self.bells:
                continue
            lane = self.bells.pop(self.chance.randrange(len(self.bells)))
            self.point("took a bell")
            worker.drain(lane)
            self.news = True
            self.judge()
            self.point("drained")

    def dispatch(self) -> None:
        dispatcher = Dispatcher(self.ledger, self.ring)

        def buried() -> None:
            dispatcher.leadership.close()
            self.later(self.dispatch)

        self.stage.start(Process("dispatcher", buried), lambda: self.tick(dispatcher))

    def tick(self, dispatcher: Dispatcher) -> None:
        while True:
            self.news = False
            wait = self.until_needed()
            if self.died or (wait is not None and wait <= TICK):
                self.died = False
                with suppress(DatabaseAway):
                    if dispatcher.leadership.held():
                        dispatcher.tick()
                self.point("ticked")
                wait = TICK
            self.stage.rest(wait, lambda: self.news)
            self.stage.rest(TICK * self.chance.random())

    def until_needed(self) -> timedelta | None:
        """No tick that could not do anything, or the play would take as long as its days."""
        with self.ledger.database.glance() as db:
            soonest: int | None = db.exec_driver_sql(SOONEST).scalar_one()
        if soonest is None:
            return None
        wait: timedelta = EPOCH + soonest * MICROSECOND - self.now()
        return max(wait, TICK)

    def later(self, work: Callable[[], None]) -> None:
        """The system starts a process anew, some seconds after it died."""
        self.died = self.news = True

        def wait() -> None:
            self.stage.rest(5 * SECOND * self.chance.random())
            work()
            self.news = True

        self.stage.start(Process("start"), wait)

    def operate(self) -> None:
        """Who got no answer when renewing asks again."""
        process = Process("operator", lambda: self.later(self.operate))
        self.stage.start(process, self.keep_credentials)

    def keep_credentials(self) -> None:
        """The school renews what a platform refused, sooner or later."""
        while True:
            self.stage.rest(None, lambda: bool(self.unrenewed or self.refused()))
            self.stage.rest(HOUR * self.chance.random())
            for account in self.refused():
                account.lost_credentials_at = None
                self.unrenewed = list(self.lanes)
            while self.unrenewed:
                self.renew(self.unrenewed[0])
                del self.unrenewed[0]
            self.news = True

    def refused(self) -> list[Account]:
        return [one for one in self.lanes.values() if one.lost_credentials_at is not None]

    def renew(self, lane: UUID) -> None:
        while True:
            try:
                with self.ledger.read() as tx:
                    connection = connections.one(tx, lane)
                account = Pinned(connection.platform, connection.platform)
                connections.renew(self.ledger, connection, {}, account)
            except DatabaseAway:
                self.stage.rest(5 * SECOND * self.chance.random())
            else:
                return

    def point(self, name: str) -> None:
        if self.faults.strikes(f"a death when it {name}"):
            raise Died

    def tell(self) -> list[tuple[object, ...]]:
        """All that happened, to compare two plays of one seed."""
        with self.ledger.read() as tx:
            seen = tx.db.execute(sa.select(events).order_by(events.c.id)).all()
        calls = [
            (name, one.face, one.at, one.ended)
            for name, account in self.accounts.items()
            for one in account.sent
        ]
        return [*((row.at, row.kind, row.was, row.became) for row in seen), *calls]
