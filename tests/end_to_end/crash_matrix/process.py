"""A worker process of the matrix: the whole product, told what to do over a line."""

from __future__ import annotations

import json
import logging
import os
import random
import signal
import ssl
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from typing import Any, NoReturn
from urllib.parse import urlsplit
from uuid import UUID

import pytest
import sqlalchemy as sa

from app.api import asking
from app.api.problems import Problem
from app.api.rates import Rates
from app.api.state import Api
from app.incoming.operation_json import AskedOperation
from app.settings import Settings
from app.wiring import Installation
from core.connector import Account, Limits, Verb
from core.database import Database
from core.http import WayOut
from core.ledger import Ledger, api_keys, connections, customers
from core.ledger.customers import MailingList, Purpose
from core.ledger.idempotency import Asked
from core.migrations import Store
from core.refusals import CannotAccept
from core.safe import Safe
from core.sealing import Key
from tests.databases import NOW, Clock
from tests.end_to_end.crash_matrix.mutants import MUTANTS
from tests.end_to_end.crash_matrix.platform import KEY, NEWS, Deleting
from tests.end_to_end.crash_matrix.points import Point
from tests.end_to_end.crash_matrix.traps import Trap, TrappedReach, Traps
from tests.end_to_end.crash_matrix.wishes import ANNA, NINA, wish
from workers.broker import broker_at, build
from workers.dispatcher import Dispatcher
from workers.drain import Worker

QUEUE = "lanes-crash-matrix"
SECOND = timedelta(seconds=1)
REHEARSAL = ((NINA, Verb.SUBSCRIBE), *((ANNA, verb) for verb in reversed(Verb)))
Stores = Mapping[Store, Database]
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # nothing is called over it


@dataclass(frozen=True, slots=True)
class Role:
    """What a process is to be in the next run."""

    key: bytes
    now: datetime
    platform: str
    at_once: int
    mutant: str | None


@dataclass(frozen=True, slots=True)
class School:
    customer: UUID
    lane: UUID
    api_key: UUID


@dataclass(frozen=True, slots=True)
class Said:
    """The answer to what was told; ``faults`` are what the product itself called an error."""

    value: Any
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """The test's own fault, not the product's."""

    trace: str


def live(stores: Stores, line: Connection[Any, Any]) -> NoReturn:
    """A forked process's whole life."""
    os.environ["PGAPPNAME"] = called(os.getpid())
    try:
        obey(stores, line)
    except BaseException:  # noqa: BLE001 - whatever it is, the test must hear of it
        line.send(Failed(traceback.format_exc()))
    os._exit(0)


def called(process: int) -> str:
    """What PostgreSQL knows it by."""
    return f"crash-matrix-{process}"


def obey(stores: Stores, line: Connection[Any, Any]) -> None:
    """Do what is told until the line is cut; None is the word to die."""
    process: Process | None = None
    with suppress(EOFError, BrokenPipeError):
        while True:
            match line.recv():
                case Role() as role:
                    process = Process(role, stores, line)
                    line.send(Said(os.getpid(), ()))
                case name, given if process is not None:
                    value = getattr(process, name)(*given)
                    line.send(Said(value, tuple(process.faults)))
                case _:
                    os.kill(os.getpid(), signal.SIGKILL)


class Process:
    """The product for one run. ``stores`` were used before, for other runs."""

    def __init__(self, role: Role, stores: Stores, line: Connection[Any, Any]) -> None:
        self.faults: list[str] = []
        logging.basicConfig(handlers=[Listening(self.faults)], level=logging.ERROR, force=True)
        self.clock = Clock(role.now)
        self.patch = pytest.MonkeyPatch()
        if role.mutant is not None:
            MUTANTS[role.mutant].plant(self.patch)
        for database in stores.values():
            database.clock = self.clock
        self.trap = Trap(line, self.clock)
        self.traps = Traps(self.trap, stores[Store.LEDGER], self.patch)
        self.ledger = Ledger(stores[Store.LEDGER], Safe(stores[Store.SAFE]), {1: Key(role.key)})
        self.url = role.platform
        self.patch.setattr(
            Deleting, "platform", replace(Deleting.platform, limits=Limits(at_once=role.at_once))
        )
        self.way_out = WayOut(
            insecure=[urlsplit(role.platform).netloc],
            clock=self.seconds,
            now=lambda: self.clock.at,
            sleep=self.sleep,
            verify=NO_TLS,
        )
        reach = TrappedReach({Deleting.platform.name: Deleting}, self.way_out, {})
        reach.trap = self.trap
        self.hands = Worker(
            self.ledger,
            reach,
            monotonic=self.seconds,
            sleep=self.sleep,
            chance=random.Random(7),  # noqa: S311 - it only spreads retries
        )
        self.broker = broker_at("memory:")
        self.ring = build(self.broker, self.hands.drain, queue=QUEUE)
        self.ears = self.broker.consume(QUEUE, prefetch=1, timeout=0)
        self.dispatcher = Dispatcher(self.ledger, self.trapped_ring)
        self.api = Api(Installation(Settings(), self.ledger, reach), Rates(self.seconds))

    def seconds(self) -> float:
        return (self.clock.at - NOW).total_seconds()

    def sleep(self, seconds: float) -> None:
        self.clock.passes(timedelta(seconds=seconds))

    # --- what it may be told

    def open_school(self) -> School:
        customer = customers.create(self.ledger, "De Verfschuur")
        newsletter = MailingList(NEWS, Purpose.NEWSLETTER, "Nieuwsbrief")
        customers.put_list(self.ledger, customer, newsletter)
        lane = connections.add(
            self.ledger,
            customer.id,
            platform=Deleting.platform.name,
            title="Nieuwsbrief",
            settings={"base_url": self.url, "api_key": KEY},
            account=Account("deleting", "Deleting"),
            places={NEWS: NEWS},
            fields=("first_name", "last_name"),
            keep_refusal=False,
        )
        issued = api_keys.issue(self.ledger, "administration", customer.id)
        return School(customer.id, lane, issued.key.id)

    def set_trap(self, points: Sequence[Point], passage: int, fate: str) -> None:
        self.trap.set(points, passage, fate)

    def ask(self, now: datetime, school: School, key: str, body: str) -> UUID | None:
        """As the API does it; the operation's id, or None where it was refused."""
        self.clock.at = now
        with self.ledger.read() as tx:
            customer = customers.with_id(tx, school.customer)
        assert customer is not None
        asked = Asked(school.api_key, customer.id, key, "operations", body.encode())
        operation = AskedOperation.model_validate_json(body)
        with self.traps.asking():
            try:
                answer = asking.ask_one(self.api, customer, asked, operation)
            except (CannotAccept, Problem):
                return None
        return UUID(json.loads(answer.body)["id"])

    def turn(self, now: datetime, rung: Sequence[UUID] = ()) -> None:
        """
        One tick where nobody else leads; then all the messages that wait, and those of the lanes
        whose bell the broker delivers again.
        """
        self.clock.at = now
        if self.dispatcher.leadership.held():
            self.dispatcher.tick()
        for lane in rung:
            self.ring(lane)
        while (message := next(self.ears)) is not None:
            self.trap.passes(Point.TAKEN)
            self.broker.actors["drain"](*message.args)
            self.trap.passes(Point.RELEASED)
            self.ears.ack(message)

    def rehearse(self, school: School) -> None:
        """Do once what processes do in a run, so that those forked from this one know it."""
        for number, (who, verb) in enumerate(REHEARSAL):
            asked = wish(who, verb, 100 + number, self.clock.at)
            self.ask(self.clock.passes(SECOND), school, asked.key, asked.body)
            self.turn(self.clock.passes(SECOND))
        self.leave()

    def trapped_ring(self, lane: UUID) -> None:
        self.trap.passes(Point.TO_RING)
        self.ring(lane)
        self.trap.passes(Point.RUNG)

    def leave(self) -> None:
        """End as a process does that is told to stop; what was laid around the product goes."""
        self.hands.close()
        self.dispatcher.leadership.close()
        self.way_out.close()
        self.patch.undo()


def opened(urls: Mapping[Store, str]) -> Stores:
    """Without the waits for the disk: no power is cut here, and what was written outlives us."""
    stores = {store: Database(url) for store, url in urls.items()}
    for database in stores.values():
        if database.is_sqlite:
            sa.event.listen(database.engine, "connect", write_without_waiting)
    return stores


def hang_up(stores: Stores) -> None:
    for database in stores.values():
        database.engine.dispose()


def write_without_waiting(connection: Any, _: Any) -> None:
    connection.execute("PRAGMA synchronous=OFF")


class Listening(logging.Handler):
    """What the product logs as an error is a fault of its own: nothing else goes wrong here."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__()
        self.faults = faults

    def emit(self, record: logging.LogRecord) -> None:
        self.faults.append(record.getMessage())
