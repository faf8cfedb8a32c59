"""A lane finds its work without reading what is not due."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Foreign keys that another one of the same row implies, and that 0001 no longer makes: each
# costs a look-up for every row. Where SQLite has them they stay, and cost next to nothing: to
# take them away it would have to copy the tables that others refer to.
IMPLIED = {
    "addresses": ["customer"],
    "operations": ["customer"],
    "holdings": ["customer"],
    "events": ["customer", "operation", "holding"],
}


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table, columns in IMPLIED.items():
            for column in columns:
                op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS fk_{table}_{column}")
    few("ix_holdings_erasing", ["connection", "due_at"], "erasing", "erasing = 1")
    few("ix_holdings_suspect", ["connection"], "suspect", "suspect = 1")
    in_flight = "intent_fence IS NOT NULL"
    few("ix_holdings_in_flight", ["connection"], in_flight, in_flight)


def few(name: str, columns: list[str], postgresql: str, sqlite: str) -> None:
    op.create_index(
        name,
        "holdings",
        columns,
        postgresql_where=sa.text(postgresql),
        sqlite_where=sa.text(sqlite),
    )
