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
        "finishing_records",
        sa.Column("person", sa.Uuid(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("person", "epoch"),
    )
    with op.batch_alter_table("finishing_records") as batch_op:
        batch_op.create_index(
            "ix_finishing_records_unconfirmed",
            ["at"],
            unique=False,
            sqlite_where=sa.text("NOT confirmed"),
            postgresql_where=sa.text("NOT confirmed"),
        )

    op.create_table(
        "person_keys",
        sa.Column("person", sa.Uuid(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("person", "epoch"),
    )
    op.create_table(
        "tombstones",
        sa.Column("person", sa.Uuid(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("customer", sa.Uuid(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("until", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("person", "epoch", "kind", "hash"),
    )
    with op.batch_alter_table("tombstones") as batch_op:
        batch_op.create_index("ix_tombstones_customer_hash", ["customer", "hash"], unique=False)
