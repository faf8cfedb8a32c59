"""One way to open a database that keeps what it accepted."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent

import pytest
import sqlalchemy as sa

from core.database import Database, DatabaseAway, Transaction, UnsafeDatabase
from core.turnstile import Turnstile
from tests.databases import Server
from tests.threads import at_once

ROOT = Path(__file__).parents[2]
WRITERS = 4
EACH = 25
BUSY = 16  # threads

numbers = sa.Table("numbers", sa.MetaData(), sa.Column("number", sa.Integer, nullable=False))


@pytest.fixture
def database(blank_url: str) -> Iterator[Database]:
    database = Database(blank_url)
    with database.begin() as tx:
        numbers.create(tx.db)
        tx.db.execute(sa.insert(numbers).values(number=0))
    yield database
    database.engine.dispose()


def number(database: Database) -> int:
    with database.read() as tx:
        return number_of(tx)


def number_of(tx: Transaction) -> int:
    found: int = tx.db.execute(sa.select(numbers.c.number)).scalar_one()
    return found


def add_one(database: Database) -> None:
    """Read, then write: lost at once where two writers see the same number."""
    with database.begin() as tx:
        query = sa.select(numbers.c.number).with_for_update()
        before = tx.db.execute(query).scalar_one()
        tx.db.execute(sa.update(numbers).values(number=before + 1))


# --- addresses and settings


@pytest.mark.parametrize("url", ["", "nonsense", "sqlite+nothing:///x.db"])
def test_an_address_that_cannot_be_read_says_what_to_write(url: str) -> None:
    with pytest.raises(UnsafeDatabase, match="sqlite:///FILE"):
        Database(url)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_is_refused(url: str) -> None:
    with pytest.raises(UnsafeDatabase, match="forgets everything"):
        Database(url)


def test_another_kind_of_database_is_refused() -> None:
    with pytest.raises(UnsafeDatabase):
        Database("mysql://127.0.0.1/books")


def test_no_message_repeats_the_password() -> None:
    with pytest.raises(UnsafeDatabase) as refused:
        Database("mssql://jan:geheim@127.0.0.1/books")
    assert "geheim" not in str(refused.value)


def test_our_own_settings_are_safe(database: Database) -> None:
    database.check()


def test_a_server_that_may_lose_a_commit_is_refused(postgresql: Server) -> None:
    url = postgresql.create()
    name = sa.make_url(url).database
    postgresql.run(f"ALTER DATABASE {name} SET synchronous_commit = off")
    database = Database(url)
    with pytest.raises(UnsafeDatabase, match="synchronous_commit"):
        database.check()
    database.engine.dispose()
    postgresql.drop(url)


def test_a_server_that_is_not_there_is_away() -> None:
    database = Database("postgresql://127.0.0.1:1/books")
    with pytest.raises(DatabaseAway) as away, database.read():
        pass
    assert "books" not in str(away.value)
    database.engine.dispose()


def test_an_sqlite_file_keeps_a_write_ahead_log_and_overwrites_what_it_deletes(
    tmp_path: Path,
) -> None:
    database = Database(f"sqlite:///{tmp_path}/deep/er/x.db")
    with database.read() as tx:
        for pragma, value in {
            "journal_mode": "wal",
            "synchronous": 2,
            "secure_delete": 1,
            "foreign_keys": 1,
        }.items():
            assert tx.db.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value
    database.engine.dispose()


# --- transactions


def test_what_fails_half_way_leaves_nothing(database: Database) -> None:
    half = sa.update(numbers).values(number=5)
    with pytest.raises(ZeroDivisionError), database.begin() as tx:
        assert tx.db.execute(half).rowcount / 0
    assert number(database) == 0


def test_an_error_of_ours_keeps_its_class_and_the_next_writer_gets_in(database: Database) -> None:
    with pytest.raises(sa.exc.IntegrityError), database.begin() as tx:
        tx.db.execute(sa.update(numbers).values(number=sa.null()))
    add_one(database)
    assert number(database) == 1


def test_an_error_does_not_repeat_what_was_written(database: Database) -> None:
    with pytest.raises(sa.exc.IntegrityError) as failed, database.begin() as tx:
        tx.db.execute(sa.insert(numbers).values([{"number": 4711}, {"number": None}]))
    assert "4711" not in str(failed.value)


def test_now_is_read_once_per_transaction_in_utc(database: Database) -> None:
    before = datetime.now(UTC)
    with database.begin() as tx:
        assert tx.now is tx.now
        assert tx.now.utcoffset() == timedelta()
        assert abs(tx.now - before) < timedelta(seconds=5)


def test_the_clock_can_be_replaced(tmp_path: Path) -> None:
    then = datetime(2026, 2, 28, tzinfo=UTC)
    database = Database(f"sqlite:///{tmp_path}/x.db", clock=lambda _: then)
    with database.read() as tx:
        assert tx.now == then
    database.engine.dispose()


def test_a_reader_does_not_wait_for_a_writer_nor_see_half_its_work(database: Database) -> None:
    with database.begin() as tx:
        tx.db.execute(sa.update(numbers).values(number=5))
        assert number(database) == 0
    assert number(database) == 5


# --- connections


@pytest.mark.parametrize("blank_url", ["postgresql"], indirect=True)
def test_a_busy_moment_keeps_its_connections_for_a_while_only(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each that is open and idle is taken from the other processes."""
    monkeypatch.setattr("core.pool.REMEMBERS", 1.0)
    database.engine.dispose()  # the pool that remembers for a minute
    with ExitStack() as busy:
        for _ in range(BUSY):
            busy.enter_context(database.read())
    assert connections(database) == BUSY, "the next busy moment would open them all again"
    end = time.monotonic() + 30
    while connections(database) > 2:
        assert time.monotonic() < end, "they stay open"
    assert number(database) == 0


def connections(database: Database) -> int:
    """As the server counts them; who has left is gone from its books a little later."""
    mine = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    with database.glance() as db:
        before = None
        while before != (found := db.exec_driver_sql(mine).scalar_one()):
            before = found
            time.sleep(0.2)
    return int(found)


def test_who_finds_every_connection_in_use_is_told_that_the_database_is_away(
    blank_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"MOST": 2, "BUSY": 0.05}.items():
        monkeypatch.setattr(f"core.database.{name}", value)
    database = Database(blank_url)
    with database.read(), database.read(), pytest.raises(DatabaseAway, match="in use"):
        number(database)
    with database.read():
        pass
    database.engine.dispose()


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Database]:
    """What is opened from now on is what SQLite opens while the disk takes no writes."""
    path = tmp_path / "numbers.db"
    database = Database(f"sqlite:///{path}")
    with database.begin() as tx:
        numbers.create(tx.db)
        tx.db.execute(sa.insert(numbers).values(number=0))
    database.engine.dispose()

    def opened(*_: object) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{path}?mode=ro", uri=True, check_same_thread=False)

    sa.event.listen(database.engine, "do_connect", opened)
    with database.read() as one, database.read() as other:
        assert number_of(one) == number_of(other) == 0
    sa.event.remove(database.engine, "do_connect", opened)
    yield database
    database.engine.dispose()


def test_a_disk_that_takes_writes_again_is_written_to(read_only: Database) -> None:
    with pytest.raises(DatabaseAway):
        add_one(read_only)
    for _ in range(EACH):
        add_one(read_only)
    assert number(read_only) == EACH


def test_the_log_on_such_a_disk_is_emptied_the_next_time(read_only: Database) -> None:
    other = Database(str(read_only.url))
    add_one(other)
    for _ in range(2):
        with pytest.raises(DatabaseAway):
            read_only.empty_log()
    read_only.empty_log()
    assert Path(f"{read_only.url.database}-wal").stat().st_size == 0
    other.engine.dispose()


# --- writers beside each other


@pytest.mark.parametrize("blank_url", ["postgresql"], indirect=True)
def test_who_stands_still_within_a_transaction_keeps_nobody_waiting(
    blank_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stopped process answers for its connections: without a word it kept its locks for ever."""
    monkeypatch.setattr("core.database.STANDS_STILL", timedelta(seconds=0.2))
    database = Database(blank_url)
    with database.begin() as tx:
        numbers.create(tx.db)
        tx.db.execute(sa.insert(numbers).values(number=0))
    other = threading.Thread(target=add_one, args=[database])

    def write_slowly() -> None:
        with database.begin() as tx:
            tx.db.execute(sa.update(numbers).values(number=5))
            other.start()
            other.join(5)
            assert not other.is_alive()
            number_of(tx)

    with pytest.raises(DatabaseAway):
        write_slowly()
    assert number(database) == 1
    database.engine.dispose()


def test_threads_that_write_lose_nothing(database: Database) -> None:
    def write() -> None:
        for _ in range(EACH):
            add_one(database)

    at_once(*[write] * WRITERS)
    assert number(database) == WRITERS * EACH


def test_processes_that_write_lose_nothing(database: Database, blank_url: str) -> None:
    program = dedent(
        f"""
        from core.database import Database
        from tests.core.test_database import add_one

        database = Database({blank_url!r})
        for _ in range({EACH}):
            add_one(database)
        """
    )
    running = [subprocess.Popen([sys.executable, "-c", program], cwd=ROOT) for _ in range(2)]
    for _ in range(EACH):
        add_one(database)
    assert [process.wait(60) for process in running] == [0, 0]
    assert number(database) == 3 * EACH


def test_processes_that_open_a_new_file_at_once_all_get_in(tmp_path: Path) -> None:
    program = dedent(
        """
        import sys
        from core.database import Database

        sys.stdin.read(1)
        for turn in range(20):
            with Database(f"sqlite:///{sys.argv[1]}/{turn}.db").begin() as tx:
                tx.db.exec_driver_sql("CREATE TABLE IF NOT EXISTS t (x)")
        """
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, stdin=subprocess.PIPE
        )
        for _ in range(2)
    ]
    for process in running:
        assert process.stdin is not None
        process.stdin.write(b"x")
        process.stdin.close()
    assert [process.wait(60) for process in running] == [0, 0]


# --- the turnstile


def waiting(turnstile: Turnstile, people: int) -> None:
    while len(turnstile._waiting) < people:
        threading.Event().wait(0.001)


def test_who_comes_first_goes_first() -> None:
    turnstile, order = Turnstile(), []
    threads = []

    def enter(number: int) -> None:
        with turnstile:
            order.append(number)

    with turnstile:
        for number in range(20):
            threads.append(threading.Thread(target=enter, args=(number,)))
            threads[-1].start()
            waiting(turnstile, number + 1)
    for thread in threads:
        thread.join()
    assert order == list(range(20))


def test_one_at_a_time_passes() -> None:
    turnstile, inside, most = Turnstile(), 0, 0

    def enter() -> None:
        nonlocal inside, most
        for _ in range(200):
            with turnstile:
                inside += 1
                most = max(most, inside)
                inside -= 1

    at_once(*[enter] * 8)
    assert most == 1


def test_nobody_is_locked_out_by_an_error_inside() -> None:
    turnstile = Turnstile()
    with pytest.raises(RuntimeError), turnstile:
        raise RuntimeError
    with turnstile:
        assert not turnstile._waiting


def test_who_is_interrupted_while_waiting_leaves_the_row(monkeypatch: pytest.MonkeyPatch) -> None:
    turnstile = Turnstile()

    def interrupted(self: threading.Event, timeout: float | None = None) -> bool:
        raise KeyboardInterrupt

    with turnstile, monkeypatch.context() as patched:
        patched.setattr(threading.Event, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt), turnstile:
            pass
    with turnstile:
        assert not turnstile._waiting
