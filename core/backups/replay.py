"""What a restored ledger has to be told before it may work again."""

from __future__ import annotations

from core.database import Database


def mark(database: Database) -> None:
    """This ledger was restored."""
