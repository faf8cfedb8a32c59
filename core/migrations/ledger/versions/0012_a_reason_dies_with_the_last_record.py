"""
The reason of an answer dies with the last record, so the safe keeps it.

One that was given before cannot be moved from here, as the safe is another database.
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("answers") as table:
        table.drop_column("reason")
