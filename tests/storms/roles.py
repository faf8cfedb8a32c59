"""What a process of a storm is: it works, it answers HTTP, or it is the platform."""

from __future__ import annotations

import logging
import signal
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from app import wiring
from app.front import front
from app.running import working
from app.serving import serving
from app.settings import Settings
from app.wiring import Installation
from core import database
from core.http import WayOut
from core.ledger import lanes, leading
from tests.storms.platform import CONNECTORS, Server
from workers.reach import Reach

HOST = "127.0.0.1"
TRUST = ssl.create_default_context()  # made before the fork: reading it takes 34 ms


class Kind(StrEnum):
    WORKER = "worker"
    DOOR = "door"  # the HTTP API
    WHOLE = "whole"  # both, in one process
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True)
class Role:
    """
    ``port`` is the door's or the platform's; ``journal``, ``latency`` and ``late`` are the
    platform's. ``spans`` are the seconds of a lane's lease, of leading, of a transaction in which
    nothing is said; None: the product's own.
    """

    kind: Kind
    log: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    threads: int = 8
    port: int = 0
    journal: str = ""
    latency: float = 0.0
    late: float = 0.0
    spans: Sequence[float] | None = None


@contextmanager
def opened(settings: Settings) -> Iterator[Installation]:
    """The product, with a storm's platform as the only one."""
    with wiring.opened(settings) as found:
        yield replace(found, reach=Reach(CONNECTORS, found.reach.way_out, {}))


def live(role: Role, warm: Installation | None) -> None:
    """Never returns: whoever is told to play is killed."""
    logging.basicConfig(filename=role.log, level=logging.WARNING, force=True)
    if role.kind is Kind.PLATFORM:
        Server(Path(role.journal), role.port, role.latency, role.late).serve_forever()
    assert warm is not None, "rehearse first"
    if role.spans is not None:
        spans = (timedelta(seconds=one) for one in role.spans)
        lanes.LEASE, leading.LEASE, database.STANDS_STILL = spans
    way_out = WayOut(insecure=warm.settings.allow_insecure_hosts, verify=TRUST)
    installation = replace(warm, reach=Reach(CONNECTORS, way_out, {}))
    threads = 0 if role.kind is Kind.DOOR else role.threads
    with working(installation, threads=threads):
        if role.kind is not Kind.WORKER:
            with serving(front(installation), host=HOST, port=role.port):
                forever()
        forever()


def forever() -> None:
    while True:
        signal.pause()
