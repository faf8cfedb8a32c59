"""A broker inside this process, which keeps nothing."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable

from dramatiq import Broker, Consumer, Message, MessageProxy
from dramatiq.errors import QueueNotFound
from dramatiq.middleware import Middleware


class Bells:
    """Messages that wait; the same call to the same actor waits once."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[Message[None]] = deque()
        self._ringing: set[tuple[str, tuple[object, ...]]] = set()

    def put(self, message: Message[None]) -> None:
        with self._changed:
            if (bell := (message.actor_name, message.args)) not in self._ringing:
                self._ringing.add(bell)
                self._waiting.append(message)
                self._changed.notify()

    def take(self, timeout: float) -> Message[None] | None:
        with self._changed:
            if not self._waiting:
                self._changed.wait(timeout)
            if not self._waiting:
                return None
            message = self._waiting.popleft()
            self._ringing.discard((message.actor_name, message.args))
            return message

    def clear(self) -> None:
        with self._changed:
            self._waiting.clear()
            self._ringing.clear()


class MemoryBroker(Broker):
    """For one process that does everything: the ledger remembers, so this need not."""

    def __init__(self, middleware: list[Middleware] | None = None) -> None:
        super().__init__(middleware)
        self.bells: dict[str, Bells] = {}

    def declare_queue(self, queue_name: str) -> None:
        if queue_name not in self.bells:
            self.emit_before("declare_queue", queue_name)
            self.bells[queue_name] = Bells()
            self.queues[queue_name] = None
            self.emit_after("declare_queue", queue_name)

    def enqueue(self, message: Message[None], *, delay: int | None = None) -> Message[None]:
        if delay is not None:
            raise ValueError("the ledger keeps the time; nothing is delayed in the broker")
        if message.queue_name not in self.bells:
            raise QueueNotFound(message.queue_name)  # type: ignore[no-untyped-call]  # dramatiq
        self.emit_before("enqueue", message, delay)
        self.bells[message.queue_name].put(message)
        self.emit_after("enqueue", message, delay)
        return message

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 100) -> Consumer:
        if queue_name not in self.bells:
            raise QueueNotFound(queue_name)  # type: ignore[no-untyped-call]  # dramatiq
        return MemoryConsumer(self.bells[queue_name], prefetch, timeout)

    def flush(self, queue_name: str) -> None:
        self.bells[queue_name].clear()

    def flush_all(self) -> None:
        for bells in self.bells.values():
            bells.clear()


class MemoryConsumer(Consumer):
    """Takes no more than can be worked on, so that what waits can still be told apart."""

    def __init__(self, bells: Bells, prefetch: int, timeout: int) -> None:
        self.bells = bells
        self.timeout = timeout / 1000
        self.slots = threading.Semaphore(prefetch)

    def __next__(self) -> MessageProxy | None:
        if not self.slots.acquire(timeout=self.timeout):
            return None
        message = self.bells.take(self.timeout)
        if message is None:
            self.slots.release()
            return None
        return MessageProxy(message)

    def ack(self, message: MessageProxy) -> None:  # noqa: ARG002
        self.slots.release()

    def nack(self, message: MessageProxy) -> None:  # noqa: ARG002
        self.slots.release()

    def requeue(self, messages: Iterable[MessageProxy]) -> None: ...
