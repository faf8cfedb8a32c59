"""Answers to the person, restriction, erasures that can be undone, platforms that tell."""

import sqlalchemy as sa
from alembic import op

from core.moments import Moment

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("connections") as batch_op:
        batch_op.add_column(sa.Column("outside_eu_accepted_at", Moment(), nullable=True))
    with op.batch_alter_table("operations") as batch_op:
        batch_op.add_column(sa.Column("answered_at", Moment(), nullable=True))
        batch_op.add_column(sa.Column("undo_until", Moment(), nullable=True))
        batch_op.add_column(sa.Column("told", sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column("ended", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("ended_at", Moment(), nullable=True))
        batch_op.create_index(
            batch_op.f("ix_operations_customer_accepted_at_id"), ["customer", "accepted_at", "id"]
        )
    op.execute(
        "UPDATE operations SET answered_at = (SELECT people.answered_at FROM people"
        " WHERE people.id = operations.person) WHERE verb = 'erase' AND accepted_at <="
        " (SELECT people.answered_at FROM people WHERE people.id = operations.person)"
    )
    op.drop_column(
        "people", "answered_at"
    )  # in place: a rebuilt table would lose what refers to it
    with op.batch_alter_table("people") as batch_op:
        batch_op.add_column(sa.Column("restricted_at", Moment(), nullable=True))
        batch_op.add_column(sa.Column("erase_at", Moment(), nullable=True))
        batch_op.create_index(batch_op.f("ix_people_erase_at"), ["erase_at"])
    with op.batch_alter_table("holdings") as batch_op:
        batch_op.add_column(sa.Column("held_back", sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column("hinted_at", Moment(), nullable=True))
        batch_op.add_column(sa.Column("hinted", sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column("planned_at", Moment(), nullable=True))
    op.create_table(
        "answers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer", sa.Uuid(), nullable=False),
        sa.Column("operation", sa.Uuid(), nullable=False),
        sa.Column("how", sa.String(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("reason", sa.LargeBinary(), nullable=True),
        sa.Column("deadline", Moment(), nullable=True),
        sa.Column("recorded_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["customer"], ["customers.id"], name=op.f("fk_answers_customer")),
        sa.ForeignKeyConstraint(
            ["operation"], ["operations.id"], name=op.f("fk_answers_operation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answers")),
    )
    with op.batch_alter_table("answers") as batch_op:
        batch_op.create_index(batch_op.f("ix_answers_operation"), ["operation"])
