"""Restricting a person on the command line."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.sandbox.contacts import Habit
from tests.app.conftest import SCHOOL, CommandLine, Platform, connect

EMAIL = "anna.de.vries@example.nl"
ANNA: dict[str, Any] = {
    "email": EMAIL,
    "first_name": "Anna",
    "basis": {"kind": "consent", "id": "b-1", "given_at": "2026-03-31", "source": "website"},
}
UPDATE = ("ask", "update", SCHOOL, "cf-1", "--person", "-")


@pytest.fixture
def subscribed(school: CommandLine, platform: Platform) -> CommandLine:
    connect(school, platform(Habit.FLAKY))
    asked = ("ask", "subscribe", SCHOOL, "cf-1", "--person", "-", "--list", "nieuwsbrief")
    assert school.json(*asked, given=ANNA)["restricted"] is False
    school.work()
    return school


def test_whoever_asks_is_told_that_it_waits(subscribed: CommandLine) -> None:
    assert "Restricted since" in subscribed.ok("restrict", SCHOOL, "cf-1")
    assert "restricted, so it waits" in subscribed.ok(*UPDATE, given={"first_name": "Ann"})
    subscribed.work()
    text = subscribed.ok("report", SCHOOL, "cf-1")
    assert "Restricted since" in text
    assert "Your turn" in text
    assert "courseflow-sync unrestrict" in text
    since = subscribed.json("report", SCHOOL, "cf-1")["restricted_at"]
    assert subscribed.json("restrict", SCHOOL, "cf-1")["restricted_at"] == since
    assert "goes on" in subscribed.ok("unrestrict", SCHOOL, "cf-1")
    subscribed.work()
    report = subscribed.json("report", SCHOOL, "cf-1")
    assert report["restricted_at"] is None
    assert report["systems"][0]["as_asked"]


@pytest.mark.parametrize("command", ["restrict", "unrestrict"])
@pytest.mark.parametrize("reference", ["cf-9", EMAIL])
def test_who_is_unknown_is_refused(school: CommandLine, command: str, reference: str) -> None:
    said = school.refused(command, SCHOOL, reference)
    assert "reference" in said
    assert EMAIL not in said
