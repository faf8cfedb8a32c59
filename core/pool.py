"""How many connections to a database stay open."""

from __future__ import annotations

import time
from typing import Any

import sqlalchemy as sa

REMEMBERS = 60.0  # seconds that a busy moment keeps its connections open, and as long again


class AsBusy(sa.QueuePool):
    """
    Keeps no more connections idle than were in use at once a moment ago: PostgreSQL has a
    hundred for everybody. To keep a fixed few cost 40 busy threads two thirds of what they did.

    Which to keep is decided as one comes back (``_do_return_conn``, SQLAlchemy 2.0).
    """

    before = busiest = 0
    until = 0.0

    def _do_return_conn(self, record: Any) -> None:
        now = time.monotonic()
        if now >= self.until:
            self.before, self.busiest, self.until = self.busiest, 0, now + REMEMBERS
        self.busiest = max(self.busiest, self.checkedout())
        if self.checkedin() < max(self.before, self.busiest):
            super()._do_return_conn(record)
        else:
            try:
                record.close()
            finally:
                self._dec_overflow()
