"""Warnings that a term runs out, on the command line."""

from __future__ import annotations

from typing import Annotated

import typer

from app.commands import here
from app.commands.terminal import InLanguage, Json, table, tell_json
from app.words.alerts import told
from app.words.report import Paper
from core.ledger import alerts as ledger_alerts
from core.ledger import customers

alerts = typer.Typer(no_args_is_help=True, help="Alerts: erasures whose term runs out.")


@alerts.command("list")
def list_alerts(
    customer_name: Annotated[
        str, typer.Argument(metavar="CUSTOMER", help="One customer; without it: all of them.")
    ] = "",
    *,
    language: InLanguage = "en",
    json: Json = False,
) -> None:
    """
    Show erasures that take too long or whose person was not answered, the most urgent first.

    It names nobody: report CUSTOMER does. An answer ends a warning: see answer.
    """
    with here.installation() as found:
        only = here.customer_named(found, customer_name).id if customer_name else None
        with found.ledger.read() as tx:
            owners = {one.id: one for one in customers.every(tx)}
            standing = ledger_alerts.standing(tx, only)
    if json:
        tell_json([told(one, owners[one.customer].time_zone) for one in standing])
        return
    head = ("OPERATION", "BY", "ALERT", "CUSTOMER", "WHAT")
    rows = []
    for one in standing:
        owner = owners[one.customer]
        paper = Paper(language, owner.time_zone)
        last_day = f"{paper.local(one.deadline):%Y-%m-%d}"
        rows.append((one.operation, last_day, one.threshold, owner.name, paper.alert(one)))
    table(head, rows)
