"""Bringing the two databases to the shape that this version of the product needs."""

from __future__ import annotations

from enum import StrEnum
from importlib.resources import files

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from core.database import Database


class Store(StrEnum):
    """Named as the folder that holds its migrations."""

    LEDGER = "ledger"
    SAFE = "safe"


class NotMigrated(Exception):
    """The database has another shape than this version needs; the message says what to do."""


def upgrade(database: Database, store: Store) -> None:
    """Apply what is missing, all of it or nothing. Raises NotMigrated."""
    with database.begin() as tx:
        found = revision(tx.db, store)
        if found is not None and found not in known(store):
            raise NotMigrated(newer(store))
        config = config_of(store)
        config.attributes["connection"] = tx.db
        command.upgrade(config, "head")


def check(database: Database, store: Store) -> None:
    """Raises NotMigrated unless the database has the newest shape that we know."""
    with database.read() as tx:
        found = revision(tx.db, store)
    if found is not None and found not in known(store):
        raise NotMigrated(newer(store))
    if found != ScriptDirectory.from_config(config_of(store)).get_current_head():
        raise NotMigrated(
            f"The {store} database is not ready for this version. Nothing was started. "
            "Run: courseflow-sync migrate"
        )


def newer(store: Store) -> str:
    return (
        f"The {store} database was made by a newer version of courseflow-sync. "
        "Nothing was started. Install that version, or restore a backup made before it."
    )


def revision(db: sa.Connection, store: Store) -> str | None:
    options = {"version_table": f"{store}_version"}
    return MigrationContext.configure(db, opts=options).get_current_revision()


def known(store: Store) -> set[str]:
    scripts = ScriptDirectory.from_config(config_of(store))
    return {script.revision for script in scripts.walk_revisions()}


def config_of(store: Store) -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("core.migrations") / store.value))
    config.set_main_option("version_table", f"{store}_version")
    return config
