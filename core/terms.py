"""When a legal term ends, when it warns: by the calendar in the customer's own time zone."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

LAST_MOMENT = time(23, 59, 59, 999999)
PATIENCE = timedelta(hours=72)  # for an erasure: what takes longer needs somebody's attention


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


def days_before(end: datetime, days: int, zone: ZoneInfo) -> datetime:
    """
    The beginning of the day that many days before the one of ``end``, as an aware UTC moment.

    Where clocks go forward or back at midnight it is the first moment of that day.
    """
    day = end.astimezone(zone).date() - timedelta(days=days)
    return datetime.combine(day, time(), zone).astimezone(UTC)
