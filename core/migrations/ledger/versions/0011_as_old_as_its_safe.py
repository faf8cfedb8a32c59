"""A ledger shows that it is as old as its safe."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("installation", sa.Column("pulse", sa.Uuid(), nullable=True))
