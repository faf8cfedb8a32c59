"""A connection whose key died keeps everything, and goes on with a key of the same account only."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from connectors.sandbox.api import RIGHTS
from connectors.sandbox.contacts import Habit
from connectors.sandbox.server import Imitation
from tests.app.conftest import KEY, SCHOOL, CommandLine, Platform, connect

TITLE = "Bij archives"
NEW = "new-secret-of-the-sandbox"
BASIS = {"kind": "consent", "id": "form-1", "given_at": "2026-11-20T14:05", "source": "form"}


@pytest.fixture
def server(school: CommandLine, platform: Platform) -> Imitation:
    """Its account is connected, and the key was withdrawn before anything went there."""
    made = platform(Habit.ARCHIVES)
    connect(school, made)
    made.api.account = replace(made.api.account, keys={NEW: RIGHTS})
    for number in range(3):
        person = {"email": f"p{number}@example.nl", "basis": BASIS}
        school.ok(
            *("ask", "subscribe", SCHOOL, f"cf-{number}", "--list", "nieuwsbrief"),
            *("--person", "-"),
            given=person,
        )
    school.work()
    return made


def renew(server: Imitation, key: str) -> dict[str, Any]:
    return {"base_url": server.url, "api_key": key}


def shown(school: CommandLine) -> Any:
    return school.json("connection", "show", SCHOOL, TITLE)


@pytest.mark.usefixtures("server")
def test_it_keeps_all_work_and_asks_once(school: CommandLine) -> None:
    school.ok("ask", "erase", SCHOOL, "cf-0", "--yes")
    for _ in range(3):
        school.work()
    assert [one["kind"] for one in school.json("tasks", "list", SCHOOL)] == ["reconnect"]
    assert shown(school)["state"] == "needs_credentials"
    assert "connection renew" in school.ok("connection", "show", SCHOOL, TITLE)
    assert "sleutel" in school.ok("connection", "show", SCHOOL, TITLE, "--language", "nl")


def test_a_key_of_another_account_changes_nothing(school: CommandLine, server: Imitation) -> None:
    mine = server.api.account
    server.api.account = replace(mine, id="account-2", keys={KEY: RIGHTS, NEW: RIGHTS})
    said = school.refused(
        "connection", "renew", SCHOOL, TITLE, "--settings", "-", given=renew(server, NEW)
    )
    assert "another account" in said
    assert shown(school)["state"] == "needs_credentials"
    school.work()
    assert [one["kind"] for one in school.json("tasks", "list", SCHOOL)] == ["reconnect"]
    for door in ("resume", "pause"):
        assert "credentials" in school.refused("connection", door, SCHOOL, TITLE)


def test_a_key_that_does_not_work_either_changes_nothing(
    school: CommandLine, server: Imitation
) -> None:
    said = school.refused(
        "connection", "renew", SCHOOL, TITLE, "--settings", "-", given=renew(server, "wrong")
    )
    assert "does not accept" in said
    assert shown(school)["state"] == "needs_credentials"


def test_a_new_key_lets_everything_go_on(school: CommandLine, server: Imitation) -> None:
    school.ok("connection", "renew", SCHOOL, TITLE, "--settings", "-", given=renew(server, NEW))
    assert school.json("tasks", "list", SCHOOL) == []
    school.work()
    assert shown(school)["state"] == "working"
    assert school.json("report", SCHOOL)["still_there"] == 3
