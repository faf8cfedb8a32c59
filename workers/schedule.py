"""When to try or look again. The only schedule there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

JITTER = 0.2
ATTEMPTS = 10  # then a subscription or an update needs a human; nothing else ever gives up
DAY = timedelta(days=1)

# After a definite failure.
RETRY: Sequence[timedelta] = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
    timedelta(hours=12),
    DAY,
)

# After an answer that the platform does not show, or not yet.
LOOK: Sequence[timedelta] = (
    timedelta(seconds=1),
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
    DAY,
)
SHOWS_SOON = 3  # looks after which "not yet" is no longer likely

# From each look after a verified erasure to the next: +1 h, +24 h, +7 d, +30 d in all.
PATROL: Sequence[timedelta] = (
    timedelta(hours=1),
    timedelta(hours=23),
    timedelta(days=6),
    timedelta(days=23),
)

# A connection that cannot be reached, and a host that none of its connections reaches.
SHORTEST_REST = timedelta(seconds=2)
LONGEST_REST = timedelta(seconds=60)
HOST_FAILURES = 5  # turns in a row; then one lane at a time tries it for all
SILENT = 60  # failures of one connection, about …
SILENCE = timedelta(hours=1)  # … this long; then its customer is told

Spread = Callable[[], float]  # between -1 and 1


def retry_after(attempts: int, spread: Spread) -> timedelta:
    """The wait after so many definite failures (1 or more)."""
    return jittered(RETRY[min(attempts, len(RETRY)) - 1], spread)


def look_after(looks: int, spread: Spread) -> timedelta:
    """The wait after so many looks that did not show it (1 or more)."""
    return jittered(LOOK[min(looks, len(LOOK)) - 1], spread)


def patrol_after(patrols: int) -> timedelta | None:
    """The wait until the next look after an erasure; None when there is none left."""
    return PATROL[patrols] if patrols < len(PATROL) else None


def rest_after(failures: int) -> timedelta:
    """How long a connection rests after so many turns in a row that did not reach it."""
    return min(timedelta(seconds=2 ** min(failures, 6)), LONGEST_REST)


def host_rest(away: timedelta) -> timedelta:
    """How long nobody tries a host that has been away so long: as long again, up to a minute."""
    return min(max(away, SHORTEST_REST), LONGEST_REST)


def jittered(wait: timedelta, spread: Spread) -> timedelta:
    return wait * (1 + JITTER * spread())
