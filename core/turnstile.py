"""Whose turn it is to write, where only one may."""

from __future__ import annotations

import threading
from collections import deque


class Turnstile:
    """A lock that serves waiting threads in the order in which they came."""

    def __init__(self) -> None:
        self._door = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
        self._held = False

    def __enter__(self) -> None:
        with self._door:
            if not self._held:
                self._held = True
                return
            turn = threading.Event()
            self._waiting.append(turn)
        try:
            turn.wait()
        except BaseException:  # interrupted: nobody may wait for us
            self._leave(turn)
            raise

    def __exit__(self, *_: object) -> None:
        with self._door:
            self._pass_on()

    def _leave(self, turn: threading.Event) -> None:
        with self._door:
            if turn.is_set():
                self._pass_on()
            else:
                self._waiting.remove(turn)

    def _pass_on(self) -> None:
        if self._waiting:
            self._waiting.popleft().set()
        else:
            self._held = False


class NoTurnstile:
    """PostgreSQL lets writers work side by side."""

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...
