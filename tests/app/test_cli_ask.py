"""Asking about one person: subscribe, update, unsubscribe, erase."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.sandbox.contacts import Habit
from tests.app.conftest import (
    SCHOOL,
    CommandLine,
    Platform,
    connect,
    connect_by_hand,
    full_environment,
)

EMAIL = "anna.de.vries@example.nl"
BASIS = {"kind": "consent", "id": "b-1", "given_at": "2026-03-31", "source": "website"}
ANNA: dict[str, Any] = {"email": EMAIL, "first_name": "Anna", "last_name": "de Vries"}
SUBSCRIBE = ("ask", "subscribe", SCHOOL, "cf-1", "--person", "-", "--list", "nieuwsbrief")
UPDATE = ("ask", "update", SCHOOL, "cf-1", "--person", "-")
UNSUBSCRIBE = ("ask", "unsubscribe", SCHOOL, "cf-1")
ERASE = ("ask", "erase", SCHOOL, "cf-1")


@pytest.fixture
def subscribed(school: CommandLine, platform: Platform) -> CommandLine:
    """Anna is at one platform, and we saw her there."""
    connect(school, platform(Habit.FLAKY))
    school.ok(*SUBSCRIBE, given={**ANNA, "basis": BASIS})
    school.work()
    return school


def state(cli: CommandLine) -> dict[str, Any]:
    [system] = [
        one for one in cli.json("report", SCHOOL, "cf-1")["systems"] if one["kind"] == "platform"
    ]
    found: dict[str, Any] = system
    return found


def test_what_is_asked_is_accepted_and_carried_out(subscribed: CommandLine) -> None:
    assert state(subscribed)["state"] == "still_there"
    accepted = subscribed.json(*UPDATE, given={"last_name": None})
    assert (accepted["verb"], accepted["holdings"]) == ("update", 1)
    subscribed.work()
    assert state(subscribed)["seen"][0]["fields"] == ["email", "first_name"]
    subscribed.ok(*UNSUBSCRIBE)
    subscribed.work()
    assert state(subscribed)["seen"][0]["presence"] == "unsubscribed"
    subscribed.ok(*ERASE, "--yes")
    subscribed.work()
    assert state(subscribed)["state"] == "not_found"


def test_the_answer_names_the_operation_and_where_to_look(school: CommandLine) -> None:
    said = school.ok(*SUBSCRIBE, given={**ANNA, "basis": BASIS})
    assert "no connection" in said
    assert f"courseflow-sync report '{SCHOOL}' cf-1" in said
    assert EMAIL not in said


def test_a_basis_may_come_from_a_file_of_its_own(school: CommandLine) -> None:
    basis = school.file("basis.json", BASIS)
    school.ok(*SUBSCRIBE, "--basis", basis, given=ANNA)
    said = school.refused(*SUBSCRIBE, "--basis", basis, given={**ANNA, "basis": BASIS})
    assert "Give it once" in said
    said = school.refused(*SUBSCRIBE, "--basis", "-", given=ANNA)
    assert "can be read once only" in said


@pytest.mark.parametrize(
    ("person", "says"),
    [
        (ANNA, "needs a basis"),
        ({"basis": BASIS}, "needs an e-mail address"),
        ({**ANNA, "basis": {**BASIS, "kind": "because"}}, "basis.kind: Input should be 'consent'"),
        ({**ANNA, "basis": {**BASIS, "given_at": "soon"}}, "no date that exists"),
        ({**ANNA, "basis": {**BASIS, "given_at": "2126-01-01"}}, "in the future"),
        ({**ANNA, "basis": {**BASIS, "id": ""}}, "basis.id: empty"),
        ({**ANNA, "email": "hush@@example.nl"}, "email: An e-mail address has exactly one @"),
        ({**ANNA, "email": None}, "email: Input should be a valid string"),
        ({**ANNA, "email": "hush@example.nl, x@example.nl"}, "more than one e-mail address"),
        ({**ANNA, "first_name": ""}, "give null to clear it"),
        ({**ANNA, "first_name": "=hush()"}, "first_name: it begins like a formula"),
        ({**ANNA, "first_name": "hush\u202e"}, "first_name: it holds an invisible character"),
        ({**ANNA, "first_name": "h\nush"}, "first_name: it holds a line break"),
        ({**ANNA, "last_name": "x" * 501}, "last_name: longer than 500"),
        ({**ANNA, "hush@example.nl": 1}, "…: a name that we do not know"),
        ({**ANNA, "fields": {"hush@example.nl": "x"}}, "fields: a name of a field"),
        ({**ANNA, "fields": {"email": "x"}}, "fields: a name of a field"),
        ({**ANNA, "fields": {"city": 3}}, "fields.…: Input should be a valid string"),
    ],
)
def test_what_cannot_be_used_is_named_and_never_quoted(
    school: CommandLine, person: dict[str, Any], says: str
) -> None:
    said = school.refused(*SUBSCRIBE, given=person)
    assert says in said
    assert "hush" not in said
    assert EMAIL not in said


def test_a_basis_a_little_ahead_of_our_clock_is_no_lie(school: CommandLine) -> None:
    soon = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    school.ok(*SUBSCRIBE, given={**ANNA, "basis": {**BASIS, "given_at": soon}})


def test_an_unknown_list_is_refused_with_those_there_are(school: CommandLine) -> None:
    said = school.refused(*SUBSCRIBE, "--list", "jazz", given={**ANNA, "basis": BASIS})
    assert "cursusinfo, nieuwsbrief" in said


@pytest.mark.parametrize("verb", ["update", "unsubscribe", "erase"])
def test_a_basis_belongs_to_subscribing_only(school: CommandLine, verb: str) -> None:
    more = ("--yes",) if verb == "erase" else ()
    asked = ("ask", verb, SCHOOL, "cf-1", "--person", "-", *more)
    assert "subscribing only" in school.refused(*asked, given={**ANNA, "basis": BASIS})


@pytest.mark.parametrize("command", [(*UPDATE,), UNSUBSCRIBE, (*ERASE, "--yes")])
def test_somebody_unknown_is_refused_with_what_to_do(
    school: CommandLine, command: tuple[str, ...]
) -> None:
    assert "We know nobody" in school.refused(*command, given={"first_name": "Anna"})


def test_somebody_unknown_is_erased_by_address(school: CommandLine) -> None:
    connect_by_hand(school)
    accepted = school.json(*ERASE, "--yes", "--person", "-", given={"email": EMAIL})
    assert accepted["holdings"] == 1


@pytest.mark.parametrize("reference", [EMAIL, "", " cf-1", "x" * 201])
@pytest.mark.parametrize("verb", ["subscribe", "update", "unsubscribe", "erase"])
def test_a_reference_that_cannot_be_one_is_refused(
    school: CommandLine, verb: str, reference: str
) -> None:
    more = {"erase": ("--yes",), "subscribe": ("--person", "-"), "update": ("--person", "-")}
    asked = ("ask", verb, SCHOOL, reference, *more.get(verb, ()))
    said = school.refused(*asked, given={**ANNA, "first_name": "Anna"})
    assert "reference" in said
    assert EMAIL not in said


def test_an_address_typed_as_an_argument_is_not_repeated(school: CommandLine) -> None:
    said = school.refused("ask", "erase", SCHOOL, "cf-1", EMAIL)
    assert EMAIL not in said


def test_the_term_runs_from_when_the_person_asked(school: CommandLine) -> None:
    connect_by_hand(school)
    school.ok(
        *(*ERASE, "--yes", "--person", "-", "--received-at", "2026-01-31T23:30"),
        *("--channel", "phone", "--identity-checked-how", "called back"),
        given={"email": EMAIL},
    )
    assert school.json("report", SCHOOL, "cf-1")["deadline"] == "2026-02-28"


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--received-at", "2126-01-01", "in the future"),
        ("--received-at", "yesterday", "no date that exists"),
        ("--channel", "", "without an e-mail address"),
        ("--identity-checked-how", f"mailed {EMAIL}", "without an e-mail address"),
    ],
)
def test_notes_that_cannot_be_kept_are_refused(
    school: CommandLine, option: str, value: str, says: str
) -> None:
    said = school.refused(*ERASE, "--yes", "--person", "-", option, value, given={"email": EMAIL})
    assert says in said
    assert EMAIL not in said


class TestErasing:
    def test_without_a_terminal_it_needs_yes(self, subscribed: CommandLine) -> None:
        assert "Add --yes" in subscribed.refused(*ERASE)
        assert state(subscribed)["state"] == "still_there"

    def test_an_address_on_standard_input_leaves_nobody_to_ask(
        self, subscribed: CommandLine
    ) -> None:
        subscribed.patch.setattr("app.commands.asking.is_terminal", lambda _: True)
        said = subscribed.refused(*ERASE, "--person", "-", given={"email": EMAIL})
        assert "Add --yes" in said

    @pytest.mark.parametrize(("typed", "code"), [("cf-1", 0), ("cf-2", 2), ("yes", 2)])
    def test_on_a_terminal_the_reference_is_typed_again(
        self, subscribed: CommandLine, typed: str, code: int
    ) -> None:
        subscribed.patch.setattr("app.commands.asking.is_terminal", lambda _: True)
        result = subscribed(*ERASE, "--undo-minutes", "0", given=f"{typed}\n")
        assert result.exit_code == code
        assert "at all 1 connections" in result.stderr
        subscribed.work()
        assert state(subscribed)["state"] == ("still_there" if code else "not_found")

    def test_on_a_terminal_it_can_be_undone_for_half_an_hour(self, subscribed: CommandLine) -> None:
        subscribed.patch.setattr("app.commands.asking.is_terminal", lambda _: True)
        result = subscribed(*ERASE, given="cf-1\n")
        assert "undone for 30 minutes" in result.stderr
        [said] = [line for line in result.stdout.splitlines() if "undo" in line]
        operation = said.rpartition(" ")[2]
        subscribed.work()
        assert state(subscribed)["state"] == "queued"
        assert "Nobody was erased" in subscribed.ok("undo", SCHOOL, operation)
        subscribed.work()
        assert state(subscribed)["state"] == "still_there"
        assert "undone already" in subscribed.refused("undo", SCHOOL, operation)

    def test_with_yes_it_is_done_at_once_unless_minutes_are_given(
        self, subscribed: CommandLine
    ) -> None:
        asked = subscribed.json(*ERASE, "--yes", "--undo-minutes", "5")
        subscribed.work()
        assert state(subscribed)["state"] == "queued"
        assert subscribed.json("undo", SCHOOL, asked["id"])["undone"]
        subscribed.ok(*ERASE, "--yes")
        subscribed.work()
        assert state(subscribed)["state"] == "not_found"

    def test_who_answers_nothing_at_all_erases_nobody(self, subscribed: CommandLine) -> None:
        subscribed.patch.setattr("app.commands.asking.is_terminal", lambda _: True)
        assert subscribed(*ERASE).exit_code == 130
        assert state(subscribed)["state"] == "still_there"

    def test_a_real_terminal_is_asked(self, subscribed: CommandLine) -> None:
        master, slave = pty.openpty()
        with subprocess.Popen(
            [sys.executable, "-m", "app.cli", *ERASE],
            stdin=slave,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=full_environment(subscribed),
        ) as process:
            os.write(master, b"cf-1\n")
            out, said = process.communicate(timeout=20)
        os.close(master)
        os.close(slave)
        assert process.returncode == 0, said
        assert b"Type the reference to confirm" in said
        assert b"Accepted as operation" in out
