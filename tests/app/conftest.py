"""The command line with an installation of its own in every test, and platforms to reach."""

from __future__ import annotations

import json
import logging
import os
import shutil
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner, Result

from app import wiring
from app.cli import app
from app.settings import from_environment
from connectors.sandbox.api import RIGHTS
from connectors.sandbox.api import Account as ServedAccount
from connectors.sandbox.contacts import Contacts, Habit
from connectors.sandbox.journal import Journal
from connectors.sandbox.server import LISTS, Imitation
from core import keyfile
from core.ledger.connections import of_customer
from core.ledger.customers import every
from workers.drain import Worker

SCHOOL = "De Verfschuur"
KEY = "secret-of-the-sandbox"
PREFIX = "COURSEFLOW_SYNC_"
TRUSTS_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
TREE = get_command(app)


@dataclass
class CommandLine:
    """Runs commands in this process. Nothing that it prints may look like a traceback."""

    folder: Path
    env: dict[str, str]
    patch: pytest.MonkeyPatch = field(repr=False)

    def __call__(self, *arguments: str, given: object = None) -> Result:
        for name, value in self.env.items():
            self.patch.setenv(name, value)
        text = given if isinstance(given, str) else json.dumps(given) if given else ""
        result = CliRunner().invoke(app, arguments, input=text)
        assert "Traceback" not in result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    def ok(self, *arguments: str, given: object = None) -> str:
        result = self(*arguments, given=given)
        assert result.exit_code == 0, result.output
        return result.stdout

    def json(self, *arguments: str, given: object = None) -> Any:
        return json.loads(self.ok(*arguments, "--json", given=given))

    def refused(self, *arguments: str, given: object = None) -> str:
        """What it says, on standard error only, when nothing was done."""
        result = self(*arguments, given=given)
        assert result.exit_code == 2, result.output
        assert result.stdout == ""
        return result.stderr

    def file(self, name: str, content: object) -> str:
        path = self.folder / name
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text, encoding="utf-8")
        return str(path)

    def work(self) -> None:
        """Let every connection have one turn."""
        with wiring.opened(from_environment()) as found:
            worker = Worker(found.ledger, found.reach)
            with found.ledger.read() as tx:
                lanes = [one.id for owner in every(tx) for one in of_customer(tx, owner.id)]
            for lane in lanes:
                worker.drain(lane)
            worker.close()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Databases that every test copies, because making them takes a while."""
    folder = tmp_path_factory.mktemp("migrated")
    keyfile.create(folder / "key.json")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(folder).items():
            patch.setenv(name, value)
        wiring.migrate(from_environment())
    return folder


def environment(folder: Path) -> dict[str, str]:
    return {
        f"{PREFIX}DATABASE_URL": f"sqlite:///{folder}/ledger.db",
        f"{PREFIX}SAFE_URL": "",
        f"{PREFIX}BROKER_URL": "memory:",
        f"{PREFIX}KEY_FILE": str(folder / "key.json"),
        f"{PREFIX}ALLOW_INSECURE_HOSTS": "",
        f"{PREFIX}LOG_LEVEL": "INFO",
    }


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CommandLine]:
    """A machine on which nothing was prepared."""
    # Most of a command's time goes to what each one makes anew.
    monkeypatch.setattr("core.http.way_out.ssl.create_default_context", lambda: TRUSTS_NOBODY)
    monkeypatch.setattr("typer.testing._get_command", lambda _: TREE)
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield CommandLine(tmp_path, environment(tmp_path), monkeypatch)
    root.handlers[:], level = before
    root.setLevel(level)


@pytest.fixture(scope="session")
def schooled(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("schooled")
    copy(migrated, folder)
    with pytest.MonkeyPatch.context() as patch:
        cli = CommandLine(folder, environment(folder), patch)
        cli.ok("customer", "create", SCHOOL)
        for key, purpose in (("nieuwsbrief", "newsletter"), ("cursusinfo", "course_info")):
            cli.ok("list", "put", SCHOOL, key, "--purpose", purpose, "--title", key.title())
    return folder


def copy(ready: Path, folder: Path) -> None:
    for file in ready.iterdir():
        if file.is_file():
            shutil.copy2(file, folder / file.name)


@pytest.fixture
def cli(fresh: CommandLine, migrated: Path) -> CommandLine:
    """One where the key and the databases are there."""
    copy(migrated, fresh.folder)
    return fresh


@pytest.fixture
def school(fresh: CommandLine, schooled: Path) -> CommandLine:
    """One with a customer and two lists."""
    copy(schooled, fresh.folder)
    return fresh


Platform = Callable[[Habit], Imitation]


@pytest.fixture
def platform(fresh: CommandLine) -> Iterator[Platform]:
    ends: list[Callable[[], object]] = []

    def start(habit: Habit) -> Imitation:
        journal = Journal(fresh.folder / f"{habit}.jsonl")
        contacts = Contacts(habit, LISTS, journal)
        account = ServedAccount(f"account-{habit}", "School", {KEY: RIGHTS, "reads": RIGHTS[:1]})
        server = Imitation(account, "of-the-screens", contacts)
        thread = Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        ends.extend([journal.close, server.server_close, thread.join, server.shutdown])
        hosts = fresh.env[f"{PREFIX}ALLOW_INSECURE_HOSTS"]
        fresh.env[f"{PREFIX}ALLOW_INSECURE_HOSTS"] = f"{hosts},127.0.0.1:{server.server_port}"
        return server

    yield start
    for end in reversed(ends):
        end()


def connect(cli: CommandLine, server: Imitation, *more: str) -> Mapping[str, Any]:
    """A connection to this platform, that takes both lists."""
    habit = server.contacts.habit
    made: Mapping[str, Any] = cli.json(
        *("connection", "create", SCHOOL, f"sandbox-{habit}", "--title", f"Bij {habit}"),
        *(
            "--settings",
            "-",
            "--list",
            "nieuwsbrief=nieuwsbrief",
            "--list",
            "cursusinfo=cursusinfo",
        ),
        *more,
        given={"base_url": server.url, "api_key": KEY},
    )
    return made


def connect_by_hand(cli: CommandLine) -> Mapping[str, Any]:
    made: Mapping[str, Any] = cli.json(
        *("connection", "create", SCHOOL, "sandbox-by-hand", "--title", "Kaartenbak"),
        *("--settings", "-", "--list", "nieuwsbrief=contacts"),
        given={"title": "De kaartenbak"},
    )
    return made


def full_environment(cli: CommandLine) -> dict[str, str]:
    """For a process of its own."""
    return {**os.environ, **cli.env}
