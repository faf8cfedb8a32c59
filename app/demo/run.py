"""Runs the whole product on this machine: `courseflow-sync demo`."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from json import dumps
from pathlib import Path
from types import FrameType

from rich.console import Console

from app import logs
from app.demo import folder, members, promises, show
from app.demo.cast import Cast, chosen
from app.demo.folder import CannotDemo, Folder
from app.demo.mailman_server import MailmanFailed
from app.demo.play import play
from app.demo.progress import Teller
from app.demo.sandbox_server import SandboxFailed
from app.demo.school import School
from app.demo.stage import Stage, staged
from app.front import front
from app.running import working
from app.serving import serving

FOLDER = Path("var/demo")
MAILMAN_PYTHON = "COURSEFLOW_SYNC_DEMO_MAILMAN_PYTHON"
HOST = "127.0.0.1"
THREADS = 5  # one for each lane


def run(*, once: bool, json: bool, path: Path = FOLDER) -> int:
    """
    The exit status: 0 when every promise held, 1 when one broke, 2 when it could not run.

    With ``json`` standard output holds one line only, and the story is told on standard error.
    Ctrl-C ends it at any time.
    """
    console = Console(stderr=json)
    try:
        python = mailman_python()
        with ended_by_signals(), folder.claimed(path) as place, logging_to(place):
            return perform(place, python, console, once=once, json=json)
    except (CannotDemo, MailmanFailed, SandboxFailed) as error:
        sys.stderr.write(f"{error}\n")
        return 2


def mailman_python() -> Path:
    """Raises CannotDemo."""
    named = os.environ.get(MAILMAN_PYTHON, "")
    if named and Path(named).is_file():
        return Path(named)
    raise CannotDemo(
        "The demo needs a real GNU Mailman, which lives in an environment of its own. Run: make "
        f"demo, which makes one. Or let {MAILMAN_PYTHON} name a Python that has Mailman."
    )


def perform(place: Folder, python: Path, console: Console, *, once: bool, json: bool) -> int:
    teller = Teller(console)
    with performed(place, python, teller) as played:
        evidence = promises.gathered(played.stage, played.school)
        verdict = promises.judged(evidence, seconds=teller.seconds)
        show.reports(console, evidence, played.cast)
        show.totals(console, played.stage, verdict)
        show.promises(console, verdict)
        if once or json:
            sys.stdout.write(dumps({**verdict.figures, "broken": verdict.broken}) + "\n")
            sys.stdout.flush()
        if not once:
            stay(console, played)
    return 1 if verdict.broken else 0


@dataclass(frozen=True, slots=True)
class Played:
    """The story is told; platforms and workers are still up."""

    stage: Stage
    cast: Cast
    school: School


@contextmanager
def performed(place: Folder, python: Path, teller: Teller) -> Iterator[Played]:
    teller.step("starting GNU Mailman, four sandbox platforms, the product")
    with staged(place, python) as stage, working(stage.installation, threads=THREADS):
        teller.step("all five are up, and connected")
        cast = chosen(members.FILE)
        yield Played(stage, cast, play(stage, cast, teller))


def stay(console: Console, played: Played) -> None:
    """Until Ctrl-C, which is how this ends; workers and pages go on meanwhile."""
    installation = played.stage.installation
    with suppress(KeyboardInterrupt), serving(front(installation), host=HOST, port=0) as url:
        show.where_to_look(console, played.stage, played.cast, url)
        threading.Event().wait()


@contextmanager
def logging_to(place: Folder) -> Iterator[None]:
    """The product's log at DEBUG, in the demo's folder: the terminal is for the story."""
    names = (None, *logs.OURS)
    levels = {name: logging.getLogger(name).level for name in names}
    handlers = logging.getLogger().handlers[:]
    with place.log.open("w", encoding="utf-8") as stream:
        logs.configure("DEBUG", stream)
        try:
            yield
        finally:
            logging.getLogger().handlers[:] = handlers
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """A polite end is Ctrl-C: everything that was started is ended."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt
