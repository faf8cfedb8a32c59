"""The doorbell rings over every broker, and carries no more than which lane."""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
from collections.abc import Callable
from uuid import UUID, uuid4

import dramatiq
import pytest
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import Retries

from tests.servers import missing
from workers.broker import QUEUE, UnknownBroker, broker_at, build
from workers.memory import MemoryBroker

PATIENCE = 15.0
RABBIT = ("127.0.0.1", 5672)


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("memory:", MemoryBroker),
        ("redis://127.0.0.1:1/0", RedisBroker),
        ("rediss://127.0.0.1:1/0", RedisBroker),
        ("amqp://guest:guest@127.0.0.1:1/", RabbitmqBroker),
        ("amqps://guest:guest@127.0.0.1:1/", RabbitmqBroker),
    ],
)
def test_the_address_says_which_broker(url: str, kind: type[dramatiq.Broker]) -> None:
    broker = broker_at(url)
    assert isinstance(broker, kind)
    [retries] = [one for one in broker.middleware if isinstance(one, Retries)]
    assert retries.max_retries == 0
    assert {type(one).__name__ for one in broker.middleware} == {"Retries", "ShutdownNotifications"}


def test_rabbitmq_confirms_what_it_takes() -> None:
    broker = broker_at("amqp://guest:guest@127.0.0.1:1/")
    assert isinstance(broker, RabbitmqBroker)
    assert broker.confirm_delivery is True


@pytest.mark.parametrize("url", ["", "kafka://127.0.0.1", "http://127.0.0.1", "/var/run"])
def test_another_address_says_what_to_write(url: str) -> None:
    with pytest.raises(UnknownBroker, match="COURSEFLOW_SYNC_BROKER_URL"):
        broker_at(url)


def test_a_message_carries_a_lane_and_nothing_else() -> None:
    broker = broker_at("memory:")
    lane = uuid4()
    build(broker, lambda _: None)(lane)
    message = next(broker.consume(QUEUE, timeout=1))
    assert message is not None
    said = json.loads(message.encode())
    assert (said["args"], said["kwargs"], said["options"]) == ([str(lane)], {}, {})


@pytest.mark.parametrize("said", ["not a lane", "anna@example.nl", ""])
def test_an_actor_never_raises(said: str, caplog: pytest.LogCaptureFixture) -> None:
    broker = broker_at("memory:")
    build(broker, lambda _: None)
    broker.get_actor("drain")(said)
    assert "ValueError" in caplog.text
    assert not said or said not in caplog.text


def test_an_actors_failure_is_named_by_its_type_only(caplog: pytest.LogCaptureFixture) -> None:
    def drain(_: UUID) -> None:
        raise KeyError("anna@example.nl")

    broker = broker_at("memory:")
    build(broker, drain)
    broker.get_actor("drain")(str(uuid4()))
    assert "KeyError" in caplog.text
    assert "anna" not in caplog.text


def rings_through(broker: dramatiq.Broker, ring_of: Callable[..., Callable[[UUID], None]]) -> None:
    """The first drain fails; the second arrives all the same, and nothing is tried again."""
    drained: list[UUID] = []
    done = threading.Event()
    bad, good = uuid4(), uuid4()

    def drain(lane: UUID) -> None:
        drained.append(lane)
        if lane == bad:
            raise RuntimeError("anna@example.nl")
        done.set()

    ring = ring_of(broker, drain)
    worker = dramatiq.Worker(broker, worker_threads=1, worker_timeout=50)
    ring(bad)
    ring(good)
    worker.start()
    try:
        assert done.wait(PATIENCE)
    finally:
        worker.stop()
        broker.close()
    assert drained == [bad, good]


def test_a_ring_goes_through_memory() -> None:
    rings_through(broker_at("memory:"), build)


def test_a_ring_goes_through_redis(redis_url: str) -> None:
    rings_through(broker_at(redis_url), build)


def test_a_ring_goes_through_rabbitmq(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a queue of this test's own."""
    try:
        socket.create_connection(RABBIT, 1).close()
    except OSError:
        missing("RabbitMQ at 127.0.0.1:5672")
    logging.getLogger("pika").setLevel(logging.CRITICAL)
    monkeypatch.setattr("workers.broker.QUEUE", f"test-{os.getpid()}-{uuid4().hex}")
    url = "amqp://guest:guest@127.0.0.1:5672/"
    broker = broker_at(url)
    assert isinstance(broker, RabbitmqBroker)
    rings_through(broker, build)
    tidied = broker_at(url)
    assert isinstance(tidied, RabbitmqBroker)
    for queue in list(broker.queues):
        for name in (queue, f"{queue}.DQ", f"{queue}.XQ"):
            tidied.channel.queue_delete(name)
    tidied.close()
