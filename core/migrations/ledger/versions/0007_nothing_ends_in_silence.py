"""Terms warn before they end, hosts that do not answer are known to every lane."""

import sqlalchemy as sa
from alembic import op

from core.moments import Moment

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("lanes") as batch_op:
        batch_op.add_column(sa.Column("failing_since", Moment(), nullable=True))
        batch_op.add_column(sa.Column("rests_until", Moment(), nullable=True))
        batch_op.add_column(sa.Column("host", sa.String(), nullable=True))
        batch_op.create_index(batch_op.f("ix_lanes_host"), ["host"])
    op.execute("UPDATE lanes SET rests_until = closed_until WHERE failures = 0")
    op.create_table(
        "hosts",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("since", Moment(), nullable=False),
        sa.Column("closed_until", Moment(), nullable=True),
        sa.Column("tried_by", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_hosts")),
    )
    with op.batch_alter_table("operations") as batch_op:
        batch_op.add_column(sa.Column("alert_at", Moment(), nullable=True))
        batch_op.create_index(batch_op.f("ix_operations_alert_at"), ["alert_at"])
    # What is true of these now is found by the first look at them.
    op.execute(
        "UPDATE operations SET alert_at = accepted_at"
        " WHERE deadline IS NOT NULL AND answered_at IS NULL"
    )
    op.create_table(
        "alerts",
        sa.Column("operation", sa.Uuid(), nullable=False),
        sa.Column("deadline", Moment(), nullable=False),
        sa.Column("threshold", sa.String(), nullable=False),
        sa.Column("raised_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["operation"], ["operations.id"], name=op.f("fk_alerts_operation")),
        sa.PrimaryKeyConstraint("operation", "deadline", "threshold", name=op.f("pk_alerts")),
    )
