"""A rotation of keys is killed over and over while people are taken in, and nothing is lost."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from uuid import UUID, uuid4

import pytest

from app import wiring
from app.commands.rotating import carried
from app.settings import PREFIX, Settings
from core import keyfile, rows
from core.ledger import Ledger, customers, wrapping
from core.ledger.schema import customers as table
from core.migrations import Store
from core.sealing import CannotOpen, Key
from tests.databases import Urls
from tests.storms.noted import Note, Storm
from tests.storms.town import Town, a_town
from tests.waiting import until

SEED = 28
PROGRAM = (sys.executable, "-m", "app.cli")
SCHOOLS = 3
READ_AT_ONCE = 20
WITHIN = 10.0  # seconds for 10,000 keys, where nobody kills


@dataclass(frozen=True, slots=True)
class Plan:
    secrets: int
    kills: int
    patience: float = 120.0


SHORT = Plan(secrets=2000, kills=1)
FULL = Plan(secrets=10_000, kills=10)


@dataclass
class Rotation:
    """What operator and customers do meanwhile; ``secrets`` are the keys as they were made."""

    town: Town
    plan: Plan
    secrets: dict[UUID, bytes]
    chance: random.Random
    stop: Event = field(default_factory=Event)
    kills: int = 0
    midway: int = 0
    reads: int = 0
    unreadable: int = 0
    slowest: float = 0.0

    @property
    def settings(self) -> Settings:
        return self.town.installation.settings

    @property
    def environment(self) -> dict[str, str]:
        told = {
            "DATABASE_URL": self.settings.database_url,
            "SAFE_URL": self.settings.safe_database_url,
            "BROKER_URL": "memory:",
            "KEY_FILE": str(self.settings.key_file),
            "ALLOW_INSECURE_HOSTS": ",".join(self.settings.allow_insecure_hosts),
        }
        return os.environ | {f"{PREFIX}{name}": value for name, value in told.items()}

    def started(self, *command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*PROGRAM, *command, "--json"],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def run(self, *command: str) -> dict[str, object]:
        with self.started(*command) as process:
            said, _ = process.communicate(timeout=self.plan.patience)
        assert process.returncode == 0, command
        told: dict[str, object] = json.loads(said)
        return told

    @contextmanager
    def serving(self) -> Iterator[None]:
        """The product in a process of its own."""
        with self.started("serve", "--port", "0") as process:
            try:
                assert process.stdout is not None
                assert process.stdout.readline()
                yield
            finally:
                process.terminate()
                process.communicate(timeout=60)

    def wrapped(self) -> dict[int, int]:
        with self.town.installation.ledger.read() as tx:
            return wrapping.needed(tx)

    def live(self) -> None:
        """As a process that reads its key file once, at the start, and every key anew."""
        ledger = self.town.installation.ledger
        keys, number = keyfile.load(self.settings.key_file), 0
        while not self.stop.is_set():
            began = time.monotonic()
            fresh = Ledger(ledger.database, ledger.safe, keys)
            for one in self.chance.sample(sorted(self.secrets), READ_AT_ONCE):
                self.read(fresh, one)
            self.town.subscribe(self.town.houses[number % SCHOOLS])
            made = customers.create(fresh, f"Nieuw {number}").id
            with ledger.read() as tx:
                self.secrets[made] = fresh.keys_of(tx, made).key.secret
            number += 1
            self.slowest = max(self.slowest, time.monotonic() - began)
            self.stop.wait(0.05)

    def read(self, ledger: Ledger, customer: UUID) -> None:
        self.reads += 1
        try:
            with ledger.read() as tx:
                known = ledger.keys_of(tx, customer).key.secret
        except CannotOpen:
            self.unreadable += 1
        else:
            self.unreadable += known != self.secrets[customer]

    @contextmanager
    def load(self) -> Iterator[None]:
        living = Thread(target=self.live)
        with self.serving():
            living.start()
            try:
                yield
            finally:
                self.stop.set()
                living.join()

    def kill_one(self) -> None:
        """At a moment that chance chooses, of a rotation that is not over."""
        newest = max(keyfile.load(self.settings.key_file))
        if set(self.wrapped()) == {newest}:
            newest = keyfile.add(self.settings.key_file)
        there = self.wrapped().get(newest, 0)
        enough = there + self.chance.randrange(1, max(2, (self.plan.secrets - there) * 8 // 10))
        with self.started("rotate-keys", "--yes") as process:
            while process.poll() is None and self.wrapped().get(newest, 0) < enough:
                time.sleep(0.005)
            time.sleep(self.chance.random() / 50)
            process.kill()
        if process.returncode < 0:
            self.kills += 1
            self.midway += len(self.wrapped()) > 1

    def calm(self) -> float:
        """The seconds that one more rotation takes, where nobody works or kills."""
        newest = max(keyfile.load(self.settings.key_file))
        began = time.monotonic()
        done, unreadable = carried(self.town.installation, newest)
        took = time.monotonic() - began
        assert (done, unreadable) == (sum(self.wrapped().values()), [])
        return took

    def only_the_newest(self) -> keyfile.Keys:
        path = self.settings.key_file
        for version in sorted(keyfile.load(path))[:-1]:
            with self.town.installation.ledger.read() as tx:
                wrapping.unneeded(wrapping.needed(tx), version)
            keyfile.remove(path, version)
        return keyfile.load(path)

    def not_opened_by(self, keys: keyfile.Keys) -> int:
        with self.town.installation.ledger.read() as tx:
            found = tx.db.execute(wrapping.WRAPPED).all()
        assert {row.id for row in found} >= self.secrets.keys()
        wrong = 0
        for row in found:
            try:
                secret = wrapping.opened(keys, row).secret
            except CannotOpen:
                wrong += 1
            else:
                wrong += secret != self.secrets.get(row.id, secret)
        return wrong


@contextmanager
def rotation(urls: Urls, folder: Path, plan: Plan) -> Iterator[Rotation]:
    wiring.migrate(Settings(database_url=urls[Store.LEDGER], safe_url=urls[Store.SAFE]))
    with a_town(urls, "memory:", folder, SCHOOLS) as town:
        for _ in range(SCHOOLS):
            town.house()
        yield Rotation(town, plan, made(town, plan.secrets), random.Random(SEED))  # noqa: S311


def made(town: Town, number: int) -> dict[UUID, bytes]:
    ledger = town.installation.ledger
    secrets = {uuid4(): Key.random() for _ in range(number)}
    new = [
        {
            "id": one,
            "name": str(one),
            "time_zone": "Europe/Amsterdam",
            "wrapped_key": ledger.key_versions[1].seal(key.secret, wrapping.bound_to(one)),
            "key_version": 1,
        }
        for one, key in secrets.items()
    ]
    with ledger.begin() as tx:
        rows.insert(tx, table, [one | {"created_at": tx.now} for one in new])
    return {one: key.secret for one, key in secrets.items()}


@pytest.mark.parametrize("urls", ["sqlite"], indirect=True)
def test_a_key_that_changed_or_does_not_open_would_be_seen(urls: Urls, tmp_path: Path) -> None:
    """Planted: one row is garbage, another customer has a new key in place of the old."""
    with rotation(urls, tmp_path, Plan(secrets=10, kills=0)) as one:
        ledger, keys = one.town.installation.ledger, keyfile.load(one.settings.key_file)
        assert one.not_opened_by(keys) == 0
        garbage, other = sorted(one.secrets)[:2]
        planted = {garbage: b"x" * 60, other: keys[1].seal(b"k" * 32, wrapping.bound_to(other))}
        with ledger.begin() as tx:
            rows.update(
                tx, table, [{"id": who, "wrapped_key": key} for who, key in planted.items()]
            )
        assert one.not_opened_by(keys) == 2
        for who in planted:
            one.read(Ledger(ledger.database, ledger.safe, keys), who)
        assert one.unreadable == 2


storm = [pytest.mark.storm, pytest.mark.timeout(600)]


@pytest.mark.parametrize(
    ("urls", "plan"),
    [
        pytest.param("sqlite", SHORT, id="short"),
        pytest.param("sqlite", FULL, id="sqlite", marks=storm),
        pytest.param("postgresql", FULL, id="postgresql", marks=storm),
    ],
    indirect=["urls"],
)
def test_no_key_is_unreadable_after_a_rotation_that_was_killed(
    plan: Plan, urls: Urls, tmp_path: Path, note: Note
) -> None:
    began = time.monotonic()
    with rotation(urls, tmp_path, plan) as one:
        with one.load():
            while one.kills < plan.kills:
                one.kill_one()
            one.run("rotate-keys", "--yes")
            newest = max(keyfile.load(one.settings.key_file))
            assert set(one.wrapped()) == {newest}
            one.stop.wait(0.2)
            one.stop.set()
            until(lambda: one.town.open(*one.town.houses) == 0, plan.patience)
        keyfile.add(one.settings.key_file)
        calm = one.calm()
        alone = one.only_the_newest()
        assert sorted(alone) == [newest + 1]
        unreadable = one.unreadable + one.not_opened_by(alone)
        lost = one.town.open(*one.town.houses)
        operations = sum(len(house.operations) for house in one.town.houses)
        database = one.town.installation.ledger.database.engine.dialect.name
    came_to = Storm(
        name=f"rotation, {database}",
        operations=operations,
        kills=one.kills,
        in_flight_kills=one.midway,
        lost=lost,
        seed=SEED,
        seconds=round(time.monotonic() - began, 1),
    )
    figures = {"reads": one.reads, "slowest": one.slowest, "seconds_for_all": calm}
    note(came_to, secrets=len(one.secrets), unreadable=unreadable, **figures)
    assert unreadable == 0
    assert one.midway
    if plan is FULL:
        assert calm <= WITHIN
