"""The doorbell: a broker by its address, with an actor that says no more than which lane."""

from __future__ import annotations

import logging
from collections.abc import Callable
from uuid import UUID

import dramatiq
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import Middleware, Retries, ShutdownNotifications

from workers.memory import MemoryBroker

log = logging.getLogger(__name__)

QUEUE = "lanes"


class UnknownBroker(Exception):
    """The broker's address cannot be used; the message says what to write."""


def broker_at(url: str) -> dramatiq.Broker:
    """
    ``memory:``, ``redis://…`` or ``amqp://…``. Raises UnknownBroker.

    Publishing is confirmed where the broker can: unconfirmed RabbitMQ loses messages silently.
    """
    middleware: list[Middleware] = [Retries(max_retries=0), ShutdownNotifications()]
    match url.partition(":")[0]:
        case "memory":
            return MemoryBroker(middleware)
        case "redis" | "rediss":
            return RedisBroker(  # type: ignore[no-untyped-call]  # dramatiq
                url=url, middleware=middleware, maintenance_chance=50_000
            )
        case "amqp" | "amqps":
            return RabbitmqBroker(url=url, middleware=middleware, confirm_delivery=True)
        case _:
            raise UnknownBroker(
                "The broker address cannot be read. Set COURSEFLOW_SYNC_BROKER_URL to memory:, "
                "redis://HOST:PORT/NUMBER or amqp://USER:PASSWORD@HOST:PORT/."
            )


def build(broker: dramatiq.Broker, drain: Callable[[UUID], None]) -> Callable[[UUID], None]:
    """Create the one actor on this broker; what comes back rings a lane."""

    @dramatiq.actor(broker=broker, queue_name=QUEUE, actor_name="drain", max_retries=0)
    def answer(lane: str) -> None:
        try:
            drain(UUID(lane))
        except Exception as error:  # noqa: BLE001 - the broker would keep the error's text
            log.error("a drain ended with %s", type(error).__name__)  # noqa: TRY400

    def ring(lane: UUID) -> None:
        answer.send(str(lane))

    return ring
