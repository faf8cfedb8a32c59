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
from core.ledger import schema as ledger
from core.migrations import NotMigrated, Store
from core.safe import schema as safe

# An erasure that was answered, and a later one of the same person that was not.
ANSWERED_IN_0002 = """
INSERT INTO customers VALUES
('22222222222222222222222222222222', 'De Verfschuur', 'Europe/Amsterdam', '', 1, 1);
INSERT INTO people (id, customer, seq, epoch, key_epoch, refused, answered_at) VALUES
('11111111111111111111111111111111', '22222222222222222222222222222222', 2, 2, 2, '{}', 15);
INSERT INTO operations
(id, customer, person, seq, epoch, verb, lists, accepted_at, received_at, channel, deadline) VALUES
('33333333333333333333333333333333', '22222222222222222222222222222222',
 '11111111111111111111111111111111', 1, 1, 'erase', '[]', 10, 10, 'phone', 99),
('44444444444444444444444444444444', '22222222222222222222222222222222',
 '11111111111111111111111111111111', 2, 2, 'erase', '[]', 20, 20, 'phone', 99)
"""

# Somebody whose patrol was lost with its worker, and somebody who is to be erased still.
LOST_IN_0005 = """
INSERT INTO customers (id, name, time_zone, wrapped_key, key_version, created_at) VALUES
('22222222222222222222222222222222', 'De Verfschuur', 'Europe/Amsterdam', '', 1, 1);
INSERT INTO connections
(id, customer, platform, title, settings, account, places, fields, keep_refusal, created_at) VALUES
('55555555555555555555555555555555', '22222222222222222222222222222222',
 'mailman', 'Mailman', '', '', '{}', '[]', FALSE, 1);
INSERT INTO people (id, customer, seq, epoch, key_epoch, refused) VALUES
('11111111111111111111111111111111', '22222222222222222222222222222222', 1, 1, 1, '{}'),
('66666666666666666666666666666666', '22222222222222222222222222222222', 1, 1, 1, '{}');
INSERT INTO holdings
(id, customer, person, connection, state, wants, asked_seq, reached_seq, acted_seq, epoch, erasing,
 attempts, looks, deaths, suspect, seen, patrol) VALUES
('33333333333333333333333333333333', '22222222222222222222222222222222',
 '11111111111111111111111111111111', '55555555555555555555555555555555', 'retrying',
 '{"places": {}, "update": 0, "erase": 1}', 1, 1, 1, 1, FALSE, 0, 0, 0, TRUE, '[]', 1),
('44444444444444444444444444444444', '22222222222222222222222222222222',
 '66666666666666666666666666666666', '55555555555555555555555555555555', 'retrying',
 '{"places": {"news": [true, 2]}, "update": 0, "erase": 1}',
 2, 1, 1, 1, FALSE, 0, 0, 0, FALSE, '[]', 0);
INSERT INTO events (customer, at, kind, holding, was, became) VALUES
('22222222222222222222222222222222', 1, 'asked', '33333333333333333333333333333333',
 NULL, 'queued'),
('22222222222222222222222222222222', 2, 'asked', '33333333333333333333333333333333',
 'queued', 'queued'),
('22222222222222222222222222222222', 3, 'final on a date', '33333333333333333333333333333333',
 'overdue', 'final_on'),
('22222222222222222222222222222222', 4, 'interrupted', '33333333333333333333333333333333',
 'not_found', 'retrying')
"""
METADATA = {Store.LEDGER: ledger.metadata, Store.SAFE: safe.metadata}
HISTORY_IN_0006 = [
    ("asked", 1, "new", "queued"),
    ("asked", 2, None, None),
    ("final on a date", 3, None, "final_on"),
    ("interrupted", 4, "not_found", "retrying"),
    ("upgraded", 4, "retrying", "cannot_look"),
]


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
        assert compare_metadata(context, METADATA[store]) == []


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


def made_in(database: Database, revision: str, rows: str) -> None:
    """By an earlier version of the product."""
    with database.begin() as tx:
        config = migrations.config_of(Store.LEDGER)
        config.attributes["connection"] = tx.db
        command.upgrade(config, revision)
        for statement in rows.split(";"):
            tx.db.exec_driver_sql(statement)


def test_who_was_answered_before_stays_answered_and_nobody_else_is_forgotten(
    blank: Database,
) -> None:
    made_in(blank, "0002", ANSWERED_IN_0002)
    migrations.upgrade(blank, Store.LEDGER)
    with blank.read() as tx:
        query = "SELECT answered_at, alert_at FROM operations ORDER BY seq"
        found = tx.db.exec_driver_sql(query).all()
    assert [tuple(row) for row in found] == [(15, None), (None, 20)]


def test_a_look_that_was_lost_before_moves_were_guarded_can_end_in_any_way(
    blank: Database,
) -> None:
    made_in(blank, "0005", LOST_IN_0005)
    migrations.upgrade(blank, Store.LEDGER)
    with blank.read() as tx:
        states = tx.db.exec_driver_sql("SELECT state FROM holdings ORDER BY id").scalars().all()
        told = tx.db.exec_driver_sql("SELECT kind, at, was, became FROM events ORDER BY id").all()
    assert states == ["cannot_look", "retrying"]
    assert [tuple(one) for one in told] == HISTORY_IN_0006


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
