"""What befalls a real installation, which it survives without a new process of its own."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import psutil
import redis

from tests.storms.company import Company

PLATFORM = "platform"
MORTAL = "mortal"  # the worker that is killed
HANG_UP = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)

Item = TypeVar("Item")
Fault = Callable[[Company, float], None]  # how long it lasts, in seconds, where it lasts


def platform_restarts(company: Company, _: float) -> None:
    company.kill(PLATFORM)


def platform_stands_still(company: Company, seconds: float) -> None:
    """Calls are taken and wait."""
    _, number = company.running[PLATFORM]
    process = psutil.Process(number)
    process.suspend()
    time.sleep(seconds)
    process.resume()


def worker_dies(company: Company, _: float) -> None:
    company.kill(MORTAL)


def broker_forgets(company: Company, _: float) -> None:
    with redis.Redis.from_url(company.settings.broker_url) as broker:
        broker.flushall()


def database_hangs_up(company: Company, _: float) -> None:
    """On everybody, the leader's lock and each worker's among them."""
    ledger = company.installation.ledger
    for database in (ledger.database, ledger.safe.database):
        with database.begin() as tx:
            tx.db.exec_driver_sql(HANG_UP)


def database_is_locked(company: Company, seconds: float) -> None:
    """Somebody else writes in the file, as a human at its console does."""
    with company.installation.ledger.begin():
        time.sleep(seconds)


AT_PLATFORM: Sequence[Fault] = (platform_restarts, platform_stands_still)
SHARED: Sequence[Fault] = (*AT_PLATFORM, worker_dies, broker_forgets, database_hangs_up)
ALONE: Sequence[Fault] = (*AT_PLATFORM, database_is_locked)


def drawn(several: Sequence[Item], chance: random.Random) -> Iterator[Item]:
    """Endlessly: each once in every round, in an order of its own."""
    while True:
        yield from chance.sample(several, len(several))
