"""A worker's death shows at once, by itself, on both databases."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent
from uuid import UUID

import pytest
import sqlalchemy as sa

from core.database import Database, DatabaseAway
from core.ledger import Ledger, lanes, leading
from core.migrations import Store
from tests.databases import NOW, Clock, Server, Urls
from tests.threads import at_once
from tests.waiting import eventually
from tests.workers.school import School
from workers import session as module
from workers.session import Leadership, Lock, Session, dead

ROOT = Path(__file__).parents[2]
AT_ONCE = 1.0  # second: the promise

WORKER = dedent(
    """
    import json, sys
    from datetime import datetime
    from core.database import Database
    from core.ledger import Ledger, lanes
    from core.safe import Safe
    from uuid import UUID
    from workers.session import Leadership, Session

    now = datetime.fromisoformat(sys.argv[3])
    ledger = Ledger(Database(sys.argv[1], clock=lambda _: now), Safe(Database(sys.argv[2])), {})
    session, leadership = Session(ledger), Leadership(ledger)
    leads = leadership.held()
    with ledger.begin() as tx:
        for connection in sys.argv[4:]:
            assert lanes.lease(tx, UUID(connection), session.id)
    print(json.dumps({"session": str(session.id), "leads": leads}), flush=True)
    sys.stdin.read()
    """
)


@contextmanager
def another(urls: Urls, *connections: UUID) -> Iterator[tuple[subprocess.Popen[str], UUID, bool]]:
    """A worker in a process of its own, that leases these lanes and leads if it can."""
    command = [sys.executable, "-c", WORKER, urls[Store.LEDGER], urls[Store.SAFE]]
    process = subprocess.Popen(
        [*command, NOW.isoformat(), *map(str, connections)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            said = json.loads(process.stdout.readline())
            yield process, UUID(said["session"]), said["leads"]
        finally:
            process.kill()


def test_a_live_session_is_not_called_dead(ledger: Ledger) -> None:
    session = Session(ledger)
    assert session.alive()
    for _ in range(3):
        assert dead(ledger, {session.id}) == set()
    assert session.alive()
    session.close()


def test_nobody_to_ask_about_is_nobody_dead(ledger: Ledger) -> None:
    assert dead(ledger, set()) == set()


def test_a_session_that_was_closed_is_dead_at_once(ledger: Ledger) -> None:
    session, other = Session(ledger), Session(ledger)
    session.close()
    assert dead(ledger, {session.id, other.id}) == {session.id}
    other.close()


def test_a_killed_worker_is_dead_within_a_second_and_its_lanes_are_free(
    ledger: Ledger, school: School, urls: Urls
) -> None:
    connection = school.lane
    school.subscribe()
    with another(urls, connection) as (process, session, _):
        assert dead(ledger, {session}) == set()
        process.send_signal(signal.SIGKILL)
        assert eventually(lambda: dead(ledger, {session}) == {session}) < AT_ONCE
    with ledger.begin() as tx:
        assert lanes.leasing_sessions(tx) == {session}
        assert lanes.reclaim(tx, {session}) == 1
    mine = Session(ledger)
    with ledger.begin() as tx:
        lease = lanes.lease(tx, connection, mine.id)
    assert lease is not None
    mine.close()


def test_a_stopped_worker_is_alive_until_it_is_killed(ledger: Ledger, urls: Urls) -> None:
    with another(urls) as (process, session, _):
        process.send_signal(signal.SIGSTOP)
        assert dead(ledger, {session}) == set()
        process.send_signal(signal.SIGKILL)
        assert eventually(lambda: dead(ledger, {session}) == {session}) < AT_ONCE


def test_one_process_leads_and_another_takes_over_within_a_second(
    ledger: Ledger, urls: Urls
) -> None:
    mine = Leadership(ledger)
    with another(urls) as (process, _, leads):
        assert leads
        assert not mine.held()
        process.send_signal(signal.SIGKILL)
        assert eventually(mine.held) < AT_ONCE
    with another(urls) as (_, _, leads):
        assert not leads
    assert mine.held()
    mine.close()


def test_a_leader_that_stands_still_is_followed_and_knows_it_when_it_goes_on(
    ledger: Ledger, clock: Clock
) -> None:
    stopped, other = Leadership(ledger), Leadership(ledger)
    assert stopped.held()
    clock.passes(leading.LEASE)
    assert other.held()
    assert not stopped.held()
    other.close()
    assert stopped.held()
    stopped.close()


def test_who_leads_goes_on_leading(ledger: Ledger, clock: Clock) -> None:
    one, other = Leadership(ledger), Leadership(ledger)
    for _ in range(30):
        assert one.held()
        assert not other.held()
        clock.passes(leading.LEASE / 5)
    one.close()
    other.close()


def test_of_many_who_follow_at_once_one_leads(ledger: Ledger, clock: Clock) -> None:
    gone, *others = [Leadership(ledger) for _ in range(6)]
    assert gone.held()
    clock.passes(leading.LEASE)
    assert at_once(*[one.held for one in others]).count(True) == 1
    for one in (gone, *others):
        one.close()


def test_leadership_that_was_given_up_can_be_taken(ledger: Ledger) -> None:
    one, other = Leadership(ledger), Leadership(ledger)
    assert one.held()
    assert not other.held()
    one.close()
    assert other.held()
    other.close()
    other.close()


def test_asking_who_died_costs_no_connection_of_its_own(ledger: Ledger) -> None:
    sessions = [Session(ledger) for _ in range(8)]
    dead(ledger, {session.id for session in sessions})
    opened = 0

    def count(*_: object) -> None:
        nonlocal opened
        opened += 1

    sa.event.listen(ledger.database.engine, "connect", count)
    for _ in range(5):
        dead(ledger, {session.id for session in sessions})
    assert opened == 0
    for session in sessions:
        session.close()


@pytest.mark.parametrize("urls", ["postgresql"], indirect=True)
def test_a_session_whose_server_connection_broke_knows_it(
    ledger: Ledger, postgresql: Server
) -> None:
    session, leadership = Session(ledger), Leadership(ledger)
    assert leadership.held()
    postgresql.run("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
    assert eventually(lambda: not session.alive()) < AT_ONCE
    assert not session.alive(), "however often it is asked, until there is another"
    session.close()
    assert dead(ledger, {session.id}) == {session.id}
    assert leadership.held(), "it is taken anew"
    leadership.close()


@pytest.mark.parametrize("urls", ["postgresql"], indirect=True)
def test_a_session_that_broke_is_hung_up_and_followed_once_the_database_is_back(
    ledger: Ledger, postgresql: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    leadership = Leadership(ledger)
    assert leadership.held()
    postgresql.run("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
    hung_up: list[UUID] = []
    close, lock = Session.close, module.held_lock
    away = iter([DatabaseAway("OperationalError")])

    def noted(session: Session) -> None:
        hung_up.append(session.id)
        close(session)

    def locked(database: Database, session: UUID) -> Lock:
        for error in away:
            raise error
        return lock(database, session)

    monkeypatch.setattr(Session, "close", noted)
    monkeypatch.setattr(module, "held_lock", locked)
    with pytest.raises(DatabaseAway):
        leadership.held()
    assert leadership.held()
    assert len(set(hung_up)) == 1
    leadership.close()


@pytest.mark.parametrize("urls", ["sqlite"], indirect=True)
def test_files_of_ended_sessions_do_not_pile_up(ledger: Ledger, urls: Urls) -> None:
    folder = Path(f"{sa.make_url(urls[Store.LEDGER]).database}.locks")
    for _ in range(3):
        Session(ledger).close()
    with another(urls) as (process, session, _):
        process.kill()
        process.wait()
        assert dead(ledger, {session}) == {session}
    leadership = Leadership(ledger)
    assert leadership.held(), "after the one that was killed"
    leadership.close()
    assert list(folder.iterdir()) == []
