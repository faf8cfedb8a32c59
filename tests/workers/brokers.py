"""The brokers that there are, each behind a line of a test's own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import dramatiq
import pika  # type: ignore[import-untyped]  # it has no types
import pytest
import redis

from tests.storms.toxics import Line
from workers.broker import broker_at, build
from workers.redis_bell import NAMESPACE

PATIENCE = 15.0
THREADS = 2


class Door:
    """An installation's way to a broker; ``queue`` is its own."""

    url = "memory:"

    def __init__(self) -> None:
        self.queue = f"test-{uuid4().hex}"

    def waiting(self) -> list[bytes]:
        """What is in the queue, by the broker's own account."""
        raise NotImplementedError

    def dead(self) -> int:
        """How many messages the broker has set apart as failed."""
        raise NotImplementedError

    def forget(self) -> None:
        """The broker loses all that it had, the queue itself included."""
        raise NotImplementedError

    def close(self) -> None: ...


class Lined(Door):
    """One that can be out of reach."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.own = url
        parts = urlsplit(url)
        self.line = Line((str(parts.hostname), int(parts.port or 0)))
        login = f"{parts.username}:{parts.password}@" if parts.username else ""
        place = f"{login}127.0.0.1:{self.line.port}"
        self.url = urlunsplit(parts._replace(netloc=place))

    def put(self, message: bytes) -> None:
        """As whoever reaches the broker may: what lies in the queue then is not ours."""
        raise NotImplementedError

    def close(self) -> None:
        self.line.close()


class RedisDoor(Lined):
    def asked(self, command: str, *given: str) -> Any:
        with redis.Redis.from_url(self.own) as client:
            return client.execute_command(command, *given)

    def waiting(self) -> list[bytes]:
        said: list[bytes] = self.asked("HVALS", f"{NAMESPACE}:{self.queue}.msgs")
        return said

    def put(self, message: bytes) -> None:
        name, key = f"{NAMESPACE}:{self.queue}", uuid4().hex
        with redis.Redis.from_url(self.own) as client, client.pipeline() as both:
            both.hset(f"{name}.msgs", key, message)
            both.rpush(name, key)
            both.execute()

    def dead(self) -> int:
        return int(self.asked("ZCARD", f"{NAMESPACE}:{self.queue}.XQ"))

    def forget(self) -> None:
        self.asked("FLUSHALL")


class RabbitDoor(Lined):
    @contextmanager
    def channel(self) -> Iterator[Any]:
        connection = pika.BlockingConnection(pika.URLParameters(self.own))
        try:
            yield connection.channel()
        finally:
            connection.close()

    def waiting(self) -> list[bytes]:
        found = []
        with self.channel() as channel:
            while (said := channel.basic_get(self.queue))[0] is not None:
                found.append(said[2])
        return found  # not acknowledged: they go back as the channel closes

    def put(self, message: bytes) -> None:
        with self.channel() as channel:
            channel.basic_publish("", self.queue, message)

    def dead(self) -> int:
        with self.channel() as channel:
            there = channel.queue_declare(f"{self.queue}.XQ", passive=True)
            return int(there.method.message_count)

    def forget(self) -> None:
        with self.channel() as channel:
            for name in (self.queue, f"{self.queue}.XQ"):
                channel.queue_delete(name)

    def close(self) -> None:
        super().close()
        self.forget()


def door_to(kind: str, request: pytest.FixtureRequest) -> Door:
    """Close it when done."""
    match kind:
        case "redis":
            return RedisDoor(request.getfixturevalue("redis_url"))
        case "rabbitmq":
            return RabbitDoor(request.getfixturevalue("rabbitmq_url"))
        case _:
            return Door()


@dataclass
class Process:
    """What one worker process has of the broker: a bell to ring, ears, what it did."""

    door: Door
    broker: Any
    ring: Callable[[UUID], None]
    drained: list[UUID] = field(default_factory=list)
    listener: dramatiq.Worker | None = None

    def listen(self) -> None:
        self.listener = dramatiq.Worker(self.broker, worker_threads=THREADS, worker_timeout=100)
        self.listener.queue_prefetch = THREADS
        self.listener.start()

    def rings_through(self) -> float:
        """Ring a new lane each second, as the dispatcher does, until one is drained."""
        lanes: list[UUID] = []
        start = time.monotonic()
        while not set(lanes) & set(self.drained):
            assert time.monotonic() - start < PATIENCE, "no bell is heard"
            if len(lanes) <= time.monotonic() - start:
                lanes.append(uuid4())
                self.tries(lanes[-1])
            time.sleep(0.01)
        return time.monotonic() - start

    def tries(self, lane: UUID) -> None:
        with suppress(Exception):  # every broker fails in its own way
            self.ring(lane)

    def close(self) -> None:
        if self.listener is not None:
            self.listener.stop(5000)
        self.broker.close()


def process(door: Door, drain: Callable[[UUID], None] = lambda _: None) -> Process:
    """Not listening yet."""
    broker = broker_at(door.url)
    drained: list[UUID] = []
    lock = threading.Lock()

    def work(lane: UUID) -> None:
        with lock:
            drained.append(lane)
        drain(lane)

    return Process(door, broker, build(broker, work, queue=door.queue), drained)
