"""A person's report as plain text for a terminal, readable when piped too."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from app.words.tasks import sentence
from app.words.vocabulary import (
    ALERTS,
    AS_ASKED,
    CHANGED_THERE,
    FIELDS,
    HEADINGS,
    LET_IT_GO_ON,
    LIFT_IT,
    LOOK_YOURSELF,
    MONTHS,
    NEXT,
    OUTCOMES,
    PRESENCES,
    STATES,
    WHOSE,
)
from core.connector import Presence, Text
from core.ledger.alerts import Alert
from core.report import PersonReport, headline
from core.report.standing import Standing, Whose
from core.report.values import Kind, Left, Next, Reads, Seen, System, Work

WIDTH = 100
INDENT = "    "
NOTHING = "-"

Language = Literal["nl", "en"]


def render(report: PersonReport, language: Language) -> str:
    """Lines of at most 100 characters where words allow it; dates in the customer's time zone."""
    paper = Paper(language, report.time_zone)
    blocks = [
        paper.top(report),
        paper.alerts(report),
        paper.table(report.systems),
        paper.details(report.systems),
        paper.to_do(report),
    ]
    return "\n\n".join("\n".join(map(printable, block)) for block in blocks if block) + "\n"


def in_both(say: Callable[[Paper], str], zone: ZoneInfo) -> dict[str, str]:
    return {"nl": say(Paper("nl", zone)), "en": say(Paper("en", zone))}


class Paper:
    """Says things in one language and one time zone."""

    def __init__(self, language: Language, zone: ZoneInfo) -> None:
        self.language = language
        self.zone = zone

    def say(self, text: Text) -> str:
        return text.nl if self.language == "nl" else text.en

    def head(self, name: str) -> str:
        return self.say(HEADINGS[name])

    def day(self, when: date) -> str:
        return f"{when.day} {self.say(MONTHS[when.month - 1])} {when.year}"

    def moment(self, when: datetime) -> str:
        return f"{self.day(self.local(when).date())} {self.local(when):%H:%M}"

    def local(self, when: datetime) -> datetime:
        return when.astimezone(self.zone)

    def top(self, report: PersonReport) -> list[str]:
        lines = [f"{self.head('person')}: {self.who(report)}", self.say(headline(report))]
        terms = self.terms(report)
        return [*lines, "", *aligned(terms)] if terms else lines

    def alerts(self, report: PersonReport) -> list[str]:
        return [line for one in report.alerts for line in wrapped(self.alert(one), "")]

    def alert(self, one: Alert) -> str:
        when = self.day(self.local(one.deadline).date())
        return self.say(ALERTS[one.needs][one.threshold]).format(when=when)

    def who(self, report: PersonReport) -> str:
        reference = report.reference or self.head("forgotten")
        return f"{reference} ({report.email})" if report.email else reference

    def terms(self, report: PersonReport) -> list[tuple[str, str]]:
        restricted = []
        if report.restricted_at is not None:
            restricted = [(self.head("restricted"), self.moment(report.restricted_at))]
        if report.asked_at is None or report.deadline is None:
            return restricted
        return [
            (self.head("asked"), self.moment(report.asked_at)),
            (self.head("deadline"), self.day(report.deadline)),
            (self.head("answered"), self.answered(report)),
            *restricted,
        ]

    def answered(self, report: PersonReport) -> str:
        """The last word to the person, an extension of the term included."""
        when = self.moment(report.answered_at) if report.answered_at else self.head("not_yet")
        if not report.answers:
            return when
        return f"{when} ({self.say(OUTCOMES[report.answers[-1].answer.outcome])})"

    def table(self, systems: Sequence[System]) -> list[str]:
        heads = tuple(self.head(name) for name in ("where", "state", "seen_at", "next"))
        return aligned([heads, *map(self.row, systems)]) if systems else []

    def row(self, system: System) -> tuple[str, ...]:
        return self.name(system), self.state(system), self.seen_at(system), self.next(system.next)

    def name(self, system: System) -> str:
        return f"{system.title} ({system.platform})" if system.platform else system.title

    def state(self, system: System) -> str:
        there = system.state is Standing.STILL_THERE and system.as_asked
        word = self.say(AS_ASKED if there else STATES[system.state])
        closed = system.state is Standing.CANNOT_LOOK and system.disconnected_at
        return f"{word} ({self.head('disconnected')})" if closed else word

    def seen_at(self, system: System) -> str:
        if system.kind is Kind.OURS:
            return NOTHING
        return self.moment(system.seen_at) if system.seen_at else self.head("not_yet")

    def next(self, step: Next | None) -> str:
        if step is None:
            return NOTHING
        last_day = step.reads is Reads.BY
        when = self.day(self.local(step.at).date()) if last_day else self.moment(step.at)
        return self.say(NEXT[step.reads]).format(who=self.say(WHOSE[step.whose]), when=when)

    def details(self, systems: Iterable[System]) -> list[str]:
        """What was seen, and what stays, under the name of each system that has either."""
        lines: list[str] = []
        for system in systems:
            found = [line for one in system.seen for line in self.sight(one)]
            stays = "stays" if system.seen or system.kind is Kind.OURS else "may_stay"
            found += [line for one in system.residue for line in self.left(one, stays)]
            if found:
                lines += ["", f"{self.name(system)}:", *found]
        return [self.head("details"), *lines] if lines else []

    def sight(self, seen: Seen) -> list[str]:
        presence = self.say(PRESENCES[Presence(seen.presence)])
        fields = f": {', '.join(map(self.field, seen.fields))}" if seen.fields else ""
        return wrapped(f"{self.head('seen')} {seen.place}, {presence}{fields}", INDENT)

    def field(self, name: str) -> str:
        return self.say(FIELDS[name]) if name in FIELDS else name

    def left(self, left: Left, stays: str) -> list[str]:
        until = f" ({self.head('until')} {self.day(left.until)})" if left.until else ""
        lines = wrapped(f"{self.head(stays)} {self.say(left.what)}{until}", INDENT)
        if left.by_hand:
            lines += wrapped(f"{self.head('by_hand')} {self.say(left.by_hand)}", 2 * INDENT)
        return lines

    def to_do(self, report: PersonReport) -> list[str]:
        work = [self.task(task) for task in report.tasks]
        restricted = report.restricted_at is not None
        work += [
            wrapped(self.untasked(system, restricted=restricted), INDENT)
            for system in without_task(report)
        ]
        if not work:
            return [self.head("no_tasks")]
        return [self.head("tasks"), *(line for lines in work for line in lines)]

    def task(self, task: Work) -> list[str]:
        term = f" ({self.term(task.deadline)})" if task.deadline else ""
        lines = wrapped(self.sentence(task) + term, INDENT)
        if task.by_hand:
            lines += wrapped(self.say(task.by_hand), 2 * INDENT)
        return [*lines, f"{2 * INDENT}courseflow-sync tasks show {task.id}"]

    def sentence(self, task: Work) -> str:
        return self.say(sentence(task.kind, task.verb, task.title))

    def term(self, deadline: date) -> str:
        return f"{self.head('by')} {self.day(deadline)}"

    def untasked(self, system: System, *, restricted: bool) -> str:
        match system.state:
            case Standing.CANNOT_LOOK:
                text = LOOK_YOURSELF
            case Standing.STILL_THERE:
                text = CHANGED_THERE
            case _:
                text = LIFT_IT if restricted else LET_IT_GO_ON
        return self.say(text).format(title=system.title)


def without_task(report: PersonReport) -> list[System]:
    """Where it is the customer's turn although no task says so."""
    named = {None, *(task.connection for task in report.tasks)}
    return [
        system
        for system in report.systems
        if system.next and system.next.whose is Whose.YOURS and system.connection not in named
    ]


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns two blanks apart, each as wide as its widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def wrapped(sentence: str, indent: str) -> list[str]:
    return textwrap.wrap(
        sentence,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def printable(line: str) -> str:
    """Titles are the customer's words; none of them may steer the terminal."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in line)
