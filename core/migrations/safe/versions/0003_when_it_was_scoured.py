"""The safe remembers when what it destroyed last left its files."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("installation", sa.Column("scoured_at", sa.BigInteger(), nullable=True))
