"""A consumer that outlives its broker, as it does what others put into the queue."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from uuid import UUID

from dramatiq import Consumer, MessageProxy
from dramatiq.errors import DecodeError

from workers.outage import Outage

log = logging.getLogger(__name__)

ACTOR = "drain"
AGAIN = 0.5  # seconds between two tries to reach a broker that is away


class SteadyConsumer(Consumer):
    """
    While the broker is away nothing rings, and what was taken from it needs no answer.

    dramatiq 2.2.1 logs every failure with its trace, waits three seconds, keeps the threads
    that finished a message until the broker took their word, and asks about queues that are
    gone (read in worker.py, 2026-11-25). The ledger remembers, so that none of it is needed.

    A message that is no bell of this queue is taken out and not passed on: one that names
    another queue would end the thread that works on it.
    """

    def __init__(
        self,
        reach: Callable[[], Consumer],
        outage: Outage,
        queue: str,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.reach = reach
        self.outage = outage
        self.queue = queue
        self.sleep = sleep
        self._broker: Consumer | None = None
        self._unanswered: dict[int, MessageProxy] = {}  # of this connection; they have no hash

    def __next__(self) -> MessageProxy | None:
        try:
            message = self.take()
        except DecodeError:
            log.warning("a message that nobody can read was in the queue")
            return None
        except (Exception, StopIteration) as error:  # noqa: BLE001 - each fails in its own way
            self.outage.began(error)
            self.close()
            self.sleep(AGAIN)
            return None
        self.outage.ended()
        if message is not None and not is_bell(message, self.queue):
            log.warning("a message that is no bell was in the queue")
            self.ack(message)
            return None
        return message

    def take(self) -> MessageProxy | None:
        if self._broker is None:
            self._broker = self.reach()
        message = next(self._broker)
        if message is not None:
            self._unanswered[id(message)] = message
        return message

    def ack(self, message: MessageProxy) -> None:
        with suppress(Exception):
            if self.may_answer(message) and self._broker is not None:
                self._broker.ack(message)

    def nack(self, message: MessageProxy) -> None:
        with suppress(Exception):
            if self.may_answer(message) and self._broker is not None:
                self._broker.nack(message)

    def may_answer(self, message: MessageProxy) -> bool:
        """Once, and over the connection by which it came."""
        return self._unanswered.pop(id(message), None) is not None

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        with suppress(Exception):
            if self._broker is not None:
                self._broker.requeue(messages)

    def close(self) -> None:
        broker, self._broker = self._broker, None
        self._unanswered.clear()
        if broker is not None:
            with suppress(Exception):
                broker.close()


def is_bell(message: MessageProxy, queue: str) -> bool:
    """As workers.broker rings, and nothing else: whoever reaches the broker may put anything."""
    try:
        (lane,) = message.args
        UUID(lane)
    except (TypeError, ValueError, AttributeError):
        return False
    return (
        (message.queue_name, message.actor_name) == (queue, ACTOR)
        and not message.kwargs
        and "eta" not in message.options
    )
