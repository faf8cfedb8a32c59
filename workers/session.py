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
from sqlalchemy.exc import DBAPIError, PendingRollbackError, ResourceClosedError

from core.database import Database, DatabaseAway
from core.ledger import Ledger, leading
from core.ledger.schema import sessions

# The second whenever a broken connection is asked again, the third once we hung up.
LOST = (DBAPIError, PendingRollbackError, ResourceClosedError)
LOCK_SPACE = 0x5E551  # the first half of PostgreSQL's two-part advisory locks


class Session:
    """
    Holds a lock that ends with this process: an advisory lock on a connection of its own
    (PostgreSQL), or a lock on a file beside the database (SQLite).
    """

    def __init__(self, ledger: Ledger) -> None:
        self.id = uuid4()
        self.ledger = ledger
        self._alive = held_lock(ledger.database, self.id)
        with ledger.begin() as tx:
            tx.db.execute(sa.insert(sessions).values(id=self.id, started_at=tx.now))

    def alive(self) -> bool:
        """Whether the lock is still ours: a database that restarted has dropped it."""
        return self._alive.holds()

    def close(self) -> None:
        self._alive.close()


def living(session: Session | None, ledger: Ledger) -> Session:
    """This one, or a new one where the database dropped it."""
    if session is not None:
        if session.alive():
            return session
        session.close()
    return Session(ledger)


class Leadership:
    """
    At most one process leads, for as long as it says so again. Whoever dies is followed at once,
    whoever stands still when its time is over; when it goes on, it finds that another leads.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._session: Session | None = None

    def held(self) -> bool:
        """Whether we lead now; tries to whenever nobody does."""
        self._session = living(self._session, self.ledger)
        me = self._session.id
        with self.ledger.read() as tx:
            leader, now = leading.leader(tx), tx.now
        if leader is not None:
            mine = leader.session == me
            until = leader.until - leading.LEASE / 2 if mine else leader.until
            if (mine or not dead(self.ledger, {leader.session})) and now < until:
                return mine
        with self.ledger.begin() as tx:
            return leading.follow(tx, leader, me)

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None


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
        held_lock(database, session).close()
    except BlockingIOError:
        return False
    return True


class Lock(Protocol):
    """A lock that the operating system or the server drops when we die."""

    def holds(self) -> bool:
        """Whether it is still ours."""

    def close(self) -> None:
        """Give it back."""


def held_lock(database: Database, session: UUID) -> Lock:
    """Raises BlockingIOError when somebody holds it."""
    if database.is_sqlite:
        return FileLock(Path(f"{database.url.database}.locks") / str(session))
    return ServerLock(database, session)


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
        self._path.unlink(missing_ok=True)
        os.close(self._file)


# Every advisory lock of this database in our space.
SERVER_LOCKS = sa.text(
    "SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2"
    " AND classid::bigint = :space AND granted"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


def number(session: UUID) -> int:
    """The second half of a two-part advisory lock is a signed 32-bit number."""
    return session.int & 0x7FFFFFFF


class ServerLock:
    """PostgreSQL: the lock lives as long as this one connection."""

    def __init__(self, database: Database, session: UUID) -> None:
        self._busy = threading.Lock()
        try:
            self._db = database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            self._db.detach()
            lock = sa.func.pg_try_advisory_lock(LOCK_SPACE, number(session))
            taken = self._db.scalar(lock.select())
        except DBAPIError as error:
            raise DatabaseAway(type(error.orig).__name__) from None
        if not taken:
            self._db.close()
            raise BlockingIOError

    def holds(self) -> bool:
        try:
            with self._busy:
                self._db.exec_driver_sql("SELECT 1")
        except LOST:
            return False
        return True

    def close(self) -> None:
        """Given back before we go: the server notices a closed connection a moment later."""
        with suppress(*LOST):
            self._db.exec_driver_sql("SELECT pg_advisory_unlock_all()")
        with suppress(*LOST):
            self._db.close()
