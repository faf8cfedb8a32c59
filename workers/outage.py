"""Says once that something fails, once that it works again."""

from __future__ import annotations

import logging
import threading

log = logging.getLogger(__name__)


class Outage:
    """However often it is tried in between: an hour without a broker is two lines in the log."""

    def __init__(self, what: str) -> None:
        self.what = what
        self._lock = threading.Lock()
        self._lasts = False

    def began(self, error: BaseException) -> None:
        with self._lock:
            if not self._lasts:
                self._lasts = True
                log.warning("%s fails and is tried again: %s", self.what, type(error).__name__)

    def ended(self) -> None:
        if self._lasts:
            with self._lock:
                self._lasts = False
                log.warning("%s works again", self.what)
