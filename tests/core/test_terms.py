"""A legal term ends with the last moment of a calendar day, where the customer lives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.terms import months_after

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def at(*moment: int) -> datetime:
    return datetime(*moment, tzinfo=AMSTERDAM)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("start", "months", "last_day"),
    [
        (at(2026, 11, 22, 10, 30), 1, (2026, 12, 22)),
        (at(2026, 1, 31), 1, (2026, 2, 28)),
        (at(2028, 1, 31), 1, (2028, 2, 29)),  # a leap year
        (at(2028, 2, 29), 1, (2028, 3, 29)),
        (at(2028, 2, 29), 12, (2029, 2, 28)),
        (at(2026, 3, 31), 1, (2026, 4, 30)),
        (at(2026, 12, 31, 23, 59, 59), 1, (2027, 1, 31)),
        (at(2026, 12, 1), 1, (2027, 1, 1)),
        (at(2026, 11, 30), 3, (2027, 2, 28)),
        (at(2026, 10, 31), 14, (2027, 12, 31)),
    ],
)
def test_a_term_ends_on_the_same_day_of_a_later_month_or_its_last(
    start: datetime, months: int, last_day: tuple[int, int, int]
) -> None:
    end = months_after(start, months, AMSTERDAM).astimezone(AMSTERDAM)
    assert (end.year, end.month, end.day) == last_day
    assert (end + timedelta(microseconds=1)).astimezone(AMSTERDAM).hour == 0


def test_the_day_is_the_customers_own() -> None:
    """Half past eleven in the evening in London is the next day in Amsterdam."""
    start = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
    assert months_after(start, 1, AMSTERDAM).astimezone(AMSTERDAM).day == 22
    assert months_after(start, 1, ZoneInfo("Europe/London")).day == 21


def test_a_change_to_summer_time_takes_nothing_from_the_last_day() -> None:
    assert months_after(at(2026, 3, 1), 1, AMSTERDAM) == datetime(
        2026, 4, 1, 21, 59, 59, 999999, tzinfo=UTC
    )
    assert months_after(at(2026, 2, 28), 1, AMSTERDAM) == datetime(
        2026, 3, 28, 22, 59, 59, 999999, tzinfo=UTC
    )
    assert months_after(at(2026, 9, 25), 1, AMSTERDAM) == datetime(
        2026, 10, 25, 22, 59, 59, 999999, tzinfo=UTC
    )


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  hypothesis adds the zone
    st.integers(1, 24),
)
def test_a_term_is_never_shorter_than_its_months_of_28_days_and_never_naive(
    start: datetime, months: int
) -> None:
    end = months_after(start, months, AMSTERDAM)
    assert end.utcoffset() == timedelta()
    assert end - start >= timedelta(days=28 * months)
    assert months_after(start, months + 1, AMSTERDAM) > end
