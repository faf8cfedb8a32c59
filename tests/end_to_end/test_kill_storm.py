"""Workers are killed in the middle of calls and Mailman stops, and nothing is lost or doubled."""

from __future__ import annotations

import os
import random
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
import sqlalchemy as sa

from app import wiring
from app.demo.mailman_server import MailmanServer, make_lists
from app.settings import Settings
from app.wiring import Installation, Wish
from core import keyfile
from core.connector import Basis, BasisKind, Verb
from core.ledger import customers, intake
from core.ledger.customers import Customer, MailingList, Purpose
from core.ledger.intake import Accepted, Request
from core.ledger.schema import holdings, lanes, operations, parts, tasks
from core.migrations import Store
from core.states import Ended, Task
from tests.databases import Server
from tests.end_to_end.wire import Wire
from tests.servers import MAILMAN_PYTHON, required_python
from tests.storms.noted import Note
from tests.storms.noted import Storm as Noted
from workers.session import LOCK_SPACE

SEED = 1
CHANCE = random.Random(SEED)  # noqa: S311 - it only decides who is struck
BASIS_AT = datetime(2026, 3, 1, tzinfo=UTC)
VERIFIED = {Ended.CONFIRMED.value, Ended.SUPERSEDED.value}


@dataclass(frozen=True, slots=True)
class Plan:
    schools: int
    members: int  # of each school
    workers: int
    kills: int
    in_flight_kills: int
    gap: float  # seconds between two requests of the schools
    away: float  # seconds that Mailman is stopped
    patience: float  # seconds from the last request until all must be done


FULL = Plan(10, 33, 4, 60, 30, 0.15, 30.0, 90.0)
SHORT = Plan(4, 14, 3, 8, 3, 0.05, 3.0, 60.0)
FULLY = [pytest.mark.storm, pytest.mark.alone, pytest.mark.timeout(420)]
DELAY = 0.05  # of the wire, so that a call lasts long enough to be hit


@dataclass(slots=True)
class Member:
    """What the school asked last, by the answers that it got."""

    customer: Customer
    list_id: str
    reference: str
    email: str
    name: str
    state: str = "subscribed"
    operations: int = 0


@dataclass(slots=True)
class Storm:
    installation: Installation
    environment: dict[str, str]
    wire: Wire
    plan: Plan
    log: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    kills: int = 0
    in_flight_kills: int = 0
    takeovers: list[float] = field(default_factory=list)

    def start(self, name: str) -> None:
        with self.log.open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", "app.cli", "work", "--threads", "8"],
                env=self.environment | {"PGAPPNAME": name},
                stdout=log,
                stderr=log,
            )

    def victim(self) -> str | None:
        """A worker whose call is at the platform at this moment."""
        flying = set(self.wire.in_flight)
        for name, process in CHANCE.sample(sorted(self.processes.items()), len(self.processes)):
            ports = {one.laddr.port for one in psutil.Process(process.pid).net_connections("tcp4")}
            if ports & flying & set(self.wire.in_flight):
                return name
        return None

    def kill(self) -> None:
        """Kill one, in the middle of a call if any is; start another in its place."""
        self.wait_for_company()
        end = time.monotonic() + 2
        while (name := self.victim()) is None and time.monotonic() < end:
            time.sleep(0.005)
        struck = name is not None
        name = name or CHANCE.choice(sorted(self.at_work()))
        leased = self.leases(name) if struck else {}
        process = self.processes[name]
        process.send_signal(signal.SIGKILL)
        killed_at = time.monotonic()
        process.wait()
        self.kills += 1
        self.in_flight_kills += struck
        self.start(name)
        if leased:
            self.watch(leased, killed_at)

    def wait_for_company(self) -> None:
        """Killed faster than they start, nobody would ever work, nor take anything over."""
        end = time.monotonic() + 30
        while len(self.at_work()) < 2:
            assert time.monotonic() < end, "the workers do not start"
            time.sleep(0.02)

    def at_work(self) -> set[str]:
        """Those that listen to the broker."""
        broker = urlsplit(self.installation.settings.broker_url).port
        return {
            name
            for name, process in self.processes.items()
            for one in psutil.Process(process.pid).net_connections("tcp4")
            if getattr(one.raddr, "port", None) == broker  # () where there is no other end
        }

    def leases(self, name: str) -> dict[object, int]:
        """The lanes that this worker has, by the lock of its session."""
        with self.installation.ledger.read() as tx:
            locks = tx.db.execute(
                sa.text(
                    "SELECT l.objid FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
                    "WHERE l.locktype = 'advisory' AND l.classid = :space "
                    "AND a.application_name = :name"
                ),
                {"space": LOCK_SPACE, "name": name},
            )
            mine = {row.objid for row in locks}
            rows = tx.db.execute(sa.select(lanes).where(lanes.c.session.is_not(None)))
            return {
                row.connection: row.fence for row in rows if row.session.int & 0x7FFFFFFF in mine
            }

    def watch(self, leased: dict[object, int], killed_at: float) -> None:
        """How long until somebody else works in the dead one's lanes."""
        waiting = dict(leased)
        while waiting and time.monotonic() < killed_at + 10:
            with self.installation.ledger.read() as tx:
                rows = tx.db.execute(
                    sa.select(lanes).where(lanes.c.connection.in_(list(waiting)))
                ).all()
                now = tx.now
            for row in rows:
                # Taking back adds one to the fence, leasing again adds another.
                if row.fence >= waiting[row.connection] + 2:
                    self.takeovers.append(time.monotonic() - killed_at)
                    del waiting[row.connection]
                elif row.closed_until is not None and row.closed_until > now:
                    del waiting[row.connection]  # Mailman is away: nobody may work there
            time.sleep(0.01)
        self.takeovers.extend(10.0 for _ in waiting)

    def stop(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MailmanServer]:
    """A Mailman of this test's own, as it is to be stopped."""
    python = required_python(MAILMAN_PYTHON, "GNU Mailman")
    with MailmanServer(python, tmp_path / "mailman") as one:
        yield one


@pytest.fixture
def storm(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    server: MailmanServer,
    postgresql: Server,
    redis_url: str,
) -> Iterator[Storm]:
    plan: Plan = request.param
    urls = {store: postgresql.create() for store in Store}
    wire = Wire(server.url, DELAY)
    keyfile.create(tmp_path / "key.json")
    settings = Settings(
        database_url=urls[Store.LEDGER],
        safe_url=urls[Store.SAFE],
        broker_url=redis_url,
        key_file=tmp_path / "key.json",
        allow_insecure_hosts=(wire.url.split("/")[2],),
    )
    environment = os.environ | {
        "COURSEFLOW_SYNC_DATABASE_URL": settings.database_url,
        "COURSEFLOW_SYNC_SAFE_URL": settings.safe_url,
        "COURSEFLOW_SYNC_BROKER_URL": settings.broker_url,
        "COURSEFLOW_SYNC_KEY_FILE": str(settings.key_file),
        "COURSEFLOW_SYNC_ALLOW_INSECURE_HOSTS": settings.allow_insecure_hosts[0],
        "COURSEFLOW_SYNC_LOG_LEVEL": "INFO",
    }
    wiring.migrate(settings)
    with wiring.opened(settings) as installation:
        one = Storm(installation, environment, wire, plan, tmp_path / "workers.log")
        try:
            yield one
        finally:
            one.stop()
            wire.close()
    for url in urls.values():
        postgresql.drop(url)


@pytest.mark.parametrize(
    "storm",
    [
        pytest.param(SHORT, id="short"),
        pytest.param(FULL, id="full", marks=FULLY),
    ],
    indirect=True,
)
def test_nothing_is_lost_or_doubled_when_workers_die_in_the_middle(
    storm: Storm, server: MailmanServer, note: Note
) -> None:
    """The oracle: what the school was promised, what Mailman holds, what the wire saw."""
    plan = storm.plan
    members = schools(storm, server)
    connecting = len(storm.wire.calls)
    for number in range(plan.workers):
        storm.start(f"worker-{number}")
    asking = threading.Thread(target=ask_everything, args=(storm, members), daemon=True)
    asking.start()
    while len(storm.wire.calls) == connecting:
        time.sleep(0.05)
    began = time.monotonic()
    outage = threading.Thread(target=go_away, args=(server, plan), daemon=True)
    outage.start()
    struck = 0
    while struck < plan.kills or asking.is_alive() or outage.is_alive():
        time.sleep(max(0.0, began + struck + 1 - time.monotonic()))
        storm.kill()
        struck += 1
        if struck > 4 * plan.kills:
            break
        if storm.in_flight_kills >= plan.in_flight_kills and struck >= plan.kills:
            break
    asking.join()
    outage.join()
    settle(storm, plan.patience)
    storm.stop()  # what moves while it is judged would be neither true nor false
    noted, figures = judge(storm, members, server, time.monotonic() - began)
    note(noted, **figures)
    assert noted.in_flight_kills >= plan.in_flight_kills
    assert figures["verified_percent"] >= 95
    assert figures["takeover_median"] <= 1.0


def schools(storm: Storm, server: MailmanServer) -> list[Member]:
    """A school per lane; they share a Mailman and its list, as an association's members would."""
    made = []
    run = os.urandom(3).hex()
    [list_id] = make_lists(server, f"{run}.example.test", ["nieuws"])
    for number in range(storm.plan.schools):
        customer = customers.create(storm.installation.ledger, f"School {run}-{number}")
        customers.put_list(
            storm.installation.ledger, customer, MailingList("nieuws", Purpose.NEWSLETTER, "Nieuws")
        )
        login = {
            "base_url": storm.wire.url,
            "user": server.user,
            "password": server.password,
        }
        wish = Wish("mailman", "Mailman", login, {"nieuws": list_id})
        wiring.connect(storm.installation, customer, wish)
        made += [
            Member(
                customer,
                list_id,
                f"cf-{number}-{index}",
                f"lid{index}.s{number}.{run}@example.test",
                f"Naam{index} Achternaam{number}",
            )
            for index in range(storm.plan.members)
        ]
    return made


def ask_everything(storm: Storm, members: list[Member]) -> None:
    """Everybody subscribes; then one in four changes, opts out or is erased."""
    order = list(members)
    CHANCE.shuffle(order)
    for member in order:
        first, last = member.name.split()
        ask(storm, member, Verb.SUBSCRIBE, {"first_name": first, "last_name": last})
        time.sleep(storm.plan.gap)
    for number, member in enumerate(order):
        match number % 8:
            case 0 | 4:
                member.name = f"Anders{number} Nieuw"
                ask(
                    storm,
                    member,
                    Verb.UPDATE,
                    {"first_name": f"Anders{number}", "last_name": "Nieuw"},
                )
            case 1:
                member.email = f"nieuw.{member.email}"
                ask(storm, member, Verb.UPDATE, {}, email=member.email)
            case 2:
                ask(storm, member, Verb.UNSUBSCRIBE, {})
                member.state = "unsubscribed"
            case 3:
                ask(storm, member, Verb.ERASE, {})
                member.state = "erased"
            case _:
                pass
        time.sleep(storm.plan.gap)


def ask(
    storm: Storm,
    member: Member,
    verb: Verb,
    fields: dict[str, str | None],
    email: str | None = None,
) -> None:
    subscribes = verb is Verb.SUBSCRIBE
    request = Request(
        verb,
        member.reference,
        email=member.email if subscribes else email,
        fields=fields,
        lists=("nieuws",) if subscribes else (),
        basis=Basis(BasisKind.CONSENT, member.reference, BASIS_AT, "form") if subscribes else None,
    )
    [outcome] = intake.accept(storm.installation.ledger, member.customer, [request])
    assert isinstance(outcome, Accepted)
    member.operations += 1


def go_away(server: MailmanServer, plan: Plan) -> None:
    time.sleep(20 if plan is FULL else 4)
    server.stop()
    time.sleep(plan.away)
    server.start()


def settle(storm: Storm, patience: float) -> None:
    """Until nothing is open that is to be tried before patience ends: what was poison waits."""
    end = time.monotonic() + patience
    while (rest := end - time.monotonic()) > 0:
        with storm.installation.ledger.read() as tx:
            later = holdings.c.due_at > tx.now + timedelta(seconds=rest)
            left = tx.db.execute(
                sa.select(sa.func.count())
                .select_from(parts.join(holdings, holdings.c.id == parts.c.holding))
                .where(parts.c.ended.is_(None), sa.not_(sa.func.coalesce(later, sa.false())))
            ).scalar_one()
        if not left:
            return
        time.sleep(0.2)


def judge(
    storm: Storm, members: list[Member], server: MailmanServer, seconds: float
) -> tuple[Noted, Mapping[str, float]]:
    """``verified`` counts what a later request replaced as well; takeovers are in seconds."""
    with storm.installation.ledger.read() as tx:
        asked = tx.db.execute(sa.select(sa.func.count()).select_from(operations)).scalar_one()
        ended = Counter(row.ended for row in tx.db.execute(sa.select(parts.c.ended)))
        stuck = tx.db.execute(
            sa.select(sa.func.count())
            .select_from(parts.join(holdings, holdings.c.id == parts.c.holding))
            .where(parts.c.ended.is_(None), holdings.c.due_at.is_(None))
        ).scalar_one()
        quarantined = tx.db.execute(
            sa.select(sa.func.count()).where(tasks.c.kind == Task.QUARANTINED.value)
        ).scalar_one()
        open_people = {
            row.person
            for row in tx.db.execute(
                sa.select(holdings.c.person)
                .join(parts, parts.c.holding == holdings.c.id)
                .where(parts.c.ended.is_(None))
            )
        }
        ids = {
            member.reference: intake.person_id(
                storm.installation.ledger.keys_of(tx, member.customer.id), member.reference
            )
            for member in members
        }
    truth = held_by_mailman(server)
    claimed = [member for member in members if ids[member.reference] not in open_people]
    wrong = [member for member in claimed if not as_asked(member, truth)]
    promised = sum(member.operations for member in members)
    created = Counter(
        (call.form["list_id"][0], call.form["subscriber"][0])
        for call in storm.wire.calls
        if call.method == "POST" and call.path.endswith("/members") and call.status == 201
    )
    waits = sorted(storm.takeovers) or [0.0]
    noted = Noted(
        name="kills, Mailman",
        operations=promised,
        kills=storm.kills,
        in_flight_kills=storm.in_flight_kills,
        lost=promised - asked + stuck,
        doubled=sum(times - 1 for times in created.values()),
        resurrected=sum(member.state == "erased" for member in wrong),
        falsely_verified=len(wrong),
        seed=SEED,
        seconds=round(seconds, 1),
    )
    return noted, {
        "quarantined": quarantined,
        "verified_percent": 100 * sum(ended[end] for end in VERIFIED) / promised,
        "takeover_median": statistics.median(waits),
        "takeover_p95": waits[int(len(waits) * 0.95)],
        "takeover_max": waits[-1],
        "calls": len(storm.wire.calls),
    }


def held_by_mailman(server: MailmanServer) -> dict[str, dict[str, object]]:
    """Every address that Mailman holds: its name, and the lists that it is on."""
    found: dict[str, dict[str, object]] = {}
    with server.client() as client:
        for entry in client.get("/addresses").json().get("entries", []):
            found[entry["email"]] = {"name": entry.get("display_name", ""), "lists": set()}
        for entry in client.get("/members").json().get("entries", []):
            lists = found[entry["email"]]["lists"]
            assert isinstance(lists, set)
            lists.add(entry["list_id"])
    return found


def as_asked(member: Member, truth: dict[str, dict[str, object]]) -> bool:
    held = truth.get(member.email)
    if member.state == "erased":
        return held is None
    lists = held["lists"] if held else set()
    assert isinstance(lists, set)
    if member.state == "unsubscribed":  # whoever opted out in time was never carried over
        return member.list_id not in lists
    return held is not None and held["name"] == member.name and member.list_id in lists
