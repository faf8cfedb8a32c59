"""Who asks too often waits for as long as is told, and keeps nobody else waiting."""

from __future__ import annotations

from uuid import uuid4

import pytest

from app.api.application import create
from app.api.rates import AT_ONCE, Rates
from app.serving import serving
from core.ledger import api_keys
from tests.app.api.conftest import SUBSCRIBE, School, Served, problem


class Clock:
    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_after_a_burst_requests_come_at_the_rate(clock: Clock) -> None:
    rates, key = Rates(clock, a_second=2, at_once=3), uuid4()
    assert [rates.wait(key) for _ in range(4)] == [0, 0, 0, 1]
    clock.at += 0.5
    assert [rates.wait(key) for _ in range(2)] == [0, 1]


def test_a_pause_fills_the_bucket_and_no_more(clock: Clock) -> None:
    rates, key = Rates(clock, a_second=2, at_once=3), uuid4()
    rates.wait(key)
    clock.at += 1_000_000
    assert [rates.wait(key) for _ in range(4)] == [0, 0, 0, 1]


def test_a_slow_rate_tells_a_long_wait(clock: Clock) -> None:
    rates, key = Rates(clock, a_second=0.1, at_once=1), uuid4()
    assert [rates.wait(key) for _ in range(2)] == [0, 10]


def test_keys_do_not_wait_for_each_other(clock: Clock) -> None:
    rates = Rates(clock, at_once=1)
    assert [rates.wait(uuid4()) for _ in range(5)] == [0] * 5


def test_a_key_that_asks_too_often_is_told_when_to_come_back(
    served: Served, school: School, clock: Clock
) -> None:
    issued = api_keys.issue(served.installation.ledger, "busy", school.customer.id)
    app = create(served.installation, Rates(clock))
    before = served.rows()
    with serving(app, host="127.0.0.1", port=0) as url:
        busy = Served(served.installation, url, served.operator)
        with busy.client(issued.secret) as client:
            for _ in range(int(AT_ONCE)):
                assert client.get(f"{school.path}/lists").status_code == 200
            headers = {"Idempotency-Key": "x"}
            late = client.post(f"{school.path}/operations", json=SUBSCRIBE, headers=headers)
            problem(late, 429, "too-many")
            assert late.headers["retry-after"] == "1"
    assert served.rows() == before
