"""What staff and an operator see of a term that runs out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app import wiring
from app.settings import from_environment
from core.ledger import alerts, schema
from tests.app.conftest import SCHOOL, CommandLine, connect_by_hand

PERSON = {"email": "jan.jansen@example.nl"}


def grow_old(days: int) -> None:
    """Everything that was asked, by so many days; then the dispatcher looks."""
    asked = schema.operations.c
    with wiring.opened(from_environment()) as found:
        with found.ledger.begin() as tx:
            for row in tx.db.execute(sa.select(schema.operations)).all():
                earlier = {
                    name: getattr(row, name) - timedelta(days=days)
                    for name in ("accepted_at", "received_at", "deadline", "alert_at")
                }
                this = sa.update(schema.operations).where(asked.id == row.id)
                tx.db.execute(this.values(earlier))
        alerts.raise_due(found.ledger)


@pytest.fixture
def asked(school: CommandLine) -> Any:
    connect_by_hand(school)
    return school.json("ask", "erase", SCHOOL, "cf-1", "--person", "-", "--yes", given=PERSON)


@pytest.mark.parametrize(("days", "threshold"), [(4, "slow"), (25, "week"), (40, "over")])
def test_a_term_that_runs_out_is_seen_in_every_place(
    school: CommandLine, asked: Any, days: int, threshold: str
) -> None:
    grow_old(days)
    [one] = school.json("alerts", "list", SCHOOL)
    assert (one["operation"], one["threshold"]) == (asked["id"], threshold)
    assert [one] == school.json("alerts", "list")
    for language in ("nl", "en"):
        spoken = one["says"][language]
        assert spoken in school.ok("alerts", "list", SCHOOL, "--language", language)
        for report in (["report", SCHOOL, "cf-1"], ["report", SCHOOL]):
            told = " ".join(school.ok(*report, "--language", language).split())
            assert spoken in told
    assert school.json("report", SCHOOL)["alerts"] == {threshold: 1}
    [same] = school.json("report", SCHOOL, "cf-1")["alerts"]
    assert same["threshold"] == threshold


def test_a_list_of_alerts_names_nobody(school: CommandLine, asked: Any) -> None:
    assert asked
    grow_old(4)
    shown = school.ok("alerts", "list") + school.ok("alerts", "list", "--json")
    assert "cf-1" not in shown
    assert "jan" not in shown


def test_an_answer_takes_the_alert_away(school: CommandLine, asked: Any) -> None:
    grow_old(25)
    school.ok("answer", SCHOOL, asked["id"], "--outcome", "done", "--how", "letter")
    assert school.json("alerts", "list") == []
    assert school.json("report", SCHOOL)["alerts"] == {}
