"""Since when a customer's links to pages open."""

import sqlalchemy as sa
from alembic import op

from core.moments import Moment

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("customers") as batch_op:
        batch_op.add_column(sa.Column("links_since", Moment(), nullable=True))
