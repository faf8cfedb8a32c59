"""What was destroyed is in no file of the safe any more."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from core import migrations
from core.database import Database
from core.ledger import Ledger
from core.migrations import Store
from core.safe import Safe
from core.safe.schema import installation, person_keys
from core.safe.scouring import EVERY, scour
from core.sealing import CustomerKeys, Key
from tests.databases import Clock
from tests.storms.servers import Postgres

MANY = 400
KEYS = CustomerKeys.of(Key.random())


@pytest.fixture
def safe(ledger: Ledger) -> Safe:
    with ledger.safe.database.begin() as tx:
        tx.db.execute(sa.delete(installation))
        tx.db.execute(sa.insert(installation).values(id=uuid4()))
    return ledger.safe


def keep(safe: Safe) -> list[UUID]:
    people = [uuid4() for _ in range(MANY)]
    safe.keep_keys({(one, 0): Key.random() for one in people}, KEYS)
    return people


def wrapped(safe: Safe, people: Collection[UUID]) -> list[bytes]:
    with safe.database.read() as tx:
        query = sa.select(person_keys.c.wrapped).where(person_keys.c.person.in_(people))
        return list(tx.db.execute(query).scalars())


def in_files(safe: Safe, values: Collection[bytes]) -> int:
    """How many of these are anywhere in what lies on the disk."""
    content = b"".join(on_disk(safe.database))
    return sum(one in content for one in values)


def on_disk(database: Database) -> Iterator[bytes]:
    if database.is_sqlite:
        file = Path(str(database.url.database))
        yield from (one.read_bytes() for one in file.parent.glob(f"{file.name}*"))
        return
    read = "SELECT pg_read_binary_file(pg_relation_filepath('person_keys'))"
    with database.glance() as db:
        db.exec_driver_sql("CHECKPOINT")
        yield bytes(db.exec_driver_sql(read).scalar_one())


def test_a_destroyed_key_is_in_no_file_any_more_the_others_are_as_they_were(
    safe: Safe, clock: Clock
) -> None:
    scour(safe.database)
    people = keep(safe)
    gone, stay = people[::2], people[1::2]
    theirs, others = wrapped(safe, gone), wrapped(safe, stay)
    safe.confirm(dict.fromkeys(gone, 1))
    if not safe.database.is_sqlite:
        with safe.database.glance() as db:
            db.exec_driver_sql("VACUUM person_keys")
    assert in_files(safe, theirs) > 0, "a table without its rows was enough"
    clock.passes(EVERY)
    scour(safe.database)
    assert in_files(safe, theirs) == 0
    assert in_files(safe, others) == len(others)
    assert len(safe.keys({(one, 0) for one in people}, KEYS)) == len(stay)


@pytest.mark.parametrize("urls", ["postgresql"], indirect=True)
def test_postgresql_keeps_everybody_out_once_a_day_only(safe: Safe, clock: Clock) -> None:
    files = []
    for _ in range(3):
        scour(safe.database)
        with safe.database.glance() as db:
            files.append(db.exec_driver_sql("SELECT pg_relation_filenode('person_keys')").scalar())
        clock.passes(EVERY / 2)
    assert files[0] == files[1] != files[2]


def test_who_is_in_the_way_is_not_waited_for_long(
    safe: Safe, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup reads for minutes; whoever leads has other things to do. The next time does it."""
    monkeypatch.setattr("core.safe.scouring.WAITS", 0.1)
    people = keep(safe)
    theirs = wrapped(safe, people)
    with safe.database.read() as tx:
        tx.db.execute(sa.select(person_keys)).all()
        safe.confirm(dict.fromkeys(people, 1))
        scouring = threading.Thread(target=scour, args=[safe.database])
        scouring.start()
        scouring.join(10)
        assert not scouring.is_alive()
        assert in_files(safe, theirs) > 0
    scour(safe.database)
    assert in_files(safe, theirs) == 0


@pytest.mark.large
@pytest.mark.timeout(300)
def test_a_server_that_is_set_as_we_say_keeps_nothing_in_its_log(tmp_path: Path) -> None:
    """What docs/privacy.md says of PostgreSQL's settings, with seconds in place of an hour."""
    tmp_path.chmod(0o755)
    server = Postgres(tmp_path / "postgres")
    for setting in ("wal_recycle = off", "archive_timeout = '2s'", "checkpoint_timeout = '30s'"):
        server.databases.run(f"ALTER SYSTEM SET {setting}")
    server.databases.run("SELECT pg_reload_conf()")
    safe = Safe(Database(server.databases.create()))
    migrations.upgrade(safe.database, Store.SAFE)
    with safe.database.begin() as tx:
        tx.db.execute(sa.insert(installation).values(id=uuid4()))
    people = keep(safe)
    theirs = wrapped(safe, people[:20])
    safe.confirm(dict.fromkeys(people, 1))
    scour(safe.database)
    assert in_folder(server.booted.pgdata, theirs) > 0
    end = time.monotonic() + 100
    while in_folder(server.booted.pgdata, theirs):
        assert time.monotonic() < end, "its log keeps them"
        with safe.database.begin() as tx:  # whoever leads writes every minute; who is idle keeps
            tx.db.execute(sa.update(installation).values(pulse=uuid4()))
        time.sleep(2)
    safe.database.engine.dispose()
    server.close()


def in_folder(folder: Path, values: Collection[bytes]) -> int:
    found = set[bytes]()
    for file in folder.rglob("*"):
        with suppress(OSError):  # a file that goes meanwhile
            content = file.read_bytes() if file.is_file() else b""
            found |= {one for one in values if one in content}
    return len(found)
