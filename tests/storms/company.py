"""One installation in a storm: its processes, which are killed or stopped, then go on."""

from __future__ import annotations

import os
import random
import signal
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil

from app import wiring
from app.settings import Settings
from app.wiring import Installation
from core import keyfile
from core.migrations import Store
from tests.databases import Server
from tests.servers import wait_for_port
from tests.storms.administration import Administration
from tests.storms.forge import Forge
from tests.storms.oracle import Findings, Strike, judge, told
from tests.storms.platform import Books
from tests.storms.roles import HOST, Kind, Role, opened
from tests.storms.schools import School, open_school, still_open
from tests.waiting import until

LATENCY = 0.02  # seconds, of every call of the platform


@dataclass(slots=True)
class Company:
    """``installation`` is the test's own, which asks for reports only."""

    forge: Forge
    installation: Installation
    folder: Path
    port: int  # of the platform
    latency: float = LATENCY
    late: float = 0.0  # the share of changes that the platform carries out late
    spans: Sequence[float] | None = None
    threads: int = 8  # of each worker
    schools: Sequence[School] = ()
    running: dict[str, tuple[Role, int]] = field(default_factory=dict)
    strikes: list[Strike] = field(default_factory=list)
    asleep: dict[str, int] = field(default_factory=dict)  # by name, which strike it was
    door: str = ""

    @property
    def settings(self) -> Settings:
        return self.installation.settings

    @property
    def journal(self) -> Path:
        return self.folder / "platform.journal"

    def open(self, schools: int, members: int) -> None:
        """The platform, the schools with a lane each, everything rehearsed."""
        fair = self.role(Kind.PLATFORM, self.port)
        self.begin("platform", fair)
        wait_for_port(self.port)
        platform = f"http://{HOST}:{self.port}"
        self.schools = [
            open_school(self.installation, f"School {number}", platform, members)
            for number in range(schools)
        ]
        self.forge.rehearse(self.settings, platform)
        if self.late:
            end(self.running["platform"][1])
            self.begin("platform", replace(fair, late=self.late))
            wait_for_port(self.port)

    def hire(self, names: Sequence[str]) -> None:
        for name in names:
            self.begin(name, self.role(Kind.WORKER))

    def open_door(self, name: str, kind: Kind = Kind.DOOR) -> None:
        role = self.role(kind, own_port())
        self.door = f"http://{HOST}:{role.port}"
        self.begin(name, role)
        wait_for_port(role.port)

    def role(self, kind: Kind, port: int = 0) -> Role:
        return Role(
            kind,
            log=str(self.folder / "processes.log"),
            settings=self.settings.model_dump(mode="json"),
            threads=self.threads,
            port=port,
            journal=str(self.journal),
            latency=self.latency,
            spans=self.spans,
        )

    def begin(self, name: str, role: Role) -> None:
        self.running[name] = role, self.forge.fork(role)

    def kill(self, name: str) -> None:
        """And begin another in its place."""
        role, process = self.running[name]
        self.notice(process)
        end(process)
        self.begin(name, role)

    def pause(self, name: str) -> None:
        """It keeps its connections and its locks, and does nothing until ``wake``."""
        self.asleep[name] = len(self.strikes)
        process = self.running[name][1]
        self.notice(process)
        os.kill(process, signal.SIGSTOP)

    def wake(self, name: str) -> None:
        which = self.asleep.pop(name)
        self.strikes[which] = replace(self.strikes[which], over=datetime.now(UTC))
        os.kill(self.running[name][1], signal.SIGCONT)

    def notice(self, process: int) -> None:
        """It is struck now; from where it calls, nobody can ask it afterwards."""
        ports = frozenset(one.laddr.port for one in lines_of(process))
        self.strikes.append(Strike(datetime.now(UTC), ports))

    def calls(self, name: str) -> bool:
        """Whether it has a line to the platform."""
        lines = lines_of(self.running[name][1])
        return any(one.raddr and one.raddr.port == self.port for one in lines)

    def storm(
        self,
        administration: Administration,
        victims: Sequence[Sequence[str]],
        *,
        every: float,
        at_least: int,
        chance: random.Random,
    ) -> None:
        """
        One is killed ``every`` so many seconds until all was asked and so many were, but of those
        no more than a quarter again; each group of victims in its turn.
        """
        asking = threading.Thread(target=administration.run, daemon=True)
        asking.start()
        began = time.monotonic()
        while (number := len(self.strikes)) < at_least or (
            asking.is_alive() and number < 1.25 * at_least
        ):
            time.sleep(max(0.0, began + (number + 1) * every - time.monotonic()))
            self.kill(chance.choice(victims[number % len(victims)]))
        asking.join()

    def drowse(
        self,
        administration: Administration,
        victims: Sequence[str],
        *,
        every: float,
        lasts: float,
        at_least: int,
        chance: random.Random,
    ) -> None:
        """
        One that calls is stopped ``every`` so many seconds until all was asked and so many were,
        each for as long as ``lasts``. One of the victims is always awake.
        """
        asking = threading.Thread(target=administration.run, daemon=True)
        asking.start()
        next_at, wakes_at = time.monotonic() + every, dict[str, float]()
        while (goes_on := asking.is_alive() or len(self.strikes) < at_least) or self.asleep:
            now = time.monotonic()
            for name in [one for one, moment in wakes_at.items() if moment <= now]:
                del wakes_at[name]
                self.wake(name)
            awake = [one for one in victims if one not in self.asleep]
            if goes_on and now >= next_at and len(awake) > 1:
                name = chance.choice([one for one in awake if self.calls(one)] or awake)
                self.pause(name)
                next_at, wakes_at[name] = now + every, time.monotonic() + lasts
            time.sleep(0.02)

    def settle(self, patience: float) -> float:
        """
        Seconds until nothing is open that is due within ``patience``; at most so many. What was
        in work at three deaths is not: it rests for hours.
        """
        due = datetime.now(UTC) + timedelta(seconds=patience)
        return until(lambda: not still_open(self.installation.ledger, due=due), patience)

    def caught_up(self, patience: float) -> float:
        """Seconds until nothing is open of what had been accepted by now; at most so many."""
        now = datetime.now(UTC)
        return until(lambda: not still_open(self.installation.ledger, accepted=now), patience)

    def judge(self, administration: Administration) -> Findings:
        reports = told(self.installation.ledger, administration.schools)
        return judge(reports, administration, Books.read(self.journal), self.strikes)

    def close(self) -> None:
        """Whoever still runs is told to die."""
        for _, process in self.running.values():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


def end(process: int) -> None:
    os.kill(process, signal.SIGKILL)
    while psutil.pid_exists(process):
        time.sleep(0.001)


def lines_of(process: int) -> Sequence[Any]:
    """Its connections; none when it is gone."""
    try:
        return psutil.Process(process).net_connections("tcp4")
    except psutil.Error:
        return ()


def own_port() -> int:
    """One that no connection of others gets while nobody listens there for a moment."""
    for port in random.Random().sample(range(20_000, 30_000), 100):  # noqa: S311 - any will do
        with suppress(OSError), socket.create_server((HOST, port)):
            return port
    raise AssertionError("no port is free")


@contextmanager
def company(folder: Path, **given: Any) -> Iterator[Company]:
    """``given`` are the settings that name databases and broker."""
    port = own_port()
    keyfile.create(folder / "key.json")
    settings = Settings(
        key_file=folder / "key.json", allow_insecure_hosts=(f"{HOST}:{port}",), **given
    )
    wiring.migrate(settings)
    with Forge() as forge, opened(settings) as installation:
        made = Company(forge, installation, folder, port)
        try:
            yield made
        finally:
            made.close()


@contextmanager
def shared_company(folder: Path, server: Server, broker_url: str) -> Iterator[Company]:
    """On PostgreSQL, with a broker that processes share."""
    urls = {store: server.create() for store in Store}
    given = {
        "database_url": urls[Store.LEDGER],
        "safe_url": urls[Store.SAFE],
        "broker_url": broker_url,
    }
    with company(folder, **given) as made:
        yield made
    for url in urls.values():
        server.drop(url)


@contextmanager
def lone_company(folder: Path) -> Iterator[Company]:
    """On SQLite, all in one process."""
    with company(folder, database_url=f"sqlite:///{folder}/ledger.db") as made:
        yield made
