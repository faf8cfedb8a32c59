"""How far a long command has come, for who watches a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app.commands.terminal import is_terminal, notice


class Bar:
    """Quiet, where nobody watches."""

    def advance(self, done: float) -> None: ...

    def beside(self, text: str) -> None:
        notice(text)


class Drawn(Bar):
    def __init__(self, drawn: Progress, total: float | None, what: str) -> None:
        self.drawn = drawn
        self.task = drawn.add_task(what, total=total)

    def advance(self, done: float) -> None:
        self.drawn.advance(self.task, done)

    def beside(self, text: str) -> None:
        self.drawn.console.print(text, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def progress(total: float | None, what: str) -> Iterator[Bar]:
    """``total`` is None where nobody can know it before the end."""
    if not is_terminal(sys.stderr):
        yield Bar()
        return
    columns: tuple[Any, ...] = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as drawn:
        yield Drawn(drawn, total, what)
