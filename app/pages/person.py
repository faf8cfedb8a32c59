"""What still sits where of one person, as the page shows it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from app.pages.marks import Mark, mark
from app.pages.sheet import Job, Sheet
from app.words.report import without_task
from app.words.vocabulary import PRESENCES
from core.connector import Presence
from core.report import PersonReport, headline
from core.report.values import Kind, Left, Seen, System


@dataclass(frozen=True, slots=True)
class Row:
    """One system in the table."""

    name: str
    mark: Mark
    state: str
    seen_at: str
    next: str


@dataclass(frozen=True, slots=True)
class Stays:
    heading: str
    what: str
    by_hand: str | None


@dataclass(frozen=True, slots=True)
class Detail:
    """What was seen in one system, and what an erasure leaves there."""

    name: str
    seen: tuple[str, ...]
    stays: tuple[Stays, ...]


@dataclass(frozen=True, slots=True)
class PersonPage:
    who: str
    headline: str
    terms: tuple[tuple[str, str], ...]
    alerts: tuple[str, ...]
    jobs: tuple[Job, ...]
    rows: tuple[Row, ...]
    details: tuple[Detail, ...]


def person_page(report: PersonReport, sheet: Sheet) -> PersonPage:
    return PersonPage(
        who=sheet.who(report),
        headline=sheet.say(headline(report)),
        terms=tuple(sheet.terms(report)),
        alerts=tuple(map(sheet.alert, report.alerts)),
        jobs=tuple(jobs(report, sheet)),
        rows=tuple(row(system, sheet) for system in report.systems),
        details=tuple(detail(one, sheet) for one in report.systems if one.seen or one.residue),
    )


def jobs(report: PersonReport, sheet: Sheet) -> Iterator[Job]:
    for task in report.tasks:
        yield sheet.job(task)
    for system in without_task(report):
        said = sheet.untasked(system, restricted=report.restricted_at is not None)
        yield Job(said, sheet.next(system.next))


def row(system: System, sheet: Sheet) -> Row:
    return Row(
        sheet.name(system),
        mark(system),
        sheet.state(system),
        sheet.seen_at(system),
        sheet.next(system.next) if system.next else sheet.head("nobody_moves"),
    )


def detail(system: System, sheet: Sheet) -> Detail:
    heading = "stays" if system.seen or system.kind is Kind.OURS else "may_stay"
    return Detail(
        sheet.name(system),
        tuple(sight(one, sheet) for one in system.seen),
        tuple(stays(one, sheet.head(heading), sheet) for one in system.residue),
    )


def sight(seen: Seen, sheet: Sheet) -> str:
    presence = sheet.say(PRESENCES[Presence(seen.presence)])
    fields = ", ".join(map(sheet.field, seen.fields))
    return f"{seen.place}, {presence}{f': {fields}' if fields else ''}"


def stays(left: Left, heading: str, sheet: Sheet) -> Stays:
    until = f" ({sheet.head('until')} {sheet.day(left.until)})" if left.until else ""
    by_hand = sheet.say(left.by_hand) if left.by_hand else None
    return Stays(heading, f"{sheet.say(left.what)}{until}", by_hand)
