"""A school with one connection to an imitation, whose time passes only when a test says so."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from pydantic import BaseModel

from core.connector import Account, Basis, BasisKind, Connector, Platform, Verb
from core.ledger import Ledger, connections, customers, tasks
from core.ledger import lanes as lanes_of
from core.ledger.customers import Customer, MailingList, Purpose
from core.ledger.intake import Accepted, Request, accept, person_id
from core.ledger.schema import attempts, holdings, hosts, lanes, parts
from core.refusals import CannotAccept
from core.states import Ended, State, Task
from core.testing.imitation import COURSES, HONEST, NEWS, Imitation, Settings
from tests.databases import NOW, Clock
from workers.dispatcher import Dispatcher
from workers.drain import Worker
from workers.reach import Reach

ANNA = "cf-1"
EMAIL = "anna@example.nl"
NAMES = {"first_name": "Anna", "last_name": "de Vries"}
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
ATTEMPT = HONEST.deadline * 1.5  # what is taken up may wait half as long for its call
MOST_TURNS = 500

# What a platform does is the same on every database; what transactions do is proven on both.
on_sqlite = pytest.mark.parametrize("urls", ["sqlite"], indirect=True)


def at(*platforms: Platform) -> pytest.MarkDecorator:
    """The test's connection is to a platform that declares this."""
    ids = [str(platform.erasure) for platform in platforms]
    return pytest.mark.parametrize("school", platforms, indirect=True, ids=ids)


class ToImitation(Reach):
    """Reaches an imitation instead of a platform, with the same checks before each call."""

    def __init__(self, imitation: Imitation) -> None:
        self.imitation = imitation
        self.before_change: Callable[[], None] = lambda: None  # for what happens just then

    def platform(self, name: str) -> Platform:
        return self.imitation.platform

    def settings(self, platform: str, given: Mapping[str, Any]) -> BaseModel:
        return Settings()

    def connect(
        self,
        platform: str,
        settings: BaseModel,
        *,
        before_call: Callable[[], None] = lambda: None,
        before_change: Callable[[], None] = lambda: None,
        asked_to_rest: Callable[[timedelta], None] = lambda _: None,
    ) -> Connector[Any]:
        def both() -> None:
            self.before_change()
            before_change()

        return self.imitation.connect(before_call, both)


@dataclass
class School:
    ledger: Ledger
    clock: Clock
    platform: Platform = HONEST
    imitation: Imitation = field(init=False)
    customer: Customer = field(init=False)
    lane: UUID = field(init=False)
    reach: ToImitation = field(init=False)
    worker: Worker = field(init=False)
    workers: list[Worker] = field(default_factory=list)
    addresses: dict[UUID, set[str]] = field(default_factory=dict)  # every one ever told
    breaks_late_apply: bool = False  # the platform does, by its own declaration

    def __post_init__(self) -> None:
        self.imitation = Imitation(lambda: self.clock.at, self.platform)
        self.reach = ToImitation(self.imitation)
        self.customer = customers.create(self.ledger, "De Verfschuur")
        for place in (NEWS, COURSES):
            one = MailingList(place.id, Purpose.NEWSLETTER, place.title)
            customers.put_list(self.ledger, self.customer, one)
        self.lane = connections.add(
            self.ledger,
            self.customer.id,
            platform=self.platform.name,
            title="Imitation",
            settings={},
            account=Account("imitation-1", "Imitation"),
            places={NEWS.id: NEWS.id, COURSES.id: COURSES.id},
            fields=("first_name", "last_name"),
            keep_refusal=False,
        )
        self.worker = self.hire()

    def connect_another(self, *, waiting_for: timedelta) -> None:
        """A second account, whose lane nobody came for since."""
        other = connections.add(
            self.ledger,
            self.customer.id,
            platform=self.platform.name,
            title="Another",
            settings={},
            account=Account("imitation-2", "Another"),
            places={},
            fields=(),
            keep_refusal=False,
        )
        with self.ledger.begin() as tx:
            tx.db.execute(
                sa.update(lanes)
                .where(lanes.c.connection == other)
                .values(ready_at=tx.now - waiting_for)
            )

    def hire(self) -> Worker:
        """Another process's hands."""
        worker = Worker(
            self.ledger,
            self.reach,
            monotonic=self.monotonic,
            sleep=self.sleep,
            chance=random.Random(7),  # noqa: S311 - it only spreads retries
        )
        self.workers.append(worker)
        return worker

    def passing(self, time: timedelta) -> None:
        self.clock.passes(time)

    def monotonic(self) -> float:
        return (self.clock.at - NOW).total_seconds()

    def sleep(self, seconds: float) -> None:
        self.passing(timedelta(seconds=seconds))

    def close(self) -> None:
        for worker in self.workers:
            worker.close()

    def bury(self, worker: Worker) -> None:
        """The process dies, and with it the lock of its session; the lane is taken back."""
        worker.session().close()
        self.workers.remove(worker)
        Dispatcher(self.ledger, lambda lane: None).tick()

    def ask(self, verb: Verb, reference: str = ANNA, **told: Any) -> Accepted:
        (outcome,) = accept(self.ledger, self.customer, [Request(verb, reference, **told)])
        assert isinstance(outcome, Accepted), outcome
        if email := told.get("email"):
            self.addresses.setdefault(outcome.person, set()).add(email)
        return outcome

    def subscribe(self, reference: str = ANNA, email: str = EMAIL, *lists: str) -> Accepted:
        """With a basis that is given now, so that every subscription has a fresh one."""
        wanted, basis = lists or (NEWS.id,), self.basis()
        return self.ask(
            Verb.SUBSCRIBE, reference, email=email, fields=NAMES, lists=wanted, basis=basis
        )

    def basis(self, ago: timedelta = timedelta(0)) -> Basis:
        moment = self.clock.at - ago
        return Basis(BasisKind.CONSENT, f"b-{moment}", moment, "form")

    def update(self, reference: str = ANNA, email: str | None = None, **fields: Any) -> Accepted:
        return self.ask(Verb.UPDATE, reference, email=email, fields=fields)

    def unsubscribe(self, reference: str = ANNA, *lists: str) -> Accepted:
        return self.ask(Verb.UNSUBSCRIBE, reference, lists=lists)

    def erase(self, reference: str = ANNA, email: str | None = None) -> Accepted:
        return self.ask(Verb.ERASE, reference, email=email)

    def drain(self) -> None:
        self.worker.drain(self.lane)
        self.judge_the_judge()

    def judge_the_judge(self) -> None:
        """What was claimed at this very moment must be true of what the platform really holds."""
        for row in self.rows(sa.select(holdings).where(holdings.c.seen_at == self.clock.at)):
            emails = self.addresses.get(row.person, set())
            held = self.imitation.held(*emails)
            if row.state == State.NOT_FOUND.value and row.wants["erase"]:
                assert not held, "called not found, and there"
                early = self.imitation.is_to_come(emails) and not self.breaks_late_apply
                assert not early, "called not found, and may come"

    def passes(self, time: timedelta) -> None:
        """Until then, the lane is drained at every moment at which it is due."""
        until = self.clock.at + time
        for _ in range(MOST_TURNS):
            moment = self.next_turn()
            if moment is None or moment > until:
                self.clock.at = until
                self.imitation.catch_up()
                return
            self.clock.at = max(moment, self.clock.at)
            self.drain()
        raise AssertionError("the lane never comes to rest")

    def next_turn(self) -> datetime | None:
        lane = self.lane_row()
        ready: datetime | None = lane.ready_at
        if ready is None or lane.held_for is not None or lane.session is not None:
            return None
        [host] = self.rows(sa.select(hosts.c.closed_until)) or [None]
        return max(ready, lane.closed_until or ready, (host and host.closed_until) or ready)

    def lane_row(self) -> Any:
        return self.rows(sa.select(lanes))[0]

    def rows(self, query: sa.Select[Any]) -> list[Any]:
        with self.ledger.read() as tx:
            return list(tx.db.execute(query))

    def holding(self, reference: str = ANNA) -> Any:
        person = self.person(reference)
        (row,) = self.rows(sa.select(holdings).where(holdings.c.person == person))
        return row

    def person(self, reference: str = ANNA) -> UUID:
        with self.ledger.read() as tx:
            return person_id(self.ledger.keys_of(tx, self.customer.id), reference)

    def state(self, reference: str = ANNA) -> State:
        return State(self.holding(reference).state)

    def ended(self, operation: Accepted) -> Ended | None:
        """How the operation ended; None while it is open."""
        (row,) = self.rows(sa.select(parts.c.ended).where(parts.c.operation == operation.operation))
        return Ended(row.ended) if row.ended else None

    def tasks(self) -> list[tuple[Task, Verb | None]]:
        with self.ledger.read() as tx:
            return [(one.kind, one.verb) for one in tasks.waiting(tx, self.customer.id)]

    def attest(self) -> None:
        """The school says that the one open task was done."""
        with self.ledger.read() as tx:
            (one,) = tasks.waiting(tx, self.customer.id)
        tasks.attest(self.ledger, self.customer.id, one.id, role="staff", platform=self.platform)

    def resume(self) -> None:
        with self.ledger.begin() as tx:
            lanes_of.resume(tx, self.lane)
            tasks.close_for_connection(tx, self.lane, Task.RECONNECT)

    def outcomes(self) -> list[str | None]:
        """What every attempt came to, as they began; those of one moment in any order."""
        query = sa.select(attempts.c.outcome).order_by(attempts.c.started_at)
        return [row.outcome for row in self.rows(query)]

    def refusal(self, request: Request) -> CannotAccept:
        (outcome,) = accept(self.ledger, self.customer, [request])
        assert isinstance(outcome, CannotAccept)
        return outcome
