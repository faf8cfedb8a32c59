"""The safe knows which opt-outs hold, as well as whether the ledger is as old as itself."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("installation", sa.Column("pulse", sa.Uuid(), nullable=True))
    op.add_column("installation", sa.Column("pulse_before", sa.Uuid(), nullable=True))
    op.create_table(
        "refusals",
        sa.Column("person", sa.Uuid(), nullable=False),
        sa.Column("list", sa.String(), nullable=False),
        sa.Column("customer", sa.Uuid(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("person", "list", name=op.f("pk_refusals")),
    )
    op.create_index("ix_refusals_at", "refusals", ["at"])
