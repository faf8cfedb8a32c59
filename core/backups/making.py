"""Making a backup: one sealed file of the ledger, then one of the safe."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa

from core import migrations, rows
from core.backups import copies, day_key_file, day_keys, sealed
from core.backups.dumps_of_postgresql import Programs
from core.backups.sealed import Header
from core.database import Database, DatabaseAway
from core.ledger import Ledger, wrapping
from core.migrations import Store, pairing
from core.placing import placed
from core.refusals import CannotAccept
from core.safe.schema import backups

# The safe is written before the ledger commits, so at any moment it knows all that the ledger
# knows. Copied after the ledger it therefore has the key of everybody in the ledger's copy who was
# not erased meanwhile, with every erasure that this copy knows. The other way round the keys of
# people who came between the two copies would be missing for good; whoever was erased between
# them would have a key in the safe's copy, with nothing in it that says so.
ORDER = (Store.LEDGER, Store.SAFE)


@dataclass(frozen=True, slots=True)
class Made:
    files: dict[Store, Path]
    day_keys: Path
    made_at: datetime
    unreadable_from: datetime


def backup(
    ledger: Ledger,
    folder: Path,
    key_file: Path,
    programs: Programs,
    advance: Callable[[int], None] = lambda _: None,
) -> Made:
    """
    Both files, or none; killed just before its end, the safe's alone. Raises CannotAccept,
    CannotOpen, DatabaseAway, OSError.

    ``advance`` is told of the bytes that were written.
    """
    databases = {Store.LEDGER: ledger.database, Store.SAFE: ledger.safe.database}
    file = day_key_file.beside(key_file)
    at, day = day_keys.today(ledger, file)
    with ledger.read() as tx:
        installation = pairing.number_of(tx)
        versions = {Store.LEDGER: tuple(sorted(wrapping.needed(tx))), Store.SAFE: ()}
    files = {store: folder / f"{store}-{at:%Y%m%dT%H%M%S.%fZ}.backup" for store in ORDER}
    for path in files.values():
        if path.exists():
            raise CannotAccept(f"{path} exists already, and stays as it is. Run this again.")
    with ledger.safe.database.begin() as tx:
        rows.insert_new(tx, backups, [{"begun_at": at}])
    with taken_back(ledger.safe.database, at, files.values()), ExitStack() as whole:
        for store, path in files.items():
            into = whole.enter_context(placed(path))
            header = header_of(databases[store], store, installation, at, versions[store])
            content = copies.read(databases[store], store, programs)
            for written in sealed.seal(into, header, day, content):
                advance(written)
            same_shape(databases[store], header)
    with ledger.safe.database.begin() as tx:
        tx.db.execute(sa.update(backups).where(backups.c.begun_at == at).values(made_at=tx.now))
    return Made(files, file, at, day_keys.until(at.date()))


@contextmanager
def taken_back(safe: Database, at: datetime, files: Collection[Path]) -> Iterator[None]:
    """A backup that failed is none, as long as it left no file; one that was killed counts."""
    try:
        yield
    except BaseException:
        if not any(path.exists() for path in files):
            with suppress(DatabaseAway), safe.begin() as tx:
                tx.db.execute(sa.delete(backups).where(backups.c.begun_at == at))
        raise


def header_of(
    database: Database, store: Store, installation: UUID, at: datetime, versions: tuple[int, ...]
) -> Header:
    kind, shape = database.engine.dialect.name, shape_of(database, store)
    return Header(store, installation, at.date(), at, shape, kind, versions, sealed.number())


def shape_of(database: Database, store: Store) -> str:
    with database.read() as tx:
        return migrations.revision(tx.db, store) or ""


def same_shape(database: Database, header: Header) -> None:
    if shape_of(database, header.store) != header.revision:
        raise CannotAccept(
            f"The {header.store} was migrated while it was copied, so no backup was made. Run "
            "this again."
        )
