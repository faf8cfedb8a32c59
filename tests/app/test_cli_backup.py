"""Backups on the command line: made, kept, brought back, and refused in words."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.testing.plaintext import Scanner
from tests.app.conftest import PREFIX, SCHOOL, CommandLine, connect_by_hand, full_environment
from tests.app.test_cli_rotate import PERSON

Files = tuple[str, str]
EMAIL = "jan.jansen@example.nl"


@pytest.fixture
def lived(school: CommandLine) -> CommandLine:
    connect_by_hand(school)
    asked = ("ask", "subscribe", SCHOOL, "cf-1", "--list", "nieuwsbrief", "--person", "-")
    school.ok(*asked, given=PERSON)
    (school.folder / "backups").mkdir()
    return school


def backups(cli: CommandLine) -> str:
    return str(cli.folder / "backups")


def backed_up(cli: CommandLine) -> Files:
    made = cli.json("backup", backups(cli))
    return made["ledger"], made["safe"]


def elsewhere(cli: CommandLine) -> None:
    """The databases are lost; the key file's folder and the backups are not."""
    cli.env[f"{PREFIX}DATABASE_URL"] = f"sqlite:///{cli.folder}/new/ledger.db"


def readable(cli: CommandLine) -> bool:
    """After a restore nothing starts before the replay."""
    assert "courseflow-sync replay" in cli.refused("report", SCHOOL, "cf-1")
    cli.ok("replay")
    return bool(cli.json("report", SCHOOL, "cf-1")["person"]["email"] == "j•••@e•••.nl")


def test_it_says_what_was_written_until_when_and_what_to_copy(lived: CommandLine) -> None:
    said = lived.ok("backup", backups(lived))
    until = datetime.now(UTC).date() + timedelta(days=90)
    assert f"Nobody can read them from {until} on" in said
    assert str(lived.folder / "day-keys.json") in said
    assert "together with the key file" in said
    assert len(list((lived.folder / "backups").iterdir())) == 2


def test_both_come_back(lived: CommandLine) -> None:
    files = backed_up(lived)
    elsewhere(lived)
    said = lived.ok("restore", *files)
    assert "The ledger is as it was on" in said
    assert "The safe is as it was on" in said
    assert readable(lived)
    assert json.loads((lived.folder / "day-keys.json").read_text())["days"]


def test_what_was_restored_is_told_as_json(lived: CommandLine) -> None:
    files = backed_up(lived)
    elsewhere(lived)
    assert set(lived.json("restore", *files)) == {"ledger", "safe"}


def test_one_after_the_other_will_do(lived: CommandLine) -> None:
    ledger, safe = backed_up(lived)
    elsewhere(lived)
    lived.ok("restore", ledger)
    assert "migrate" in lived.refused("report", SCHOOL, "cf-1")
    lived.ok("restore", safe)
    assert readable(lived)


def test_after_a_rotation_older_backups_come_back_until_the_version_is_taken_out(
    lived: CommandLine,
) -> None:
    files = backed_up(lived)
    lived.ok("key", "add")
    assert lived.json("rotate-keys", "--yes")["rewrapped"] == 2, "a customer's key, a day's"
    assert [one["wrapped"] for one in lived.json("key", "versions")] == [0, 2]
    before = (lived.folder / "key.json").read_bytes()
    lived.ok("key", "remove", "1", "--yes")
    elsewhere(lived)
    assert "version 1 of the key file" in lived.refused("restore", *files)
    (lived.folder / "key.json").write_bytes(before)
    lived.ok("restore", *files)
    assert readable(lived)


def test_a_version_that_only_a_days_key_needs_stays(lived: CommandLine) -> None:
    lived.ok("key", "add")
    lived.ok("rotate-keys", "--yes")
    backed_up(lived)
    lived.ok("key", "add")
    assert "keys: 2" in lived.refused("key", "remove", "2", "--yes")
    assert [one["wrapped"] for one in lived.json("key", "versions")] == [0, 2, 0]


def test_full_databases_stay_as_they_are(lived: CommandLine) -> None:
    said = lived.refused("restore", *backed_up(lived))
    assert "is not empty" in said
    assert "COURSEFLOW_SYNC_DATABASE_URL" in said
    assert lived.json("report", SCHOOL, "cf-1")["person"]["email"] == "j•••@e•••.nl"


def test_bad_input_is_refused_in_words(lived: CommandLine) -> None:
    ledger, safe = backed_up(lived)
    assert "no folder" in lived.refused("backup", str(lived.folder / "nowhere"))
    assert "No such file" in lived.refused("restore", str(lived.folder / "nowhere"))
    assert "Is a directory" in lived.refused("restore", str(lived.folder))
    key_file = str(lived.folder / "key.json")
    assert "is damaged" in lived.refused("restore", key_file)
    assert "same store" in lived.refused("restore", safe, safe)
    elsewhere(lived)
    whole = Path(ledger).read_bytes()
    Path(ledger).write_bytes(whole[:-1])
    assert "Fetch the file again" in lived.refused("restore", ledger, safe)
    assert "There is no key file" in without_key(lived, ledger)


def without_key(cli: CommandLine, file: str) -> str:
    cli.env[f"{PREFIX}KEY_FILE"] = str(cli.folder / "nowhere.json")
    return cli.refused("restore", file)


def test_without_the_day_key_file_a_lost_safe_is_lost(lived: CommandLine) -> None:
    files = backed_up(lived)
    (lived.folder / "day-keys.json").unlink()
    elsewhere(lived)
    assert "Put the newest copy of the file day-keys.json there" in lived.refused("restore", *files)


def test_a_folder_that_cannot_be_written_is_told(lived: CommandLine) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    lived.patch.setattr("core.placing.os.fsync", full)
    assert "No space left" in lived.refused("backup", backups(lived))
    assert list((lived.folder / "backups").iterdir()) == []


def test_on_a_terminal_it_shows_how_far_it_is(lived: CommandLine) -> None:
    lived.patch.setattr("app.commands.bar.is_terminal", lambda _: True)
    result = lived("backup", backups(lived))
    assert "MiB written" in result.stderr
    assert "Wrote" in result.stdout


def test_nobody_is_named_in_what_is_left_when_it_is_killed(lived: CommandLine) -> None:
    """Killed where the ledger's file is whole, and has no name yet."""
    program = (
        "import os, signal\n"
        "from core.backups import making\n"
        "making.same_shape = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from app.cli import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "backup", backups(lived)],
        env=full_environment(lived),
        timeout=60,
        check=False,
        capture_output=True,
    )
    assert done.returncode == -9
    (left,) = (lived.folder / "backups").iterdir()
    assert left.name.startswith(".ledger-")
    assert left.stat().st_mode & 0o077 == 0
    assert not list(Scanner([EMAIL, SCHOOL]).in_files([left]))
    files = backed_up(lived)
    elsewhere(lived)
    lived.ok("restore", *files)
