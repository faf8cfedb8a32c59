"""What every broker has to do for us, and what it may do to us: the real servers, no less."""

from __future__ import annotations

import json
import logging
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from uuid import UUID, uuid4

import pytest

from tests.waiting import eventually
from tests.workers.brokers import THREADS, Door, Lined, Process, RedisDoor, door_to, process

ROOT = Path(__file__).parents[2]
SOON = 4.0  # seconds: the dispatcher rings again after one
QUIET = 0.5  # seconds of a process's time for two seconds of hearing nothing

Hire = Callable[..., Process]


@pytest.fixture(params=["memory", "redis", "rabbitmq"])
def door(request: pytest.FixtureRequest) -> Iterator[Door]:
    one = door_to(request.param, request)
    yield one
    one.close()


@pytest.fixture(params=["redis", "rabbitmq"])
def shared(request: pytest.FixtureRequest) -> Iterator[Lined]:
    """A broker of several processes, which can therefore be out of reach."""
    one = door_to(request.param, request)
    assert isinstance(one, Lined)
    yield one
    one.close()


@pytest.fixture
def hire() -> Iterator[Hire]:
    hired: list[Process] = []

    def one(door: Door, drain: Callable[[UUID], None] = lambda _: None) -> Process:
        hired.append(process(door, drain))
        return hired[-1]

    yield one
    for each in hired:
        each.close()


def test_a_rung_lane_is_drained(door: Door, hire: Hire) -> None:
    one, lane = hire(door), uuid4()
    one.listen()
    one.ring(lane)
    eventually(lambda: one.drained == [lane])


def test_what_is_rung_while_nobody_listens_waits(door: Door, hire: Hire) -> None:
    one, lanes = hire(door), [uuid4() for _ in range(10)]
    for lane in lanes:
        one.ring(lane)
    one.listen()
    eventually(lambda: one.drained == lanes)


def test_two_rings_while_one_waits_do_no_harm(door: Door, hire: Hire) -> None:
    one, lane, last = hire(door), uuid4(), uuid4()
    for each in (lane, lane, last):
        one.ring(each)
    one.listen()
    eventually(lambda: last in one.drained)
    assert one.drained in ([lane, last], [lane, lane, last])


def test_a_message_holds_a_lane_and_nothing_else(shared: Lined, hire: Hire) -> None:
    lane = uuid4()
    hire(shared).ring(lane)
    [said] = [json.loads(one) for one in shared.waiting()]
    assert (said["args"], said["kwargs"]) == ([str(lane)], {})
    assert set(said["options"]) <= {"redis_message_id"}


def test_a_drain_that_fails_is_rung_no_more_and_leaves_nothing_dead(
    shared: Lined, hire: Hire
) -> None:
    def fail(_: UUID) -> None:
        raise RuntimeError("anna@example.nl")

    one, lanes = hire(shared, fail), [uuid4() for _ in range(5)]
    one.listen()
    for lane in lanes:
        one.ring(lane)
    eventually(lambda: len(one.drained) == len(lanes))
    one.close()
    assert one.drained == lanes
    assert (shared.waiting(), shared.dead()) == ([], 0)


GOOD = {
    "queue_name": "lanes",
    "actor_name": "drain",
    "args": [uuid4().hex],
    "kwargs": {},
    "options": {"redis_message_id": uuid4().hex},
    "message_id": uuid4().hex,
    "message_timestamp": 1_764_000_000_000,
}
FOREIGN = {
    "nothing": b"",
    "no JSON": b"anna@example.nl",
    "no text": bytes(range(256)),
    "pickled": pickle.dumps(GOOD),
    "too deep": b"[" * 100_000,
    "huge": json.dumps(GOOD | {"args": ["x" * 2_000_000]}).encode(),
    "no message": b"[]",
    "a part of one": json.dumps({"args": GOOD["args"]}).encode(),
    "more than one": json.dumps(GOOD | {"new": 1}).encode(),
    "for another queue": json.dumps(GOOD | {"queue_name": "others"}).encode(),
    "another actor": json.dumps(GOOD | {"actor_name": "remove"}).encode(),
    "no lane": json.dumps(GOOD | {"args": []}).encode(),
    "two lanes": json.dumps(GOOD | {"args": [uuid4().hex, uuid4().hex]}).encode(),
    "for later": json.dumps(GOOD | {"options": {"eta": "then"}}).encode(),
    "an id that is none": json.dumps(GOOD | {"message_id": {}}).encode(),
    "a number": json.dumps(GOOD | {"args": [-1]}).encode(),
    "an object": json.dumps(GOOD | {"args": [{"lane": 1}]}).encode(),
    "a path": json.dumps(GOOD | {"args": ["../../etc"]}).encode(),
}


@pytest.mark.parametrize("what", FOREIGN)
def test_what_is_no_bell_keeps_nobody_from_hearing_the_next(
    shared: Lined, hire: Hire, what: str
) -> None:
    one = hire(shared)
    one.ring(uuid4())  # so that the queue is there
    for _ in range(2 * THREADS):
        shared.put(FOREIGN[what].replace(b"lanes", shared.queue.encode()))
    one.listen()
    assert one.rings_through() < SOON
    later = len(one.drained)
    assert one.rings_through() < SOON
    assert len(one.drained) > later


def test_two_installations_on_one_broker_do_not_hear_each_other(shared: Lined, hire: Hire) -> None:
    mine, other = hire(shared), type(shared)(shared.own)
    theirs = process(other)
    try:
        for one in (mine, theirs):
            one.listen()
        lanes = [uuid4() for _ in range(8)]
        for lane in lanes:
            mine.ring(lane)
        eventually(lambda: set(mine.drained) == set(lanes))
        theirs.rings_through()
        assert not set(theirs.drained) & set(lanes)
    finally:
        theirs.close()
        other.close()


HOLDER = dedent(
    """
    import sys, time
    from workers.broker import broker_at, build
    import dramatiq

    def hold(lane):
        print(lane, flush=True)
        time.sleep(600)

    broker = broker_at(sys.argv[1])
    build(broker, hold, queue=sys.argv[2])
    dramatiq.Worker(broker, worker_threads=1, worker_timeout=100).start()
    time.sleep(600)
    """
)


def test_a_worker_that_dies_holding_a_message_costs_the_dispatchers_next_word(
    shared: Lined, hire: Hire
) -> None:
    one, lane = hire(shared), uuid4()
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, shared.url, shared.queue], cwd=ROOT, stdout=subprocess.PIPE
    )
    with holder:
        try:
            one.ring(lane)
            assert holder.stdout is not None
            assert holder.stdout.readline().decode().strip() == str(lane)
        finally:
            holder.send_signal(signal.SIGKILL)
    one.listen()
    one.ring(lane)
    assert eventually(lambda: lane in one.drained) < SOON
    assert set(one.drained) == {lane}


def test_a_broker_that_lost_everything_is_rung_again(shared: Lined, hire: Hire) -> None:
    one = hire(shared)
    one.listen()
    one.rings_through()
    shared.forget()
    assert one.rings_through() < SOON
    assert shared.dead() == 0


def test_a_broker_that_is_away_at_the_start_is_waited_for(
    shared: Lined, hire: Hire, caplog: pytest.LogCaptureFixture
) -> None:
    shared.line.cut()
    one = hire(shared)
    one.listen()
    eventually(lambda: bool(caplog.records))
    time.sleep(1.5)  # three more tries, of which the log says nothing
    shared.line.mend()
    assert one.rings_through() < SOON
    assert sentences(caplog) == [
        "listening to the broker (COURSEFLOW_SYNC_BROKER_URL) fails and is tried again",
        "listening to the broker (COURSEFLOW_SYNC_BROKER_URL) works again",
    ]


def test_a_broker_that_goes_away_for_a_while_is_waited_for(
    shared: Lined, hire: Hire, caplog: pytest.LogCaptureFixture
) -> None:
    one = hire(shared)
    one.listen()
    one.rings_through()
    shared.line.cut()
    began = time.monotonic()
    with pytest.raises(Exception):  # noqa: B017, PT011 - every broker fails in its own way
        one.ring(uuid4())
    assert time.monotonic() - began < 1
    eventually(lambda: bool(caplog.records))
    shared.line.mend()
    assert one.rings_through() < SOON
    assert sentences(caplog) == [
        "listening to the broker (COURSEFLOW_SYNC_BROKER_URL) fails and is tried again",
        "listening to the broker (COURSEFLOW_SYNC_BROKER_URL) works again",
    ]


def test_what_was_in_hand_when_the_broker_went_away_holds_no_thread(
    shared: Lined, hire: Hire, caplog: pytest.LogCaptureFixture
) -> None:
    began: list[UUID] = []
    gone = threading.Event()

    def drain(lane: UUID) -> None:
        began.append(lane)
        gone.wait()

    one = hire(shared, drain)
    one.listen()
    for _ in range(2):
        one.ring(uuid4())
    eventually(lambda: len(began) == 2)
    shared.line.cut()
    gone.set()
    eventually(lambda: bool(caplog.records))
    shared.line.mend()
    assert one.rings_through() < SOON
    assert len(sentences(caplog)) == 2


def test_a_process_ends_while_the_broker_is_away(
    shared: Lined, hire: Hire, caplog: pytest.LogCaptureFixture
) -> None:
    one = hire(shared)
    one.listen()
    one.rings_through()
    shared.line.cut()
    began = time.monotonic()
    one.close()
    assert time.monotonic() - began < SOON
    assert len(sentences(caplog)) <= 1


def test_a_broker_that_says_nothing_any_more_keeps_no_dispatcher_waiting(
    redis_url: str, hire: Hire
) -> None:
    door = RedisDoor(redis_url)
    one = hire(door)
    one.listen()
    one.rings_through()
    door.line.silence()
    began = time.monotonic()
    with pytest.raises(Exception):  # noqa: B017, PT011 - as it fails
        one.ring(uuid4())
    assert time.monotonic() - began < 8
    door.line.mend()
    assert one.rings_through() < SOON
    one.close()
    door.close()


def test_hearing_nothing_costs_little(shared: Lined, hire: Hire) -> None:
    one = hire(shared)
    one.listen()
    one.rings_through()
    before = time.process_time()
    time.sleep(2)
    assert time.process_time() - before < QUIET


def sentences(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the log says, without traces; other libraries say nothing."""
    said = [one for one in caplog.records if one.levelno >= logging.WARNING]
    assert all(one.name.startswith("workers.") and not one.exc_info for one in said), caplog.text
    return [one.getMessage().partition(":")[0] for one in said]
