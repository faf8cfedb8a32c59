"""Running: everything in one process, workers of their own, the demo."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Annotated, Any

import typer

from app.commands import here
from app.commands.terminal import Json, notice, tell_json
from app.front import front
from app.running import has_shared_broker, needs_shared_broker, working
from app.serving import serving
from app.wiring import Installation

HOST = "127.0.0.1"
PORT = 8000
THREADS = 4
SIGNALS = (signal.SIGTERM, signal.SIGINT)

log = logging.getLogger(__name__)

Threads = Annotated[
    int, typer.Option("--threads", min=1, max=64, help="How many lanes are worked on at once.")
]


def serve(
    *,
    host: Annotated[str, typer.Option(help="The address to listen at.")] = HOST,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = PORT,
    threads: Threads = THREADS,
    json: Json = False,
) -> None:
    """
    Answer the HTTP API until SIGTERM or Ctrl-C; with memory: carry out the work as well.

    COURSEFLOW_SYNC_BROKER_URL memory:, which is the default, means everything in this one
    process. With a shared broker the work is done by courseflow-sync work, of which you need at
    least one. It speaks HTTP without TLS: put your proxy with a certificate in front of it
    before it listens anywhere else than on this machine.
    """
    with here.installation() as found:
        hands = 0 if has_shared_broker(found) else threads
        with (
            until_told() as told,
            working(found, threads=hands),
            serving(front(found), host=host, port=port) as url,
        ):
            log.info("serving")
            begun({"serving": url, "pid": os.getpid(), "threads": hands}, json=json)
            told.wait()
            log.info("stopping")


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
        begun({"working": True, "pid": os.getpid(), "threads": threads}, json=json)
        told.wait()
        log.info("stopping")


def begun(what: dict[str, Any], *, json: bool) -> None:
    if json:
        tell_json(what)
        return
    where = f" at {what['serving']}" if "serving" in what else ""
    doing = "Working" if what["threads"] else "Serving"
    notice(f"{doing}{where}. Stop with Ctrl-C.")


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
