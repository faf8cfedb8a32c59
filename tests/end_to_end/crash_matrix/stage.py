"""
A process that has imported everything, has one thread, and forks worker processes.

A fork costs milliseconds where a start costs most of a second, and nothing of the tests' own
threads or connections gets into a worker.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import subprocess
import sys
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Self

from core.migrations import Store
from tests.databases import Urls
from tests.end_to_end.crash_matrix import process

ROOT = Path(__file__).parents[3]


class Stage:
    """Ends with whoever made it, and so do the processes that it forked."""

    def __enter__(self) -> Self:
        self._door, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.end_to_end.crash_matrix.stage", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            cwd=ROOT,
        )
        theirs.close()
        self._lines: list[Connection[Any, Any]] = []
        return self

    def __exit__(self, *_: object) -> None:
        self._door.close()
        for one in self._lines:
            one.close()
        self._process.wait(10)

    def warm_up(self, urls: Urls) -> Connection[Any, Any]:
        """
        The line to the stage itself. What it does there, those that it forks afterwards do
        quickly: statements are compiled then, models built. Cut the line before the first fork.
        """
        return self._told(urls, "warm up")

    def fork(self, urls: Urls) -> Connection[Any, Any]:
        """The line to a new process on databases that the stage has warmed up on."""
        return self._told(urls, "fork")

    def _told(self, urls: Urls, what: str) -> Connection[Any, Any]:
        ours, theirs = Pipe()
        told = json.dumps([what, [urls[store] for store in Store]])
        socket.send_fds(self._door, [told.encode()], [theirs.fileno()])
        theirs.close()
        self._lines.append(ours)
        return ours


def serve(door: socket.socket) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the dead
    known: dict[str, process.Stores] = {}
    while True:
        told, (*lines,), *_ = socket.recv_fds(door, 4096, 1)
        if not told:
            return
        line = Connection(lines[0])
        what, urls = json.loads(told)
        match what:
            case "warm up":
                known[str(urls)] = process.opened(dict(zip(Store, urls, strict=True)))
                process.obey(known[str(urls)], line)
                process.hang_up(known[str(urls)])
                gc.freeze()
            case "fork" if os.fork() == 0:
                door.close()
                process.live(known[str(urls)], line)
        line.close()


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
