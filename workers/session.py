"""A live worker process, whose death the system shows at once."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Protocol
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from core.database import Database, DatabaseAway
from core.ledger import Ledger
from core.ledger.schema import sessions

LOCK_SPACE = 0x5E551  # the first half of PostgreSQL's two-part advisory locks
LEADER_SPACE = 0x1EADE


class Session:
    """
    Holds a lock that ends with this process: an advisory lock on a connection of its own
    (PostgreSQL), or a lock on a file beside the database (SQLite).
    """

    def __init__(self, ledger: Ledger) -> None:
        self.id = uuid4()
        self.ledger = ledger
        self._alive = held_lock(ledger.database, LOCK_SPACE, self.id)
        with ledger.begin() as tx:
            tx.db.execute(sa.insert(sessions).values(id=self.id, started_at=tx.now))

    def alive(self) -> bool:
        """Whether the lock is still ours: a database that restarted has dropped it."""
        return self._alive.holds()

    def close(self) -> None:
        self._alive.close()


class Leadership:
    """At most one process leads; ``held`` tries again whenever the leader is gone."""

    NAME = UUID(int=0)

    def __init__(self, database: Database) -> None:
        self.database = database
        self._lock: Lock | None = None

    def held(self) -> bool:
        if self._lock is not None and self._lock.holds():
            return True
        self._lock = None
        try:
            self._lock = held_lock(self.database, LEADER_SPACE, self.NAME)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def dead(ledger: Ledger, leasing: Collection[UUID]) -> set[UUID]:
    """Which of these sessions no longer hold their lock."""
    if not leasing:
        return set()
    if ledger.database.is_sqlite:
        return {session for session in leasing if is_free(ledger.database, session)}
    with ledger.read() as tx:
        held = set(tx.db.execute(SERVER_LOCKS, {"space": LOCK_SPACE}).scalars())
    return {session for session in leasing if number(session) not in held}


def is_free(database: Database, session: UUID) -> bool:
    try:
        held_lock(database, LOCK_SPACE, session).close()
    except BlockingIOError:
        return False
    return True


class Lock(Protocol):
    """A lock that the operating system or the server drops when we die."""

    def holds(self) -> bool:
        """Whether it is still ours."""

    def close(self) -> None:
        """Give it back."""


def held_lock(database: Database, space: int, name: UUID) -> Lock:
    """Raises BlockingIOError when somebody holds it."""
    if database.is_sqlite:
        return FileLock(Path(f"{database.url.database}.locks") / f"{space:x}-{name}")
    return ServerLock(database, space, name)


class FileLock:
    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._file = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            raise

    def holds(self) -> bool:
        return True

    def close(self) -> None:
        """A session's file goes with it; the leader's stays, as others wait for that one."""
        if not self._path.name.startswith(f"{LEADER_SPACE:x}"):
            self._path.unlink(missing_ok=True)
        os.close(self._file)


# Every advisory lock of this database in one of our two spaces.
SERVER_LOCKS = sa.text(
    "SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2"
    " AND classid::bigint = :space AND granted"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


def number(name: UUID) -> int:
    """The second half of a two-part advisory lock is a signed 32-bit number."""
    return name.int & 0x7FFFFFFF


class ServerLock:
    """PostgreSQL: the lock lives as long as this one connection."""

    def __init__(self, database: Database, space: int, name: UUID) -> None:
        self._busy = threading.Lock()
        try:
            self._db = database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            self._db.detach()
            taken = self._db.scalar(sa.func.pg_try_advisory_lock(space, number(name)).select())
        except DBAPIError as error:
            raise DatabaseAway(type(error.orig).__name__) from None
        if not taken:
            self._db.close()
            raise BlockingIOError

    def holds(self) -> bool:
        try:
            with self._busy:
                self._db.exec_driver_sql("SELECT 1")
        except DBAPIError:
            return False
        return True

    def close(self) -> None:
        """Given back before we go: the server notices a closed connection a moment later."""
        with suppress(DBAPIError):
            self._db.exec_driver_sql("SELECT pg_advisory_unlock_all()")
        self._db.close()
