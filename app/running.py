"""Running workers in this process, until told to stop."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import dramatiq

from app.settings import BadSettings
from app.wiring import Installation
from workers.broker import broker_at, build, queue_of
from workers.dispatcher import Dispatcher
from workers.drain import Worker
from workers.memory import MemoryBroker

log = logging.getLogger(__name__)

POLL = 100  # milliseconds between looks for a message
FINISH = 30_000  # milliseconds that a stopping process gives the chunk in hand


@contextmanager
def working(installation: Installation, *, threads: int) -> Iterator[None]:
    """
    Drain lanes in ``threads`` threads, and stand by to lead, for the length of the block.

    With 0 threads it only stands by to lead, beside workers of a shared broker. Leaving it
    finishes what is in hand. Raises UnknownBroker or DatabaseAway.
    """
    if insecure := installation.settings.allow_insecure_hosts:
        log.warning("without TLS or at a private address: %s", ", ".join(insecure))
    broker = broker_at(installation.settings.broker_url)
    hands = Worker(installation.ledger, installation.reach)
    queue = queue_of(installation.ledger.database)
    dispatcher = Dispatcher(installation.ledger, build(broker, hands.drain, queue=queue))
    listeners = [listening(broker, threads)] if threads else []
    ticking = threading.Thread(target=dispatcher.run, name="dispatcher", daemon=True)
    for listener in listeners:
        listener.start()
    ticking.start()
    try:
        yield
    finally:
        hands.stopping.set()
        dispatcher.stop()
        ticking.join()
        for listener in listeners:
            listener.stop(FINISH)
        hands.close()
        broker.close()


def listening(broker: dramatiq.Broker, threads: int) -> dramatiq.Worker:
    listener = dramatiq.Worker(broker, worker_threads=threads, worker_timeout=POLL)
    listener.queue_prefetch = threads  # what waits here, an idle process could have begun
    return listener


def has_shared_broker(installation: Installation) -> bool:
    """Raises UnknownBroker."""
    return not isinstance(broker_at(installation.settings.broker_url), MemoryBroker)


def needs_shared_broker(installation: Installation) -> None:
    """Raises BadSettings when the broker cannot be shared between processes."""
    if not has_shared_broker(installation):
        raise BadSettings(
            "COURSEFLOW_SYNC_BROKER_URL is memory:, which lives inside one process. "
            "Use courseflow-sync serve for everything in one process, or set redis://… or "
            "amqp://… to run workers of their own."
        )
