"""Bringing backups back into empty databases, as long as their day's key lives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa

from core import migrations
from core.backups import copies, day_key_file, day_keys
from core.backups.day_key_file import DayKey
from core.backups.dumps_of_postgresql import Programs
from core.backups.sealed import Header, Sealed
from core.database import Database
from core.ledger import pulse
from core.ledger.schema import people
from core.ledger.wrapping import Versions
from core.migrations import Store, pairing
from core.refusals import CannotAccept
from core.safe import Safe
from core.sealing import CannotOpen, Key

NOBODY = UUID(int=0)  # whose number a store has until it may be used


@dataclass(frozen=True, slots=True)
class Place:
    """Where backups are to come back: the databases by store, the key file."""

    databases: Mapping[Store, Database]
    versions: Versions
    day_keys: Path
    programs: Programs

    @property
    def ledger(self) -> Database:
        return self.databases[Store.LEDGER]

    @property
    def safe(self) -> Database:
        return self.databases[Store.SAFE]


def found(files: Sequence[Path]) -> dict[Store, Sealed]:
    """The backups by store. Raises CannotAccept, OSError."""
    several = [Sealed(path) for path in files]
    by_store = {one.header.store: one for one in several}
    if len(by_store) < len(several):
        raise CannotAccept(
            "Two of these files are backups of the same store. Nothing was restored. Name one of "
            "the ledger, one of the safe, or one of both."
        )
    if len(by_store) == len(Store):
        belong_together(by_store[Store.LEDGER].header, by_store[Store.SAFE].header)
    return by_store


def belong_together(ledger: Header, safe: Header) -> None:
    if ledger.installation != safe.installation:
        raise CannotAccept(
            "These files are of two installations. Nothing was restored. Name files of one."
        )
    if safe.made_at < ledger.made_at:
        raise CannotAccept(
            "The safe's file is older than the ledger's: who was recorded between the two would "
            "be unreadable. Nothing was restored. Name the safe's file of the same backup."
        )


def restore(
    place: Place, backups: Mapping[Store, Sealed], advance: Callable[[int], None] = lambda _: None
) -> None:
    """
    Whoever is in the databases may start nothing before all is done.

    Every file is read to its end before anything is written. Raises CannotAccept, CannotOpen,
    DatabaseAway, UnsafeDatabase, NotMigrated.
    """
    for store, backup in backups.items():
        fits(place, store, backup)
    keys = {store: key_of(place, backup) for store, backup in backups.items()}
    for store, backup in backups.items():
        for piece in backup.opened(keys[store]):
            advance(len(piece))
    for store in (one for one in Store if one in backups):  # nothing starts without the safe
        backup = backups[store]
        content = told(backup.opened(keys[store]), advance)
        copies.write(place.databases[store], content, place.programs)
        hold(place.databases[store], backup.header)
        migrations.upgrade(place.databases[store], store)
        if store is Store.LEDGER:
            pulse.stop(place.ledger)
        else:
            take_in_day_keys(place, backup.header)
        erase_again(place)
        release(place.databases[store], backup.header)


def told(content: Iterable[bytes], advance: Callable[[int], None]) -> Iterator[bytes]:
    for piece in content:
        yield piece
        advance(len(piece))


def fits(place: Place, store: Store, backup: Sealed) -> None:
    """Raises CannotAccept unless this file can be restored here."""
    header, target = backup.header, place.databases[store]
    if header.database != target.engine.dialect.name:
        raise CannotAccept(
            f"{backup.path} comes from {header.database}, the {store} here is in "
            f"{target.engine.dialect.name}. Nothing was restored. Name a database of that kind."
        )
    if header.revision not in migrations.known(store):
        raise CannotAccept(
            f"{backup.path} was made by a newer version of courseflow-sync. Nothing was "
            "restored. Install that version."
        )
    if not copies.is_empty(target):
        raise CannotAccept(
            f"The {store} database is not empty. Nothing was restored, as what it holds would be "
            f"lost. Let {VARIABLES[store]} name a new, empty database, or move that one away."
        )
    other = other_number(place, store)
    if other is not None and other != header.installation:
        raise CannotAccept(
            f"{backup.path} is of another installation than the {OTHER[store]} here. Nothing was "
            "restored. Name a file of this installation."
        )


VARIABLES = {
    Store.LEDGER: "COURSEFLOW_SYNC_DATABASE_URL",
    Store.SAFE: "COURSEFLOW_SYNC_SAFE_URL",
}
OTHER = {Store.LEDGER: Store.SAFE, Store.SAFE: Store.LEDGER}


def other_number(place: Place, store: Store) -> UUID | None:
    with place.databases[OTHER[store]].read() as tx:
        return pairing.read(tx) if has(tx.db, "installation") else None


def key_of(place: Place, backup: Sealed) -> Key:
    """The key of the day on which it was made. Raises CannotAccept, CannotOpen."""
    day = backup.header.day
    with place.safe.read() as tx:
        gone = day.isoformat() <= day_keys.last_dead(tx.now)
        known = day_keys.living(tx) if has(tx.db, "day_keys") else []
    if gone:
        raise CannotAccept(
            f"{backup.path} is of {day}, which is more than 90 days ago: its key was destroyed, "
            "and nobody can read it any more. That is by design, so that who was erased is gone "
            "from backups too. Take a newer one."
        )
    kept = ours(place, backup.header)
    wanted = [one for one in (*known, *kept) if one.date == day]
    if not wanted:
        raise CannotAccept(
            f"The key of {day}, which opens {backup.path}, is neither in the safe nor in "
            f"{place.day_keys}. Nothing was restored. Put the newest copy of the file "
            f"{day_key_file.NAME} there; it has to be from that day or later."
        )
    here = set(place.versions)
    openable = [one for one in wanted if one.key_version in here]
    lacking = {*backup.header.versions, *([] if openable else [wanted[0].key_version])} - here
    if lacking:
        raise CannotAccept(
            f"{backup.path} needs version {max(lacking)} of the key file, which the file here "
            "lacks. Nothing was restored. Put back a copy of the key file that has it; "
            "courseflow-sync key versions lists those of a file."
        )
    *others, last = openable
    for one in others:  # the same key, so one that is not damaged will do
        with suppress(CannotOpen):
            return day_keys.opened(place.versions, one)
    return day_keys.opened(place.versions, last)


def ours(place: Place, header: Header) -> Sequence[DayKey]:
    kept = day_key_file.read(place.day_keys)
    return kept.days if kept is not None and kept.installation == header.installation else ()


def hold(database: Database, header: Header) -> None:
    """Give it its shape, under a number that fits no other store: so nothing starts on it yet."""
    version = sa.table(f"{header.store}_version", sa.column("version_num"))
    with database.begin() as tx:
        tx.db.execute(sa.update(pairing.number).values(id=NOBODY))
        tx.db.execute(sa.insert(version).values(version_num=header.revision))


def release(database: Database, header: Header) -> None:
    with database.begin() as tx:
        tx.db.execute(sa.update(pairing.number).values(id=header.installation))


def take_in_day_keys(place: Place, header: Header) -> None:
    """Else the next backup would write a file without the days before it."""
    with place.safe.begin() as tx:
        day_keys.adopt(tx, ours(place, header))


def erase_again(place: Place) -> None:
    """Destroy the keys of whom the ledger knows to be erased, where the safe's copy is older."""
    with place.safe.read() as tx:
        if not has(tx.db, "person_keys"):
            return
    with place.ledger.read() as tx:
        if not has(tx.db, people.name):
            return
        query = sa.select(people.c.id, people.c.key_epoch).where(people.c.key_epoch > 0)
        erased = {row.id: row.key_epoch for row in tx.db.execute(query)}
    Safe(place.safe).confirm(erased)


def has(db: sa.Connection, table: str) -> bool:
    return sa.inspect(db).has_table(table)
