"""Recording what a person was answered, on the command line."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from app.commands import here
from app.commands.terminal import Customer, Json, tell, tell_json
from app.incoming.asked import note
from app.incoming.given_moments import check_past, moment
from app.incoming.json_input import read_text
from core.ledger import answers
from core.ledger.answers import Answer, Outcome
from core.report.values import of_answer

OperationId = Annotated[
    UUID, typer.Argument(metavar="OPERATION", help="The operation's id, as ask told it.")
]


def answer(
    customer_name: Customer,
    operation: OperationId,
    *,
    outcome: Annotated[Outcome, typer.Option(help="What the person was told.")],
    how: Annotated[str, typer.Option(help="letter, phone, e-mail …; never a name or an address.")],
    at: Annotated[
        str, typer.Option("--at", metavar="MOMENT", help="When the person was told, if not now.")
    ] = "",
    reason: Annotated[
        str,
        typer.Option(
            metavar="FILE.txt|-",
            help="The reason that was given; - reads standard input. Needed unless it was done. "
            "Never give it as an argument: shells remember those.",
        ),
    ] = "",
    json: Json = False,
) -> None:
    """
    Record what the person was answered about an erasure. That ends its term of one month.

    extended gives the term two months more: within the first month, once, with the reason.
    """
    with here.installation() as found:
        owner = here.customer_named(found, customer_name)
        with found.ledger.read() as tx:
            now = tx.now
        told_at = check_past(moment(at, owner.time_zone), now) if at else now
        given = Answer(note(how), told_at, outcome, read_text(reason).strip() if reason else None)
        made = answers.answer(found.ledger, owner, operation, given)
    if json:
        tell_json(of_answer(made))
    elif made.deadline:
        term = made.deadline.astimezone(owner.time_zone)
        tell(f"Noted. The person has to be answered by {term:%Y-%m-%d} now.")
    else:
        tell("Noted. No term runs for this operation any more.")
