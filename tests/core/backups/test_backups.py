"""What was copied comes back as it was, as long as it may, and nothing comes back beyond that."""

from __future__ import annotations

import os
import stat
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from core import migrations, placing
from core.backups import (
    copies,
    day_key_file,
    day_keys,
    making,
    restoring,
    rows_of_sqlite,
    sealed,
)
from core.backups.dumps_of_postgresql import Programs
from core.backups.making import Made
from core.backups.restoring import Place
from core.backups.sealed import Damaged
from core.database import Database, UnsafeDatabase
from core.ledger import Ledger, pulse, schema
from core.ledger.schema import metadata as of_ledger
from core.migrations import NotMigrated, Store, pairing
from core.refusals import CannotAccept
from core.safe import Safe
from core.safe import metadata as of_safe
from core.safe.schema import backups, finishing_records, person_keys
from core.safe.schema import day_keys as day_keys_table
from core.sealing import Key
from core.testing.plaintext import Scanner
from tests import histories
from tests.databases import NOW, Clock
from tests.school import EMAIL, School, erasure


class Killed(BaseException): ...


Backup = Callable[..., Made]
DAY = timedelta(days=1)
FEW = 10
TABLES = {Store.LEDGER: of_ledger.sorted_tables, Store.SAFE: of_safe.sorted_tables}
LEFT_OUT = {finishing_records.name, day_keys_table.name}


@pytest.fixture(autouse=True)
def numbered(number: UUID) -> UUID:
    return number


@pytest.fixture
def backup(ledger: Ledger, folder: Path, key_file: Path, programs: Programs) -> Backup:
    def made(advance: Callable[[int], None] = lambda _: None) -> Made:
        return making.backup(ledger, folder, key_file, programs, advance)

    return made


@pytest.fixture
def lived(school: School) -> School:
    """Somebody is subscribed, somebody else was erased, and what is left of him is finishing."""
    school.connect()
    school.accepted(school.subscription())
    school.accepted(school.subscription("cf-2", "piet@example.nl"))
    school.accepted(erasure("cf-2"))
    return school


def restore(place: Place, *files: Path) -> Ledger:
    restoring.restore(place, restoring.found(files))
    return Ledger(place.ledger, Safe(place.safe), place.versions)


def rows(database: Database, table: sa.Table) -> list[Any]:
    with database.read() as tx:
        return sorted(map(str, tx.db.execute(sa.select(table)).all()))


def everything(ledger: Ledger) -> dict[str, list[Any]]:
    stores = {Store.LEDGER: ledger.database, Store.SAFE: ledger.safe.database}
    return {
        f"{store} {table.name}": rows(stores[store], table)
        for store, tables in TABLES.items()
        for table in tables
    }


def readable(ledger: Ledger, school: School) -> dict[UUID, Any]:
    """Who can be read, with what is known of them."""
    with ledger.read() as tx:
        keys = ledger.keys_of(tx, school.customer.id)
        found = tx.db.execute(sa.select(schema.people)).all()
    known = ledger.safe.keys({(row.id, row.key_epoch) for row in found}, keys)
    return {
        row.id: known[row.id, row.key_epoch].open_json(row.sealed, f"people|{row.id}")
        for row in found
        if row.sealed is not None
    }


# --- coming back


def test_both_stores_come_back_as_they_were(lived: School, backup: Backup, place: Place) -> None:
    made = backup()
    before = everything(lived.ledger)
    back = restore(place, *made.files.values())
    after = everything(back)
    empty = {f"safe {finishing_records.name}", "safe backups"}
    changed = {name for name in before if before[name] != after[name]}
    assert changed <= {*empty, "ledger installation"}, "its pulse stopped"
    assert after[f"safe {finishing_records.name}"] == []
    assert readable(back, lived) == readable(lived.ledger, lived)
    for store, database in place.databases.items():
        migrations.check(database, store)
    pairing.check(place.ledger, place.safe)
    with back.read() as tx:
        histories.check(tx)


def test_what_the_database_refuses_it_refuses_afterwards(
    lived: School, backup: Backup, place: Place
) -> None:
    back = restore(place, *backup().files.values())
    with pytest.raises(sa.exc.IntegrityError), back.begin() as tx:
        tx.db.execute(sa.update(schema.holdings).values(state="no such state"))
    lived = School(back, lived.customer)
    lived.accepted(lived.subscription("cf-3", "truus@example.nl"))


def test_the_ledger_comes_back_beside_the_safe_that_was_not_lost(
    lived: School, backup: Backup, place: Place
) -> None:
    made = backup()
    beside = replace(place, databases={**place.databases, Store.SAFE: lived.ledger.safe.database})
    made.day_keys.unlink()
    back = restore(beside, made.files[Store.LEDGER])
    assert readable(back, lived) == readable(lived.ledger, lived)


def test_the_safe_comes_back_beside_the_ledger_without_keys_of_who_was_erased_since(
    lived: School, backup: Backup, place: Place
) -> None:
    made = backup()
    (before,) = readable(lived.ledger, lived)
    lived.accepted(erasure("cf-1"))
    beside = replace(place, databases={**place.databases, Store.LEDGER: lived.ledger.database})
    restore(beside, made.files[Store.SAFE])
    with place.safe.read() as tx:
        keys = tx.db.execute(sa.select(person_keys.c.person)).scalars().all()
    assert before not in keys


def test_the_days_before_it_stay_readable_after_the_safe_was_lost(
    lived: School, backup: Backup, place: Place, clock: Clock
) -> None:
    backup()
    clock.passes(DAY)
    made = backup()
    back = restore(place, *made.files.values())
    assert [one.day for one in living(back)] == ["2026-11-22", "2026-11-23"]
    clock.passes(DAY)
    day_keys.today(back, place.day_keys)
    kept = day_key_file.read(place.day_keys)
    assert kept is not None
    assert len(kept.days) == 3


def living(ledger: Ledger) -> list[day_key_file.DayKey]:
    with ledger.safe.database.read() as tx:
        return day_keys.living(tx)


def test_after_a_rotation_it_comes_back_with_both_versions_or_says_which_is_missing(
    lived: School, backup: Backup, place: Place, key_versions: dict[int, Key]
) -> None:
    made = backup()
    key_versions[2] = Key.random()
    day_keys.rewrap(lived.ledger, 2, made.day_keys)
    with pytest.raises(CannotAccept, match="version 1 of the key file"):
        restore(replace(place, versions={2: key_versions[2]}), *made.files.values())
    assert readable(restore(place, *made.files.values()), lived) == readable(lived.ledger, lived)


def test_a_day_key_that_was_damaged_in_the_safe_is_taken_from_the_file(
    lived: School, backup: Backup, place: Place
) -> None:
    made = backup()
    safe = lived.ledger.safe.database
    with safe.begin() as tx:
        tx.db.execute(sa.update(day_keys_table).values(wrapped=b"x" * 60))
    beside = replace(place, databases={**place.databases, Store.SAFE: safe})
    assert readable(restore(beside, made.files[Store.LEDGER]), lived)


@pytest.mark.parametrize("urls", ["sqlite"], indirect=True)
@pytest.mark.parametrize("pieces", [3, 4])
def test_killed_while_a_store_comes_back_nothing_of_it_is_there(
    lived: School, backup: Backup, place: Place, pieces: int
) -> None:
    """Each store is one piece here, read twice: the first of the second time is the ledger's."""
    found = restoring.found(list(backup().files.values()))
    told: list[int] = []

    def die(size: int) -> None:
        told.append(size)
        if len(told) == pieces:
            raise Killed

    with pytest.raises(Killed):
        restoring.restore(place, found, die)
    assert copies.is_empty(place.safe)
    assert copies.is_empty(place.ledger) == (pieces == 3)
    with pytest.raises((UnsafeDatabase, NotMigrated)):
        migrations.check(place.safe, Store.SAFE)


# --- while others write


class Unsqueezed:
    """In the place of zlib, which keeps a third of a small ledger back before it hands out any."""

    unconsumed_tail = b""

    def compress(self, piece: bytes) -> bytes:
        return piece

    def decompress(self, piece: bytes, _: int) -> bytes:
        return piece

    def flush(self) -> bytes:
        return b""


def busy(lived: School, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """After each chunk one is recorded, and one of the first ones erased while there are more."""
    monkeypatch.setattr(sealed, "CHUNK", 4096)
    monkeypatch.setattr(rows_of_sqlite, "AT_ONCE", 1)
    monkeypatch.setattr(zlib, "compressobj", Unsqueezed)
    monkeypatch.setattr(zlib, "decompressobj", Unsqueezed)
    came = [f"cf-{number}" for number in range(100, 100 + 2 * FEW)]
    lived.ask(*(lived.subscription(one, f"{one}@example.nl") for one in came))
    numbers = iter(range(200, 10_000))

    def meanwhile(_: int) -> None:
        one = f"cf-{next(numbers)}"
        lived.accepted(lived.subscription(one, f"{one}@example.nl"))
        if len(came) > FEW:
            lived.accepted(erasure(came.pop()))

    return meanwhile


def test_a_backup_beside_running_work_is_of_one_moment_and_of_everybody_in_it(
    lived: School, backup: Backup, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = backup(busy(lived, monkeypatch))
    back = restore(place, *made.files.values())
    agree(back, lived)
    with back.read() as tx:
        histories.check(tx)


def test_the_other_way_round_people_would_be_missing(
    lived: School, backup: Backup, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "ORDER", (Store.SAFE, Store.LEDGER))
    back = restore(place, *backup(busy(lived, monkeypatch)).files.values())
    with pytest.raises(AssertionError):
        agree(back, lived)


def agree(back: Ledger, lived: School) -> None:
    """A key is missing only where its person was erased after the ledger was copied."""
    with back.read() as tx:
        people = tx.db.execute(
            sa.select(schema.people).where(schema.people.c.sealed.is_not(None))
        ).all()
        addressed = set(tx.db.execute(sa.select(schema.addresses.c.person)).scalars())
        keys = back.keys_of(tx, lived.customer.id)
    assert addressed == {row.id for row in people}, "of two moments"
    known = back.safe.keys({(row.id, row.key_epoch) for row in people}, keys)
    without = {row.id for row in people} - {person for person, _ in known}
    with back.safe.database.read() as tx:
        buried = set(tx.db.execute(sa.select(of_safe.tables["tombstones"].c.person)).scalars())
    assert without <= buried
    assert len(known) >= FEW


# --- until 90 days later


def test_a_backup_of_91_days_ago_opens_with_nothing_that_still_exists(
    lived: School, backup: Backup, place: Place, clock: Clock, key_versions: dict[int, Key]
) -> None:
    made = backup()
    clock.passes(91 * DAY)
    day_keys.destroy(lived.ledger)
    backup()
    with pytest.raises(CannotAccept, match="by design"):
        restore(place, *made.files.values())
    clock.at = NOW  # nor by turning the clock back
    with pytest.raises(CannotAccept, match="neither in the safe nor in"):
        restore(place, *made.files.values())
    kept = day_key_file.read(made.day_keys)
    assert kept is not None
    left = [day_keys.opened(key_versions, one) for one in kept.days] + list(key_versions.values())
    for key in left:
        with pytest.raises(Damaged):
            list(sealed.Sealed(made.files[Store.LEDGER]).opened(key))


def test_a_day_key_file_of_before_that_day_is_told(
    lived: School, backup: Backup, place: Place, clock: Clock
) -> None:
    before = backup().day_keys.read_bytes()
    clock.passes(DAY)
    made = backup()
    made.day_keys.write_bytes(before)
    with pytest.raises(CannotAccept, match="2026-11-23"):
        restore(place, *made.files.values())
    assert all(copies.is_empty(one) for one in place.databases.values())


# --- what is in the files


def test_nothing_of_anybody_is_in_the_files_nor_beside_them(
    lived: School, backup: Backup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    seen: list[Path] = []

    def look(_: int) -> None:
        found = [one for one in tmp_path.rglob("*") if one.is_file()]
        seen.extend(found)
        assert not list(Scanner([EMAIL, "Jansen", "De Verfschuur"]).in_files(found))

    backup(look)
    look(0)
    assert {one.name for one in seen if "keys" not in one.parts} >= {
        ".ledger-20261122T103000.000000Z.backup.new",
        "ledger-20261122T103000.000000Z.backup",
    }


def test_the_safes_copy_has_no_finishing_record_and_no_day_key(
    lived: School, backup: Backup, place: Place
) -> None:
    safe = lived.ledger.safe.database
    backup()
    copies.write(place.safe, copies.read(safe, Store.SAFE, place.programs), place.programs)
    for table in (finishing_records, day_keys_table):
        assert rows(safe, table), "there is something to leave out"
        assert rows(place.safe, table) == []
    assert rows(place.safe, person_keys) == rows(safe, person_keys)


def test_the_files_are_their_owners_only(backup: Backup) -> None:
    made = backup()
    for path in (*made.files.values(), made.day_keys):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert made.unreadable_from == day_keys.until(NOW.date())


def test_killed_at_any_moment_no_file_is_there_in_part(
    lived: School, backup: Backup, folder: Path, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Deadly:
        """Dies between the two files that get their names."""

        def __getattr__(self, name: str) -> Any:
            return getattr(os, name)

        def replace(self, one: Path, other: Path) -> None:
            if other.name.startswith("ledger"):
                raise Killed
            os.replace(one, other)  # noqa: PTH105

    def die(_: int) -> None:
        raise Killed

    with pytest.raises(Killed):
        backup(die)
    assert list(folder.iterdir()) == []
    monkeypatch.setattr(placing, "os", Deadly())
    with pytest.raises(Killed):
        backup()
    (alone,) = folder.iterdir()
    assert alone.name.startswith("safe")
    _, day = day_keys.today(lived.ledger, place.day_keys)
    assert b"".join(sealed.Sealed(alone).opened(day))
    with lived.ledger.safe.database.read() as tx:
        assert [row.made_at for row in tx.db.execute(sa.select(backups))] == [None]


def test_a_backup_that_failed_and_left_nothing_is_none(
    lived: School, backup: Backup, folder: Path
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        backup(full)
    assert rows(lived.ledger.safe.database, backups) == []


def test_when_a_backup_was_made_is_known_for_as_long_as_it_lives(
    lived: School, backup: Backup, clock: Clock
) -> None:
    backup()
    with lived.ledger.safe.database.read() as tx:
        (row,) = tx.db.execute(sa.select(backups)).all()
    assert row.begun_at == row.made_at == NOW
    clock.passes(91 * DAY)
    day_keys.destroy(lived.ledger)
    assert rows(lived.ledger.safe.database, backups) == []


# --- what is refused


def test_a_database_that_holds_anything_is_never_touched(
    lived: School, backup: Backup, place: Place
) -> None:
    made = backup()
    migrations.upgrade(place.safe, Store.SAFE)
    with pytest.raises(CannotAccept, match="COURSEFLOW_SYNC_SAFE_URL"):
        restore(place, *made.files.values())
    assert copies.is_empty(place.ledger)


def test_a_damaged_file_writes_nothing(lived: School, backup: Backup, place: Place) -> None:
    made = backup()
    safe = made.files[Store.SAFE]
    hurt = bytearray(safe.read_bytes())
    hurt[-1] ^= 1
    safe.write_bytes(bytes(hurt))
    with pytest.raises(Damaged, match="safe-"):
        restore(place, *made.files.values())
    assert all(copies.is_empty(one) for one in place.databases.values())


def test_a_file_that_changes_between_reading_and_restoring_writes_nothing(
    lived: School, backup: Backup, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = backup()
    opened = sealed.Sealed.opened
    times: list[object] = []

    def second(self: sealed.Sealed, day: Key) -> Any:
        times.append(self)
        for piece in opened(self, day):
            if len(times) > len(Store):
                yield piece[: len(piece) // 2]
                raise Damaged(self.path, "it changed")
            yield piece

    monkeypatch.setattr(sealed.Sealed, "opened", second)
    with pytest.raises(Damaged, match="it changed"):
        restore(place, *made.files.values())
    assert all(copies.is_empty(one) for one in place.databases.values())


def test_another_installations_file_is_refused(lived: School, backup: Backup, place: Place) -> None:
    made = backup()
    safe = lived.ledger.safe.database
    with safe.begin() as tx:
        tx.db.execute(sa.update(pairing.number).values(id=uuid4()))
    beside = replace(place, databases={**place.databases, Store.SAFE: safe})
    with pytest.raises(CannotAccept, match="another installation than the safe here"):
        restore(beside, made.files[Store.LEDGER])


def test_a_newer_shape_is_refused(
    lived: School, backup: Backup, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = backup()
    monkeypatch.setattr(migrations, "known", lambda _: {"0001"})
    with pytest.raises(CannotAccept, match="newer version"):
        restore(place, *made.files.values())


def test_a_safe_that_is_older_than_the_ledger_is_refused(
    lived: School, backup: Backup, place: Place, clock: Clock
) -> None:
    first = backup()
    clock.passes(DAY)
    second = backup()
    with pytest.raises(CannotAccept, match="older than the ledger's"):
        restore(place, second.files[Store.LEDGER], first.files[Store.SAFE])
    with pytest.raises(CannotAccept, match="same store"):
        restore(place, first.files[Store.SAFE], second.files[Store.SAFE])
    restore(place, first.files[Store.LEDGER], second.files[Store.SAFE])


def test_a_store_that_is_migrated_meanwhile_is_not_copied(
    lived: School, backup: Backup, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes = iter(["0009", "0010"])
    monkeypatch.setattr(making, "shape_of", lambda *_: next(shapes))
    with pytest.raises(CannotAccept, match="was migrated"):
        backup()
    assert list(folder.iterdir()) == []


def test_nothing_starts_on_what_is_still_coming(
    lived: School, backup: Backup, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the moment in which a ledger is marked, all of it is there, and nobody may use it."""
    made = backup()
    seen: list[Database] = []

    def stop(database: Database) -> None:
        seen.append(database)
        migrations.check(database, Store.LEDGER)
        with pytest.raises((UnsafeDatabase, NotMigrated)):
            pairing.check(database, lived.ledger.safe.database)

    monkeypatch.setattr(pulse, "stop", stop)
    restore(place, *made.files.values())
    assert seen == [place.ledger]
