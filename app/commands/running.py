"""Running: everything in one process, workers of their own, the demo."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Annotated

import typer

from app.commands import here
from app.commands.terminal import Json, notice, tell_json
from app.running import needs_shared_broker, working
from app.settings import BadSettings
from app.wiring import Installation
from workers.broker import broker_at
from workers.memory import MemoryBroker

THREADS = 4
SIGNALS = (signal.SIGTERM, signal.SIGINT)

log = logging.getLogger(__name__)

Threads = Annotated[
    int, typer.Option("--threads", min=1, max=64, help="How many lanes are worked on at once.")
]


def serve(*, threads: Threads = THREADS, json: Json = False) -> None:
    """
    Run everything in this one process until SIGTERM or Ctrl-C.

    It is for COURSEFLOW_SYNC_BROKER_URL memory:, which is the default. What other commands ask
    is found within a second. The HTTP API and the dashboard come in a later version: this one
    carries out the work and listens to nobody.
    """
    with here.installation() as found:
        if not isinstance(broker_at(found.settings.broker_url), MemoryBroker):
            raise BadSettings(
                "COURSEFLOW_SYNC_BROKER_URL names a shared broker, and without the HTTP API of a "
                "later version serve has nothing to do beside it. Nothing was started. "
                "Run: courseflow-sync work"
            )
        run(found, threads=threads, json=json)


def work(*, threads: Threads = THREADS, json: Json = False) -> None:
    """
    Run workers in a process of their own, beside others on this machine or elsewhere.

    Needs redis://… or amqp://… in COURSEFLOW_SYNC_BROKER_URL. SIGTERM or Ctrl-C finishes what
    is in hand; a second one ends it at once, which loses nothing either.
    """
    with here.installation() as found:
        needs_shared_broker(found)
        run(found, threads=threads, json=json)


def demo(
    *,
    once: Annotated[
        bool, typer.Option("--once", help="End after the run, with a summary.")
    ] = False,
    json: Json = False,
) -> None:
    """
    Show the whole product on this machine, with invented people and a real GNU Mailman.

    It needs no setting and no account; make demo prepares what it needs.
    """
    from app.demo.run import run as run_demo  # noqa: PLC0415  (the demo is no part of the product)

    raise typer.Exit(run_demo(once=once, json=json))


def run(found: Installation, *, threads: int, json: bool) -> None:
    with until_told() as told, working(found, threads=threads):
        log.info("working")
        if json:
            tell_json({"working": True, "pid": os.getpid(), "threads": threads})
        else:
            notice("Working. Stop with Ctrl-C.")
        told.wait()
        log.info("stopping")


@contextmanager
def until_told() -> Iterator[threading.Event]:
    """Set by the first SIGTERM or SIGINT; the second one kills, as it does by default."""
    told = threading.Event()

    def tell(_number: int, _frame: FrameType | None) -> None:
        for one in SIGNALS:
            signal.signal(one, signal.SIG_DFL)
        told.set()

    before = {one: signal.signal(one, tell) for one in SIGNALS}
    try:
        yield told
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
