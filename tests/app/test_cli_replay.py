"""What an operator sees of a machine whose disk was put back to an earlier moment."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from app import wiring
from app.settings import from_environment
from core.ledger import pulse
from tests.app.conftest import SCHOOL, CommandLine, connect_by_hand

ANNA = {"email": "anna@example.nl"}
OTHERS = [
    ("report", SCHOOL),
    ("serve", "--port", "0"),
    ("ask", "erase", SCHOOL, "cf-1", "--person", "-", "--yes"),
    ("customer", "create", "Another"),
]


def beat() -> None:
    """As whoever leads does each minute."""
    with wiring.opened(from_environment()) as found:
        pulse.beat(found.ledger.database, found.ledger.safe.database)


def image(file: Path) -> bytes:
    with closing(sqlite3.connect(file)) as database:
        return database.serialize()


@pytest.fixture
def put_back(school: CommandLine) -> CommandLine:
    """One where somebody was erased after the disk was as it is now."""
    connect_by_hand(school)
    beat()
    ledger = school.folder / "ledger.db"
    before = image(ledger)
    school.ok("ask", "erase", SCHOOL, "cf-1", "--person", "-", "--yes", given=ANNA)
    beat()
    for left in school.folder.glob("ledger.db-*"):
        left.unlink()
    ledger.write_bytes(before)
    return school


@pytest.mark.parametrize("command", OTHERS, ids=" ".join)
def test_nothing_starts_before_the_replay(put_back: CommandLine, command: tuple[str, ...]) -> None:
    said = put_back.refused(*command, given=ANNA)
    assert "put back from a backup" in said
    assert "courseflow-sync replay" in said


def test_after_it_the_erasure_holds_and_everything_starts(put_back: CommandLine) -> None:
    assert put_back.json("replay") == {"erased": 1, "opted_out": 0}
    report = put_back.json("report", SCHOOL, "cf-1")
    assert [one["state"] for one in report["systems"]] != []
    said = put_back.ok("replay")
    assert "did not know: 0" in said
    assert "is lost" not in said


def test_what_else_was_lost_is_said(put_back: CommandLine) -> None:
    said = put_back.ok("replay")
    assert "did not know: 1" in said
    assert "revoke them anew" in said
    assert "has to ask again" in said
