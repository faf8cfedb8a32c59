"""Tasks for humans, and the report, on the command line."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from app import wiring
from app.settings import from_environment
from connectors.sandbox.contacts import Habit
from core.ledger.schema import customers, tasks
from tests.app.conftest import SCHOOL, CommandLine, Platform, connect, connect_by_hand

EMAIL = "anna.de.vries@example.nl"
EARLIER = "anna@example.test"
BASIS = {"kind": "consent", "id": "b-1", "given_at": "2026-03-31", "source": "website"}
ANNA: dict[str, Any] = {"first_name": "Anna", "last_name": "de Vries", "fields": {"city": "Ede"}}


def subscribe(cli: CommandLine) -> None:
    cli.ok(
        *("ask", "subscribe", SCHOOL, "cf-1", "--person", "-", "--list", "nieuwsbrief"),
        given={**ANNA, "email": EARLIER, "basis": BASIS},
    )
    cli.ok("ask", "update", SCHOOL, "cf-1", "--person", "-", given={"email": EMAIL})
    cli.work()


@pytest.fixture
def waiting(school: CommandLine) -> CommandLine:
    """A platform without an API, where Anna is to be subscribed by hand."""
    connect_by_hand(school)
    subscribe(school)
    return school


def only(cli: CommandLine) -> dict[str, Any]:
    [task] = cli.json("tasks", "list", SCHOOL)
    found: dict[str, Any] = task
    return found


def test_a_list_of_tasks_names_nobody(waiting: CommandLine) -> None:
    task = only(waiting)
    assert (task["kind"], task["verb"], task["title"]) == ("by_hand", "subscribe", "Kaartenbak")
    shown = waiting.ok("tasks", "list", SCHOOL)
    assert task["id"] in shown
    assert "Only you can do this in Kaartenbak: subscribe." in shown
    dutch = waiting.ok("tasks", "list", SCHOOL, "--language", "nl")
    assert "Dit kun alleen jij doen in Kaartenbak: aanmelden." in dutch
    assert "example" not in shown + dutch
    assert "Anna" not in shown + dutch


def test_a_task_shows_whom_where_and_how(waiting: CommandLine) -> None:
    task = only(waiting)["id"]
    shown = waiting.json("tasks", "show", task)
    assert shown["person"] == {
        "reference": "cf-1",
        "emails": [EMAIL, EARLIER],
        "fields": {"first_name": "Anna", "last_name": "de Vries"},  # city is not sent there
    }
    assert shown["subscribe"] == ["nieuwsbrief"]
    assert shown["steps"]["nl"].startswith("Log in op de schermen")
    dutch = waiting.ok("tasks", "show", task, "--language", "nl")
    assert "Dit kun alleen jij doen in Kaartenbak: aanmelden." in dutch
    assert "Aanmelden bij: nieuwsbrief" in dutch
    assert "Log in to the screens" in waiting.ok("tasks", "show", task)


def test_an_erasure_by_hand_shows_every_address_and_the_day(waiting: CommandLine) -> None:
    waiting.ok("tasks", "attest", only(waiting)["id"], "--role", "administration")
    waiting.ok("ask", "erase", SCHOOL, "cf-1", "--yes")
    waiting.work()
    task = only(waiting)
    assert (task["kind"], task["verb"]) == ("by_hand", "erase")
    shown = waiting.json("tasks", "show", task["id"])
    assert shown["person"] == {"reference": "cf-1", "emails": [EMAIL, EARLIER], "fields": {}}
    text = waiting.ok("tasks", "show", task["id"])
    assert f"Address: {EARLIER}" in text
    term = datetime.fromisoformat(task["deadline"]).astimezone(ZoneInfo("Europe/Amsterdam")).date()
    assert f"By: {term}" in text


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_a_term_ends_on_the_day_of_the_school(waiting: CommandLine, zone: str) -> None:
    """Half past ten in UTC is on another day in both."""
    ends = datetime(2026, 12, 26, 10, 30, tzinfo=UTC)
    waiting.ok("ask", "erase", SCHOOL, "cf-1", "--yes")
    waiting.work()
    with wiring.opened(from_environment()) as found, found.ledger.begin() as tx:
        tx.db.execute(sa.update(tasks).values(deadline=ends))
        tx.db.execute(sa.update(customers).values(time_zone=zone))
    [task] = [one["id"] for one in waiting.json("tasks", "list", SCHOOL)]
    last = str(ends.astimezone(ZoneInfo(zone)).date())
    assert last != str(ends.date())
    assert f"By: {last}" in waiting.ok("tasks", "show", task)
    assert last in waiting.ok("tasks", "list", SCHOOL)


def test_what_a_platform_keeps_after_an_erasure_comes_with_its_steps(
    school: CommandLine, platform: Platform
) -> None:
    connect(school, platform(Habit.ARCHIVES))
    subscribe(school)
    school.ok("ask", "erase", SCHOOL, "cf-1", "--yes")
    school.work()
    task = only(school)
    assert task["kind"] == "still_there"
    shown = school.json("tasks", "show", task["id"])
    assert shown["person"]["emails"] == [EMAIL, EARLIER]
    assert "klik op Verwijderen" in shown["steps"]["nl"]
    said = school.ok("tasks", "attest", task["id"], "--role", "administration")
    assert "that decides" in said
    school.work()
    assert only(school)["kind"] == "still_there"  # the word was no look


def test_where_nobody_can_look_a_task_becomes_attested(waiting: CommandLine) -> None:
    task = only(waiting)["id"]
    attested = waiting.json("tasks", "attest", task, "--role", "administration")
    assert attested == {"id": task, "state": "attested", "verified": False, "looks": False}
    assert waiting.json("tasks", "list", SCHOOL) == []


def test_a_closed_task_names_nobody_any_more(waiting: CommandLine) -> None:
    task = only(waiting)["id"]
    waiting.ok("tasks", "attest", task, "--role", "administration")
    shown = waiting.json("tasks", "show", task)
    assert shown["person"] is None
    assert shown["closed_at"]
    text = waiting.ok("tasks", "show", task)
    assert "closed already" in text
    assert EMAIL not in text
    assert "no such open task" in waiting.refused("tasks", "attest", task, "--role", "beheer")


@pytest.mark.parametrize("role", ["Anna de Vries", "", "a@b.nl", "x" * 60])
def test_a_role_is_never_a_name(waiting: CommandLine, role: str) -> None:
    task = only(waiting)["id"]
    assert "never a name" in waiting.refused("tasks", "attest", task, "--role", role)
    assert only(waiting)["id"] == task


@pytest.mark.parametrize("command", [("show",), ("attest", "--role", "beheer")], ids=" ".join)
def test_an_unknown_task_is_refused(school: CommandLine, command: tuple[str, ...]) -> None:
    assert "tasks list" in school.refused("tasks", command[0], str(uuid4()), *command[1:])
    said = school.refused("tasks", command[0], EMAIL, *command[1:])
    assert EMAIL not in said


def test_a_task_about_a_connection_closes_by_itself_only(
    school: CommandLine, platform: Platform
) -> None:
    server = platform(Habit.ARCHIVES)
    connect(school, server)
    server.api.account = replace(server.api.account, keys={})  # the key was taken away over there
    subscribe(school)
    task = only(school)
    assert task["kind"] == "reconnect"
    shown = school.json("tasks", "show", task["id"])
    assert (shown["person"], shown["steps"]) == (None, None)
    assert "no longer works" in school.ok("tasks", "show", task["id"])
    said = school.refused("tasks", "attest", task["id"], "--role", "beheer")
    assert "closes by itself" in said


class TestReport:
    def test_it_is_about_one_person_in_both_languages(self, waiting: CommandLine) -> None:
        for language, says in (("nl", "Jij bent aan zet"), ("en", "Your turn")):
            text = waiting.ok("report", SCHOOL, "cf-1", "--language", language)
            assert says in text
            assert EMAIL not in text

    def test_without_a_reference_it_is_totals(self, waiting: CommandLine) -> None:
        assert waiting.json("report", SCHOOL)["open_tasks"] == {"by_hand": 1}
        for language, says in (("nl", "Taken voor jou: 1"), ("en", "Tasks for you: 1")):
            assert says in waiting.ok("report", SCHOOL, "--language", language)

    def test_an_open_erasure_is_named_by_reference(self, waiting: CommandLine) -> None:
        waiting.ok("ask", "erase", SCHOOL, "cf-1", "--yes")
        text = waiting.ok("report", SCHOOL)
        assert "Open requests to erase: 1\n    cf-1, answer by 20" in text
        assert EMAIL not in text

    def test_somebody_unknown_and_an_address_are_refused(self, waiting: CommandLine) -> None:
        assert "We know nobody" in waiting.refused("report", SCHOOL, "cf-9")
        said = waiting.refused("report", SCHOOL, EMAIL)
        assert "A reference is no e-mail address" in said
        assert EMAIL not in said
