"""The headline counts what was seen, and never says that everything is gone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.connector import Verb
from core.report import headline
from core.states import State
from tests.core.schools import NOW, TRACE, School, school_in, seen


@pytest.fixture
def school(tmp_path: Path) -> Iterator[School]:
    with school_in(tmp_path) as made:
        yield made


@pytest.mark.parametrize(
    ("counts", "nl"),
    [
        ((0, 2, 1), "Nog op 2 plekken, 1 nog onbekend"),
        ((3, 1, 0), "Nog op 1 plek"),
        ((4, 0, 0), "Niet meer gevonden op alle 4 plekken die wij kunnen controleren"),
        ((1, 0, 0), "Niet meer gevonden op de enige plek die wij kunnen controleren"),
        ((2, 0, 1), "Niet meer gevonden op 2 plekken, 1 nog onbekend"),
        ((0, 0, 3), "Op 3 plekken nog onbekend"),
        ((0, 0, 0), "Er is geen koppeling om in te kijken"),
    ],
)
def test_the_headline_counts_what_was_seen(
    school: School, counts: tuple[int, int, int], nl: str
) -> None:
    asked = [(State.NOT_FOUND, ()), (State.STILL_THERE, (TRACE,)), (State.QUEUED, ())]
    places = [
        (school.connect(f"Mailer {kind} {number}"), state, traces)
        for (state, traces), kind in zip(asked, counts, strict=True)
        for number in range(kind)
    ]
    school.ask(Verb.ERASE)
    for where, state, traces in places:
        school.bring(where, state, **seen(NOW, *traces))
    assert headline(school.report()).nl == nl


def test_the_headline_says_where_we_cannot_look(school: School) -> None:
    where = school.connect("Mailer A")
    school.connect("By hand", "byhand")
    school.ask(Verb.ERASE)
    school.bring(where, State.NOT_FOUND, **seen())
    text = headline(school.report())
    assert text.nl == (
        "Niet meer gevonden op de enige plek die wij kunnen controleren; "
        "op 1 plek kunnen we niet kijken"
    )
    assert text.en == "No longer found in the one place we can check; in 1 place we cannot look"
