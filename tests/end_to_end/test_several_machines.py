"""Workers on several machines share the work, and one that is cut off is nobody's loss."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
import sqlalchemy as sa

from app import wiring
from app.demo.sandbox_server import SandboxServer
from app.settings import Settings
from app.wiring import Installation, Wish
from core import keyfile
from core.connector import Basis, BasisKind, Verb
from core.ledger import customers, intake
from core.ledger.customers import Customer, MailingList, Purpose
from core.ledger.intake import Accepted, Request
from core.ledger.schema import attempts, holdings, lanes, leaders, parts
from core.states import Ended
from tests.end_to_end.wire import Call, Wire
from tests.machines import Machine, Machines, machines, postgresql_at
from tests.servers import RABBITMQ, redis_at
from tests.storms.toxics import Line
from tests.workers.brokers import RabbitDoor
from workers.broker import queue_of
from workers.session import LOCK_SPACE, number

SCHOOLS = 6
MEMBERS = 18
DELAY = 0.06  # of a call, so that a turn lasts long enough to be cut off
AT_ONCE = 30.0  # seconds: half of a lease
CALM = 6.0  # seconds after the line is back in which nothing may change any more
SETTLED = 40.0


@dataclass
class Company:
    """The schools, the machines that work for them, the platform that they share."""

    installation: Installation
    environment: dict[str, str]
    machines: Machines
    sandbox: SandboxServer
    wire: Wire
    log: Path
    schools: list[Customer] = field(default_factory=list)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    addresses: dict[int, str] = field(default_factory=dict)  # by the lock of a session

    def hire(self) -> None:
        command = [sys.executable, "-m", "app.cli", "work", "--threads", "2"]
        for one in self.machines.those:
            self.processes.append(one.start(command, self.environment, self.log))

    def stop(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def rows(self, query: sa.Executable) -> list[Any]:
        with self.installation.ledger.read() as tx:
            return list(tx.db.execute(query))

    def learn(self) -> None:
        """Of each session's lock, the address of the machine that holds it."""
        found = self.rows(
            sa.text(
                "SELECT l.objid::bigint AS lock, host(a.client_addr) AS address "
                "FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
                "WHERE l.locktype = 'advisory' AND l.granted AND l.classid::bigint = :space"
            ).bindparams(space=LOCK_SPACE)
        )
        self.addresses |= {row.lock: row.address for row in found}

    def leader(self) -> str | None:
        """The machine of the one that leads, while its word holds."""
        self.learn()
        [*found] = self.rows(
            sa.select(leaders.c.session).where(leaders.c.until > datetime.now(UTC))
        )
        return self.addresses[number(found[0].session)] if found else None

    def leased_by(self, machine: Machine) -> dict[UUID, int]:
        """The lanes that it works on at this moment, with their fences."""
        self.learn()
        leased = self.rows(sa.select(lanes).where(lanes.c.session.is_not(None)))
        return {
            row.connection: row.fence
            for row in leased
            if self.addresses.get(number(row.session)) == machine.address
        }

    def workers_of_attempts(self) -> Counter[str]:
        found = self.rows(sa.select(attempts.c.session))
        return Counter(self.addresses[number(row.session)] for row in found)

    def ask(self, verb: Verb, run: str) -> int:
        """The same of every member of every school; how many operations that are."""
        for school in self.schools:
            requests = [wish(verb, school, run, member) for member in range(MEMBERS)]
            outcomes = intake.accept(self.installation.ledger, school, requests)
            assert all(isinstance(one, Accepted) for one in outcomes)
        return MEMBERS * len(self.schools)

    def open(self) -> int:
        return len(self.rows(sa.select(parts.c.seq).where(parts.c.ended.is_(None))))

    def all_done(self) -> bool:
        self.learn()
        return self.open() == 0

    def until(self, shown: Callable[[], bool], patience: float) -> float:
        start = time.monotonic()
        while not shown():
            assert time.monotonic() - start < patience, self.log.read_text()[-2000:]
            time.sleep(0.05)
        return time.monotonic() - start

    def created(self) -> Counter[str]:
        """How often the platform was told to subscribe each address, by its own journal."""
        arrived, found = {}, Counter[str]()
        for line_number, line in enumerate(self.sandbox.journal.read_text().splitlines(), 1):
            said = json.loads(line)
            if said["what"] == "arrived" and said["path"] == "/v1/contacts":
                arrived[line_number] = json.loads(said["body"])["email"]
            if said["what"] == "applied" and said["call"] in arrived:
                found[arrived[said["call"]]] += 1
        return found


def wish(verb: Verb, school: Customer, run: str, member: int) -> Request:
    reference = f"cf-{run}-{member}"
    if verb is Verb.UPDATE:
        return Request(verb, reference, fields={"last_name": "Bos"})
    basis = Basis(BasisKind.CONSENT, reference, datetime(2026, 3, 1, tzinfo=UTC), "form")
    email = f"{run}.{member}.{school.id.hex}@example.test"
    return Request(verb, reference, email, {"first_name": "Lid"}, ("nieuws",), basis)


@contextmanager
def broker_at(kind: str, host: str, folder: Path) -> Iterator[str]:
    if kind == "redis":
        with redis_at(host, folder) as url:
            yield url
        return
    line = Line(RABBITMQ, host)
    yield f"amqp://guest:guest@{host}:{line.port}/"
    line.close()


@pytest.fixture
def company(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Company]:
    with ExitStack() as stack:
        those = stack.enter_context(machines(2))
        host = those.address
        server = stack.enter_context(postgresql_at(host))
        broker = stack.enter_context(broker_at(request.param, host, tmp_path))
        lists = {"nieuws": "Nieuws"}
        sandbox = stack.enter_context(SandboxServer("archives", tmp_path, lists))
        wire = Wire(sandbox.url, DELAY, host)
        stack.callback(wire.close)
        keyfile.create(tmp_path / "key.json")
        settings = Settings(
            database_url=server.create(),
            safe_url=server.create(),
            broker_url=broker,
            key_file=tmp_path / "key.json",
            allow_insecure_hosts=(urlsplit(wire.url).netloc,),
        )
        wiring.migrate(settings)
        one = Company(
            stack.enter_context(wiring.opened(settings)),
            environment_of(settings),
            those,
            sandbox,
            wire,
            tmp_path / "workers.log",
        )
        if request.param == "rabbitmq":
            door = RabbitDoor(request.getfixturevalue("rabbitmq_url"))
            door.queue = queue_of(one.installation.ledger.database)
            stack.callback(door.close)
        one.schools = [a_school(one, number) for number in range(SCHOOLS)]
        stack.callback(one.stop)
        one.hire()
        yield one


def environment_of(settings: Settings) -> dict[str, str]:
    return os.environ | {
        "COURSEFLOW_SYNC_DATABASE_URL": settings.database_url,
        "COURSEFLOW_SYNC_SAFE_URL": settings.safe_database_url,
        "COURSEFLOW_SYNC_BROKER_URL": settings.broker_url,
        "COURSEFLOW_SYNC_KEY_FILE": str(settings.key_file),
        "COURSEFLOW_SYNC_ALLOW_INSECURE_HOSTS": settings.allow_insecure_hosts[0],
    }


def a_school(company: Company, index: int) -> Customer:
    ledger = company.installation.ledger
    customer = customers.create(ledger, f"School {index}")
    customers.put_list(ledger, customer, MailingList("nieuws", Purpose.NEWSLETTER, "Nieuws"))
    login = {"base_url": company.wire.url, "api_key": company.sandbox.key}
    chosen = Wish("sandbox-archives", "Sandbox", login, {"nieuws": "nieuws"})
    wiring.connect(company.installation, customer, chosen)
    return customer


def changes(calls: list[Call]) -> list[Call]:
    return [one for one in calls if one.method != "GET" and not one.path.endswith("/search")]


@pytest.mark.parametrize(
    "company",
    ["redis", pytest.param("rabbitmq", marks=pytest.mark.storm)],
    indirect=True,
)
def test_machines_share_the_work_and_one_that_is_cut_off_is_replaced(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = company.ask(Verb.SUBSCRIBE, "a")
    company.until(company.all_done, SETTLED)
    asked += company.ask(Verb.UPDATE, "a")
    company.until(company.all_done, SETTLED)
    shares = company.workers_of_attempts()
    assert set(shares) == {one.address for one in company.machines.those}
    assert min(shares.values()) > asked / 10

    asked += company.ask(Verb.SUBSCRIBE, "b")
    [victim] = [one for one in company.machines.those if one.address == company.leader()]
    company.until(lambda: len(company.leased_by(victim)) == 2, SETTLED)
    victim.cut_off()
    cut = time.monotonic()
    taken = company.leased_by(victim)
    company.until(lambda: taken_over(company, taken), 2 * AT_ONCE)
    took = time.monotonic() - cut
    company.until(lambda: company.leader() not in {None, victim.address}, AT_ONCE)
    company.until(company.all_done, SETTLED)
    done = time.monotonic() - cut

    before, calls = company.rows(sa.select(holdings)), len(company.wire.calls)
    victim.connect()
    time.sleep(CALM)
    assert changes(company.wire.calls[calls:]) == []
    assert company.rows(sa.select(holdings)) == before
    ended = {row.ended for row in company.rows(sa.select(parts.c.ended))}
    assert ended == {Ended.CONFIRMED.value}
    created = company.created()
    assert len(created) == 2 * MEMBERS * SCHOOLS
    assert set(created.values()) == {1}
    assert took < AT_ONCE
    with capsys.disabled():
        result = {"operations": asked, "shares": sorted(shares.values())}
        times = {"takeover": round(took, 1), "done": round(done, 1)}
        sys.stdout.write(f"\n{json.dumps({'name': 'machines', **result, **times})}\n")


def taken_over(company: Company, taken: dict[UUID, int]) -> bool:
    """Taking back adds one to the fence, leasing again adds another."""
    rows = company.rows(sa.select(lanes).where(lanes.c.connection.in_(list(taken))))
    return all(row.fence >= taken[row.connection] + 2 for row in rows)
