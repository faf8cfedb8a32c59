"""Which shape stands beside a state, so that no colour has to tell it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from core.report.standing import Standing
from core.report.values import System


class Mark(Enum):
    """The shape; the name is the class in the style sheet."""

    BUSY = "◐"
    ABSENT = "✓"
    YOURS = "!"
    WAITS = "○"
    STAYS = "■"
    UNKNOWN = "?"

    @property
    def style(self) -> str:
        return self.name.lower()


MARKS: Mapping[Standing, Mark] = {
    Standing.QUEUED: Mark.BUSY,
    Standing.SENT: Mark.BUSY,
    Standing.NOT_FOUND: Mark.ABSENT,
    Standing.STILL_THERE: Mark.YOURS,
    Standing.FINAL_ON: Mark.WAITS,
    Standing.OVERDUE: Mark.YOURS,
    Standing.RETRYING: Mark.BUSY,
    Standing.NEEDS_YOU: Mark.YOURS,
    Standing.ONLY_THE_PERSON: Mark.WAITS,
    Standing.SHARED: Mark.STAYS,
    Standing.KEPT: Mark.STAYS,
    Standing.IN_BACKUPS: Mark.STAYS,
    Standing.FINISHING: Mark.STAYS,
    Standing.ATTESTED: Mark.UNKNOWN,
    Standing.CANNOT_LOOK: Mark.UNKNOWN,
    Standing.RETURNED: Mark.YOURS,
}


def mark(system: System) -> Mark:
    """Who is there by wish is nobody's task."""
    there = system.state is Standing.STILL_THERE and system.as_asked
    return Mark.STAYS if there else MARKS[system.state]
