"""Says things on a page as the terminal says them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.words import pages
from app.words.report import Paper
from app.words.vocabulary import HEADINGS
from core.connector import Text
from core.report.values import Work

WORDS: Mapping[str, Text] = {**HEADINGS, **pages.HEADINGS}


@dataclass(frozen=True, slots=True)
class Job:
    """A task as it is read; ``steps`` are the platform's own."""

    sentence: str
    when: str
    steps: str | None = None
    who: str | None = None  # None: it is about a whole connection, or the page is about one person
    link: str | None = None


class Sheet(Paper):
    """A paper with the words that only pages need."""

    def head(self, name: str) -> str:
        return self.say(WORDS[name])

    def told(self, name: str, **filled: object) -> str:
        return self.head(name).format(**filled)

    def job(self, task: Work, who: str | None = None, link: str | None = None) -> Job:
        steps = self.say(task.by_hand) if task.by_hand else None
        return Job(self.sentence(task), self.waits(task), steps, who, link)

    def waits(self, task: Work) -> str:
        """Every task names a day: the last one, or else the first."""
        if task.deadline:
            return self.term(task.deadline)
        return f"{self.head('since')} {self.day(self.local(task.opened_at).date())}"
