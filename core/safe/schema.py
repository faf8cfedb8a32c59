"""The safe's tables: nothing in them can be read without the ledger's keys."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

import sqlalchemy as sa

from core.moments import Moment

metadata = sa.MetaData()


class Tombstone(StrEnum):
    """Why an erasure is remembered after everything else about it is gone."""

    RESTORE = "restore"  # until no backup holds the person
    DO_NOT_RETURN = "do_not_return"  # the customer's instruction


KEPT = {Tombstone.RESTORE: timedelta(days=120), Tombstone.DO_NOT_RETURN: timedelta(days=730)}

# One row.
installation = sa.Table(
    "installation",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),  # by which ledger and safe know each other
    sa.Column("scoured_at", Moment),
    sa.Column("pulse", sa.Uuid),  # the ledger's, or what it becomes (core.ledger.pulse)
    sa.Column("pulse_before", sa.Uuid),
)

person_keys = sa.Table(
    "person_keys",
    metadata,
    sa.Column("person", sa.Uuid, primary_key=True),
    sa.Column("epoch", sa.Integer, primary_key=True),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
)

# One row per erasure, also where people share an address: each can be taken back by itself.
tombstones = sa.Table(
    "tombstones",
    metadata,
    sa.Column("person", sa.Uuid, primary_key=True),
    sa.Column("epoch", sa.Integer, primary_key=True),
    sa.Column("kind", sa.String, primary_key=True),
    sa.Column("hash", sa.LargeBinary, primary_key=True),  # of an address, or the person's id
    sa.Column("customer", sa.Uuid, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("until", Moment, nullable=False),
    sa.Index("ix_tombstones_customer_hash", "customer", "hash"),
)

# Opt-outs that nothing has lifted, so that a restored ledger can be told.
refusals = sa.Table(
    "refusals",
    metadata,
    sa.Column("person", sa.Uuid, primary_key=True),
    sa.Column("list", sa.String, primary_key=True),
    sa.Column("customer", sa.Uuid, nullable=False),
    sa.Column("at", Moment, nullable=False, index=True),
)

finishing_records = sa.Table(
    "finishing_records",
    metadata,
    sa.Column("person", sa.Uuid, primary_key=True),
    sa.Column("epoch", sa.Integer, primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("confirmed", sa.Boolean, nullable=False),  # the ledger's commit came
    sa.Index(
        "ix_finishing_records_unconfirmed",
        "at",
        sqlite_where=sa.text("NOT confirmed"),
        postgresql_where=sa.text("NOT confirmed"),
    ),
)

# One per day in UTC on which a backup was made, wrapped under a version of the key file.
day_keys = sa.Table(
    "day_keys",
    metadata,
    sa.Column("day", sa.String, primary_key=True),
    sa.Column("key_version", sa.Integer, nullable=False),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
    sa.Column("made_at", Moment, nullable=False),
)

# One that was killed counts as well: what it left may have been copied.
backups = sa.Table(
    "backups",
    metadata,
    sa.Column("begun_at", Moment, primary_key=True),
    sa.Column("made_at", Moment),  # None: killed meanwhile, or under way
)
