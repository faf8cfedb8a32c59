"""Warnings of a term, as programs get them: with a sentence in both languages."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from app.words.report import in_both
from core.ledger.alerts import Alert
from core.report.values import of_alert


def told(one: Alert, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "customer": str(one.customer),
        **of_alert(one),
        "says": in_both(lambda paper: paper.alert(one), zone),
    }
