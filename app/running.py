"""Running workers in this process, until told to stop."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import dramatiq

from app.settings import BadSettings
from app.wiring import Installation
from workers.broker import broker_at, build
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

    Leaving it finishes what is in hand. Raises UnknownBroker.
    """
    if insecure := installation.settings.allow_insecure_hosts:
        log.warning("without TLS or at a private address: %s", ", ".join(insecure))
    broker = broker_at(installation.settings.broker_url)
    hands = Worker(installation.ledger, installation.reach)
    dispatcher = Dispatcher(installation.ledger, build(broker, hands.drain))
    listener = dramatiq.Worker(broker, worker_threads=threads, worker_timeout=POLL)
    ticking = threading.Thread(target=dispatcher.run, name="dispatcher", daemon=True)
    listener.start()
    ticking.start()
    try:
        yield
    finally:
        hands.stopping.set()
        dispatcher.stop()
        ticking.join()
        listener.stop(FINISH)
        hands.close()
        broker.close()


def needs_shared_broker(installation: Installation) -> None:
    """Raises BadSettings when the broker cannot be shared between processes."""
    broker = broker_at(installation.settings.broker_url)
    if isinstance(broker, MemoryBroker):
        raise BadSettings(
            "COURSEFLOW_SYNC_BROKER_URL is memory:, which lives inside one process. "
            "Use courseflow-sync serve for everything in one process, or set redis://… or "
            "amqp://… to run workers of their own."
        )
