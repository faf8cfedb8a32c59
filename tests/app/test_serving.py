"""serve answers, works where it is alone, leads where others work, and ends when told."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest

from connectors.sandbox.contacts import Habit
from tests.app.conftest import (
    PREFIX,
    SCHOOL,
    TRUSTS_NOBODY,
    CommandLine,
    Platform,
    connect,
    full_environment,
)
from tests.waiting import eventually

PROGRAM = [sys.executable, "-m", "app.cli"]
PATIENCE = 60
SUBSCRIBE = {
    "verb": "subscribe",
    "person": {"reference": "cf-1", "email": "jan.jansen@example.nl"},
    "lists": ["nieuwsbrief"],
    "basis": {"kind": "consent", "id": "b", "given_at": "2026-11-20", "source": "form"},
}


@contextmanager
def running(cli: CommandLine, *arguments: str) -> Iterator[dict[str, Any]]:
    """A process of its own, with what it said when it was ready."""
    with subprocess.Popen(
        [*PROGRAM, *arguments, "--json"],
        env=full_environment(cli),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.send_signal(signal.SIGTERM)
            _, log = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, log
    assert "jan.jansen" not in log
    assert "cf-1" not in log


@pytest.fixture
def key(school: CommandLine) -> dict[str, str]:
    secret = school.ok("key", "issue", SCHOOL, "--title", "website").strip()
    return {"Authorization": f"Bearer {secret}"}


def path(cli: CommandLine) -> str:
    return f"/v1/customers/{cli.json('customer', 'list')[0]['id']}"


def client() -> httpx.Client:
    return httpx.Client(verify=TRUSTS_NOBODY, trust_env=False)


def asked(url: str, where: str, key: dict[str, str]) -> None:
    headers = {**key, "Idempotency-Key": str(uuid4())}
    with client() as line:
        answer = line.post(f"{url}{where}/operations", json=SUBSCRIBE, headers=headers)
    assert answer.status_code == 202, answer.text


def there(url: str, where: str, key: dict[str, str]) -> bool:
    with client() as line:
        found = line.get(f"{url}{where}/people/cf-1/report", headers=key).json()
    return bool(found["still_there"] == 1)


def test_alone_it_carries_out_what_is_asked_over_http(
    school: CommandLine, platform: Platform, key: dict[str, str]
) -> None:
    connect(school, platform(Habit.ARCHIVES))
    with running(school, "serve", "--port", "0") as said:
        assert said["threads"] > 0
        asked(said["serving"], path(school), key)
        eventually(lambda: there(said["serving"], path(school), key), PATIENCE)


def test_with_a_shared_broker_others_work_and_it_leads(
    school: CommandLine, platform: Platform, key: dict[str, str], redis_url: str
) -> None:
    connect(school, platform(Habit.ARCHIVES))
    school.env[f"{PREFIX}BROKER_URL"] = redis_url
    with running(school, "serve", "--port", "0") as said:
        assert said["threads"] == 0
        asked(said["serving"], path(school), key)
        with running(school, "work"):
            eventually(lambda: there(said["serving"], path(school), key), PATIENCE)


def test_a_port_that_is_taken_is_told_in_a_sentence(school: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = school.refused("serve", "--port", str(taken.getsockname()[1]))
    assert "choose another --port" in said


def test_people_and_programs_come_in_by_the_same_door(school: CommandLine) -> None:
    """Each with headers of its own, and neither a page's address nor a path in the log."""
    with running(school, "serve", "--port", "0") as said, client() as http:
        token = school.ok("link", SCHOOL).strip().rpartition("/")[2]
        page = http.get(f"{said['serving']}/s/{token}")
        assert page.status_code == 200
        assert page.headers["Content-Type"].startswith("text/html")
        assert "style-src 'self'" in page.headers["Content-Security-Policy"]
        assert http.get(f"{said['serving']}/s/{token[:-3]}xyz").status_code == 404
        assert http.get(f"{said['serving']}/healthz").status_code == 200
        stranger = http.get(f"{said['serving']}{path(school)}/report")
        assert stranger.status_code == 401
        assert stranger.headers["Content-Type"] == "application/problem+json"
