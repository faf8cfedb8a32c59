"""We say a reference only as long as we may still know it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from core.connector import Verb
from core.ledger import customers, finishing
from core.refusals import Unknown
from core.report import PersonReport
from core.report.person import report_of
from core.report.references import references
from tests.core.schools import NOW, PLATFORMS, School, school_in


@pytest.fixture
def school(tmp_path: Path) -> Iterator[School]:
    with school_in(tmp_path) as made:
        yield made


def known(school: School, *people: UUID) -> dict[UUID, str]:
    with school.ledger.read() as tx:
        return references(school.ledger, tx, school.customer.id, people)


def by_id(school: School, person: UUID) -> PersonReport:
    with school.ledger.read() as tx:
        return report_of(school.ledger, tx, school.customer, person, PLATFORMS)


def test_a_reference_is_known_of_the_living_and_until_the_last_record_is_gone(
    school: School,
) -> None:
    living = school.ask(Verb.SUBSCRIBE, "cf-1").person
    erased = school.ask(Verb.ERASE, "cf-2").person
    assert known(school, living, erased, uuid4()) == {living: "cf-1", erased: "cf-2"}
    assert by_id(school, erased) == school.report("cf-2")
    assert by_id(school, living) == school.report("cf-1")
    school.clock[0] = NOW + timedelta(days=60)
    finishing.end(school.ledger)
    assert known(school, living, erased) == {living: "cf-1"}
    assert by_id(school, erased).reference is None
    assert school.report("cf-2").reference == "cf-2"  # who asks by it knows it


def test_another_customers_people_are_nobody(school: School) -> None:
    other = customers.create(school.ledger, "De Kleiput")
    mine = school.ask(Verb.SUBSCRIBE, "cf-1").person
    with school.ledger.read() as tx:
        assert references(school.ledger, tx, other.id, [mine]) == {}
        with pytest.raises(Unknown):
            report_of(school.ledger, tx, other, mine, PLATFORMS)
