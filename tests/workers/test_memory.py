"""The broker inside the process: each bell rings once, and nothing is kept."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from uuid import UUID, uuid4

import dramatiq
import pytest
from dramatiq.errors import QueueNotFound

from workers.broker import QUEUE, broker_at, build
from workers.memory import MemoryBroker

PATIENCE = 10.0


@pytest.fixture
def broker() -> Iterator[MemoryBroker]:
    one = broker_at("memory:")
    assert isinstance(one, MemoryBroker)
    yield one
    one.close()


def consumer(broker: MemoryBroker, prefetch: int = 4) -> dramatiq.Consumer:
    return broker.consume(QUEUE, prefetch, timeout=1)


def taken(consumer: dramatiq.Consumer) -> str | None:
    message = next(consumer)
    return None if message is None else str(message.args[0])


def test_a_lane_that_rings_already_is_not_rung_twice(broker: MemoryBroker) -> None:
    ring = build(broker, lambda _: None)
    lane, other = uuid4(), uuid4()
    for _ in range(1000):
        ring(lane)
        ring(other)
    bells = consumer(broker)
    assert [taken(bells), taken(bells), taken(bells)] == [str(lane), str(other), None]


def test_a_lane_rung_while_it_is_drained_rings_once_more(broker: MemoryBroker) -> None:
    ring = build(broker, lambda _: None)
    lane = uuid4()
    bells = consumer(broker)
    ring(lane)
    assert taken(bells) == str(lane)
    ring(lane)
    ring(lane)
    assert [taken(bells), taken(bells)] == [str(lane), None]


def test_nobody_takes_more_than_can_be_worked_on(broker: MemoryBroker) -> None:
    ring = build(broker, lambda _: None)
    for _ in range(3):
        ring(uuid4())
    bells = consumer(broker, prefetch=1)
    message = next(bells)
    assert message is not None
    assert taken(bells) is None
    bells.ack(message)
    assert taken(bells) is not None


def test_a_message_that_failed_makes_room_as_well(broker: MemoryBroker) -> None:
    ring = build(broker, lambda _: None)
    ring(uuid4())
    ring(uuid4())
    bells = consumer(broker, prefetch=1)
    message = next(bells)
    assert message is not None
    bells.nack(message)
    assert taken(bells) is not None


def test_flushing_loses_messages_only(broker: MemoryBroker) -> None:
    ring = build(broker, lambda _: None)
    lane = uuid4()
    ring(lane)
    broker.flush(QUEUE)
    assert taken(consumer(broker)) is None
    ring(lane)
    broker.flush_all()
    ring(lane)
    assert taken(consumer(broker)) == str(lane)


def test_nothing_is_delayed_in_the_broker(broker: MemoryBroker) -> None:
    build(broker, lambda _: None)
    actor = broker.get_actor("drain")
    with pytest.raises(ValueError, match="the ledger keeps the time"):
        broker.enqueue(actor.message("x"), delay=1000)


def test_an_unknown_queue_is_an_error(broker: MemoryBroker) -> None:
    with pytest.raises(QueueNotFound):
        broker.consume("other")
    message = dramatiq.Message[None]("other", "drain", (), {}, {})
    with pytest.raises(QueueNotFound):
        broker.enqueue(message)


def test_many_threads_drain_every_lane_that_many_others_ring(broker: MemoryBroker) -> None:
    lanes = [uuid4() for _ in range(200)]
    seen: set[UUID] = set()
    all_seen = threading.Event()

    def drain(lane: UUID) -> None:
        seen.add(lane)
        if len(seen) == len(lanes):
            all_seen.set()

    ring = build(broker, drain)
    worker = dramatiq.Worker(broker, worker_threads=4, worker_timeout=10)
    worker.start()

    def ring_some(part: int) -> None:
        for lane in lanes[part::4]:
            ring(lane)

    ringing = [threading.Thread(target=ring_some, args=[part]) for part in range(4)]
    for thread in ringing:
        thread.start()
    for thread in ringing:
        thread.join()
    assert all_seen.wait(PATIENCE)
    worker.stop()
    assert seen == set(lanes)


def test_a_drain_that_fails_keeps_the_worker_alive(broker: MemoryBroker) -> None:
    done = threading.Event()
    good = uuid4()

    def drain(lane: UUID) -> None:
        if lane != good:
            raise RuntimeError
        done.set()

    ring = build(broker, drain)
    worker = dramatiq.Worker(broker, worker_threads=1, worker_timeout=10)
    worker.start()
    for _ in range(10):
        ring(uuid4())
    ring(good)
    assert done.wait(PATIENCE)
    worker.stop()
