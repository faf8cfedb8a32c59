"""A moment goes into any database and comes out the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from core.moments import Moment

DIALECT = sa.create_engine("sqlite://").dialect


@given(st.datetimes(timezones=st.timezones() | st.just(UTC), allow_imaginary=False))
def test_every_aware_moment_survives_storage(moment: datetime) -> None:
    stored = Moment().process_bind_param(moment, DIALECT)
    assert isinstance(stored, int)
    assert Moment().process_result_value(stored, DIALECT) == moment.astimezone(UTC)


def test_order_is_kept_across_zones() -> None:
    noon = datetime(2026, 11, 22, 12, tzinfo=timezone(timedelta(hours=1)))
    later = datetime(2026, 11, 22, 11, 30, tzinfo=UTC)
    bind = Moment().process_bind_param
    assert bind(noon, DIALECT) < bind(later, DIALECT)


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a time zone"):
        Moment().process_bind_param(datetime(2026, 11, 22), DIALECT)  # noqa: DTZ001  the point


def test_no_moment_stays_no_moment() -> None:
    assert Moment().process_bind_param(None, DIALECT) is None
    assert Moment().process_result_value(None, DIALECT) is None
