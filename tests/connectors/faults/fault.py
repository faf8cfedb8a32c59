"""One way in which an answer goes wrong."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from core.errors import ConnectorError, OutcomeUnknown, TryLater, Unreadable
from tests.connectors.faults.front import Front, Play, Said

Kinds = tuple[type[ConnectorError], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """
    ``reading`` and ``changing`` are the errors that may leave a connector for it.

    ``kind`` is that of the plan's table: F13 to F21. ``acts`` None: it is played both after
    the platform acted and instead; else only as it says. ``door``: the name of where new
    connections lead in place of the platform. ``told``: a careful connector may take it for a
    yes, so that the look has to see. ``bridged``: the next try finds an honest platform.
    """

    name: str
    kind: str
    play: Play | None = None
    door: str = ""
    reading: Kinds = (Unreadable,)
    changing: Kinds = (OutcomeUnknown,)
    acts: bool | None = None
    wait: timedelta | None = None
    slow: bool = False
    told: bool = False
    bridged: bool = False
    reads: bool = True  # it can be an answer to a reading


NO_WORD: tuple[Kinds, Kinds] = ((TryLater,), (OutcomeUnknown,))


def sends(data: bytes) -> Play:
    return lambda _, connection, __: connection.sendall(data)


def then(play: Play, end: Callable[[socket.socket], None]) -> Play:
    def both(front: Front, connection: socket.socket, said: Said | None) -> None:
        play(front, connection, said)
        end(connection)

    return both


def honestly(change: Callable[[Said], bytes]) -> Play:
    """What the platform really said, spoilt on its way."""

    def play(_: Front, connection: socket.socket, said: Said | None) -> None:
        assert said is not None
        connection.sendall(change(said))

    return play
