"""The ledger's tables: who asked what, what is held where, what was tried, what was seen."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from core.moments import Moment

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def uuid_key() -> sa.Column[Any]:
    return sa.Column("id", sa.Uuid, primary_key=True)


def refers(name: str, *, optional: bool = False, indexed: bool = False) -> sa.Column[Any]:
    target = sa.ForeignKey(f"{'people' if name == 'person' else name + 's'}.id")
    return sa.Column(name, sa.Uuid, target, nullable=optional, index=indexed)


customers = sa.Table(
    "customers",
    metadata,
    uuid_key(),
    sa.Column("name", sa.String, nullable=False, unique=True),
    sa.Column("time_zone", sa.String, nullable=False),
    sa.Column("wrapped_key", sa.LargeBinary, nullable=False),
    sa.Column("key_version", sa.Integer, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
)

lists = sa.Table(
    "lists",
    metadata,
    uuid_key(),
    refers("customer"),
    sa.Column("key", sa.String, nullable=False),
    sa.Column("purpose", sa.String, nullable=False),
    sa.Column("title", sa.String, nullable=False),
    sa.UniqueConstraint("customer", "key"),
)

connections = sa.Table(
    "connections",
    metadata,
    uuid_key(),
    refers("customer"),
    sa.Column("platform", sa.String, nullable=False),
    sa.Column("title", sa.String, nullable=False),
    sa.Column("settings", sa.LargeBinary, nullable=False),  # sealed under the customer's key
    sa.Column("account", sa.LargeBinary, nullable=False),  # keyed hash of the account's id
    sa.Column("places", sa.JSON, nullable=False),  # list key → place id
    sa.Column("fields", sa.JSON, nullable=False),  # fields that are sent; all others are not
    sa.Column("keep_refusal", sa.Boolean, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("closed_at", Moment),
    sa.UniqueConstraint("customer", "title"),
    sa.Index(
        "uq_connections_open_account",
        "customer",
        "account",
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    ),
)

# The lane is the queue of one connection: sole right, order and pace live in this row.
lanes = sa.Table(
    "lanes",
    metadata,
    sa.Column("connection", sa.Uuid, sa.ForeignKey("connections.id"), primary_key=True),
    sa.Column("ready_at", Moment, index=True),  # None: nothing to do
    sa.Column("session", sa.Uuid, sa.ForeignKey("sessions.id"), index=True),
    sa.Column("lease_until", Moment),
    sa.Column("fence", sa.BigInteger, nullable=False, default=0),
    sa.Column("next_call_at", Moment),  # the pace that the platform allows
    sa.Column("failures", sa.Integer, nullable=False, default=0),  # in a row, of the transport
    sa.Column("closed_until", Moment),  # the breaker
    sa.Column("held_for", sa.String),  # "credentials", "paused", "closed"; None: not held
    sa.Column("ring_at", Moment),  # not to be rung before; None: at once
    sa.Column("rings", sa.Integer, nullable=False, default=0),  # since it was last leased
)

sessions = sa.Table(
    "sessions",
    metadata,
    uuid_key(),
    sa.Column("started_at", Moment, nullable=False),
)

people = sa.Table(
    "people",
    metadata,
    uuid_key(),  # a keyed hash of the customer's reference
    refers("customer", indexed=True),
    sa.Column("sealed", sa.LargeBinary),  # reference, e-mail, fields; None after an erasure
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("key_epoch", sa.Integer, nullable=False),  # the epoch of the last erasure
    sa.Column("erased_at", Moment, index=True),
    sa.Column("refused", sa.JSON, nullable=False),  # list key → microseconds of the refusal
    sa.Column("answered_at", Moment),
    sa.Column("forgotten_at", Moment),  # the finishing record is gone
)

# Never unique: families share an address.
addresses = sa.Table(
    "addresses",
    metadata,
    sa.Column("person", sa.Uuid, sa.ForeignKey("people.id"), primary_key=True),
    sa.Column("hash", sa.LargeBinary, primary_key=True),
    refers("customer"),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("since", sa.Integer, nullable=False),  # the operation that brought it
    sa.Index("ix_addresses_customer_hash", "customer", "hash"),
)

operations = sa.Table(
    "operations",
    metadata,
    uuid_key(),
    refers("customer"),
    refers("person"),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("verb", sa.String, nullable=False),
    sa.Column("lists", sa.JSON, nullable=False),
    sa.Column("basis_kind", sa.String),
    sa.Column("basis_hash", sa.LargeBinary),
    sa.Column("basis", sa.LargeBinary),  # sealed under the person's key
    sa.Column("accepted_at", Moment, nullable=False),
    sa.Column("received_at", Moment, nullable=False),
    sa.Column("channel", sa.String, nullable=False),
    sa.Column("identity_checked_how", sa.String),
    sa.Column("deadline", Moment),
    sa.UniqueConstraint("person", "seq"),
)

# What one connection holds about one person: the unit that is brought to the asked state.
holdings = sa.Table(
    "holdings",
    metadata,
    uuid_key(),
    refers("customer", indexed=True),
    refers("person"),
    refers("connection"),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("wants", sa.JSON, nullable=False),
    sa.Column("asked_seq", sa.Integer, nullable=False),
    sa.Column("reached_seq", sa.Integer, nullable=False),
    sa.Column("acted_seq", sa.Integer, nullable=False),  # the last that was sent at all
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("erasing", sa.Boolean, nullable=False),  # a due erasure goes first
    sa.Column("due_at", Moment),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("looks", sa.Integer, nullable=False),
    sa.Column("deaths", sa.Integer, nullable=False),
    sa.Column("suspect", sa.Boolean, nullable=False),  # in flight when a worker died
    sa.Column("intent_fence", sa.BigInteger),  # in flight under this fence
    sa.Column("intent_until", Moment),  # the deadline of that attempt
    sa.Column("ambiguous_until", Moment),
    sa.Column("answered_at", Moment),
    sa.Column("seen_at", Moment),
    sa.Column("seen", sa.JSON, nullable=False),  # places, presences, field names: never values
    sa.Column("remote", sa.LargeBinary),  # remote ids, sealed under the person's key
    sa.Column("patrol", sa.Integer, nullable=False),
    sa.Column("final_on", Moment),
    sa.Column("error", sa.String),
    sa.UniqueConstraint("person", "connection"),
    sa.Index("ix_holdings_connection_due_at", "connection", "due_at"),
)

# One row per operation and holding; ``ended`` is None while the operation is open there.
parts = sa.Table(
    "parts",
    metadata,
    sa.Column("operation", sa.Uuid, sa.ForeignKey("operations.id"), primary_key=True),
    sa.Column("holding", sa.Uuid, sa.ForeignKey("holdings.id"), primary_key=True),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("ended", sa.String),
    sa.Column("ended_at", Moment),
    sa.Index("ix_parts_holding_ended", "holding", "ended"),
)

attempts = sa.Table(
    "attempts",
    metadata,
    uuid_key(),
    refers("holding", indexed=True),
    refers("session"),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("ended_at", Moment),
    sa.Column("outcome", sa.String),  # None: in flight; else a verdict or an error's class
    sa.Column("detail", sa.String),
)

evidence = sa.Table(
    "evidence",
    metadata,
    uuid_key(),
    refers("holding", indexed=True),
    refers("attempt"),
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("ended_at", Moment, nullable=False),
    sa.Column("verdict", sa.String, nullable=False),
    sa.Column("places", sa.JSON, nullable=False),  # the places that were read
    sa.Column("seen", sa.JSON, nullable=False),
)

tasks = sa.Table(
    "tasks",
    metadata,
    uuid_key(),
    refers("customer", indexed=True),
    refers("connection"),
    refers("person", optional=True),
    refers("holding", optional=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("verb", sa.String),
    sa.Column("seq", sa.Integer),  # the operation that it is about; none for a connection's own
    sa.Column("opened_at", Moment, nullable=False),
    sa.Column("deadline", Moment),
    sa.Column("closed_at", Moment),
    sa.Column("closed_by", sa.String),  # a staff role, never a name
    sa.Column("closed_how", sa.String),
    sa.Index(
        "uq_tasks_open",
        "connection",
        "holding",
        "kind",
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    ),
)

# Ids and states only. ``position`` and ``seal`` are filled in order by the leader.
events = sa.Table(
    "events",
    metadata,
    sa.Column(
        "id",
        sa.BigInteger().with_variant(sa.Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    refers("customer"),
    sa.Column("at", Moment, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    refers("operation", optional=True),
    refers("holding", optional=True),
    sa.Column("was", sa.String),
    sa.Column("became", sa.String),
    sa.Column("position", sa.BigInteger),
    sa.Column("seal", sa.LargeBinary),
)
