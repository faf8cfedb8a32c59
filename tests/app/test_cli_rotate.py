"""A newer key on the command line: added, spread, used, and the older one taken out."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa

from app import wiring
from app.settings import from_environment
from core.ledger.schema import customers
from tests.app.conftest import PREFIX, SCHOOL, CommandLine, connect_by_hand

PERSON = {
    "email": "jan.jansen@example.nl",
    "basis": {"kind": "consent", "id": "b-1", "given_at": "2026-03-31", "source": "website"},
}
DAMAGED = b"x" * 60


@pytest.fixture
def lived(school: CommandLine) -> CommandLine:
    """With somebody of whom there is something to read."""
    connect_by_hand(school)
    asked = ("ask", "subscribe", SCHOOL, "cf-1", "--list", "nieuwsbrief", "--person", "-")
    school.ok(*asked, given=PERSON)
    return school


@pytest.fixture
def rotated(lived: CommandLine) -> CommandLine:
    lived.ok("key", "add")
    lived.ok("rotate-keys", "--yes")
    return lived


def key_file(cli: CommandLine) -> Path:
    return Path(cli.env[f"{PREFIX}KEY_FILE"])


def versions(cli: CommandLine) -> list[int]:
    return [int(one) for one in json.loads(key_file(cli).read_text())]


def readable(cli: CommandLine) -> bool:
    return bool(cli.json("report", SCHOOL, "cf-1")["person"]["email"] == "j•••@e•••.nl")


def test_adding_says_to_copy_the_file_before_it_is_used(lived: CommandLine) -> None:
    said = lived.ok("key", "add")
    assert said.index("every machine") < said.index("rotate-keys")
    assert versions(lived) == [1, 2]
    assert lived.json("key", "add") == {"key_file": str(key_file(lived)), "version": 3}


def test_another_file_can_be_named(lived: CommandLine) -> None:
    copy = lived.folder / "copy.json"
    shutil.copy2(key_file(lived), copy)
    lived.ok("key", "add", str(copy))
    assert versions(lived) == [1]
    assert len(json.loads(copy.read_text())) == 2


def test_a_file_that_cannot_be_changed_is_refused_in_words(lived: CommandLine) -> None:
    assert "There is no key file" in lived.refused("key", "add", str(lived.folder / "nowhere"))


def test_rotating_wraps_every_key_anew_and_all_stays_readable(lived: CommandLine) -> None:
    lived.ok("customer", "create", "De Kwast")
    lived.ok("key", "add")
    told = lived.json("rotate-keys", "--yes")
    assert told == {"version": 2, "rewrapped": 2, "unreadable": [], "unneeded": [1]}
    assert readable(lived)


def test_rotating_again_says_that_there_was_nothing_to_do(rotated: CommandLine) -> None:
    assert "were under version 2 already" in rotated.ok("rotate-keys")
    assert rotated.json("rotate-keys")["rewrapped"] == 0


def test_with_one_version_it_says_how_to_get_another(lived: CommandLine) -> None:
    assert "courseflow-sync key add" in lived.ok("rotate-keys")


def test_the_first_use_of_a_version_is_confirmed(lived: CommandLine) -> None:
    lived.ok("key", "add")
    said = lived.refused("rotate-keys")
    assert "every machine" in said
    assert "--yes" in said
    lived.patch.setattr("app.commands.rotating.is_terminal", lambda _: True)
    assert lived("rotate-keys", given="n\n").exit_code == 2
    assert [one["wrapped"] for one in lived.json("key", "versions")] == [1, 0]
    assert "Keys wrapped anew: 1." in lived.ok("rotate-keys", given="y\n")


def test_what_was_begun_is_finished_without_a_question(rotated: CommandLine) -> None:
    with wiring.opened(from_environment()) as found, found.ledger.begin() as tx:
        key = found.ledger.keys_of(tx, tx.db.execute(sa.select(customers.c.id)).scalar_one()).key
        one = UUID(int=1)
        row = {"id": one, "name": "De Kwast", "time_zone": "Europe/Amsterdam", "key_version": 1}
        row |= {"created_at": tx.now}
        row |= {"wrapped_key": found.ledger.key_versions[1].seal(key.secret, f"customers|{one}")}
        tx.db.execute(sa.insert(customers).values(row))
    assert rotated.json("rotate-keys")["rewrapped"] == 1


def test_on_a_terminal_a_bar_moves(lived: CommandLine) -> None:
    lived.ok("key", "add")
    lived.patch.setattr("app.commands.bar.is_terminal", lambda _: True)
    result = lived("rotate-keys", "--yes")
    assert "1/1 keys" in result.stderr
    assert "wrapped anew" in result.stdout


def test_the_versions_say_what_they_are_for(lived: CommandLine) -> None:
    def roles() -> list[str]:
        return [one["role"] for one in lived.json("key", "versions")]

    assert roles() == ["in use"]
    lived.ok("key", "add")
    assert roles() == ["in use", "not in use before rotate-keys"]
    lived.ok("rotate-keys", "--yes")
    assert roles() == ["needed by older backups only", "in use"]
    assert "VERSION\tWRAPPED KEYS\tROLE" in lived.ok("key", "versions")


def test_the_older_version_can_go_and_the_newest_alone_opens_everything(
    rotated: CommandLine,
) -> None:
    said = rotated.ok("rotate-keys")
    assert "key remove 1" in said
    assert "90 days" in said
    assert "90 days" in rotated.refused("key", "remove", "1")
    assert versions(rotated) == [1, 2]
    assert rotated.json("key", "remove", "1", "--yes")["removed"] == 1
    assert versions(rotated) == [2]
    assert readable(rotated)


def test_a_ledger_that_was_restored_needs_the_version_of_its_day(lived: CommandLine) -> None:
    copy, dump = lived.folder / "copy.json", lived.folder / "dump.db"
    shutil.copy2(key_file(lived), copy)
    vacuumed_into(lived.folder / "ledger.db", dump)
    lived.ok("key", "add")
    lived.ok("rotate-keys", "--yes")
    lived.ok("key", "remove", "1", "--yes")
    for left in lived.folder.glob("ledger.db*"):
        left.unlink()
    shutil.copy2(dump, lived.folder / "ledger.db")
    assert "key put-back COPY" in lived.refused("report", SCHOOL, "cf-1")
    assert lived.json("key", "put-back", str(copy))["versions"] == [1]
    assert readable(lived)
    assert "lacks nothing" in lived.ok("key", "put-back", str(copy))


def vacuumed_into(ledger: Path, dump: Path) -> None:
    with closing(sqlite3.connect(ledger)) as db:
        db.execute("VACUUM INTO ?", [str(dump)])


def test_a_version_that_is_needed_stays(lived: CommandLine) -> None:
    assert "rotate-keys" in lived.refused("key", "remove", "1", "--yes")
    lived.ok("key", "add")
    assert "(keys: 1)" in lived.refused("key", "remove", "1", "--yes")
    assert "not in use yet" in lived.refused("key", "remove", "2", "--yes")
    assert "no version 7" in lived.refused("key", "remove", "7", "--yes")
    assert versions(lived) == [1, 2]


def test_a_machine_that_was_forgotten_is_told_so_and_starts_nothing(lived: CommandLine) -> None:
    forgotten = lived.folder / "forgotten.json"
    shutil.copy2(key_file(lived), forgotten)
    here = lived.env[f"{PREFIX}KEY_FILE"]
    lived.ok("key", "add")
    lived.ok("rotate-keys", "--yes")
    lived.env[f"{PREFIX}KEY_FILE"] = str(forgotten)
    for command in (("serve",), ("report", SCHOOL, "cf-1"), ("rotate-keys",)):
        said = lived.refused(*command)
        assert "lacks version 2" in said
        assert "Copy the key file here" in said
    shutil.copy2(here, forgotten)
    assert readable(lived)


def test_a_version_that_was_made_twice_is_told_from_the_one_in_use(lived: CommandLine) -> None:
    other = lived.folder / "other.json"
    shutil.copy2(key_file(lived), other)
    lived.ok("key", "add")
    lived.ok("key", "add", str(other))
    lived.ok("rotate-keys", "--yes")
    lived.env[f"{PREFIX}KEY_FILE"] = str(other)
    said = lived.refused("rotate-keys", "--yes")
    assert "does not open with this key file (customers, version 2)" in said
    assert "on which rotate-keys was run" in said


def test_a_damaged_key_is_told_and_the_others_are_wrapped(lived: CommandLine) -> None:
    lived.ok("customer", "create", "De Kwast")
    lived.ok("key", "add")
    with wiring.opened(from_environment()) as found, found.ledger.begin() as tx:
        hurt = sa.update(customers).where(customers.c.name == "De Kwast")
        tx.db.execute(hurt.values(wrapped_key=DAMAGED))
    result = lived("rotate-keys", "--yes", "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert (told["rewrapped"], len(told["unreadable"]), told["unneeded"]) == (1, 1, [])
    assert "Keys that do not open under the version that they name: 1." in result.stderr
    assert readable(lived)
