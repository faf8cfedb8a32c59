"""Chooses which of the invented members plays which part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from app.demo.stage import COURSE_INFO, NEWSLETTER
from app.incoming import members_csv
from app.incoming.members_csv import Member

ORDINARY_ERASURES = (4, 2, 3)  # of newsletter only, of both lists, of course information only


@dataclass(frozen=True, slots=True)
class Cast:
    """References of members.csv. Nobody has two parts, except where it says so."""

    rows: Sequence[Member]  # the whole file
    renamed: Sequence[str]
    nameless: Sequence[str]  # whose last name is cleared
    moved: Sequence[str]  # to another address
    unsubscribed: Sequence[str]
    former: Sequence[str]  # on the list of the platform without an API
    former_done: Sequence[str]  # of these, whom the school's employee adds there
    moved_at_mailman: str  # and erased
    banned_at_mailman: str  # with a request that waits there; and erased
    of_a_family: str  # whose address others use; erased
    former_erased: Sequence[str]  # the first of them also by the employee's hand
    ordinary_erased: Sequence[str]

    @property
    def erased(self) -> Sequence[str]:
        """Of the members; the stranger, of whom only Mailman knows, comes on top."""
        special = (self.moved_at_mailman, self.banned_at_mailman, self.of_a_family)
        return (*special, *self.former_erased, *self.ordinary_erased)


def chosen(file: Path) -> Cast:
    rows = [one for one in members_csv.read(file) if isinstance(one, Member)]
    letters, both, courses = (iter(singles(rows, wanted)) for wanted in WANTED)
    former = take(courses, 6)
    return Cast(
        rows=rows,
        renamed=[*take(letters, 4), *take(courses, 12)],
        nameless=[*take(letters, 2), *take(courses, 4)],
        moved=[*take(letters, 3), *take(both, 3), *take(courses, 5)],
        unsubscribed=[*take(letters, 10), *take(both, 6)],
        former=former,
        former_done=[former[0], *former[2:4]],
        moved_at_mailman=next(letters),
        banned_at_mailman=next(letters),
        of_a_family=families(rows)[0][0],
        former_erased=former[:2],
        ordinary_erased=[
            reference
            for group, number in zip((letters, both, courses), ORDINARY_ERASURES, strict=True)
            for reference in take(group, number)
        ],
    )


WANTED = (
    frozenset({NEWSLETTER}),
    frozenset({NEWSLETTER, COURSE_INFO}),
    frozenset({COURSE_INFO}),
)


def take(group: Iterator[str], number: int) -> list[str]:
    return list(islice(group, number))


def singles(rows: Sequence[Member], wanted: frozenset[str]) -> list[str]:
    """With two names, on exactly these lists, with one address that nobody else has."""
    found: dict[str, list[Member]] = {}
    for row in rows:
        found.setdefault(row.reference, []).append(row)
    shared = {reference for family in families(rows) for reference in family}
    return [
        reference
        for reference, own in sorted(found.items())
        if reference not in shared
        and len({row.email for row in own}) == 1
        and "last_name" in own[0].fields
        and {key for row in own for key in row.lists} == wanted
    ]


def families(rows: Sequence[Member]) -> list[list[str]]:
    users: dict[str, set[str]] = {}
    for row in rows:
        users.setdefault(row.email, set()).add(row.reference)
    return sorted(sorted(references) for references in users.values() if len(references) > 1)
