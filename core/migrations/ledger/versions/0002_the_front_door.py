"""Keys of the HTTP API, the answers that it repeats."""

import sqlalchemy as sa
from alembic import op

from core.moments import Moment

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer", sa.Uuid(), nullable=True),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("revoked_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["customer"], ["customers.id"], name=op.f("fk_api_keys_customer")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("hash", name=op.f("uq_api_keys_hash")),
    )
    with op.batch_alter_table("api_keys") as batch_op:
        batch_op.create_index(batch_op.f("ix_api_keys_customer"), ["customer"], unique=False)
    op.create_table(
        "idempotency",
        sa.Column("api_key", sa.Uuid(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("begun_at", Moment(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("answer", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["api_key"], ["api_keys.id"], name=op.f("fk_idempotency_api_key")),
        sa.PrimaryKeyConstraint("api_key", "key", name=op.f("pk_idempotency")),
    )
    with op.batch_alter_table("idempotency") as batch_op:
        batch_op.create_index(batch_op.f("ix_idempotency_begun_at"), ["begun_at"], unique=False)
