"""The moments at which a process dies: RELIABILITY's P1 to P14, as this product has them."""

from __future__ import annotations

from enum import StrEnum

from core.connector import Verb


class Point(StrEnum):
    """
    What was asked lies in the ledger; a bell names a lane, and there is no outbox to mark.

    The safe commits apart from the ledger, so that an intake has two more places to die.
    """

    ASKED = "P1"  # before the intake's first commit
    SAFE_WRITTEN = "P1b"  # the safe has committed, the ledger has not
    LEDGER_WRITTEN = "P2b"  # the ledger has committed, the safe was not told
    COMMITTED = "P2"  # all has committed, nobody was answered
    TO_RING = "P3"  # the lane is marked as rung, the bell was not sent
    RUNG = "P4"  # the bell was sent
    TAKEN = "P5"  # a worker took the message
    LEASED = "P6"  # the lease has committed
    TO_SEND = "P7"  # the intent has committed; before the fence is asked, the call is sent
    SENT = "P8"  # the call was sent, no byte of an answer was read
    ANSWERED = "P9"  # the answer was read, and not written down
    RECORDED = "P10"  # what the attempt came to has committed, the lane is still leased
    TO_LOOK = "P11"  # before the look
    LOOKED = "P12"  # the look was answered
    TO_COMMIT = "P13"  # before the result's commit; before the lane's release it is as at P10
    RELEASED = "P14"  # the turn's last commit is behind us, the message is not acknowledged


INTAKE = (Point.ASKED, Point.SAFE_WRITTEN, Point.LEDGER_WRITTEN, Point.COMMITTED)
DISPATCH = (Point.TO_RING, Point.RUNG)
WORK = tuple(point for point in Point if point not in INTAKE + DISPATCH)

# Somebody else can go on while a process stands there: it holds no transaction, and does not lead.
OPEN_GROUND = frozenset(WORK) - {Point.TO_COMMIT}

# Only what makes a key or ends one writes to the safe, and only an ending tells it twice.
EXTRA = {
    Point.SAFE_WRITTEN: (Verb.SUBSCRIBE, Verb.ERASE),
    Point.LEDGER_WRITTEN: (Verb.ERASE,),
}


def verbs(point: Point) -> tuple[Verb, ...]:
    return EXTRA.get(point, tuple(Verb))
