"""What the invented school asks in the demo, chapter by chapter."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from app.demo.cast import Cast
from app.demo.stage import FORMER, NEWSLETTER
from app.incoming.members_import import request
from core.connector import Basis, BasisKind, Verb
from core.ledger.intake import Request

STRANGER = "cf-9001"
STRANGER_EMAIL = "onbekend.aan.de.school@example.nl"
STRANGER_NAME = "Wim Onbekend"
MARRIED = "van Demostein"
RETURNING = "cf-9002"  # an erased member's address under a new reference
LEFT_ON = datetime(2026, 6, 30, 12, tzinfo=UTC)


def former_members(cast: Cast) -> list[Request]:
    """A small list, on the platform where everything is done by hand."""
    emails = {row.reference: row.email for row in cast.rows}
    return [
        Request(
            Verb.SUBSCRIBE,
            reference,
            emails[reference],
            lists=(FORMER,),
            basis=Basis(
                BasisKind.EXISTING_CUSTOMER,
                f"oud-lid-{reference}",
                LEFT_ON,
                "ledenadministratie",
                text_version="inschrijfformulier-3",
            ),
        )
        for reference in cast.former
    ]


def changes(cast: Cast) -> list[Request]:
    emails = {row.reference: row.email for row in cast.rows}
    return [
        *(Request(Verb.UPDATE, one, fields={"last_name": MARRIED}) for one in cast.renamed),
        *(Request(Verb.UPDATE, one, fields={"last_name": None}) for one in cast.nameless),
        *(Request(Verb.UPDATE, one, email=f"nieuw.{emails[one]}") for one in cast.moved),
        *(Request(Verb.UNSUBSCRIBE, one, lists=(NEWSLETTER,)) for one in cast.unsubscribed),
    ]


def erasures(cast: Cast) -> list[Request]:
    """Members by their reference alone; the stranger is known by address only."""
    asked = [Request(Verb.ERASE, reference) for reference in cast.erased]
    asked += [Request(Verb.ERASE, STRANGER, STRANGER_EMAIL)]
    return [
        replace(one, channel="telefoon", identity_checked_how="teruggebeld op het bekende nummer")
        for one in asked
    ]


def returns(cast: Cast) -> list[Request]:
    """
    An old file is imported again, with two who were erased.

    One under the old reference, the other under a new one, where only the address tells.
    """
    first, second = (
        next(row for row in cast.rows if row.reference == reference)
        for reference in cast.ordinary_erased[:2]
    )
    return [request(first), replace(request(second), reference=RETURNING)]
