"""Restricting a person, on the command line."""

from __future__ import annotations

from app.commands import here
from app.commands.asking import Reference
from app.commands.terminal import Customer, Json, tell, tell_json
from core.identity import check_reference
from core.ledger import restriction
from core.report.values import iso


def restrict(customer_name: Customer, reference: Reference, *, json: Json = False) -> None:
    """
    Send nothing new about the person anywhere (GDPR art. 18), until unrestrict.

    What platforms hold stays. Erasing, unsubscribing and looking go on.
    """
    change(customer_name, reference, restricted=True, json=json)


def unrestrict(customer_name: Customer, reference: Reference, *, json: Json = False) -> None:
    """Lift a restriction; what waited for it goes on."""
    change(customer_name, reference, restricted=False, json=json)


def change(customer_name: str, reference: str, *, restricted: bool, json: bool) -> None:
    check_reference(reference)
    with here.installation() as found:
        owner = here.customer_named(found, customer_name)
        since = restriction.restrict(found.ledger, owner, reference, restricted=restricted)
        zone = owner.time_zone
    if json:
        tell_json({"reference": reference, "restricted_at": iso(since)})
    elif since is None:
        tell("Not restricted. What waited for it goes on.")
    else:
        tell(f"Restricted since {since.astimezone(zone):%Y-%m-%d %H:%M}.")
        tell("What is asked is accepted and waits; erasing and unsubscribing go on.")
