"""The doorbell: a broker by its address, with an actor that says no more than which lane."""

from __future__ import annotations

import logging
from collections.abc import Callable
from hashlib import blake2b
from uuid import UUID

import dramatiq
from dramatiq.middleware import Middleware, Retries, ShutdownNotifications

from core.database import Database
from workers.memory import MemoryBroker
from workers.rabbit_bell import RabbitBell
from workers.redis_bell import RedisBell
from workers.steady import ACTOR

log = logging.getLogger(__name__)

QUEUE = "lanes"


class UnknownBroker(Exception):
    """The broker's address cannot be used; the message says what to write."""


def broker_at(url: str) -> dramatiq.Broker:
    """
    ``memory:``, ``redis://…`` or ``amqp://…``. Raises UnknownBroker.

    Nothing connects yet, and a broker that is away is waited for.
    """
    middleware: list[Middleware] = [Retries(max_retries=0), ShutdownNotifications()]
    match url.partition(":")[0]:
        case "memory":
            return MemoryBroker(middleware)
        case "redis" | "rediss":
            return RedisBell(url, middleware)
        case "amqp" | "amqps":
            return RabbitBell(url, middleware)
        case _:
            raise UnknownBroker(
                "The broker address cannot be read. Set COURSEFLOW_SYNC_BROKER_URL to memory:, "
                "redis://HOST:PORT/NUMBER or amqp://USER:PASSWORD@HOST:PORT/."
            )


def queue_of(database: Database) -> str:
    """The queue of whoever works on this database, and of nobody else. Raises DatabaseAway."""
    return f"{QUEUE}-{blake2b(database.identity().encode(), digest_size=8).hexdigest()}"


def build(
    broker: dramatiq.Broker, drain: Callable[[UUID], None], *, queue: str = QUEUE
) -> Callable[[UUID], None]:
    """
    Create the one actor on this broker; what comes back rings a lane.

    ``queue`` is the installation's own on a shared broker: a worker of another installation
    would answer the bell, and know nothing of the lane.
    """

    @dramatiq.actor(broker=broker, queue_name=queue, actor_name=ACTOR, max_retries=0)
    def answer(lane: str) -> None:
        try:
            drain(UUID(lane))
        except Exception as error:  # noqa: BLE001 - the broker would keep the error's text
            log.error("a drain ended with %s", type(error).__name__)  # noqa: TRY400

    def ring(lane: UUID) -> None:
        answer.send(str(lane))

    return ring
