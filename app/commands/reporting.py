"""What still sits where, on the command line."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from app.commands import here
from app.commands.terminal import Customer, InLanguage, Json, tell, tell_json
from app.wiring import Installation
from app.words.report import Language, render
from app.words.totals import render_totals
from core.identity import check_reference
from core.ledger import customers
from core.report import customer_report, person_report


def report(
    customer_name: Customer,
    reference: Annotated[
        str, typer.Argument(metavar="REFERENCE", help="One person; without it: the totals.")
    ] = "",
    *,
    language: InLanguage = "en",
    json: Json = False,
) -> None:
    """
    Show what personal data still sits where, until when, and whose turn it is.

    With a reference for one person, without it in totals for the customer.
    """
    with here.installation() as found:
        owner = here.customer_named(found, customer_name)
        text, value = (
            of_person(found, owner, reference, language)
            if reference
            else of_customer(found, owner, language)
        )
    if json:
        tell_json(value)
    else:
        tell(text.rstrip("\n"))


def of_person(
    found: Installation, owner: customers.Customer, reference: str, language: Language
) -> tuple[str, Any]:
    check_reference(reference)
    with found.ledger.read() as tx:
        made = person_report(found.ledger, tx, owner, reference, found.platforms)
    return render(made, language), made.to_json()


def of_customer(
    found: Installation, owner: customers.Customer, language: Language
) -> tuple[str, Any]:
    with found.ledger.read() as tx:
        made = customer_report(found.ledger, tx, owner, found.platforms)
    return render_totals(made, language), made.to_json()
