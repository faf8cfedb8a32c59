"""Sometimes-faults at named points: which of them this seed knows, how often they strike."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

ACTIVE = 0.25  # of the points, in one seed
STRIKES = 0.25  # of the passages of an active one …
MOST = 4  # … and in all, so that the play goes on


@dataclass
class Faults:
    """``strikes(point)`` says whether the fault of that name happens now."""

    chance: random.Random
    only: frozenset[str] | None = None  # None: any point may be active
    over: bool = False  # from now on everything works
    struck: dict[str, int] = field(default_factory=dict)
    _active: dict[str, bool] = field(default_factory=dict)

    def strikes(self, point: str) -> bool:
        if self.over:
            return False
        if point not in self._active:
            drawn = self.chance.random() < ACTIVE
            self._active[point] = drawn and (self.only is None or point in self.only)
        if not self._active[point] or self.struck.get(point, 0) >= MOST:
            return False
        if self.chance.random() >= STRIKES:
            return False
        self.struck[point] = self.struck.get(point, 0) + 1
        return True
