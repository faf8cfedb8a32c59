"""Recording that the person was answered."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.app.conftest import SCHOOL, CommandLine, connect_by_hand

EMAIL = "anna.de.vries@example.nl"
LETTER = ("--how", "letter")


@pytest.fixture
def erased(school: CommandLine) -> str:
    connect_by_hand(school)
    made: dict[str, Any] = school.json(
        *("ask", "erase", SCHOOL, "cf-1", "--yes", "--person", "-"),
        *("--received-at", "2026-11-01"),
        given={"email": EMAIL},
    )
    return str(made["id"])


def test_what_the_person_was_told_is_in_the_report(school: CommandLine, erased: str) -> None:
    made = school.json(
        *("answer", SCHOOL, erased, "--outcome", "refused", *LETTER, "--reason", "-"),
        *("--at", "2026-11-02T10:00"),
        given="Er loopt nog een cursus.",
    )
    assert made["at"] == "2026-11-02T09:00:00Z"
    report = school.json("report", SCHOOL, "cf-1")
    assert report["answered_at"] == "2026-11-02T09:00:00Z"
    assert report["answers"] == [made]
    assert made["reason"] == "Er loopt nog een cursus."
    assert "2 November 2026 10:00 (refused)" in school.ok("report", SCHOOL, "cf-1")


def test_an_extension_says_until_when(school: CommandLine) -> None:
    connect_by_hand(school)
    asked = school.json(
        "ask", "erase", SCHOOL, "cf-1", "--yes", "--person", "-", given={"email": EMAIL}
    )
    reason = school.file("reason.txt", "Het archief is verhuisd.")
    extend = ("answer", SCHOOL, asked["id"], "--outcome", "extended", *LETTER, "--reason", reason)
    assert "has to be answered by" in school.ok(*extend)
    report = school.json("report", SCHOOL, "cf-1")
    assert report["answered_at"] is None
    assert report["answers"][0]["deadline"][:10] >= report["deadline"][:10]
    assert "not yet (term extended)" in school.ok("report", SCHOOL, "cf-1")
    assert "It can be once" in school.refused(*extend)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--outcome", "refused", *LETTER), "needs the reason"),
        (("--outcome", "done", "--how", f"mailed {EMAIL}"), "without an e-mail address"),
        (("--outcome", "done", *LETTER, "--at", "2126-01-01"), "in the future"),
        (("--outcome", "done", *LETTER, "--reason", "nowhere.txt"), "cannot be read"),
    ],
)
def test_an_answer_that_cannot_be_recorded_is_refused(
    school: CommandLine, erased: str, more: tuple[str, ...], says: str
) -> None:
    said = school.refused("answer", SCHOOL, erased, *more)
    assert says in said
    assert EMAIL not in said


def test_an_unknown_operation_is_refused(school: CommandLine) -> None:
    said = school.refused("answer", SCHOOL, str(uuid4()), "--outcome", "done", *LETTER)
    assert "no operation" in said
