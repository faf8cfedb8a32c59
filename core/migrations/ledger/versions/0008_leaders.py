"""Who leads has a lease, so that a leader which stands still is followed."""

import sqlalchemy as sa
from alembic import op

from core.moments import Moment

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "leaders",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("session", sa.Uuid(), nullable=False),
        sa.Column("until", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["session"], ["sessions.id"], name=op.f("fk_leaders_session")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leaders")),
    )
