"""A customer's overview, as the page shows it: what waits for them comes first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.pages.marks import Mark
from app.pages.sheet import Job, Sheet
from app.words import pages as words
from app.words.condition import sentence
from app.words.totals import WORDS, counts
from core.report import CustomerReport, PersonReport, headline
from core.report.condition import Condition, Doing
from core.report.standing import Whose
from core.report.totals import ConnectionTotals, OpenErasure
from core.report.values import Next

MOST = 25  # named on the page; all are counted

MARKS: Mapping[Doing, Mark] = {
    Doing.WORKING: Mark.ABSENT,
    Doing.UNREACHABLE: Mark.BUSY,
    Doing.TRYING: Mark.BUSY,
    Doing.HOST_AWAY: Mark.BUSY,
    Doing.RESTING: Mark.BUSY,
    Doing.PAUSED: Mark.YOURS,
    Doing.NEEDS_CREDENTIALS: Mark.YOURS,
    Doing.CLOSED: Mark.UNKNOWN,
}

LinkTo = Callable[[UUID], str]


@dataclass(frozen=True, slots=True)
class Scene:
    """What the page is made of, read in one transaction."""

    report: CustomerReport
    people: Mapping[UUID, PersonReport]  # those whose erasure is named
    references: Mapping[UUID, str]  # those whom a task is about
    conditions: Mapping[UUID, Condition]
    now: datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """An open request to erase."""

    who: str
    link: str
    headline: str
    turn: str
    deadline: str
    left: str  # of the time until then
    late: bool


@dataclass(frozen=True, slots=True)
class Warned:
    """An open request whose term runs out."""

    who: str
    link: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Channel:
    """One connection."""

    name: str
    mark: Mark
    health: str
    counts: str
    states: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    headline: str
    waits: str | None
    alerts: tuple[Warned, ...]
    jobs: tuple[Job, ...]
    more_jobs: int
    erasures: tuple[Asked, ...]
    more_erasures: int
    channels: tuple[Channel, ...]
    people: str


def overview(scene: Scene, sheet: Sheet, link_to: LinkTo) -> Overview:
    report = scene.report
    asked = report.erasures[:MOST]
    number = sum(report.open_tasks.values())
    return Overview(
        headline=first_line(report, number, sheet),
        waits=waiting(report, sheet),
        alerts=tuple(
            Warned(sheet.who(scene.people[one.person]), link_to(one.person), sheet.alert(one.alert))
            for one in asked
            if one.alert
        ),
        jobs=jobs(scene, sheet, link_to),
        more_jobs=max(0, number - MOST),
        erasures=tuple(erasure(one, scene, sheet, link_to) for one in asked),
        more_erasures=report.open_erasures - len(asked),
        channels=tuple(channel(one, scene, sheet) for one in report.connections),
        people=sheet.told("people", number=report.people),
    )


def first_line(report: CustomerReport, tasks: int, sheet: Sheet) -> str:
    if tasks:
        return sheet.say(words.ONE_TASK if tasks == 1 else words.TASKS).format(number=tasks)
    return sheet.say(words.NO_TASKS if report.open_erasures else words.NOTHING_TO_DO)


def waiting(report: CustomerReport, sheet: Sheet) -> str | None:
    """Answering is the customer's, also where nothing is left to erase."""
    if not report.erasures:
        return None
    number, first = report.open_erasures, sheet.day(report.erasures[0].deadline)
    text = words.ONE_WAITS if number == 1 else words.SEVERAL_WAIT
    return sheet.say(text).format(number=number, when=first)


def jobs(scene: Scene, sheet: Sheet, link_to: LinkTo) -> tuple[Job, ...]:
    forgotten = sheet.head("forgotten")
    return tuple(
        sheet.job(task, scene.references.get(task.person, forgotten), link_to(task.person))
        if task.person
        else sheet.job(task)
        for task in scene.report.tasks[:MOST]
    )


def erasure(one: OpenErasure, scene: Scene, sheet: Sheet, link_to: LinkTo) -> Asked:
    person = scene.people[one.person]
    days = (one.deadline - sheet.local(scene.now).date()).days
    return Asked(
        sheet.who(person),
        link_to(one.person),
        sheet.say(headline(person)),
        turn(person, sheet),
        sheet.day(one.deadline),
        time_left(days, sheet),
        days < 0,
    )


def time_left(days: int, sheet: Sheet) -> str:
    if days < 0:
        return sheet.say(words.LATE)
    text = {0: words.TODAY, 1: words.ONE_DAY}.get(days, words.DAYS)
    return sheet.say(text).format(number=days)


def turn(person: PersonReport, sheet: Sheet) -> str:
    """The customer's own turn first; of others whoever moves first."""
    steps = [system.next for system in person.systems if system.next and system.connection]
    if not steps:
        return sheet.head("nobody_moves")
    return sheet.next(min(steps, key=soonest))


def soonest(step: Next) -> tuple[bool, datetime]:
    return step.whose is not Whose.YOURS, step.at


def channel(one: ConnectionTotals, scene: Scene, sheet: Sheet) -> Channel:
    condition = scene.conditions[one.connection]
    return Channel(
        f"{one.title} ({one.platform})",
        MARKS[condition.doing],
        sentence(condition, sheet),
        counts(one.totals, sheet.language),
        tuple(
            f"{sheet.say(WORDS[state])}: {number}" for state, number in one.totals.states.items()
        ),
    )
