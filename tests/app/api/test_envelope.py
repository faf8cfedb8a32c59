"""Every answer has its safe headers; the log has one line that names a route, never a path."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Callable
from io import StringIO
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import uuid4

import httpx
import pytest

from app import logs
from app.api import envelope
from core.database import DatabaseAway
from core.ledger import api_keys
from tests.app.api.conftest import SUBSCRIBE, School, problem

CALLS: list[Callable[[School], httpx.Response]] = [
    lambda school: school.client.get("/healthz"),
    lambda school: school.client.get("/readyz"),
    lambda school: school.client.get("/openapi.json"),
    lambda school: school.client.get("/errors/invalid"),
    lambda school: school.client.get("/nothing"),
    lambda school: school.client.put("/healthz"),
    lambda school: school.client.get("/v1/customers"),
    lambda school: school.client.get("/v1/customers", headers={"Authorization": ""}),
    lambda school: school.get("/report"),
    lambda school: school.ask({}),
    lambda school: school.ask(SUBSCRIBE),
]


@pytest.mark.parametrize("call", CALLS)
def test_every_answer_has_the_headers_that_keep_it_safe(
    school: School, call: Callable[[School], httpx.Response]
) -> None:
    answer = call(school)
    assert {name: answer.headers.get(name) for name in envelope.HEADERS} == envelope.HEADERS
    assert "server" not in answer.headers


@pytest.fixture
def log() -> StringIO:
    stream = StringIO()
    logs.configure("DEBUG", stream)
    return stream


def lines(log: StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_a_request_is_logged_by_its_route_alone(school: School, log: StringIO) -> None:
    reference = f"geheim-{uuid4()}"
    school.ask({**SUBSCRIBE, "person": {"reference": reference, "email": "jan@example.nl"}})
    school.client.get(f"{school.path}/people/{quote(reference)}/report?x=geheim")
    school.client.get(f"/{reference}/geheim")
    told = log.getvalue()
    assert [one["route"] for one in lines(log) if one["event"] == "answered"] == [
        "/v1/customers/{customer}/operations",
        "/v1/customers/{customer}/people/{reference:path}/report",
        "none",
    ]
    for secret in ("geheim", "example.nl", str(school.customer.id), "cfs_"):
        assert secret not in told


def test_a_fault_of_ours_is_a_problem_with_the_code_of_its_line(
    school: School, log: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object) -> None:
        raise RuntimeError("jan.jansen@example.nl")

    monkeypatch.setattr(api_keys, "find", breaks)
    answer = school.get("/report")
    told = problem(answer, 500, "fault")
    [line] = [one for one in lines(log) if "code" in one]
    assert line["code"] in told["detail"]
    assert "example.nl" not in answer.text + log.getvalue()
    assert [one["status"] for one in lines(log) if one["event"] == "answered"] == [500]


def test_a_database_that_is_away_is_told_to_try_again(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise DatabaseAway("OperationalError")

    monkeypatch.setattr(api_keys, "find", away)
    answer = school.get("/report")
    problem(answer, 503, "away")
    assert answer.headers["retry-after"]


def test_what_is_no_http_is_answered_without_an_echo(school: School, log: StringIO) -> None:
    at = urlsplit(school.served.url)
    with socket.create_connection((at.hostname, at.port or 0), 10) as line:
        line.sendall(b"GET /geheim HTTP/9\r\ngeheim\r\n\r\n")
        assert b"geheim" not in line.recv(1000)
    assert "geheim" not in log.getvalue()


def test_a_method_that_there_is_not_is_not_written_down(school: School, log: StringIO) -> None:
    for method in ("JANSEN", "jan.jansen"):
        school.client.request(method, f"{school.path}/report")
    assert log.getvalue().count("answered") == 2
    assert "jansen" not in log.getvalue().lower()


def test_health_is_quiet(school: School) -> None:
    stream = StringIO()
    logs.configure("INFO", stream)
    assert school.client.get("/healthz").json() == {"status": "ok"}
    assert school.client.get("/readyz").json() == {"status": "ok"}
    assert stream.getvalue() == ""
    assert logging.getLogger("uvicorn.access").getEffectiveLevel() >= logging.WARNING
