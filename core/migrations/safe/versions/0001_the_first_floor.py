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
        sa.PrimaryKeyConstraint("person", "epoch"),
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
        sa.Column("customer", sa.Uuid(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("person", sa.Uuid(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("until", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("customer", "hash", "kind"),
    )
    with op.batch_alter_table("tombstones") as batch_op:
        batch_op.create_index(batch_op.f("ix_tombstones_at"), ["at"], unique=False)
