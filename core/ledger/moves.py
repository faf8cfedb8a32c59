"""What is told of a holding when its state moves, in the transaction that moves it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from core.database import Transaction
from core.transitions import NEW


def event(
    tx: Transaction,
    kind: str,
    *,
    customer: UUID,
    holding: UUID,
    was: str | None,
    became: str,
    operation: UUID | None = None,
) -> dict[str, Any]:
    """
    A row of ``events``. ``was`` is None for a holding that is made. Where the state stays as it
    was, the event names none: each change of a state has exactly one.
    """
    moved = was != became
    return {
        "customer": customer,
        "at": tx.now,
        "kind": kind,
        "operation": operation,
        "holding": holding,
        "was": (was or NEW) if moved else None,
        "became": became if moved else None,
    }
