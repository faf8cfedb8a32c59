"""The doorbell over Redis."""

from __future__ import annotations

from functools import partial

import redis
from dramatiq import Consumer
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import Middleware
from redis.backoff import NoBackoff
from redis.retry import Retry

from workers.outage import Outage
from workers.steady import SteadyConsumer

NAMESPACE = "courseflow-sync"
PATIENCE = 3.0  # seconds for one command; all of them are short
MAINTENANCE = 50_000  # of a million commands: brings back what dead workers had taken


class RedisBell(RedisBroker):
    """Tries once more at once, as an idle connection may have died; then the broker is away."""

    def __init__(self, url: str, middleware: list[Middleware]) -> None:
        client = redis.Redis.from_url(
            url,
            socket_timeout=PATIENCE,
            socket_connect_timeout=PATIENCE,
            retry=Retry(NoBackoff(), 1),
        )
        super().__init__(  # type: ignore[no-untyped-call]  # dramatiq
            client=client,
            middleware=middleware,
            namespace=NAMESPACE,
            maintenance_chance=MAINTENANCE,
        )
        self.outage = Outage("listening to the broker (COURSEFLOW_SYNC_BROKER_URL)")

    def declare_queue(self, queue_name: str) -> None:
        """Without a queue for delayed messages: the ledger keeps the time."""
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues.add(queue_name)
            self.emit_after("declare_queue", queue_name)

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> Consumer:
        reach = partial(super().consume, queue_name, prefetch, timeout)
        return SteadyConsumer(reach, self.outage, queue_name)

    def close(self) -> None:
        self.client.close()
