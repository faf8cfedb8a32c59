"""Our own work, measured: intake, one worker process on one lane or on many, bulk."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import psutil
import sqlalchemy as sa

from app import wiring
from app.wiring import Installation, Wish
from bench.platform import AUDIENCE
from bench.stage import Stage, cpu_seconds, variables
from core.connector import Basis, BasisKind, Verb
from core.ledger import connections, customers, intake
from core.ledger.customers import Customer, MailingList, Purpose
from core.ledger.intake import Request
from core.ledger.schema import evidence, holdings, parts

GIVEN = datetime(2026, 1, 1, tzinfo=UTC)
BATCH = 1000
MOST = 180.0  # seconds that any measurement may take


@dataclass(frozen=True)
class Figure:
    operations: int
    seconds: float
    cpu: float  # seconds of the process that is measured

    @property
    def per_second(self) -> float:
        return self.operations / self.seconds

    @property
    def cpu_ms(self) -> float:
        return 1000 * self.cpu / self.operations


def schools(found: Installation, number: int) -> list[tuple[Customer, UUID]]:
    """So many customers, each with one connection of its own, paused."""
    made = []
    for one in range(number):
        customer = customers.create(found.ledger, f"School {one}")
        newsletter = MailingList("nieuws", Purpose.NEWSLETTER, "Nieuwsbrief")
        customers.put_list(found.ledger, customer, newsletter)
        connection = wiring.connect(
            found,
            customer,
            Wish(
                "mailchimp",
                "Mailchimp",
                {"api_key": f"{one:032x}-us21"},
                {"nieuws": AUDIENCE},
                outside_eu_accepted=True,
            ),
        )
        connections.pause(found.ledger, connection)
        made.append((customer, connection))
    return made


def requests(number: int) -> list[Request]:
    return [
        Request(
            Verb.SUBSCRIBE,
            f"cf-{one}",
            f"p{one}@example.nl",
            {"first_name": "Anna", "last_name": "de Vries"},
            ("nieuws",),
            Basis(BasisKind.CONSENT, f"b-{one}", GIVEN, "form"),
        )
        for one in range(number)
    ]


def take_in(found: Installation, customer: Customer, number: int) -> Figure:
    """Batches as the HTTP API hands them on, one after the other."""
    asked = requests(number)
    me = psutil.Process()
    started, cpu = time.perf_counter(), cpu_seconds(me)
    for start in range(0, number, BATCH):
        outcomes = intake.accept(found.ledger, customer, asked[start : start + BATCH])
        assert all(isinstance(one, intake.Accepted) for one in outcomes)
    return Figure(number, time.perf_counter() - started, cpu_seconds(me) - cpu)


def take_in_together(found: Installation, several: Sequence[Customer], number: int) -> Figure:
    """So many for each of these customers, side by side in threads, as a server does."""
    me = psutil.Process()
    started, cpu = time.perf_counter(), cpu_seconds(me)
    with ThreadPoolExecutor(len(several)) as pool:
        list(pool.map(lambda customer: take_in(found, customer, number), several))
    seconds, spent = time.perf_counter() - started, cpu_seconds(me) - cpu
    return Figure(number * len(several), seconds, spent)


@contextmanager
def worker(stage: Stage, found: Installation, *arguments: str) -> Iterator[psutil.Process]:
    command = [sys.executable, "-m", "bench.worker", *arguments]
    environment = {**stage.environment, **variables(found.settings)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "working\n"
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(60)


def carried(
    stage: Stage,
    found: Installation,
    lanes: Sequence[UUID],
    operations: int,
    *arguments: str,
) -> Figure:
    """From the moment the lanes are let go until every operation was seen as asked."""
    with worker(stage, found, *arguments) as process:
        time.sleep(1)  # it is idle by now
        started, cpu = time.perf_counter(), cpu_seconds(process)
        for lane in lanes:
            connections.resume(found.ledger, lane)
        wait_for(found, operations, started)
        figure = Figure(operations, time.perf_counter() - started, cpu_seconds(process) - cpu)
    check(found, operations)
    return figure


def wait_for(found: Installation, operations: int, started: float) -> None:
    confirmed = sa.select(sa.func.count()).where(parts.c.ended == "confirmed")
    while time.perf_counter() < started + MOST:
        with found.ledger.read() as tx:
            if tx.db.execute(confirmed).scalar_one() >= operations:
                return
        time.sleep(0.1)
    raise SystemExit(f"not done within {MOST:.0f} seconds")


def check(found: Installation, operations: int) -> None:
    """Every one was recorded, and looked up again."""
    with found.ledger.read() as tx:
        states: dict[str, int] = dict(
            tx.db.execute(
                sa.select(holdings.c.state, sa.func.count()).group_by(holdings.c.state)
            ).all()  # type: ignore[arg-type]
        )
        looks = tx.db.execute(
            sa.select(sa.func.count()).where(evidence.c.verdict == "confirmed")
        ).scalar_one()
    assert states == {"confirmed": operations}, states
    assert looks == operations, looks
