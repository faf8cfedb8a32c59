"""The migrations make exactly the tables that the code knows, all of them or none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext

from core import migrations
from core.database import Database
from core.migrations import NotMigrated, Store
from tests.databases import TABLES


@pytest.fixture
def blank(blank_url: str) -> Iterator[Database]:
    database = Database(blank_url)
    yield database
    database.engine.dispose()


def tables(database: Database) -> set[str]:
    with database.read() as tx:
        return set(sa.inspect(tx.db).get_table_names())


@pytest.mark.parametrize("store", Store)
def test_the_migrations_equal_the_metadata(blank: Database, store: Store) -> None:
    migrations.upgrade(blank, store)
    options = {
        "version_table": f"{store}_version",
        "compare_server_default": True,
        "render_as_batch": True,
    }
    with blank.read() as tx:
        context = MigrationContext.configure(tx.db, opts=options)
        assert compare_metadata(context, TABLES[store]) == []


@pytest.mark.parametrize("store", Store)
def test_an_upgrade_may_be_repeated(blank: Database, store: Store) -> None:
    for _ in range(2):
        migrations.upgrade(blank, store)
        migrations.check(blank, store)


@pytest.mark.parametrize("store", Store)
def test_a_database_that_was_never_migrated_is_refused(blank: Database, store: Store) -> None:
    with pytest.raises(NotMigrated, match="courseflow-sync migrate"):
        migrations.check(blank, store)


@pytest.mark.parametrize("store", Store)
def test_a_database_of_a_newer_version_is_left_alone(blank: Database, store: Store) -> None:
    migrations.upgrade(blank, store)
    with blank.begin() as tx:
        tx.db.exec_driver_sql(f"UPDATE {store}_version SET version_num = '9999'")  # noqa: S608  no input
    for refuses in (migrations.check, migrations.upgrade):
        with pytest.raises(NotMigrated, match="newer version"):
            refuses(blank, store)


def test_an_upgrade_that_fails_half_way_leaves_nothing(
    blank: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(config: Config, revision: str) -> None:
        upgrade(config, revision)
        raise RuntimeError

    upgrade = command.upgrade
    monkeypatch.setattr(command, "upgrade", fails)
    with pytest.raises(RuntimeError):
        migrations.upgrade(blank, Store.LEDGER)
    assert tables(blank) == set()


def test_the_ledger_is_not_taken_for_the_safe(blank: Database) -> None:
    migrations.upgrade(blank, Store.LEDGER)
    with pytest.raises(NotMigrated):
        migrations.check(blank, Store.SAFE)
