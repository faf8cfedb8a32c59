"""What still sits where, until when, whose turn it is."""

from __future__ import annotations

from core.report.customer import customer_report
from core.report.headline import headline
from core.report.person import person_report
from core.report.totals import CustomerReport
from core.report.values import PersonReport

__all__ = ["CustomerReport", "PersonReport", "customer_report", "headline", "person_report"]
