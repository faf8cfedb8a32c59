"""Reads from the ledger what a link opens, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping

from app.pages.overview import MOST, Scene
from core.connector import Platform
from core.database import Transaction
from core.ledger import Ledger, connections
from core.ledger.customers import Customer
from core.report import customer_report
from core.report.condition import conditions
from core.report.person import report_of
from core.report.references import references


def scene(
    ledger: Ledger, tx: Transaction, customer: Customer, platforms: Mapping[str, Platform]
) -> Scene:
    report = customer_report(ledger, tx, customer, platforms)
    every = {one.id: one for one in connections.of_customer(tx, customer.id)}
    asked = [one.person for one in report.erasures[:MOST]]
    about = {task.person for task in report.tasks[:MOST] if task.person}
    return Scene(
        report,
        {person: report_of(ledger, tx, customer, person, platforms) for person in asked},
        references(ledger, tx, customer.id, about),
        conditions(tx, every),
        tx.now,
    )
