"""Brokers, databases, a disk go away or forget in the middle of work, and nothing is lost."""

from __future__ import annotations

import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.databases import Server
from tests.storms.administration import Administration
from tests.storms.company import Company, company, shared_company
from tests.storms.noted import Note, Storm
from tests.storms.roles import Kind
from tests.storms.servers import Postgres, Rabbit, Redis, a_disk
from workers.broker import queue_of

SEED = 6
WITHIN = 60.0  # seconds from the end of a loss until all that waited for it is done
UNNOTICED = 5.0  # seconds that an answer of the API may take while a broker is away
ENDED = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """``pace`` is in operations a second; ``calm`` and ``away`` are seconds around each loss."""

    schools: int
    members: int
    rounds: int
    pace: float
    calm: float
    away: float
    workers: int = 4
    losses: int = 4  # at the most
    patience: float = 120.0


@dataclass(frozen=True, slots=True)
class Loss:
    name: str
    begins: Callable[[], object]
    ends: Callable[[], object] = lambda: None


SHORT = Plan(schools=4, members=10, rounds=3, pace=15, calm=1.0, away=1.0, workers=2, losses=1)
FULL = Plan(schools=40, members=63, rounds=2, pace=45, calm=8.0, away=8.0)
FULL_ALONE = Plan(schools=10, members=126, rounds=4, pace=25, calm=20.0, away=8.0)

storm = [pytest.mark.storm, pytest.mark.timeout(600)]
short_and_full = pytest.mark.parametrize(
    "plan", [pytest.param(SHORT, id="short"), pytest.param(FULL, id="full", marks=storm)]
)


@contextmanager
def shared(folder: Path, server: Server, broker: str, plan: Plan) -> Iterator[Company]:
    with shared_company(folder, server, broker) as made:
        made.open(plan.schools, plan.members)
        made.hire([f"worker {number}" for number in range(plan.workers)])
        made.open_door("door")
        yield made


@short_and_full
def test_what_redis_loses_is_rung_again(
    plan: Plan, tmp_path: Path, postgresql: Server, note: Note
) -> None:
    broker = Redis(tmp_path)
    broker.start()
    try:
        with shared(tmp_path, postgresql, broker.url, plan) as one:
            losses = [Loss("killed", broker.kill, broker.start), Loss("forgot", broker.forget)]
            schools = weather(one, plan, losses, note, "redis")
            accepts_all_the_while(schools)
    finally:
        broker.kill()


@pytest.mark.storm
@pytest.mark.timeout(600)
def test_what_rabbitmq_loses_is_rung_again(tmp_path: Path, postgresql: Server, note: Note) -> None:
    broker = Rabbit(tmp_path)
    broker.start()
    try:
        with shared(tmp_path, postgresql, broker.url, FULL) as one:
            queue = queue_of(one.installation.ledger.database)
            losses = [
                Loss("queue deleted", lambda: broker.delete(queue)),
                Loss("full", broker.block, broker.unblock),
                Loss("killed", broker.kill, broker.start),
                Loss("stopped", broker.stop, broker.start),
            ]
            schools = weather(one, FULL, losses, note, "rabbitmq")
            accepts_all_the_while(schools)
    finally:
        broker.kill()


@short_and_full
def test_what_was_answered_survives_the_database(
    plan: Plan, tmp_path: Path, redis_url: str, note: Note
) -> None:
    server = Postgres(Path(tempfile.mkdtemp(prefix="courseflow-sync-")))
    try:
        with shared(tmp_path, server.databases, redis_url, plan) as one:
            loss = Loss("stopped", server.stop_at_once, server.start)
            weather(one, plan, [loss], note, "postgresql")
    finally:
        server.close()


@pytest.mark.parametrize(
    "plan", [pytest.param(SHORT, id="short"), pytest.param(FULL_ALONE, id="full", marks=storm)]
)
def test_what_was_answered_survives_a_disk_that_takes_nothing(
    plan: Plan, tmp_path: Path, note: Note
) -> None:
    with a_disk(tmp_path / "disk", "256m") as disk:
        database = f"sqlite:///{disk.folder}/ledger.db"
        with company(tmp_path, database_url=database) as one:
            one.open(plan.schools, plan.members)
            one.open_door("everything", Kind.WHOLE)
            losses = [
                Loss("full", disk.fill, disk.empty),
                Loss("read-only", disk.protect, disk.permit),
            ]
            weather(one, plan, losses, note, "sqlite")


def weather(
    one: Company, plan: Plan, losses: Sequence[Loss], note: Note, name: str
) -> Administration:
    chance = random.Random(SEED)  # noqa: S311 - a storm, and no secret
    schools = Administration(one.door, one.schools, plan.pace, plan.rounds, chance)
    began = time.monotonic()
    asking = threading.Thread(target=schools.run, daemon=True)
    asking.start()
    figures: dict[str, float] = {}
    for loss in losses[: plan.losses]:
        time.sleep(plan.calm)
        assert asking.is_alive(), f"everything was asked before: {figures}"
        loss.begins()
        time.sleep(plan.away)
        loss.ends()
        figures[loss.name] = round(one.caught_up(WITHIN), 1)
    asking.join()
    one.settle(plan.patience)
    found = one.judge(schools)
    note(
        Storm(
            name=f"losses, {name}",
            operations=schools.operations,
            lost=found.lost,
            doubled=found.doubled,
            resurrected=found.resurrected,
            falsely_verified=found.falsely_verified,
            seed=SEED,
            seconds=round(time.monotonic() - began, 1),
        ),
        silence=round(schools.silence, 2),
        errors=schools.errors,
        still_open=found.open,
        **figures,
    )
    assert max(figures.values()) < WITHIN
    assert found.open <= (1 - ENDED) * schools.operations, found
    assert schools.refused == []
    return schools


def accepts_all_the_while(schools: Administration) -> None:
    assert schools.errors == 0
    assert schools.silence < UNNOTICED
