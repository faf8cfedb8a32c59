"""The doorbell over RabbitMQ."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import pika  # type: ignore[import-untyped]  # it has no types
from dramatiq import Consumer, Message
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.middleware import Middleware
from pika.exceptions import (  # type: ignore[import-untyped]  # it has no types
    AMQPError,
    UnroutableError,
)

from workers.outage import Outage
from workers.steady import SteadyConsumer

HEARTBEAT = 10  # seconds, unless the address says otherwise
PATIENCE = 3.0  # seconds to connect, or for a broker that takes nothing because it is full
IDLE = HEARTBEAT / 2  # a connection that was not used for so long sent no heartbeat either
SILENCE = {"TCP_USER_TIMEOUT": 6000}  # milliseconds for what was sent to arrive


class RabbitBell(RabbitmqBroker):
    """
    Publishes under confirmation, else messages are lost silently.

    dramatiq 2.2.1 keeps one connection for each thread that ever published or declared, sends
    no heartbeats over it, and tries six times (read in brokers/rabbitmq.py, 2026-11-25).
    """

    def __init__(
        self,
        url: str,
        middleware: list[Middleware],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(url=url.split(";"), middleware=middleware, confirm_delivery=True)
        for one in self.parameters:
            be_impatient(one)
        self.outage = Outage("listening to the broker (COURSEFLOW_SYNC_BROKER_URL)")
        self._monotonic = monotonic
        self._published = monotonic()

    def declare_queue(self, queue_name: str, *, ensure: bool = False) -> None:
        """Without a queue for delayed messages: the ledger keeps the time."""
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues.add(queue_name)
            self.queues_pending.add(queue_name)
            self.emit_after("declare_queue", queue_name)
        if ensure:
            self._ensure_queue(queue_name)  # type: ignore[no-untyped-call]  # dramatiq

    def _declare_dq_queue(self, queue_name: str) -> None:
        """There is none."""

    def enqueue(self, message: Message[None], *, delay: int | None = None) -> Message[None]:
        """Raises after the second try: the first may have met a connection that had died."""
        if delay is not None:
            raise ValueError("the ledger keeps the time; nothing is delayed in the broker")
        if self._monotonic() > self._published + IDLE:
            self.hang_up()
        try:
            self.publish(message)
        except UnroutableError:  # somebody deleted the queue
            self.queues_pending.add(message.queue_name)
            self.publish(message)
        except (AMQPError, OSError):
            self.hang_up()
            self.publish(message)
        self._published = self._monotonic()
        return message

    def publish(self, message: Message[None]) -> None:
        """Not to disk: what is lost is rung again."""
        self.declare_queue(message.queue_name, ensure=True)
        self.channel.basic_publish(
            exchange="",
            routing_key=message.queue_name,
            body=message.encode(),
            properties=pika.BasicProperties(delivery_mode=1),
            mandatory=True,
        )

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> Consumer:
        return SteadyConsumer(
            partial(self.reach, queue_name, prefetch, timeout), self.outage, queue_name
        )

    def reach(self, queue_name: str, prefetch: int, timeout: int) -> Consumer:
        """The queue may be gone since; and the connection that declares it stays behind unused."""
        self.queues_pending.add(queue_name)
        try:
            return super().consume(queue_name, prefetch, timeout)
        finally:
            self.hang_up()

    def hang_up(self) -> None:
        """This thread's connection for publishing goes, whatever state it is in."""
        connection = getattr(self.state, "connection", None)
        self.channels.discard(getattr(self.state, "channel", None))
        self.connections.discard(connection)
        self.state.__dict__.clear()
        if connection is not None:
            with suppress(Exception):
                connection.close()


def be_impatient(parameters: pika.connection.Parameters) -> None:
    """Where the address leaves it open."""
    if parameters.heartbeat is None:
        parameters.heartbeat = HEARTBEAT
    if parameters.blocked_connection_timeout is None:
        parameters.blocked_connection_timeout = PATIENCE
    if parameters.tcp_options is None:
        parameters.tcp_options = SILENCE
    parameters.socket_timeout = min(parameters.socket_timeout, PATIENCE)
    parameters.stack_timeout = min(parameters.stack_timeout, 2 * PATIENCE)
