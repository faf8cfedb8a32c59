"""Undoing an erasure, on the command line."""

from __future__ import annotations

from app.commands import here
from app.commands.answering import OperationId
from app.commands.terminal import Customer, Json, tell, tell_json
from core.ledger import undo as ledger_undo


def undo(customer_name: Customer, operation: OperationId, *, json: Json = False) -> None:
    """Undo an erasure while that can be: everything is as it was, and nothing was sent."""
    with here.installation() as found:
        owner = here.customer_named(found, customer_name)
        ledger_undo.undo(found.ledger, owner, operation)
    if json:
        tell_json({"id": operation, "undone": True})
    else:
        tell("Undone. Nobody was erased, and what was asked meanwhile goes on.")
