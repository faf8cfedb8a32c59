"""One key per UTC day for the backups of that day, destroyed after 90 days."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from core import rows
from core.backups import day_key_file
from core.backups.day_key_file import DayKey, Kept
from core.database import Database, Transaction
from core.keyfile import Keys
from core.ledger import Ledger, wrapping
from core.ledger.wrapping import Versions
from core.migrations import pairing
from core.refusals import CannotAccept
from core.safe.schema import backups, day_keys
from core.sealing import CannotOpen, Key, MissingVersion

KEPT = timedelta(days=90)

log = logging.getLogger(__name__)


def until(day: date) -> datetime:
    """From then on nobody can read its backups: 90 days after it began, not after it ended."""
    return datetime.combine(day, time.min, UTC) + KEPT


def opens_until(tx: Transaction, known_since: datetime, erased: datetime) -> datetime | None:
    """
    When the last backup of the safe that was begun between these two can be opened no more. None
    where there was none. ``tx`` is the safe's.
    """
    last = sa.func.max(backups.c.begun_at, type_=backups.c.begun_at.type)
    query = sa.select(last).where(backups.c.begun_at.between(known_since, erased))
    begun: datetime | None = tx.db.execute(query).scalar_one()
    return until(begun.astimezone(UTC).date()) if begun else None


def today(ledger: Ledger, file: Path) -> tuple[datetime, Key]:
    """
    The key of this day, made if it is the day's first, with the moment that it is; the living
    days are in ``file`` afterwards. Raises CannotOpen, CannotAccept.

    Days that only the file has come from a safe that was lost since, and are taken in.
    """
    with ledger.begin() as mine:
        wrapping.alone(mine)  # before the folder's lock, as whoever takes a version out has them
        installation = pairing.number_of(mine)
        with day_key_file.alone(file), ledger.safe.database.begin() as tx:
            forget(tx)
            if kept := ours(file, installation):
                adopt(tx, kept.days)
            day = tx.now.date().isoformat()
            known = {one.day: one for one in living(tx)}
            if day in known:
                key = opened(ledger.key_versions, known[day])
            else:
                key = Key.random()
                version, wrapping_key = wrapping.in_use(mine, ledger.key_versions)
                known[day] = made(day, version, wrapping_key, key, tx.now)
                rows.insert(tx, day_keys, [asdict(known[day])])
            day_key_file.write(file, installation, list(known.values()))
            return tx.now, key


def made(day: str, version: int, wrapping_key: Key, key: Key, at: datetime) -> DayKey:
    return DayKey(day, version, wrapping_key.seal(key.secret, bound_to(day)), at)


def ours(file: Path, installation: UUID) -> Kept | None:
    """What the file holds. Raises CannotAccept where it is another installation's."""
    kept = day_key_file.read(file)
    if kept is not None and kept.installation != installation:
        raise CannotAccept(
            f"{file} holds the day keys of another installation, whose backups nobody could read "
            "without it. Nothing was changed. Give each installation a folder of its own for its "
            "key file, or move that file to where it belongs."
        )
    return kept


def adopt(tx: Transaction, days: Iterable[DayKey]) -> None:
    """Take in the days that live and that the safe does not know."""
    dead = last_dead(tx.now)
    rows.insert_new(tx, day_keys, [asdict(one) for one in days if one.day > dead])


def living(tx: Transaction) -> list[DayKey]:
    query = sa.select(day_keys).where(day_keys.c.day > last_dead(tx.now))
    return found(tx, query.order_by(day_keys.c.day))


def found(tx: Transaction, query: sa.Select[Any]) -> list[DayKey]:
    return [DayKey(**row) for row in tx.db.execute(query).mappings()]


def last_dead(now: datetime) -> str:
    return (now - KEPT).date().isoformat()


def opened(versions: Versions, day: DayKey) -> Key:
    """Raises CannotOpen."""
    wrapping_key = versions.get(day.key_version)
    if wrapping_key is None:
        raise MissingVersion(str(day.key_version))
    return Key(wrapping_key.open(day.wrapped, bound_to(day.day)))


def destroy(ledger: Ledger) -> None:
    """
    Let die what is 90 days old, in the safe as in the file beside this machine's key file.

    To be called once a minute. Copies of that file elsewhere are their owner's to overwrite.
    """
    with ledger.safe.database.read() as tx:
        query = sa.select(sa.literal(1)).where(day_keys.c.day <= last_dead(tx.now))
        due = tx.db.execute(query.limit(1)).first() is not None
    if due:
        with ledger.safe.database.begin() as tx:
            forget(tx)
    if isinstance(ledger.key_versions, Keys):
        file = day_key_file.beside(ledger.key_versions.path)
        if file.exists():
            try:
                clear(file, last_dead(tx.now))
            except CannotAccept as error:  # nothing else may wait for it
                log.warning("the day-key file keeps what is dead: %s", error)


def forget(tx: Transaction) -> None:
    tx.db.execute(sa.delete(day_keys).where(day_keys.c.day <= last_dead(tx.now)))
    tx.db.execute(sa.delete(backups).where(backups.c.begun_at <= tx.now - KEPT))


def clear(file: Path, dead: str) -> None:
    with day_key_file.alone(file):
        kept = day_key_file.read(file)
        if kept is not None and any(one.day <= dead for one in kept.days):
            alive = [one for one in kept.days if one.day > dead]
            day_key_file.write(file, kept.installation, alive)


def needed(tx: Transaction, safe: Database) -> dict[int, int]:
    """
    How many keys, customers' and days', are wrapped under each version of the key file.

    ``tx`` is the ledger's; who holds wrapping.alone in it can rely on it until it ends.
    """
    of_days = sa.select(day_keys.c.key_version, sa.func.count()).group_by(day_keys.c.key_version)
    counted = Counter(wrapping.needed(tx))
    with safe.read() as its:
        counted.update(dict(its.db.execute(of_days).tuples().all()))
    return dict(counted)


def rewrap(ledger: Ledger, newest: int, file: Path) -> tuple[int, Sequence[str]]:
    """
    Wrap every day's key under this version, in the safe as in ``file`` if that is this ledger's.

    How many that were, with the days that do not open, which stay as they are. Raises
    CannotOpen, CannotAccept.
    """
    with ledger.begin() as mine:
        wrapping.alone(mine)
        wrapping_key = wrapping.proven(mine, ledger.key_versions, newest)
        with day_key_file.alone(file), ledger.safe.database.begin() as tx:
            kept = day_key_file.read(file)
            older = found(tx, sa.select(day_keys).where(day_keys.c.key_version < newest))
            changed, unreadable = list[DayKey](), list[str]()
            for day in older:
                try:
                    key = opened(ledger.key_versions, day)
                except CannotOpen:
                    unreadable.append(day.day)
                else:
                    changed.append(made(day.day, newest, wrapping_key, key, day.made_at))
            rows.update(tx, day_keys, [asdict(one) for one in changed])
            if kept is not None and kept.installation == pairing.number_of(mine):
                day_key_file.write(file, kept.installation, living(tx))
    return len(changed), unreadable


def bound_to(day: str) -> str:
    return f"day_keys|{day}"
