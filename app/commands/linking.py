"""Links to the pages of a customer: made to be sent, ended all at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from uuid import UUID

import typer

from app.commands import here
from app.commands.terminal import Customer, Json, notice, tell, tell_json
from app.pages.doors import MOUNTED_AT
from app.pages.links import LONGEST, USUAL, Link, token
from app.wiring import Installation
from core.database import Transaction
from core.identity import check_reference
from core.ledger import customers, links
from core.ledger.intake import person_id
from core.report.person import known_person
from core.report.values import iso


def link(
    customer_name: Customer,
    reference: Annotated[
        str, typer.Argument(metavar="REFERENCE", help="One person; without it: the overview.")
    ] = "",
    *,
    days: Annotated[
        int, typer.Option(min=1, max=LONGEST.days, help="How long the link works.")
    ] = USUAL.days,
    json: Json = False,
) -> None:
    """
    Make a link to a page that shows what still sits where, to be read in a browser.

    Whoever has the link can read the page, so send it only to whom it is for. Nothing can be
    changed with it. It works until its date, or until: courseflow-sync unlink CUSTOMER
    """
    with here.installation() as found:
        owner = here.customer_named(found, customer_name)
        made, url = signed(found, owner, reference, timedelta(days=days))
    if json:
        tell_json({"url": url, "expires_at": iso(made.expires_at)})
    else:
        tell(url)
        notice(f"It works until {made.expires_at.astimezone(owner.time_zone):%Y-%m-%d %H:%M}.")


def signed(
    found: Installation, owner: customers.Customer, reference: str, lasts: timedelta
) -> tuple[Link, str]:
    """Raises BadInput or Unknown."""
    with found.ledger.read() as tx:
        person = identity(found, tx, owner, reference) if reference else None
        made = Link(owner.id, person, tx.now, tx.now + lasts)
        path = f"{MOUNTED_AT}/{token(made, found.ledger.keys_of(tx, owner.id).key)}"
    return made, f"{found.settings.base_url}{path}"


def identity(
    found: Installation, tx: Transaction, owner: customers.Customer, reference: str
) -> UUID:
    """Raises BadInput or Unknown: a link to nobody would only be found out later."""
    check_reference(reference)
    person = person_id(found.ledger.keys_of(tx, owner.id), reference)
    known_person(tx, owner, person)
    return person


def unlink(customer_name: Customer, *, json: Json = False) -> None:
    """
    End every link of a customer that was made up to now, those to persons included.

    For when one came into wrong hands: single links are not remembered, so none can be ended
    alone. Links that are made afterwards work.
    """
    with here.installation() as found:
        owner = here.customer_named(found, customer_name)
        links.end_all(found.ledger, owner.id)
    if json:
        tell_json({"customer": str(owner.id), "links": "ended"})
    else:
        tell(f'No earlier link of "{owner.name}" works any more.')
