"""What an operator sees of the audit trail, as it was sealed or not."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from app import wiring
from app.settings import from_environment
from core.ledger import audit, schema
from tests.app.conftest import SCHOOL, CommandLine, connect_by_hand

PERSON = {"email": "jan.jansen@example.nl"}


@pytest.fixture
def sealed(school: CommandLine) -> CommandLine:
    connect_by_hand(school)
    school.ok("ask", "erase", SCHOOL, "cf-1", "--person", "-", "--yes", given=PERSON)
    with wiring.opened(from_environment()) as found:
        assert audit.seal(found.ledger) > 0
    return school


def change() -> None:
    with wiring.opened(from_environment()) as found, found.ledger.begin() as tx:
        tx.db.execute(sa.update(schema.events).values(kind="verified"))


def take_away() -> None:
    """Whoever does so knows that the ledger keeps the head as well."""
    with wiring.opened(from_environment()) as found, found.ledger.begin() as tx:
        tx.db.execute(sa.delete(schema.events))
        tx.db.execute(sa.delete(schema.audit_heads))


def test_a_trail_as_it_was_sealed(sealed: CommandLine) -> None:
    assert f"{SCHOOL}: all as it was sealed; events: 1." in sealed.ok("audit", "verify")
    [one] = sealed.json("audit", "verify", SCHOOL)
    assert (one["events"], one["broken"]) == (1, None)


def test_a_changed_event_is_named_with_what_to_do(sealed: CommandLine) -> None:
    change()
    result = sealed("audit", "verify", SCHOOL)
    assert result.exit_code == 2
    assert "event 1 (row 1) is not as it was sealed: an event was changed." in result.stdout
    assert "compare it with your backups" in result.stderr


def test_heads_that_were_kept_show_that_the_newest_are_gone(sealed: CommandLine) -> None:
    kept = sealed.file("heads.jsonl", sealed.ok("audit", "heads", "--json"))
    assert "all as it was sealed" in sealed.ok("audit", "verify", "--heads", kept)
    take_away()
    assert sealed("audit", "verify").exit_code == 0
    result = sealed("audit", "verify", "--heads", kept, "--json")
    assert result.exit_code == 2
    [one] = json.loads(result.stdout)
    assert (one["broken"], one["how"]) == (1, "the newest events are missing")


@pytest.mark.parametrize("line", ["no JSON", "{}x", "3", "[3]", "[" * 100_000])
def test_what_is_no_head_is_named_by_its_line(sealed: CommandLine, line: str) -> None:
    file = sealed.file("heads.jsonl", sealed.ok("audit", "heads", "--json") + line)
    said = sealed.refused("audit", "verify", "--heads", file)
    assert said.startswith(f"Line 2 of {file} holds no heads of audit trails.")


def test_a_head_names_nobody(sealed: CommandLine) -> None:
    assert PERSON["email"] not in sealed.ok("audit", "heads", "--json")
    assert sealed.ok("audit", "heads").splitlines()[1].startswith(f"{SCHOOL}\t1\t20")
