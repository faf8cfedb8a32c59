"""
A process that has imported everything, did everything once, and forks the processes of a storm.

Killed five times a second, processes that start from nothing would do nothing but start.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Self

from app.running import working
from app.settings import Settings
from app.wiring import Installation
from core.ledger import intake
from tests.storms.roles import Kind, Role, live, opened
from tests.storms.schools import REHEARSAL, School, open_school, request, still_open

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0


class Forge:
    """Whoever it forked ends with whoever made it."""

    def __enter__(self) -> Self:
        self._door, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._lifeline, self._life = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.storms.forge", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            cwd=ROOT,
        )
        theirs.close()
        self._door.settimeout(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._life)
        os.close(self._lifeline)
        self._door.close()
        self._process.wait(10)

    def rehearse(self, settings: Settings, platform: str) -> None:
        """What is done once there, those that are forked afterwards do quickly."""
        self._told({"settings": settings.model_dump(mode="json"), "platform": platform})

    def fork(self, role: Role) -> int:
        """A new process; its number."""
        return self._told({"role": asdict(role)})

    def _told(self, what: object) -> int:
        socket.send_fds(self._door, [json.dumps(what).encode()], [self._lifeline])
        return int(self._door.recv(64))


def serve(door: socket.socket) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the dead
    warm: Installation | None = None
    with ExitStack() as stays_open:
        while True:
            told, (*lines,), *_ = socket.recv_fds(door, 65536, 1)
            if not told:
                return
            match json.loads(told):
                case {"settings": settings, "platform": platform}:
                    warm = stays_open.enter_context(opened(Settings.model_validate(settings)))
                    rehearse(warm, platform)
                    number = os.getpid()
                case {"role": role}:
                    if (number := os.fork()) == 0:
                        door.close()
                        dies_with(lines[0])
                        live(Role(**role | {"kind": Kind(role["kind"])}), warm)
                case other:
                    raise ValueError(other)
            os.close(lines[0])
            door.send(str(number).encode())


def rehearse(installation: Installation, platform: str) -> None:
    """Statements are compiled now, models built; then every line is hung up."""
    school: School = open_school(installation, "Repetitie", platform)
    with working(installation, threads=1):
        for verb in REHEARSAL:
            asked = request(school, verb)
            intake.accept(installation.ledger, school.customer, [asked])
            while still_open(installation.ledger):
                time.sleep(0.05)
    for database in (installation.ledger.database, installation.ledger.safe.database):
        database.engine.dispose()
    gc.freeze()


def dies_with(lifeline: int) -> None:
    """The other end is held by the test alone."""
    threading.Thread(target=lambda: os._exit(len(os.read(lifeline, 1))), daemon=True).start()


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
