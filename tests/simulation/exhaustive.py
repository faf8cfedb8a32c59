"""Every state that a model can reach, each looked at once, the nearest first."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

State = TypeVar("State", bound=Hashable)

Moves = Callable[[State], Iterable[tuple[str, State]]]


@dataclass(frozen=True, slots=True)
class Explored(Generic[State]):
    """``wrong`` is None when every state was right; else ``steps`` lead there, the fewest."""

    states: int
    wrong: str | None = None
    steps: tuple[str, ...] = ()

    def __str__(self) -> str:
        numbered = [f"{number}. {step}" for number, step in enumerate(self.steps, start=1)]
        return "\n".join([*numbered, f"=> {self.wrong or 'nothing wrong'}"])


def explore(
    start: State, moves: Moves[State], judge: Callable[[State], str | None]
) -> Explored[State]:
    """Breadth first, so that no shorter way leads to what is found. ``judge``: None is right."""
    came_by: dict[State, tuple[str, State] | None] = {start: None}
    waiting = deque([start])
    while waiting:
        state = waiting.popleft()
        wrong = judge(state)
        if wrong is not None:
            return Explored(len(came_by), wrong, way_to(state, came_by))
        for step, after in moves(state):
            if after not in came_by:
                came_by[after] = (step, state)
                waiting.append(after)
    return Explored(len(came_by))


def stuck(start: State, moves: Moves[State], rests: Callable[[State], bool]) -> State | None:
    """A state from which rest cannot be reached, whatever comes. None: there is no such state."""
    came_by: dict[State, list[State]] = {start: []}
    waiting = deque([start])
    while waiting:
        state = waiting.popleft()
        for _, after in moves(state):
            if after not in came_by:
                came_by[after] = []
                waiting.append(after)
            came_by[after].append(state)
    waiting.extend(state for state in came_by if rests(state))
    led = set(waiting)
    while waiting:
        before = set(came_by[waiting.popleft()]) - led
        led |= before
        waiting.extend(before)
    return next((state for state in came_by if state not in led), None)


def way_to(state: State, came_by: dict[State, tuple[str, State] | None]) -> tuple[str, ...]:
    steps = []
    before = came_by[state]
    while before is not None:
        step, state = before
        steps.append(step)
        before = came_by[state]
    return tuple(reversed(steps))
