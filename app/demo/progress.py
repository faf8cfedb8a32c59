"""Says what the demo is doing now."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from app.demo.stage import Stage
from core.ledger.schema import connections, holdings
from core.states import State

WE_MOVE = frozenset({State.QUEUED, State.SENT, State.RETRYING})
GLANCE = 0.2  # seconds between two looks at the ledger


@dataclass(frozen=True, slots=True)
class Lane:
    """How many holdings one connection has, and how many of them wait for no worker of ours."""

    total: int
    settled: int


class Teller:
    """Bars that move on a terminal; elsewhere one line per step."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.started = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    def step(self, text: str) -> None:
        self.console.print(
            f"[dim]{self.seconds:5.1f} s[/dim]  {text}", highlight=False, soft_wrap=True
        )

    def settle(
        self, stage: Stage, platforms: Collection[str], *, patience: float
    ) -> Mapping[str, Lane]:
        """Wait until the workers have nothing to do at these platforms, or patience ends."""
        end = time.monotonic() + patience
        with self.bars(stage) as bars:
            while True:
                lanes = seen(stage)
                bars(lanes)
                busy = any(lanes[one].settled < lanes[one].total for one in platforms)
                if not busy or time.monotonic() > end:
                    return lanes
                time.sleep(GLANCE)

    @contextmanager
    def bars(self, stage: Stage) -> Iterator[Bars]:
        columns = (TextColumn("         {task.description}"), BarColumn(), MofNCompleteColumn())
        shown = self.console.is_terminal
        with Progress(*columns, console=self.console, transient=True, disable=not shown) as bars:
            yield Bars(bars, {one: bars.add_task(one, total=None) for one in stage.connections})


@dataclass(frozen=True, slots=True)
class Bars:
    progress: Progress
    tasks: Mapping[str, int]

    def __call__(self, lanes: Mapping[str, Lane]) -> None:
        for platform, lane in lanes.items():
            task = self.progress.tasks[self.tasks[platform]].id
            self.progress.update(task, total=lane.total, completed=lane.settled)


def seen(stage: Stage) -> Mapping[str, Lane]:
    query = (
        sa.select(connections.c.platform, holdings.c.state, sa.func.count())
        .join(connections, connections.c.id == holdings.c.connection)
        .group_by(connections.c.platform, holdings.c.state)
    )
    with stage.installation.ledger.read() as tx:
        rows = tx.db.execute(query).all()
    totals = dict.fromkeys(stage.connections, 0)
    moving = dict.fromkeys(stage.connections, 0)
    for platform, state, number in rows:
        totals[platform] += number
        if State(state) in WE_MOVE:
            moving[platform] += number
    return {one: Lane(totals[one], totals[one] - moving[one]) for one in totals}
