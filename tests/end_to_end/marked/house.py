"""One installation of real processes, all of whose files and words can be read."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import redis

from app.settings import PREFIX, Settings
from core.migrations import Store
from tests.databases import Server
from tests.servers import wait_for_port
from tests.storms.company import own_port
from tests.storms.forge import ROOT
from tests.storms.servers import Postgres, Rabbit, Redis

SCHOOL = "De Verfschuur"
HOST = "127.0.0.1"


@dataclass
class House:
    """
    ``words`` holds what processes and commands say, ``temporary`` is their TMPDIR, ``problems``
    are bodies of refusals. What is the customer's own answer is kept nowhere here.
    """

    folder: Path
    postgres: Postgres | None = None
    redis: Redis | None = None
    rabbit: Rabbit | None = None
    port: int = field(default_factory=own_port)
    allowed: list[str] = field(default_factory=list)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    urls: Mapping[Store, str] = field(default_factory=dict)
    clerk: subprocess.Popen[str] | None = None
    customer: UUID | None = None
    key: str = ""

    def __post_init__(self) -> None:
        made = (self.stores, self.words, self.temporary, self.problems, self.given, self.backups)
        for one in made:
            one.mkdir(parents=True)
        server = Server(self.postgres.databases.url) if self.postgres else None
        self.urls = (
            {store: server.create() for store in Store}
            if server
            else {store: f"sqlite:///{self.stores}/{store}.db" for store in Store}
        )

    stores = property(lambda self: self.folder / "stores")
    words = property(lambda self: self.folder / "words")
    temporary = property(lambda self: self.folder / "temporary")
    problems = property(lambda self: self.folder / "problems")
    given = property(lambda self: self.folder / "given")  # the school's own files
    backups = property(lambda self: self.folder / "backups")

    @property
    def settings(self) -> Settings:
        broker = self.redis.url if self.redis else self.rabbit.url if self.rabbit else "memory:"
        return Settings(
            database_url=self.urls[Store.LEDGER],
            safe_url=self.urls[Store.SAFE],
            broker_url=broker,
            key_file=self.folder / "key.json",
            postgresql_bin=Path(self.postgres.program("")) if self.postgres else None,
            allow_insecure_hosts=tuple(self.allowed),
            base_url=self.door,
            log_level="DEBUG",
        )

    @property
    def environment(self) -> dict[str, str]:
        told = self.settings.model_dump(mode="json", exclude={"platform_urls"}, exclude_none=True)
        told["allow_insecure_hosts"] = ",".join(self.allowed)
        named = {f"{PREFIX}{name.upper()}": str(value) for name, value in told.items()}
        return {**os.environ, **named, "TMPDIR": str(self.temporary)}

    @property
    def door(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def workers(self) -> Sequence[str]:
        return [name for name in self.running if name.startswith("work")] or ["serve"]

    def command(self, *arguments: str, given: object = None, answers: bool = False) -> str:
        """What it printed. ``answers``: that is the customer's own, and stays unread."""
        if self.clerk is None:
            self.clerk = subprocess.Popen(
                [sys.executable, "-m", "tests.end_to_end.marked.clerk"],
                env=self.environment,
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        pipes = self.clerk
        assert pipes.stdin is not None
        assert pipes.stdout is not None
        text = json.dumps(given) if given is not None else ""
        pipes.stdin.write(json.dumps({"arguments": arguments, "given": text}) + "\n")
        pipes.stdin.flush()
        said, complained, error = json.loads(pipes.stdout.readline())
        with (self.words / "commands").open("a") as file:
            file.write(error + (logged(complained) if answers else said + complained))
        return str(said)

    def back_up(self) -> None:
        said = self.command("backup", str(self.backups), "--json")
        assert json.loads(said)["unreadable_from"]

    def start(self, name: str) -> None:
        role = ["serve", "--port", str(self.port)] if name == "serve" else ["work"]
        with (self.words / name).open("ab") as file:
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", "app.cli", *role, "--json"],
                env=self.environment,
                cwd=ROOT,
                stdout=file,
                stderr=file,
            )
        if name == "serve":
            wait_for_port(self.port, patience=60)

    def kill(self, name: str) -> None:
        """And begin it anew."""
        self.running[name].kill()
        self.running.pop(name).wait(10)
        self.start(name)

    def stop(self) -> None:
        """As a supervisor would; who does not listen is killed."""
        if self.clerk is not None:
            self.clerk.kill()
            self.clerk.communicate()
            self.clerk = None
        for process in self.running.values():
            process.send_signal(signal.SIGTERM)
        for process in self.running.values():
            try:
                process.wait(45)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)
        self.running.clear()

    def client(self) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx.Client(base_url=self.door, headers=headers, trust_env=False, timeout=60)

    def refused(self, answer: httpx.Response) -> None:
        assert answer.status_code >= httpx.codes.BAD_REQUEST, answer.status_code
        with (self.problems / "bodies").open("ab") as file:
            file.write(answer.content + b"\n" + str(answer.headers).encode() + b"\n")

    def write_down(self) -> None:
        """What a server still holds in memory goes to its files."""
        if self.postgres is not None:
            self.postgres.databases.run("CHECKPOINT")
        if self.redis is not None:
            with redis.Redis(HOST, self.redis.port) as client:
                client.save()
        time.sleep(0.3)  # RabbitMQ writes its queues within that time


def logged(text: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if line.startswith("{"))


def json_of(answer: httpx.Response) -> Any:
    assert answer.is_success, answer.text
    return answer.json()
