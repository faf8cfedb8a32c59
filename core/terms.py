"""When a legal term ends: calendar months in the customer's own time zone."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

LAST_MOMENT = time(23, 59, 59, 999999)


def months_after(start: datetime, months: int, zone: ZoneInfo) -> datetime:
    """
    The end of the day that many months later, as an aware UTC moment.

    Regulation 1182/71 art. 3: the day of the event is not counted; a month without that day
    ends on its last day.
    """
    local = start.astimezone(zone)
    year, month = divmod(local.year * 12 + local.month - 1 + months, 12)
    day = min(local.day, calendar.monthrange(year, month + 1)[1])
    return datetime.combine(
        local.date().replace(year=year, month=month + 1, day=day), LAST_MOMENT, zone
    ).astimezone(UTC)
