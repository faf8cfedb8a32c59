"""Moments that people write down: in the customer's time zone, never in the future."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from core.connector import Text
from core.identity import BadInput

CLOCKS_DIFFER = timedelta(minutes=5)

BAD_MOMENT = Text(
    nl="Dit is geen datum die bestaat. Schrijf haar als 2026-03-31 of 2026-03-31T14:05.",
    en="This is no date that exists. Write it as 2026-03-31 or 2026-03-31T14:05.",
)
FUTURE = Text(
    nl="Deze datum ligt in de toekomst. Geef de dag waarop het gebeurde.",
    en="This date is in the future. Give the day on which it happened.",
)


def moment(written: str, zone: ZoneInfo) -> datetime:
    """In UTC; a moment that names no zone is in ``zone``. Raises BadInput."""
    try:
        found = datetime.fromisoformat(written.strip())
        zoned = found if found.tzinfo else found.replace(tzinfo=zone)
        return zoned.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadInput(BAD_MOMENT) from None


def check_past(happened: datetime, now: datetime) -> datetime:
    """Raises BadInput. A little later than now is a clock that differs from ours."""
    if happened > now + CLOCKS_DIFFER:
        raise BadInput(FUTURE)
    return happened
