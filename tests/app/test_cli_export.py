"""Exporting a person: to a file of one's own or into a pipe, never to a screen."""

from __future__ import annotations

import json
import stat
from typing import Any

import pytest

from tests.app.conftest import SCHOOL, CommandLine, connect_by_hand

EMAIL = "anna.de.vries@example.nl"
ANNA: dict[str, Any] = {
    "email": EMAIL,
    "first_name": "Zoë",
    "basis": {"kind": "consent", "id": "b-1", "given_at": "2026-03-31", "source": "website"},
}
EXPORT = ("export", SCHOOL, "cf-1")


@pytest.fixture
def known(school: CommandLine) -> CommandLine:
    connect_by_hand(school)
    asked = ("ask", "subscribe", SCHOOL, "cf-1", "--person", "-", "--list", "nieuwsbrief")
    school.ok(*asked, given=ANNA)
    return school


def test_a_pipe_gets_it(known: CommandLine) -> None:
    made = json.loads(known.ok(*EXPORT))
    assert made["addresses"] == [EMAIL]
    assert made["operations"][0]["basis"]["id"] == "b-1"


def test_a_file_that_only_we_can_read_gets_it(known: CommandLine) -> None:
    path = known.folder / "anna.json"
    result = known(*EXPORT, "--output", str(path))
    assert (result.exit_code, result.stdout) == (0, "")
    assert EMAIL not in result.stderr
    assert json.loads(path.read_text())["person"]["fields"]["first_name"] == "Zoë"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_program_is_told_which_file(known: CommandLine) -> None:
    path = str(known.folder / "anna.json")
    assert known.json(*EXPORT, "--output", path) == {"output": path}


def test_no_file_is_written_over(known: CommandLine) -> None:
    path = known.file("there.json", "mine")
    said = known.refused(*EXPORT, "--output", path)
    assert said == f"{path} exists already, and stays as it is. Choose another name.\n"
    assert (known.folder / "there.json").read_text() == "mine"


def test_a_screen_never_gets_it(known: CommandLine) -> None:
    known.patch.setattr("app.commands.exporting.is_terminal", lambda _: True)
    assert "--output FILE" in known.refused(*EXPORT)


@pytest.mark.parametrize("reference", ["cf-9", EMAIL])
def test_who_is_unknown_is_refused(known: CommandLine, reference: str) -> None:
    said = known.refused("export", SCHOOL, reference)
    assert EMAIL not in said
