"""Boots a sandbox platform as a process of its own, with its screens for humans."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

import connectors
from app.demo.mailman_server import GRACE, HOST

ROOT = Path(connectors.__file__).parents[1]
SCREEN_USER = "medewerker"

# Ends when the pipe on its standard input closes, so also when our own process is killed.
BOOT = """\
import os
import runpy
import threading

threading.Thread(target=lambda: os._exit(len(os.read(0, 1))), daemon=True).start()
runpy.run_module("connectors.sandbox.server", run_name="__main__")
"""


class SandboxFailed(RuntimeError):
    """A sandbox platform did not start."""


class SandboxServer:
    """One sandbox platform; what it holds is in its journal, which only it reads."""

    def __init__(
        self, habit: str, folder: Path, lists: Mapping[str, str], *, seed: int = 0
    ) -> None:
        self.habit = habit
        self.journal = folder.absolute() / f"{habit}.journal"
        self.lists = lists
        self.seed = seed
        self.key = secrets.token_urlsafe(18)
        self.password = secrets.token_urlsafe(9)
        self.port = 0
        self.process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Return once it listens. Raises SandboxFailed."""
        options = {
            "habit": self.habit,
            "journal": self.journal,
            "key": self.key,
            "password": self.password,
            "title": f"De Verfschuur ({self.habit})",
            "port": self.port,
            "seed": self.seed,
        }
        given = [f"--{name}={value}" for name, value in options.items()]
        given += [f"--list={key}={title}" for key, title in self.lists.items()]
        self.process = subprocess.Popen(
            [sys.executable, "-c", BOOT, *given],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for the demo, which then ends its platforms
        )
        ready = self.process.stdout.readline() if self.process.stdout else ""
        if not ready:
            self.stop()
            raise SandboxFailed(f"the sandbox platform {self.habit} did not start")
        self.port = json.loads(ready)["port"]

    def stop(self) -> None:
        process, self.process = self.process, None
        if process is None:
            return
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE.total_seconds())
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()

    def screen(self) -> httpx.Client:
        """For a human, or for asking the platform itself, past the product."""
        auth = (SCREEN_USER, self.password)
        return httpx.Client(base_url=self.url, auth=auth, trust_env=False, timeout=30)

    def contacts(self) -> Mapping[str, Any]:
        """Everything that it holds, by its own account."""
        with self.screen() as screen:
            answer: Mapping[str, Any] = screen.get("/screen/contacts.json").json()
            return answer
