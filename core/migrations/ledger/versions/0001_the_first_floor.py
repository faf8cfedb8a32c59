"""The first floor."""

import sqlalchemy as sa
from alembic import op

from core.moments import Moment

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "customers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("key_version", sa.Integer(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customers")),
        sa.UniqueConstraint("name", name=op.f("uq_customers_name")),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("started_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
    )
    op.create_table(
        "connections",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer", sa.Uuid(), nullable=False),
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("settings", sa.LargeBinary(), nullable=False),
        sa.Column("account", sa.LargeBinary(), nullable=False),
        sa.Column("places", sa.JSON(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("keep_refusal", sa.Boolean(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("closed_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer"], ["customers.id"], name=op.f("fk_connections_customer")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connections")),
        sa.UniqueConstraint("customer", "title", name=op.f("uq_connections_customer_title")),
    )
    with op.batch_alter_table("connections") as batch_op:
        batch_op.create_index(
            "uq_connections_open_account",
            ["customer", "account"],
            unique=True,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )

    op.create_table(
        "lists",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["customer"], ["customers.id"], name=op.f("fk_lists_customer")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lists")),
        sa.UniqueConstraint("customer", "key", name=op.f("uq_lists_customer_key")),
    )
    op.create_table(
        "people",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("key_epoch", sa.Integer(), nullable=False),
        sa.Column("erased_at", Moment(), nullable=True),
        sa.Column("refused", sa.JSON(), nullable=False),
        sa.Column("answered_at", Moment(), nullable=True),
        sa.Column("forgotten_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["customer"], ["customers.id"], name=op.f("fk_people_customer")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
    )
    with op.batch_alter_table("people") as batch_op:
        batch_op.create_index(batch_op.f("ix_people_customer"), ["customer"], unique=False)
        batch_op.create_index(batch_op.f("ix_people_erased_at"), ["erased_at"], unique=False)

    op.create_table(
        "addresses",
        sa.Column("person", sa.Uuid(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("customer", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("since", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_addresses_person")),
        sa.PrimaryKeyConstraint("person", "hash", name=op.f("pk_addresses")),
    )
    with op.batch_alter_table("addresses") as batch_op:
        batch_op.create_index("ix_addresses_customer_hash", ["customer", "hash"], unique=False)

    op.create_table(
        "holdings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer", sa.Uuid(), nullable=False),
        sa.Column("person", sa.Uuid(), nullable=False),
        sa.Column("connection", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("wants", sa.JSON(), nullable=False),
        sa.Column("asked_seq", sa.Integer(), nullable=False),
        sa.Column("reached_seq", sa.Integer(), nullable=False),
        sa.Column("acted_seq", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("erasing", sa.Boolean(), nullable=False),
        sa.Column("due_at", Moment(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column("deaths", sa.Integer(), nullable=False),
        sa.Column("suspect", sa.Boolean(), nullable=False),
        sa.Column("intent_fence", sa.BigInteger(), nullable=True),
        sa.Column("intent_until", Moment(), nullable=True),
        sa.Column("ambiguous_until", Moment(), nullable=True),
        sa.Column("answered_at", Moment(), nullable=True),
        sa.Column("seen_at", Moment(), nullable=True),
        sa.Column("seen", sa.JSON(), nullable=False),
        sa.Column("remote", sa.LargeBinary(), nullable=True),
        sa.Column("patrol", sa.Integer(), nullable=False),
        sa.Column("final_on", Moment(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection"], ["connections.id"], name=op.f("fk_holdings_connection")
        ),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_holdings_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holdings")),
        sa.UniqueConstraint("person", "connection", name=op.f("uq_holdings_person_connection")),
    )
    with op.batch_alter_table("holdings") as batch_op:
        batch_op.create_index(
            "ix_holdings_connection_due_at", ["connection", "due_at"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_holdings_customer"), ["customer"], unique=False)

    op.create_table(
        "lanes",
        sa.Column("connection", sa.Uuid(), nullable=False),
        sa.Column("ready_at", Moment(), nullable=True),
        sa.Column("session", sa.Uuid(), nullable=True),
        sa.Column("lease_until", Moment(), nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("next_call_at", Moment(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("closed_until", Moment(), nullable=True),
        sa.Column("held_for", sa.String(), nullable=True),
        sa.Column("ring_at", Moment(), nullable=True),
        sa.Column("rings", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection"], ["connections.id"], name=op.f("fk_lanes_connection")
        ),
        sa.ForeignKeyConstraint(["session"], ["sessions.id"], name=op.f("fk_lanes_session")),
        sa.PrimaryKeyConstraint("connection", name=op.f("pk_lanes")),
    )
    with op.batch_alter_table("lanes") as batch_op:
        batch_op.create_index(batch_op.f("ix_lanes_ready_at"), ["ready_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_lanes_session"), ["session"], unique=False)

    op.create_table(
        "operations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer", sa.Uuid(), nullable=False),
        sa.Column("person", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("verb", sa.String(), nullable=False),
        sa.Column("lists", sa.JSON(), nullable=False),
        sa.Column("basis_kind", sa.String(), nullable=True),
        sa.Column("basis_hash", sa.LargeBinary(), nullable=True),
        sa.Column("basis", sa.LargeBinary(), nullable=True),
        sa.Column("accepted_at", Moment(), nullable=False),
        sa.Column("received_at", Moment(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("identity_checked_how", sa.String(), nullable=True),
        sa.Column("deadline", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_operations_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operations")),
        sa.UniqueConstraint("person", "seq", name=op.f("uq_operations_person_seq")),
    )
    op.create_table(
        "attempts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("holding", sa.Uuid(), nullable=False),
        sa.Column("session", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("started_at", Moment(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("detail", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["holding"], ["holdings.id"], name=op.f("fk_attempts_holding")),
        sa.ForeignKeyConstraint(["session"], ["sessions.id"], name=op.f("fk_attempts_session")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
    )
    with op.batch_alter_table("attempts") as batch_op:
        batch_op.create_index(batch_op.f("ix_attempts_holding"), ["holding"], unique=False)

    op.create_table(
        "events",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("customer", sa.Uuid(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("operation", sa.Uuid(), nullable=True),
        sa.Column("holding", sa.Uuid(), nullable=True),
        sa.Column("was", sa.String(), nullable=True),
        sa.Column("became", sa.String(), nullable=True),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("seal", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_table(
        "parts",
        sa.Column("operation", sa.Uuid(), nullable=False),
        sa.Column("holding", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("ended", sa.String(), nullable=True),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["holding"], ["holdings.id"], name=op.f("fk_parts_holding")),
        sa.ForeignKeyConstraint(["operation"], ["operations.id"], name=op.f("fk_parts_operation")),
        sa.PrimaryKeyConstraint("operation", "holding", name=op.f("pk_parts")),
    )
    with op.batch_alter_table("parts") as batch_op:
        batch_op.create_index("ix_parts_holding_ended", ["holding", "ended"], unique=False)

    op.create_table(
        "tasks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer", sa.Uuid(), nullable=False),
        sa.Column("connection", sa.Uuid(), nullable=False),
        sa.Column("person", sa.Uuid(), nullable=True),
        sa.Column("holding", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("verb", sa.String(), nullable=True),
        sa.Column("seq", sa.Integer(), nullable=True),
        sa.Column("opened_at", Moment(), nullable=False),
        sa.Column("deadline", Moment(), nullable=True),
        sa.Column("closed_at", Moment(), nullable=True),
        sa.Column("closed_by", sa.String(), nullable=True),
        sa.Column("closed_how", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection"], ["connections.id"], name=op.f("fk_tasks_connection")
        ),
        sa.ForeignKeyConstraint(["customer"], ["customers.id"], name=op.f("fk_tasks_customer")),
        sa.ForeignKeyConstraint(["holding"], ["holdings.id"], name=op.f("fk_tasks_holding")),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_tasks_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
    )
    with op.batch_alter_table("tasks") as batch_op:
        batch_op.create_index(batch_op.f("ix_tasks_customer"), ["customer"], unique=False)
        batch_op.create_index(
            "uq_tasks_open",
            ["connection", "holding", "kind"],
            unique=True,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )

    op.create_table(
        "evidence",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("holding", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.Uuid(), nullable=False),
        sa.Column("started_at", Moment(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("places", sa.JSON(), nullable=False),
        sa.Column("seen", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["attempt"], ["attempts.id"], name=op.f("fk_evidence_attempt")),
        sa.ForeignKeyConstraint(["holding"], ["holdings.id"], name=op.f("fk_evidence_holding")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence")),
    )
    with op.batch_alter_table("evidence") as batch_op:
        batch_op.create_index(batch_op.f("ix_evidence_holding"), ["holding"], unique=False)
