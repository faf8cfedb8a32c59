"""Exporting what we hold of one person, on the command line."""

from __future__ import annotations

import os
import sys
from json import dumps
from pathlib import Path
from typing import Annotated

import typer

from app.commands import here
from app.commands.asking import Reference
from app.commands.terminal import Customer, Json, is_terminal, notice, tell_json
from core.identity import check_reference
from core.refusals import CannotAccept
from core.report.export import export as export_person

OURS_ALONE = 0o600

TO_A_SCREEN = (
    "This is personal data, which a terminal would show and keep. Nothing was written. "
    "Add --output FILE, or send it on with a pipe."
)


def export(
    customer_name: Customer,
    reference: Reference,
    *,
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A new file, that only you can read."),
    ] = None,
    json: Json = False,
) -> None:
    """
    Write all that is held of a person as JSON, for a request of access (GDPR art. 15, 20).

    It goes to a new file or into a pipe, never to a terminal: those keep what they show.
    """
    check_reference(reference)
    if output is None and is_terminal(sys.stdout):
        raise CannotAccept(TO_A_SCREEN)
    with here.installation() as found:
        owner = here.customer_named(found, customer_name)
        with found.ledger.read() as tx:
            made = export_person(found.ledger, tx, owner, reference, found.platforms)
    if output is None:
        tell_json(made)
        return
    # Never over a file that is there: others may read that one already.
    with os.fdopen(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OURS_ALONE), "w") as file:
        file.write(dumps(made, indent=2))
    if json:
        tell_json({"output": output})
    else:
        notice(f"Written to {output}. It is personal data: remove it when the person has it.")
