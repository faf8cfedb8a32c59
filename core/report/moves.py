"""Whose turn it is next: no open state is without."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.ledger.tasks import OpenTask
from core.report.standing import OVER, WHOSE, Standing, Whose
from core.report.values import Next, Reads


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """What decides the next move in one system."""

    standing: Standing
    as_asked: bool
    now: datetime
    since: datetime  # it waits at least since then
    deadline: datetime | None  # of the erasure that is asked there
    due_at: datetime | None = None  # our own next move; None where the connection is closed
    not_before: datetime | None = None  # the lane rests until then
    held: bool = False  # the lane, until the customer acts
    waits_since: datetime | None = None  # for the customer to lift a restriction
    final_on: datetime | None = None
    tasks: tuple[OpenTask, ...] = ()  # of this holding, the most urgent first
    lane_tasks: tuple[OpenTask, ...] = ()  # of its connection


def next_move(board: Board) -> Next | None:
    """None only when nobody has to move any more."""
    whose = WHOSE[board.standing]
    over = board.standing in OVER or board.as_asked
    if whose is Whose.THE_PLATFORM and board.final_on and board.now < board.final_on:
        return Next(board.final_on, whose, Reads.BY)
    if whose is Whose.THE_PERSON and board.due_at:
        return Next(board.due_at, whose)
    if whose is Whose.YOURS and board.tasks and not board.as_asked:
        return yours(board, board.tasks)
    if board.waits_since and whose is Whose.YOURS:
        return Next(board.waits_since, whose, Reads.SINCE)
    if board.due_at and board.held:
        return yours(board, board.lane_tasks)
    if board.due_at:
        rests = [moment for moment in (board.due_at, board.not_before) if moment]
        return Next(max(*rests, board.now), Whose.OURS)
    return None if over else waits(board, whose)


def yours(board: Board, tasks: tuple[OpenTask, ...]) -> Next:
    """By the task's term, else the erasure's; without one it waits since it was opened."""
    if tasks and tasks[0].deadline:
        return Next(tasks[0].deadline, Whose.YOURS, Reads.BY)
    if board.deadline is None and tasks:
        return Next(tasks[0].opened_at, Whose.YOURS, Reads.SINCE)
    return waits(board, Whose.YOURS)


def waits(board: Board, whose: Whose) -> Next:
    if board.deadline:
        return Next(board.deadline, whose, Reads.BY)
    return Next(board.since, whose, Reads.SINCE)
