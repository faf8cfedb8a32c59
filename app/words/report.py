"""A person's report as plain text for a terminal, readable when piped too."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from app.words.vocabulary import (
    AS_ASKED,
    HEADINGS,
    LET_IT_GO_ON,
    LOOK_YOURSELF,
    MONTHS,
    NEXT,
    PRESENCES,
    STATES,
    TASKS,
    VERBS,
    WHOSE,
)
from core.connector import Presence, Text
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
        paper.table(report.systems),
        paper.details(report.systems),
        paper.to_do(report),
    ]
    return "\n\n".join("\n".join(map(printable, block)) for block in blocks if block) + "\n"


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
        who = f"{report.reference} ({report.email})" if report.email else report.reference
        lines = [f"{self.head('person')}: {who}", self.say(headline(report))]
        if report.asked_at is None or report.deadline is None:
            return lines
        answered = self.moment(report.answered_at) if report.answered_at else self.head("not_yet")
        terms = [
            (self.head("asked"), self.moment(report.asked_at)),
            (self.head("deadline"), self.day(report.deadline)),
            (self.head("answered"), answered),
        ]
        return [*lines, "", *aligned(terms)]

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
        fields = f": {', '.join(seen.fields)}" if seen.fields else ""
        return wrapped(f"{self.head('seen')} {seen.place}, {presence}{fields}", INDENT)

    def left(self, left: Left, stays: str) -> list[str]:
        until = f" ({self.head('until')} {self.day(left.until)})" if left.until else ""
        lines = wrapped(f"{self.head(stays)} {self.say(left.what)}{until}", INDENT)
        if left.by_hand:
            lines += wrapped(f"{self.head('by_hand')} {self.say(left.by_hand)}", 2 * INDENT)
        return lines

    def to_do(self, report: PersonReport) -> list[str]:
        named = {task.connection for task in report.tasks}
        rest = [
            system
            for system in report.systems
            if system.next and system.next.whose is Whose.YOURS and system.connection not in named
        ]
        work = [self.task(task) for task in report.tasks]
        work += [wrapped(self.untasked(system), INDENT) for system in rest if system.connection]
        if not work:
            return [self.head("no_tasks")]
        return [self.head("tasks"), *(line for lines in work for line in lines)]

    def task(self, task: Work) -> list[str]:
        term = f" ({self.head('by')} {self.day(task.deadline)})" if task.deadline else ""
        verb = self.say(VERBS[task.verb]) if task.verb else ""
        lines = wrapped(
            self.say(TASKS[task.kind]).format(title=task.title, verb=verb) + term, INDENT
        )
        return [*lines, *(wrapped(self.say(task.by_hand), 2 * INDENT) if task.by_hand else [])]

    def untasked(self, system: System) -> str:
        blind = system.state is Standing.CANNOT_LOOK
        return self.say(LOOK_YOURSELF if blind else LET_IT_GO_ON).format(title=system.title)


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
