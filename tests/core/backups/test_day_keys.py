"""Each day has a key for its backups, and 90 days later nobody has it."""

from __future__ import annotations

import json
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from core import keyfile
from core.backups import day_key_file, day_keys
from core.database import Database
from core.ledger import Ledger, customers, wrapping
from core.refusals import CannotAccept
from core.safe import schema
from core.safe.scouring import scour
from core.sealing import Key
from tests.databases import NOW, Clock
from tests.threads import at_once
from workers.dispatcher import Dispatcher

DAY = timedelta(days=1)


@pytest.fixture
def file(key_file: Path) -> Path:
    return day_key_file.beside(key_file)


@pytest.fixture(autouse=True)
def numbered(number: UUID) -> UUID:
    return number


def today(ledger: Ledger, file: Path) -> Key:
    return day_keys.today(ledger, file)[1]


def days(file: Path) -> list[str]:
    return list(json.loads(file.read_text())["days"])


def in_safe(ledger: Ledger) -> list[str]:
    with ledger.safe.database.read() as tx:
        return [one.day for one in tx.db.execute(sa.select(schema.day_keys)).all()]


def test_a_day_has_one_key_and_the_next_day_another(
    ledger: Ledger, file: Path, clock: Clock
) -> None:
    first = today(ledger, file)
    assert today(ledger, file) == first
    clock.passes(DAY)
    assert today(ledger, file) != first
    assert days(file) == in_safe(ledger) == ["2026-11-22", "2026-11-23"]


def test_the_file_is_its_owners_and_holds_no_key_that_opens(ledger: Ledger, file: Path) -> None:
    key = today(ledger, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    kept = day_key_file.read(file)
    assert kept is not None
    (day,) = kept.days
    assert day_keys.opened(ledger.key_versions, day) == key
    assert key.secret not in day.wrapped


def test_a_key_lives_until_90_days_after_its_day_began(
    ledger: Ledger, file: Path, clock: Clock
) -> None:
    today(ledger, file)
    assert day_keys.until(NOW.date()) == datetime(2027, 2, 20, tzinfo=UTC)
    clock.at = day_keys.until(NOW.date()) - timedelta(microseconds=1)
    day_keys.destroy(ledger)
    assert in_safe(ledger) == ["2026-11-22"]
    clock.passes(timedelta(microseconds=1))
    day_keys.destroy(ledger)
    assert in_safe(ledger) == []


def test_what_died_leaves_the_files_of_the_safe_as_well(
    ledger: Ledger, file: Path, clock: Clock
) -> None:
    safe = ledger.safe.database
    today(ledger, file)
    clock.passes(DAY)
    today(ledger, file)
    first, second = (day_key.wrapped for day_key in kept(safe))
    clock.at = day_keys.until(NOW.date())
    day_keys.destroy(ledger)
    scour(safe)
    content = on_disk(safe)
    assert second in content
    assert first not in content


def kept(safe: Database) -> list[day_key_file.DayKey]:
    with safe.read() as tx:
        return day_keys.living(tx)


def on_disk(safe: Database) -> bytes:
    if safe.is_sqlite:
        file = Path(str(safe.url.database))
        return b"".join(one.read_bytes() for one in file.parent.glob(f"{file.name}*"))
    with safe.glance() as db:
        db.exec_driver_sql("CHECKPOINT")
        read = "SELECT pg_read_binary_file(pg_relation_filepath('day_keys'))"
        return bytes(db.exec_driver_sql(read).scalar_one())


def test_the_next_backup_writes_the_file_without_what_died(
    ledger: Ledger, file: Path, clock: Clock
) -> None:
    today(ledger, file)
    clock.passes(91 * DAY)
    today(ledger, file)
    assert days(file) == in_safe(ledger) == ["2027-02-21"]


def test_where_no_backup_is_made_any_more_the_file_is_cleared_all_the_same(
    ledger: Ledger, key_file: Path, clock: Clock
) -> None:
    keyfile.create(key_file)
    here = Ledger(ledger.database, ledger.safe, keyfile.load(key_file))
    file = day_key_file.beside(key_file)
    today(here, file)
    clock.passes(91 * DAY)
    Dispatcher(here, lambda _: None).tidy()
    assert (days(file), in_safe(here)) == ([], [])


def test_a_file_that_cannot_be_read_keeps_nothing_else_from_being_tidied(
    ledger: Ledger, key_file: Path, clock: Clock
) -> None:
    keyfile.create(key_file)
    here = Ledger(ledger.database, ledger.safe, keyfile.load(key_file))
    today(here, file := day_key_file.beside(key_file))
    file.write_text("{")
    clock.passes(91 * DAY)
    day_keys.destroy(here)
    assert in_safe(here) == []


def test_days_that_only_the_file_has_come_back_into_the_safe(
    ledger: Ledger, file: Path, clock: Clock
) -> None:
    first = today(ledger, file)
    with ledger.safe.database.begin() as tx:
        tx.db.execute(sa.delete(schema.day_keys))
    assert today(ledger, file) == first
    with ledger.safe.database.begin() as tx:
        tx.db.execute(sa.delete(schema.day_keys))
    clock.passes(91 * DAY)
    today(ledger, file)
    assert in_safe(ledger) == ["2027-02-21"], "what died came back"


def test_the_file_of_another_installation_is_never_overwritten(ledger: Ledger, file: Path) -> None:
    day_key_file.write(file, uuid4(), [])
    before = file.read_bytes()
    with pytest.raises(CannotAccept, match="another installation"):
        today(ledger, file)
    assert file.read_bytes() == before
    assert in_safe(ledger) == []


@pytest.mark.parametrize("content", ["", "{", "[]", '{"installation": 7}', "{}", "\0"])
def test_a_file_that_is_none_is_told_and_stays(ledger: Ledger, file: Path, content: str) -> None:
    file.write_text(content)
    with pytest.raises(CannotAccept, match="not a day-key file"):
        today(ledger, file)
    assert file.read_text() == content


def test_without_the_file_there_is_no_backup(ledger: Ledger, tmp_path: Path) -> None:
    with pytest.raises(CannotAccept, match="cannot be written"):
        today(ledger, tmp_path / "nowhere" / "day-keys.json")
    assert in_safe(ledger) == []


def test_a_key_is_made_under_the_version_that_is_in_use(
    ledger: Ledger, file: Path, key_versions: dict[int, Key]
) -> None:
    customers.create(ledger, "De Verfschuur")
    key_versions[2] = Key.random()
    today(ledger, file)
    assert needed(ledger) == {1: 2}


def needed(ledger: Ledger) -> dict[int, int]:
    with ledger.read() as tx:
        return day_keys.needed(tx, ledger.safe.database)


def test_a_newer_version_takes_over_in_the_safe_as_in_the_file(
    ledger: Ledger, file: Path, key_versions: dict[int, Key]
) -> None:
    key = today(ledger, file)
    key_versions[2] = Key.random()
    with pytest.raises(CannotAccept, match="keys: 1"):
        wrapping.unneeded(needed(ledger), 1)
    assert day_keys.rewrap(ledger, 2, file) == (1, [])
    wrapping.unneeded(needed(ledger), 1)
    del key_versions[1]
    assert today(ledger, file) == key
    kept = day_key_file.read(file)
    assert kept is not None
    assert day_keys.opened(key_versions, kept.days[0]) == key


def test_the_file_of_another_installation_keeps_no_key_from_being_rotated(
    ledger: Ledger, file: Path, key_versions: dict[int, Key]
) -> None:
    today(ledger, file)
    day_key_file.write(file, uuid4(), [])
    before = file.read_bytes()
    key_versions[2] = Key.random()
    assert day_keys.rewrap(ledger, 2, file) == (1, [])
    assert file.read_bytes() == before


def test_taking_a_version_out_beside_a_backup_waits_for_it_and_it_for_that(
    ledger: Ledger, key_file: Path
) -> None:
    """Both hold the ledger's row before they wait for the folder."""
    keyfile.create(key_file)
    keyfile.add(key_file)
    here = Ledger(ledger.database, ledger.safe, keyfile.load(key_file))
    held, go = threading.Event(), threading.Event()

    def take_out() -> None:
        with here.begin() as tx:
            wrapping.alone(tx)
            held.set()
            go.wait(1)  # the other one waits for the row meanwhile, without the folder
            keyfile.remove(key_file, 1)

    def back_up() -> None:
        held.wait(30)
        today(here, day_key_file.beside(key_file))

    at_once(take_out, back_up)
    assert needed(here) == {2: 1}


def test_a_day_that_does_not_open_is_left_as_it_is_and_told(
    ledger: Ledger, file: Path, key_versions: dict[int, Key], clock: Clock
) -> None:
    today(ledger, file)
    clock.passes(DAY)
    today(ledger, file)
    with ledger.safe.database.begin() as tx:
        hurt = sa.update(schema.day_keys).where(schema.day_keys.c.day == "2026-11-22")
        tx.db.execute(hurt.values(wrapped=b"x" * 60))
    key_versions[2] = Key.random()
    assert day_keys.rewrap(ledger, 2, file) == (1, ["2026-11-22"])


def test_a_key_that_was_moved_to_another_day_does_not_open(
    ledger: Ledger, file: Path, clock: Clock
) -> None:
    today(ledger, file)
    clock.passes(DAY)
    with ledger.safe.database.begin() as tx:
        tx.db.execute(sa.update(schema.day_keys).values(day="2026-11-23"))
    file.unlink()
    with pytest.raises(Exception, match="day_keys"):
        today(ledger, file)
