"""An operation moves as its table says, in every order in which its parts can end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from core.report.operation import WAYS, Progress, progress
from core.states import Ended
from core.transitions import NEW, legal

MOST = 2  # connections: with a third nothing else can follow


@dataclass(frozen=True, slots=True)
class Asked:
    """``ends``: how it ended at each connection, None where it is open."""

    erases: bool
    ends: tuple[Ended | None, ...] = ()
    waits: bool = False
    ended: str | None = None

    @property
    def state(self) -> Progress:
        return progress(self.ends, waits=self.waits, ended=self.ended)


def begun() -> Iterator[Asked]:
    """Overtaken at once, where a later one came in the same batch."""
    for erases in (True, False):
        for connections in range(MOST + 1):
            yield Asked(erases, (None,) * connections)
            yield Asked(erases, (Ended.SUPERSEDED,) * connections)
    yield Asked(erases=True, waits=True)


def follow(asked: Asked) -> Iterator[Asked]:
    if asked.waits:
        yield replace(asked, waits=False, ended=Progress.UNDONE)
        yield replace(asked, waits=False, ended=Progress.SUPERSEDED)
        yield from (
            replace(asked, waits=False, ends=(None,) * connections)
            for connections in range(MOST + 1)
        )
        return
    for place, end in enumerate(asked.ends):
        if end is None:
            for how in Ended:
                ends = (*asked.ends[:place], how, *asked.ends[place + 1 :])
                yield replace(asked, ends=ends)
    overtaken = Ended.SUPERSEDED in asked.ends
    if asked.erases and not (asked.ended or overtaken) and len(asked.ends) < MOST:
        yield replace(asked, ends=(*asked.ends, None))  # a connection that is made later


def test_the_table_holds_every_move_that_can_follow_and_no_other() -> None:
    known = set(begun())
    moves = {(NEW, asked.state) for asked in known}
    waiting = list(known)
    while waiting:
        asked = waiting.pop()
        for after in set(follow(asked)):
            moves.add((asked.state, after.state))
            if after not in known:
                known.add(after)
                waiting.append(after)
    assert {(str(was), str(became)) for was, became in moves if was != became} == legal(WAYS)
