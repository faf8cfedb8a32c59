"""Events are sealed in order: where the trail of each customer ends is kept beside them."""

import sqlalchemy as sa
from alembic import op

from core.moments import Moment

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_heads",
        sa.Column("customer", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer"], ["customers.id"], name=op.f("fk_audit_heads_customer")
        ),
        sa.PrimaryKeyConstraint("customer", name=op.f("pk_audit_heads")),
    )
    op.create_index("ix_events_sealed", "events", ["customer", "position"])
    unsealed = sa.text("position IS NULL")
    op.create_index(
        "ix_events_unsealed",
        "events",
        ["id"],
        sqlite_where=unsealed,
        postgresql_where=unsealed,
    )
