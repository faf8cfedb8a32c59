"""Two streams of mail are two promises: leaving one keeps the other, erasing ends both."""

from __future__ import annotations

import pytest

from core.connector import Basis, BasisKind, Verb
from core.ledger import customers
from core.ledger.customers import MailingList, Purpose
from core.ledger.intake import Accepted, Request
from core.refusals import NoBasis
from core.states import Ended, State
from core.testing.imitation import COURSES, NEWS
from tests.workers.school import ANNA, DAY, EMAIL, NAMES, School, on_sqlite

pytestmark = on_sqlite


@pytest.fixture
def school(school: School) -> School:
    """Its second list carries course information, which is no newsletter."""
    courses = MailingList(COURSES.id, Purpose.COURSE_INFO, COURSES.title)
    customers.put_list(school.ledger, school.customer, courses)
    return school


def on_both(school: School) -> Accepted:
    asked = school.subscribe(ANNA, EMAIL, NEWS.id, COURSES.id)
    school.drain()
    assert mailed(school) == {NEWS.id, COURSES.id}
    return asked


def mailed(school: School) -> set[str]:
    """The places from which the platform really mails."""
    held = school.imitation.held(EMAIL)
    return {entry.place for entry in held if entry.presence.value == "subscribed"}


def given(school: School, kind: BasisKind, text_version: str = "v3") -> Basis:
    moment = school.clock.at
    return Basis(kind, f"{kind}-{moment}", moment, "administration", text_version)


def subscription(basis: Basis, *lists: str) -> Request:
    return Request(Verb.SUBSCRIBE, ANNA, EMAIL, NAMES, lists, basis)


def test_who_names_no_list_leaves_the_newsletters_and_keeps_the_course_information(
    school: School,
) -> None:
    on_both(school)
    asked = school.unsubscribe()
    school.drain()
    assert mailed(school) == {COURSES.id}
    assert school.ended(asked) is Ended.CONFIRMED


def test_who_left_the_newsletters_still_gets_changes_carried_to_the_course_information(
    school: School,
) -> None:
    on_both(school)
    school.unsubscribe()
    school.update(last_name="Bakker")
    school.passes(DAY)
    (course,) = [one for one in school.imitation.held(EMAIL) if one.place == COURSES.id]
    assert course.fields["last_name"] == "Bakker"
    assert mailed(school) == {COURSES.id}


def test_course_information_is_left_by_name(school: School) -> None:
    on_both(school)
    school.unsubscribe(ANNA, COURSES.id)
    school.drain()
    assert mailed(school) == {NEWS.id}


def test_an_erasure_ends_both(school: School) -> None:
    on_both(school)
    asked = school.erase()
    school.drain()
    assert school.imitation.held(EMAIL) == []
    assert (school.state(), school.ended(asked)) == (State.NOT_FOUND, Ended.CONFIRMED)


@pytest.mark.parametrize("kind", [BasisKind.COURSE_CONTRACT, BasisKind.EXISTING_CUSTOMER])
def test_after_an_opt_out_neither_a_course_nor_a_purchase_brings_the_newsletter_back(
    school: School, kind: BasisKind
) -> None:
    on_both(school)
    school.unsubscribe()
    school.passes(DAY)
    again = subscription(given(school, kind), NEWS.id)
    assert isinstance(school.refusal(again), NoBasis)
    school.subscribe(ANNA, EMAIL, NEWS.id)  # by a new consent
    school.drain()
    assert mailed(school) == {NEWS.id, COURSES.id}


def test_after_an_erasure_a_new_course_brings_its_information_and_no_newsletter(
    school: School,
) -> None:
    on_both(school)
    school.erase()
    school.passes(DAY)
    contract = given(school, BasisKind.COURSE_CONTRACT)
    assert isinstance(school.refusal(subscription(contract, NEWS.id, COURSES.id)), NoBasis)
    school.ask(Verb.SUBSCRIBE, email=EMAIL, fields=NAMES, lists=(COURSES.id,), basis=contract)
    school.drain()
    assert mailed(school) == {COURSES.id}


def test_a_refused_subscription_leaves_nothing_behind(school: School) -> None:
    contract = given(school, BasisKind.COURSE_CONTRACT)
    assert isinstance(school.refusal(subscription(contract, NEWS.id)), NoBasis)
    school.passes(DAY)
    assert school.imitation.calls == []
