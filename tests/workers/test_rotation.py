"""Keys get a newer version while lanes are drained, and nobody notices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Event, Thread
from uuid import uuid4

import pytest
import sqlalchemy as sa

from core.ledger import Ledger, wrapping
from core.ledger.schema import installation
from core.safe import Safe
from core.sealing import Key, MissingVersion
from core.states import State
from tests.workers.school import EMAIL, School


@dataclass
class Operator:
    """Adds a version and rotates to it, as often as there is time."""

    ledger: Ledger
    versions: dict[int, Key]
    times: int = 0
    stop: Event = field(default_factory=Event)

    def rotate(self) -> None:
        newest = max(self.versions) + 1
        self.versions[newest] = Key.random()
        steps = wrapping.rewrap(self.ledger.database, self.versions, newest)
        assert sum(step.done for step in steps) == 1
        self.times += 1

    def go_on(self) -> None:
        while not self.stop.is_set():
            self.rotate()

    @contextmanager
    def rotating(self) -> Iterator[None]:
        going = Thread(target=self.go_on)
        going.start()
        try:
            yield
        finally:
            self.stop.set()
            going.join()


@pytest.fixture
def operator(school: School, key_versions: dict[int, Key]) -> Operator:
    with school.ledger.begin() as tx:
        tx.db.execute(sa.insert(installation).values(id=uuid4()))
    return Operator(school.ledger, key_versions)


def restarted(school: School, versions: Mapping[int, Key]) -> None:
    """Its worker is another process, that remembers no key and has these versions."""
    ledger = school.ledger
    school.ledger = Ledger(ledger.database, Safe(ledger.safe.database), versions)
    school.worker = school.hire()


def alone(versions: Mapping[int, Key]) -> Mapping[int, Key]:
    newest = max(versions)
    return {newest: versions[newest]}


def test_a_rotation_before_every_change_at_the_platform_changes_nothing(
    school: School, operator: Operator
) -> None:
    school.reach.before_change = operator.rotate
    school.subscribe()
    school.drain()
    assert school.state() is State.CONFIRMED
    restarted(school, alone(operator.versions))
    school.erase()
    school.drain()
    assert school.state() is State.NOT_FOUND
    assert not school.imitation.held(EMAIL)
    assert operator.times >= 2


def test_whoever_starts_or_goes_on_beside_a_rotation_reads_everything(
    school: School, operator: Operator
) -> None:
    people = [f"cf-{number}" for number in range(12)]
    with operator.rotating():
        for number, reference in enumerate(people):
            school.subscribe(reference, f"lid{number}@example.test")
            if number % 2:
                restarted(school, operator.versions)
            school.drain()
    assert operator.times
    restarted(school, alone(operator.versions))
    for reference in people:
        assert school.state(reference) is State.CONFIRMED
        school.erase(reference)
    school.passes(timedelta(days=1))
    assert {school.state(one) for one in people} == {State.NOT_FOUND}


def test_a_machine_without_the_version_takes_no_work_and_another_does(
    school: School, operator: Operator
) -> None:
    """Its lane waits a moment, is not held, and asks nobody for anything."""
    everywhere, forgotten = operator.versions, dict(operator.versions)
    school.subscribe()
    operator.rotate()
    restarted(school, forgotten)
    with pytest.raises(MissingVersion):
        school.drain()
    assert school.tasks() == []
    restarted(school, everywhere)
    school.passes(timedelta(hours=1))
    assert school.state() is State.CONFIRMED
