"""A newer key version takes over from the older ones, and nothing is unreadable meanwhile."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from threading import Event, Thread
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from core import keyfile, rows
from core.ledger import Ledger, customers, wrapping
from core.ledger.customers import Customer
from core.ledger.schema import customers as table
from core.ledger.schema import installation
from core.migrations import Store
from core.refusals import CannotAccept
from core.safe import Safe
from core.sealing import CannotOpen, Key, MissingVersion
from tests.databases import NOW, Urls

ROOT = Path(__file__).parents[3]
Versions = Mapping[int, Key]


@pytest.fixture(autouse=True)
def numbered(ledger: Ledger) -> None:
    """As every installation is, by ``migrate``; the row is what changes of keys wait for."""
    with ledger.begin() as tx:
        tx.db.execute(sa.insert(installation).values(id=uuid4()))


@pytest.fixture
def newer(key_versions: dict[int, Key]) -> Versions:
    return {**key_versions, 2: Key.random()}


def holding(ledger: Ledger, versions: Versions) -> Ledger:
    """The same books in a process with another key file."""
    return Ledger(ledger.database, Safe(ledger.safe.database), versions)


def many(ledger: Ledger, number: int, versions: Versions | None = None) -> dict[UUID, bytes]:
    """So many customers; the secret of each."""
    versions = versions or ledger.key_versions
    secrets = {uuid4(): Key.random() for _ in range(number)}
    made = [
        {
            "id": one,
            "name": str(one),
            "time_zone": "Europe/Amsterdam",
            "wrapped_key": versions[1].seal(key.secret, f"customers|{one}"),
            "key_version": 1,
            "created_at": NOW,
        }
        for one, key in secrets.items()
    ]
    with ledger.begin() as tx:
        rows.insert(tx, table, made)
    return {one: key.secret for one, key in secrets.items()}


def rotated(ledger: Ledger, versions: Versions, newest: int = 2) -> list[wrapping.Step]:
    return list(wrapping.rewrap(ledger.database, versions, newest))


def needed(ledger: Ledger) -> dict[int, int]:
    with ledger.read() as tx:
        return wrapping.needed(tx)


def read_with(ledger: Ledger, versions: Versions) -> dict[UUID, bytes]:
    """What this key file opens; raises CannotOpen where one does not."""
    with ledger.read() as tx:
        found = tx.db.execute(wrapping.WRAPPED).all()
    return {row.id: wrapping.opened(versions, row).secret for row in found}


def test_every_key_opens_with_the_newest_version_alone(ledger: Ledger, newer: Versions) -> None:
    secrets = many(ledger, 30)
    assert [step.done for step in rotated(ledger, newer)] == [30]
    assert needed(ledger) == {2: 30}
    assert read_with(ledger, {2: newer[2]}) == secrets


def test_a_transaction_holds_a_bounded_number_of_keys(
    ledger: Ledger, newer: Versions, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(ledger, 25)
    monkeypatch.setattr(wrapping, "AT_ONCE", 10)
    assert [step.done for step in rotated(ledger, newer)] == [10, 10, 5]


def test_rotating_once_more_changes_nothing(ledger: Ledger, newer: Versions) -> None:
    many(ledger, 5)
    rotated(ledger, newer)
    with ledger.read() as tx:
        before = tx.db.execute(wrapping.WRAPPED).all()
    assert rotated(ledger, newer) == []
    with ledger.read() as tx:
        assert tx.db.execute(wrapping.WRAPPED).all() == before


def test_what_stopped_half_way_is_finished_by_the_next(
    ledger: Ledger, newer: Versions, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = many(ledger, 25)
    monkeypatch.setattr(wrapping, "AT_ONCE", 10)
    next(wrapping.rewrap(ledger.database, newer, 2))
    assert needed(ledger) == {1: 15, 2: 10}
    assert read_with(ledger, newer) == secrets
    assert sum(step.done for step in rotated(ledger, newer)) == 15
    assert read_with(ledger, {2: newer[2]}) == secrets


def test_pepper_and_key_are_the_same_after_it(
    ledger: Ledger, customer: Customer, newer: Versions
) -> None:
    """So whoever read them before may go on: links, idempotency, seals, hashes all derive there."""
    with ledger.read() as tx:
        before = ledger.keys_of(tx, customer.id)
    rotated(ledger, newer)
    with ledger.read() as tx:
        assert holding(ledger, {2: newer[2]}).keys_of(tx, customer.id) == before
        assert ledger.keys_of(tx, customer.id) == before


def test_a_version_that_was_only_added_wraps_nothing(
    ledger: Ledger, customer: Customer, newer: Versions
) -> None:
    other = customers.create(holding(ledger, newer), "De Kwast")
    assert needed(ledger) == {1: 2}
    with ledger.read() as tx:
        ledger.keys_of(tx, other.id)  # a machine that does not have it yet goes on


def test_the_first_customer_is_wrapped_under_the_newest(ledger: Ledger, newer: Versions) -> None:
    customers.create(holding(ledger, newer), "De Kwast")
    assert needed(ledger) == {2: 1}


def test_after_a_rotation_new_customers_are_wrapped_under_its_version(
    ledger: Ledger, customer: Customer, newer: Versions
) -> None:
    rotated(ledger, newer)
    customers.create(holding(ledger, newer), "De Kwast")
    assert needed(ledger) == {2: 2}


class TestAnotherMachine:
    def test_a_process_that_runs_reads_its_key_file_again(
        self, ledger: Ledger, tmp_path: Path
    ) -> None:
        path = tmp_path / "key.json"
        keyfile.create(path)
        running = holding(ledger, keyfile.load(path))
        customer = customers.create(running, "De Verfschuur")
        keyfile.add(path)
        rotated(ledger, keyfile.load(path))
        fresh = holding(ledger, running.key_versions)
        with ledger.read() as tx:
            assert fresh.keys_of(tx, customer.id) == running.keys_of(tx, customer.id)
        customers.create(fresh, "De Kwast")
        assert needed(ledger) == {2: 2}

    def test_one_that_was_forgotten_is_told_which_version_it_lacks(
        self, ledger: Ledger, customer: Customer, newer: Versions
    ) -> None:
        rotated(ledger, newer)
        forgotten = holding(ledger, {1: newer[1]})
        with ledger.read() as tx:
            with pytest.raises(MissingVersion, match=r"^2$"):
                forgotten.keys_of(tx, customer.id)
            with pytest.raises(MissingVersion, match=r"^2$"):
                wrapping.check(tx, forgotten.key_versions)
        with pytest.raises(MissingVersion):
            customers.create(forgotten, "De Kwast")
        with ledger.read() as tx:
            assert [one.name for one in customers.every(tx)] == ["De Verfschuur"]

    def test_a_version_made_twice_is_used_by_the_first_alone(
        self, ledger: Ledger, customer: Customer, newer: Versions
    ) -> None:
        twice = {1: newer[1], 2: Key.random()}
        many(ledger, 3)
        rotated(ledger, newer)
        more = many(ledger, 3)
        with pytest.raises(CannotOpen, match="version 2"):
            rotated(ledger, twice)
        with pytest.raises(CannotOpen, match="version 2"):
            customers.create(holding(ledger, twice), "De Kwast")
        with ledger.read() as tx, pytest.raises(CannotOpen, match="version 2"):
            wrapping.check(tx, twice)
        assert needed(ledger) == {1: 3, 2: 4}
        rotated(ledger, newer)
        assert more.items() <= read_with(ledger, {2: newer[2]}).items()

    def test_an_older_file_never_wraps_back(self, ledger: Ledger, newer: Versions) -> None:
        many(ledger, 3)
        rotated(ledger, newer)
        assert rotated(ledger, newer, newest=1) == []
        assert needed(ledger) == {2: 3}


def test_a_key_file_that_fits_passes(ledger: Ledger, customer: Customer, newer: Versions) -> None:
    with ledger.read() as tx:
        wrapping.check(tx, newer)


def test_one_damaged_row_keeps_no_other_waiting(ledger: Ledger, newer: Versions) -> None:
    secrets = many(ledger, 5)
    hurt = min(secrets)
    with ledger.begin() as tx:
        tx.db.execute(sa.update(table).where(table.c.id == hurt).values(wrapped_key=b"x" * 60))
        wrapping.check(tx, newer)
    [step] = rotated(ledger, newer)
    assert (step.done, step.unreadable) == (4, (hurt,))
    assert needed(ledger) == {1: 1, 2: 4}


def test_keys_that_changed_places_do_not_open_and_are_not_wrapped_anew(
    ledger: Ledger, newer: Versions
) -> None:
    one, other, third = sorted(many(ledger, 3))
    with ledger.begin() as tx:
        rows_of = {row.id: row.wrapped_key for row in tx.db.execute(wrapping.WRAPPED)}
        swapped = [
            {"id": one, "wrapped_key": rows_of[other]},
            {"id": other, "wrapped_key": rows_of[one]},
        ]
        rows.update(tx, table, swapped)
    [step] = rotated(ledger, newer)
    assert (step.done, set(step.unreadable)) == (1, {one, other})
    for hurt in (one, other):
        with ledger.read() as tx, pytest.raises(CannotOpen):
            holding(ledger, newer).keys_of(tx, hurt)
    with ledger.read() as tx:
        holding(ledger, newer).keys_of(tx, third)


class TestTakingAVersionOut:
    def test_it_is_refused_while_something_is_wrapped_under_it(
        self, ledger: Ledger, newer: Versions
    ) -> None:
        many(ledger, 2)
        with ledger.read() as tx, pytest.raises(CannotAccept, match="keys: 2"):
            wrapping.unneeded(wrapping.needed(tx), 1)
        rotated(ledger, newer)
        with ledger.read() as tx:
            wrapping.unneeded(wrapping.needed(tx), 1)
            with pytest.raises(CannotAccept):
                wrapping.unneeded(wrapping.needed(tx), 2)

    def test_one_that_is_still_to_be_used_stays(self, ledger: Ledger, customer: Customer) -> None:
        with ledger.read() as tx, pytest.raises(CannotAccept, match="not in use yet"):
            wrapping.unneeded(wrapping.needed(tx), 2)

    def test_nobody_can_wrap_under_it_between_looking_and_taking_it_out(
        self, ledger: Ledger, customer: Customer, newer: Versions
    ) -> None:
        """Who began before the last step, and did not commit, is waited for."""
        chosen, go_on = Event(), Event()

        def create_slowly() -> None:
            with ledger.begin() as tx:
                one = uuid4()
                version, sealed = wrapping.new(tx, newer, one, Key.random())
                chosen.set()
                go_on.wait(5)
                row = {"name": "De Kwast", "time_zone": "Europe/Amsterdam", "created_at": tx.now}
                row |= {"id": one, "wrapped_key": sealed, "key_version": version}
                tx.db.execute(sa.insert(table).values(row))

        slow = Thread(target=create_slowly)
        slow.start()
        assert chosen.wait(5)
        rotating = Thread(target=rotated, args=[ledger, newer])
        rotating.start()
        rotating.join(0.2)
        assert rotating.is_alive()
        go_on.set()
        slow.join()
        rotating.join()
        assert needed(ledger) == {2: 2}


def test_nothing_is_sealed_under_the_key_file_that_a_rotation_does_not_know() -> None:
    """Whoever comes to use its keys has to be counted by ``needed``, and to be wrapped anew."""
    known = {
        "core/ledger/__init__.py",  # opens customers' keys
        "core/ledger/customers.py",  # wraps new ones
        "app/api/state.py",  # derives cursors, which need not outlive a version
        "app/commands/rotating.py",
        "core/backups/day_keys.py",  # wraps each day's, and wraps them anew
    }
    found = {
        str(path.relative_to(ROOT))
        for package in ("core", "connectors", "workers", "app")
        for path in (ROOT / package).rglob("*.py")
        if "key_versions" in path.read_text()
    }
    assert found == known


# --- killed

ROTATING = dedent(
    """
    import base64, sys
    from core.database import Database
    from core.ledger import wrapping
    from core.sealing import Key

    wrapping.AT_ONCE = 10
    versions = {n: Key(base64.b64decode(one)) for n, one in enumerate(sys.argv[2:], 1)}
    for step in wrapping.rewrap(Database(sys.argv[1]), versions, 2):
        print(step.done, flush=True)
    """
)


def rotating(url: str, versions: Versions) -> subprocess.Popen[str]:
    keys = [keyfile.content({1: versions[one]}).decode().split('"')[3] for one in (1, 2)]
    command = [sys.executable, "-c", ROTATING, url, *keys]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("steps", [1, 9])
def test_a_rotation_that_is_killed_leaves_nothing_unreadable(
    ledger: Ledger, newer: Versions, urls: Urls, steps: int
) -> None:
    """The short form of ``tests/storms/test_rotation.py``."""
    secrets = many(ledger, 300)
    with rotating(urls[Store.LEDGER], newer) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(steps)]
        process.kill()
    assert said == ["10\n"] * steps
    assert read_with(ledger, newer) == secrets
    assert needed(ledger)[2] >= 10 * steps
    rotated(ledger, newer)
    assert needed(ledger) == {2: 300}
    assert read_with(ledger, {2: newer[2]}) == secrets


def test_writing_key_and_version_apart_would_be_found_out(
    ledger: Ledger, newer: Versions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a kill between two statements in two transactions would leave."""
    many(ledger, 5)
    real = rows.update

    def forgetful(tx: Any, where: sa.Table, several: Any) -> None:
        real(tx, where, [{k: v for k, v in one.items() if k != "key_version"} for one in several])

    monkeypatch.setattr(rows, "update", forgetful)
    rotated(ledger, newer)
    with pytest.raises(CannotOpen):
        read_with(ledger, newer)
