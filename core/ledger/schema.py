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


def owner() -> sa.Column[Any]:
    """The customer, where a foreign key of the same row says so already: no second check."""
    return sa.Column("customer", sa.Uuid, nullable=False)


def refers(name: str, *, optional: bool = False, indexed: bool = False) -> sa.Column[Any]:
    target = sa.ForeignKey(f"{'people' if name == 'person' else name + 's'}.id")
    return sa.Column(name, sa.Uuid, target, nullable=optional, index=indexed)


def few(name: str, *columns: str, where: str, sqlite: str | None = None) -> sa.Index:
    """An index of the few rows that a condition holds for."""
    return sa.Index(
        name, *columns, postgresql_where=sa.text(where), sqlite_where=sa.text(sqlite or where)
    )


# One row.
installation = sa.Table(
    "installation",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),  # by which ledger and safe know each other
    sa.Column("pulse", sa.Uuid),  # new every minute, here and in the safe (core.ledger.pulse)
)

customers = sa.Table(
    "customers",
    metadata,
    uuid_key(),
    sa.Column("name", sa.String, nullable=False, unique=True),
    sa.Column("time_zone", sa.String, nullable=False),
    sa.Column("wrapped_key", sa.LargeBinary, nullable=False),
    sa.Column("key_version", sa.Integer, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("links_since", Moment),  # links made before were ended; None: never
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
    sa.Column("outside_eu_accepted_at", Moment),  # the customer knows where data is stored
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
    sa.Column("failing_since", Moment),  # the first of those
    sa.Column("closed_until", Moment),  # nothing is sent before: the breaker, or the next
    sa.Column("rests_until", Moment),  # the platform's own word
    sa.Column("host", sa.String, index=True),  # host:port of the platform; None: not known
    sa.Column("held_for", sa.String),  # "credentials", "paused", "closed"; None: not held
    sa.Column("ring_at", Moment),  # not to be rung before; None: at once
    sa.Column("rings", sa.Integer, nullable=False, default=0),  # since it was last leased
)

# Hosts that did not answer their last turns; one that answers has no row.
hosts = sa.Table(
    "hosts",
    metadata,
    sa.Column("name", sa.String, primary_key=True),  # as in lanes.host
    sa.Column("failures", sa.Integer, nullable=False),  # turns in a row, of any connections
    sa.Column("since", Moment, nullable=False),  # the first of those
    sa.Column("closed_until", Moment),  # the breaker: then one lane tries; None: not closed
    sa.Column("tried_by", sa.Uuid),  # the session of that lane, the last that tried
)

sessions = sa.Table(
    "sessions",
    metadata,
    uuid_key(),
    sa.Column("started_at", Moment, nullable=False),
)

leaders = sa.Table(
    "leaders",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),  # 1: there is one at most
    sa.Column("session", sa.Uuid, sa.ForeignKey("sessions.id"), nullable=False),
    sa.Column("until", Moment, nullable=False),
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
    sa.Column("restricted_at", Moment),  # art. 18: nothing is pushed since then
    sa.Column("erase_at", Moment, index=True),  # an erasure that can be undone until then
    sa.Column("forgotten_at", Moment),  # the finishing record is gone
)

# Never unique: families share an address.
addresses = sa.Table(
    "addresses",
    metadata,
    sa.Column("person", sa.Uuid, sa.ForeignKey("people.id"), primary_key=True),
    sa.Column("hash", sa.LargeBinary, primary_key=True),
    owner(),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("since", sa.Integer, nullable=False),  # the operation that brought it
    sa.Index("ix_addresses_customer_hash", "customer", "hash"),
)

operations = sa.Table(
    "operations",
    metadata,
    uuid_key(),
    owner(),
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
    sa.Column("answered_at", Moment),  # the person was told what was done; no term runs any more
    sa.Column("alert_at", Moment, index=True),  # when somebody is to be warned of its term next
    sa.Column("undo_until", Moment),
    sa.Column("told", sa.LargeBinary),  # whom to erase, sealed; while it can still be undone
    sa.Column("ended", sa.String),  # of an erasure that never reached a holding
    sa.Column("ended_at", Moment),
    sa.UniqueConstraint("person", "seq"),
    sa.Index("ix_operations_customer_accepted_at_id", "customer", "accepted_at", "id"),
)

# What a person was answered about a request of theirs; the reason is in the finishing record.
answers = sa.Table(
    "answers",
    metadata,
    uuid_key(),
    refers("customer"),
    refers("operation", indexed=True),
    sa.Column("how", sa.String, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("outcome", sa.String, nullable=False),
    sa.Column("deadline", Moment),  # the term that an extension gave
    sa.Column("recorded_at", Moment, nullable=False),
)

# Which warnings of a term were given; a longer term has its own.
alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("operation", sa.Uuid, sa.ForeignKey("operations.id"), primary_key=True),
    sa.Column("deadline", Moment, primary_key=True),
    sa.Column("threshold", sa.String, primary_key=True),
    sa.Column("raised_at", Moment, nullable=False),
)

# What one connection holds about one person: the unit that is brought to the asked state.
holdings = sa.Table(
    "holdings",
    metadata,
    uuid_key(),
    sa.Column("customer", sa.Uuid, nullable=False, index=True),
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
    sa.Column("held_back", sa.Boolean),  # no push: restricted, or about to be erased
    sa.Column("hinted_at", Moment),  # the platform last told that something changed
    sa.Column("hinted", sa.Boolean),  # it was not looked at since
    sa.Column("planned_at", Moment),  # what was due before the hint
    sa.UniqueConstraint("person", "connection"),
    sa.Index("ix_holdings_connection_due_at", "connection", "due_at"),
    # Few rows at any time, found without reading the others.
    few("ix_holdings_erasing", "connection", "due_at", where="erasing", sqlite="erasing = 1"),
    few("ix_holdings_suspect", "connection", where="suspect", sqlite="suspect = 1"),
    few("ix_holdings_in_flight", "connection", where="intent_fence IS NOT NULL"),
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

# The legal moves of a holding, from core.transitions; core.migrations.guards refuses others.
transitions = sa.Table(
    "transitions",
    metadata,
    sa.Column("was", sa.String, primary_key=True),
    sa.Column("became", sa.String, primary_key=True),
)

# Ids and states only; of the ids none is checked, as what is written with them is.
# ``position`` and ``seal`` are filled in order by the leader.
events = sa.Table(
    "events",
    metadata,
    sa.Column(
        "id",
        sa.BigInteger().with_variant(sa.Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    owner(),
    sa.Column("at", Moment, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("operation", sa.Uuid),
    sa.Column("holding", sa.Uuid),
    sa.Column("was", sa.String),  # a state, or "new"; None where no state moved
    sa.Column("became", sa.String),
    sa.Column("position", sa.BigInteger),
    sa.Column("seal", sa.LargeBinary),
    sa.ForeignKeyConstraint(["was", "became"], ["transitions.was", "transitions.became"]),
    sa.Index("ix_events_sealed", "customer", "position"),
    few("ix_events_unsealed", "id", where="position IS NULL"),
)

# The newest sealed event of each customer.
audit_heads = sa.Table(
    "audit_heads",
    metadata,
    sa.Column("customer", sa.ForeignKey("customers.id"), primary_key=True),
    sa.Column("position", sa.BigInteger, nullable=False),  # 0 before the first
    sa.Column("seal", sa.LargeBinary, nullable=False),
    sa.Column("at", Moment, nullable=False),
)

# Keys of the HTTP API: random and long, so that a plain hash of them keeps them.
api_keys = sa.Table(
    "api_keys",
    metadata,
    uuid_key(),
    refers("customer", optional=True, indexed=True),  # None: the operator's, for all customers
    sa.Column("title", sa.String, nullable=False),
    sa.Column("hash", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("revoked_at", Moment),
)

# What a POST was answered, so that its repetition is answered alike. Ids and states only.
# Status with answer are filled before the transaction that inserts the row ends.
idempotency = sa.Table(
    "idempotency",
    metadata,
    sa.Column("api_key", sa.Uuid, sa.ForeignKey("api_keys.id"), primary_key=True),
    sa.Column("key", sa.LargeBinary, primary_key=True),  # hashed: callers put anything in it
    sa.Column("digest", sa.LargeBinary, nullable=False),  # keyed, of the route and the body
    sa.Column("begun_at", Moment, nullable=False, index=True),
    sa.Column("status", sa.Integer),
    sa.Column("answer", sa.JSON),  # its text, byte for byte
)
