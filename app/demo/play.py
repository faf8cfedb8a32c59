"""Plays the demo's story on its stage."""

from __future__ import annotations

from collections.abc import Mapping

from app.demo import elsewhere, story
from app.demo.cast import Cast
from app.demo.elsewhere import Employee
from app.demo.members import FILE
from app.demo.progress import Lane, Teller
from app.demo.school import School
from app.demo.stage import BY_HAND, COURSE_INFO, MAILMAN, NEWSLETTER, PLACES, Stage
from app.incoming.members_import import carried
from core.connector import Verb

PATIENCE = 75.0  # seconds; half of that before the erasures, which need not wait for the last


def play(stage: Stage, cast: Cast, teller: Teller) -> School:
    """Everything that happens, until nothing is left for the workers to do."""
    school = School(stage.installation.ledger, stage.customer)
    beginnings(stage, cast, school, teller)
    months(stage, cast, school, teller)
    endings(stage, cast, school, teller)
    return school


def beginnings(stage: Stage, cast: Cast, school: School, teller: Teller) -> None:
    lines = sum(map(len, carried(school.ledger, school.customer, FILE, school.take)))
    teller.step(f"imported members.csv: {lines} rows, {len(school.people)} persons")
    school.ask(story.former_members(cast))
    teller.step(f"asked: {len(cast.former)} former members on the platform without an API")
    # Who is to act at Mailman itself has to be there, on a slow machine too.
    lanes = teller.settle(stage, [MAILMAN, BY_HAND], patience=2 * PATIENCE)
    here = {MAILMAN: lanes[MAILMAN]}
    teller.step(f"Mailman shows all of them, each looked up again{all_but(here)}")


def months(stage: Stage, cast: Cast, school: School, teller: Teller) -> None:
    """Some change at the school, some at Mailman itself; the school's employee types."""
    at_mailman(stage, cast, school)
    teller.step("at Mailman itself: an address changed, a stranger signed up, somebody was banned")
    asked = story.changes(cast)
    school.ask(asked)
    updates = sum(request.verb is Verb.UPDATE for request in asked)
    teller.step(f"asked: {updates} updates, {len(asked) - updates} unsubscriptions")
    employee = Employee(stage, school)
    waiting = employee.tasks(Verb.SUBSCRIBE)
    for reference in cast.former_done:
        employee.add(school.people[reference])
        employee.attest(waiting[reference])
    teller.step(f"by hand: {len(cast.former_done)} of {len(waiting)} tasks done")
    lanes = teller.settle(stage, PLACES, patience=PATIENCE / 2)
    teller.step(f"every platform that can be asked shows them{all_but(lanes)}")


def endings(stage: Stage, cast: Cast, school: School, teller: Teller) -> None:
    erasures = story.erasures(cast)
    school.ask(erasures)
    teller.step(f"asked: {len(erasures)} erasures")
    school.ask(story.returns(cast))
    teller.step(f"an old file imported again: {len(school.refused)} of 2 erased members refused")
    teller.settle(stage, [BY_HAND], patience=PATIENCE)
    employee = Employee(stage, school)
    reference = cast.former_erased[0]
    waiting = employee.tasks(Verb.ERASE)
    employee.delete(school.people[reference])
    employee.attest(waiting[reference])
    teller.step(f"by hand: 1 of {len(waiting)} erasures done on the platform without an API")
    lanes = teller.settle(stage, PLACES, patience=PATIENCE)
    teller.step(f"every platform was searched for each of them{all_but(lanes)}")


def all_but(lanes: Mapping[str, Lane]) -> str:
    left = sum(lane.total - lane.settled for lane in lanes.values())
    return f", but {left} that are tried again" if left else ""


def at_mailman(stage: Stage, cast: Cast, school: School) -> None:
    moved = school.people[cast.moved_at_mailman]
    elsewhere.change_address(stage.mailman, moved.email, f"zelf.{moved.email}")
    moved.emails.append(f"zelf.{moved.email}")
    places = PLACES[MAILMAN]
    elsewhere.sign_up(stage.mailman, story.STRANGER_EMAIL, story.STRANGER_NAME, places[NEWSLETTER])
    banned = school.people[cast.banned_at_mailman]
    elsewhere.ask_to_join(stage.mailman, banned.email, places[COURSE_INFO])
    elsewhere.ban(stage.mailman, banned.email)
