"""Which runs there are, and what happens in each besides the death."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from core.connector import Verb
from tests.end_to_end.crash_matrix.platform import Fate
from tests.end_to_end.crash_matrix.points import EXTRA, OPEN_GROUND, WORK, Point, verbs
from tests.end_to_end.crash_matrix.wishes import ANNA, NINA, Member

SEEDS = 5
DATABASES = ("sqlite", "postgresql")


class Then(StrEnum):
    """What the school asks between the death and the recovery."""

    NOTHING = "nothing"
    ERASED = "erased"  # who was erased signs up anew
    CHANGED = "changed"


class Stands(StrEnum):
    """How long a process stands at its point, before it goes on."""

    SHORTLY = "shortly"
    LONG = "long"  # until its lease has run out, and another did its work


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """
    ``passage`` counts the deadly point. ``held``: the process only stands there, and dies later.
    ``twice``: the next process dies as well. ``rivals``: two recover at once. ``repeats``: who got
    no answer asks again with the same key. ``redelivered``: the broker sends the bell again.
    """

    fate: Fate = Fate.APPLIED
    then: Then = Then.NOTHING
    passage: int = 1
    held: bool = False
    twice: bool = False
    rivals: bool = False
    repeats: bool = False
    redelivered: bool = False
    at_once: int = 1


STORIES = (
    Story(repeats=True, redelivered=True),
    Story(fate=Fate.LATE, then=Then.ERASED, rivals=True),
    Story(fate=Fate.LOST, then=Then.CHANGED, passage=2, repeats=True),
    Story(fate=Fate.LOST, twice=True, rivals=True, repeats=True),
    Story(fate=Fate.LATE, then=Then.ERASED, held=True, redelivered=True, at_once=2),
)


@dataclass(frozen=True, slots=True)
class Run:
    """One cell of the matrix with its seed; its name is all that is needed to see it again."""

    point: Point
    verb: Verb
    database: str
    seed: int

    def __str__(self) -> str:
        return f"{self.point}-{self.verb}-{self.database}-{self.seed}"

    @classmethod
    def named(cls, name: str) -> Run:
        point, verb, database, seed = name.split("-")
        return cls(Point(point), Verb(verb), database, int(seed))

    @property
    def story(self) -> Story:
        return STORIES[self.seed % len(STORIES)]

    @property
    def chance(self) -> random.Random:
        return random.Random(str(self))  # noqa: S311 - it only picks where the second dies

    @property
    def who(self) -> Member:
        return NINA if self.verb is Verb.SUBSCRIBE else ANNA

    @property
    def held(self) -> Stands | None:
        """Each of both with half of the verbs, and on the other database with the other half."""
        if not self.story.held or self.point not in OPEN_GROUND:
            return None
        turns = list(Verb).index(self.verb) + DATABASES.index(self.database)
        return list(Stands)[turns % len(Stands)]

    @property
    def passage(self) -> int:
        """What Bert asks before Anna passes the same point first, but not the two extra ones."""
        return 1 if self.point in EXTRA else self.story.passage

    @property
    def second(self) -> Point:
        return self.chance.choice(WORK)


def matrix() -> Iterator[Run]:
    """All of it."""
    for point in Point:
        for verb in verbs(point):
            for database in DATABASES:
                for seed in range(SEEDS):
                    yield Run(point, verb, database, seed)


def short() -> Iterator[Run]:
    """Every point with every verb on SQLite, every other one on PostgreSQL; stories take turns."""
    for number, point in enumerate(Point):
        for nth, verb in enumerate(verbs(point)):
            yield Run(point, verb, "sqlite", (number + nth) % SEEDS)
        if number % 2:
            yield Run(
                point,
                verbs(point)[number // 2 % len(verbs(point))],
                "postgresql",
                number // 2 % SEEDS,
            )
