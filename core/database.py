"""One way to open a database, on SQLite or PostgreSQL, with the settings that a promise needs."""

from __future__ import annotations

import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from core.pool import AsBusy
from core.turnstile import NoTurnstile, Turnstile

MOST = 64  # connections at once
BUSY = 30.0  # seconds
BETWEEN = 0.01  # seconds between tries
PRIMARY = 0xFF  # of an SQLite result code: the rest says more about the same

# Where a machine loses its power or its network, TCP says nothing for hours. Both ends ask:
# after 5 s of silence, every 2 s, 4 times; what was sent has to be taken within 13 s. So a
# cut-off worker's locks are free long before its leases run out.
NOTICES_SILENCE = {
    "connect_timeout": 10,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 4,
    "tcp_user_timeout": 13_000,
}
SERVER_NOTICES_SILENCE = (
    "SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 4;"
    " SET tcp_user_timeout = 13000"
)

# A stopped process answers for its connections, so nothing of the above notices it. Longer than
# anything between two statements takes, shorter than any lease: nobody waits for its locks.
STANDS_STILL = timedelta(seconds=15)

# The cluster and the database in it, which a rename, a move or a standby's promotion keep.
WHICH = (
    "SELECT system_identifier || ':' || oid FROM pg_control_system(), pg_database"
    " WHERE datname = current_database()"
)


class UnsafeDatabase(Exception):
    """The database cannot keep what we promise; the message says what to change."""


class DatabaseAway(Exception):
    """The database did not answer. What was being committed at that moment may be stored."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """``now`` is the one reading of the database's clock in this transaction, in UTC."""

    db: sa.Connection
    now: datetime


Clock = Callable[[sa.Connection], datetime]


class Database:
    """
    ``begin()`` opens a writing transaction, ``read()`` a reading one, ``glance()`` none at all;
    the outermost caller owns it. Raises DatabaseAway when the server is gone, UnsafeDatabase
    when it must not be used. ``clock`` is replaced in simulation only.
    """

    def __init__(self, url: str, *, clock: Clock | None = None) -> None:
        try:
            self.url = sa.make_url(url)
            self.engine = self._engine()
        except (ArgumentError, NoSuchModuleError, ModuleNotFoundError):
            raise UnsafeDatabase(
                "The database address cannot be read. Use sqlite:///FILE or "
                "postgresql+psycopg://USER@HOST/NAME."
            ) from None
        self.clock = clock or CLOCKS[self.engine.dialect.name]
        self._writers = Turnstile() if self.is_sqlite else NoTurnstile()

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        with self._writers, self._connection() as db, db.begin():
            yield Transaction(db, self.clock(db))

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        with self._connection() as connection:
            db = connection.execution_options(reads=True)
            with db.begin():
                yield Transaction(db, self.clock(db))

    @contextmanager
    def glance(self) -> Iterator[sa.Connection]:
        """
        For single statements that read: a transaction would cost more than they do. Between two
        of them ``rollback`` lets the second see what came since.
        """
        options = {"reads": True} if self.is_sqlite else {"isolation_level": "AUTOCOMMIT"}
        with self._connection() as connection:
            yield connection.execution_options(**options)

    def empty_log(self) -> None:
        """
        What was deleted leaves SQLite's write-ahead log as well, as it left the pages
        (secure_delete). Whoever reads at that moment keeps it until the next time.
        """
        with self._writers, closing(self.engine.raw_connection()) as line:
            try:
                _empty_log(line.driver_connection)
            except sqlite3.OperationalError as error:
                line.invalidate(error)
                raise DatabaseAway(type(error).__name__) from None

    @contextmanager
    def _connection(self) -> Iterator[sa.Connection]:
        with self.translated(), self.engine.connect() as db:
            yield db

    @contextmanager
    def translated(self) -> Iterator[None]:
        """What goes wrong in the block is said in our words, as in every transaction."""
        try:
            yield
        except sa.exc.TimeoutError:
            raise DatabaseAway("every connection is in use") from None
        except DBAPIError as error:
            if "file is not a database" in str(error.orig):
                raise UnsafeDatabase(
                    "The file that the address names is not an SQLite database. Nothing was "
                    "changed. Name another file."
                ) from None
            if error.connection_invalidated or isinstance(error, sa.exc.OperationalError):
                raise DatabaseAway(type(error.orig).__name__) from None
            raise

    def identity(self) -> str:
        """The same for whoever works on this database, by any address. Raises DatabaseAway."""
        if self.is_sqlite:
            return f"{socket.gethostname()}:{Path(str(self.url.database)).resolve()}"
        with self.read() as tx:
            return str(tx.db.exec_driver_sql(WHICH).scalar_one())

    def check(self) -> None:
        """Raises UnsafeDatabase or DatabaseAway unless the settings keep our promises."""
        with self.read() as tx:
            for question, wrong, remedy in CHECKS[self.engine.dialect.name]:
                if tx.db.exec_driver_sql(question).scalar() in wrong:
                    raise UnsafeDatabase(remedy)

    def _engine(self) -> sa.Engine:
        name = self.url.get_backend_name()
        if name == "sqlite":
            if self.url.database in {None, "", ":memory:"}:
                raise UnsafeDatabase(
                    "An SQLite database in memory forgets everything. Name a file."
                )
            folder = Path(str(self.url.database)).parent
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise UnsafeDatabase(
                    f"The folder {folder} cannot be used: {error.strerror}. Choose another."
                ) from None
            engine = sa.create_engine(
                self.url,
                hide_parameters=True,
                pool_size=MOST,
                max_overflow=0,
                pool_timeout=BUSY,
                connect_args={"timeout": BUSY, "check_same_thread": False},
            )
            sa.event.listen(engine, "connect", _prepare_sqlite)
            sa.event.listen(engine, "begin", _begin_sqlite)
            sa.event.listen(engine, "handle_error", _part_with_read_only)
            return engine
        if name == "postgresql":
            engine = sa.create_engine(
                self.url.set(drivername="postgresql+psycopg"),
                hide_parameters=True,
                poolclass=AsBusy,
                pool_size=MOST,
                max_overflow=0,
                pool_timeout=BUSY,
                pool_pre_ping=True,
                connect_args=NOTICES_SILENCE,
            )
            sa.event.listen(engine, "connect", _notice_silence)
            return engine
        raise UnsafeDatabase(f"{name} is not supported. Use PostgreSQL or SQLite.")


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    connection.create_function("from_hex", 1, from_hex, deterministic=True)  # for core.rows
    _write_ahead(connection, until=time.monotonic() + BUSY)
    for pragma in ("synchronous=FULL", "secure_delete=ON", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _empty_log(connection: Any) -> None:
    connection.execute("PRAGMA busy_timeout=0")  # else everybody waits for who reads
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.execute(f"PRAGMA busy_timeout={BUSY * 1000:.0f}")


def from_hex(written: str | None) -> bytes | None:
    """What core.rows writes for bytes; SQLite has such a function of its own from 3.41 on."""
    return None if written is None else bytes.fromhex(written)


def _write_ahead(connection: Any, until: float) -> None:
    """
    Where two processes open a new file at once, SQLite does not wait but says busy to one.

    Seen on 2026-11-22 with SQLite 3.40, once in some hundred openings.
    """
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(BETWEEN)
        else:
            return


def _notice_silence(connection: Any, _record: Any) -> None:
    connection.autocommit = True
    connection.execute(SERVER_NOTICES_SILENCE)
    still = STANDS_STILL // timedelta(milliseconds=1)
    connection.execute(f"SET idle_in_transaction_session_timeout = {still}")
    connection.autocommit = False


def _begin_sqlite(connection: sa.Connection) -> None:
    reads = connection.get_execution_options().get("reads", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _part_with_read_only(context: sa.engine.ExceptionContext) -> None:
    """
    A file that cannot be written to is opened to be read only, and stays so for that connection
    when the disk takes writes again: it is closed, as are all that were opened before it.
    """
    code = getattr(context.original_exception, "sqlite_errorcode", sqlite3.SQLITE_OK)
    if code & PRIMARY == sqlite3.SQLITE_READONLY:
        context.is_disconnect = True


def _process_clock(_: sa.Connection) -> datetime:
    """SQLite lives in this process, so its clock is ours."""
    return datetime.now(UTC)


def _server_clock(db: sa.Connection) -> datetime:
    now: datetime = db.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
    return now.astimezone(UTC)


CLOCKS: dict[str, Clock] = {"sqlite": _process_clock, "postgresql": _server_clock}

# question, answers that are not safe, what to do
CHECKS: dict[str, tuple[tuple[str, tuple[Any, ...], str], ...]] = {
    "sqlite": (
        (
            "PRAGMA journal_mode",
            ("delete", "truncate", "persist", "memory", "off"),
            "This SQLite file cannot keep a write-ahead log (a network disk?). Use a local disk.",
        ),
        (
            "PRAGMA synchronous",
            (0, 1),
            "This SQLite may lose what it accepted when power fails. Use PRAGMA synchronous=FULL.",
        ),
    ),
    "postgresql": (
        (
            "SHOW synchronous_commit",
            ("off",),
            "PostgreSQL may lose what it accepted: set synchronous_commit to on for this database.",
        ),
        (
            "SHOW fsync",
            ("off",),
            "PostgreSQL may lose what it accepted: set fsync to on for this server.",
        ),
        (
            "SHOW server_encoding",
            ("SQL_ASCII", "LATIN1"),
            "PostgreSQL cannot keep every name in this encoding: make the database with UTF8.",
        ),
    ),
}
