"""Who may run beside whom in one process: a grave suspect runs with nobody."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Company:
    """
    Any number run ``together``; who runs ``alone`` waits for the others, and they for it.

    A worker that dies while something ran alone proves something about that one only.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._together = 0
        self._alone = 0  # waiting or running

    @property
    def waited_for(self) -> bool:
        """Somebody wants to be alone: end what can be ended soon."""
        return self._alone > 0

    @contextmanager
    def together(self) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: not self._alone)
            self._together += 1
        try:
            yield
        finally:
            with self._changed:
                self._together -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        with self._changed:
            self._alone += 1
            self._changed.wait_for(lambda: not self._together)
            self._together += 1
        try:
            yield
        finally:
            with self._changed:
                self._together -= 1
                self._alone -= 1
                self._changed.notify_all()
