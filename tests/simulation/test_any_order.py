"""Whatever is asked, told, delayed or killed in whatever order: what is claimed is true."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from core.connector import Presence, Verb
from core.errors import OutcomeUnknown, TryLater
from core.ledger import Ledger, lanes
from core.ledger.intake import Request, accept
from core.migrations import Store
from core.refusals import NoBasis
from core.safe import Safe
from core.sealing import Key
from core.testing.imitation import COURSES, NEWS, Lie
from core.testing.lies import acts_then_fails, fails, ignores, late, shows_after
from tests.databases import Clock, opened, sqlite_urls
from tests.simulation.machinery import without_waiting
from tests.simulation.promises import Promise, Promises
from tests.simulation.stage import Died
from tests.workers.school import DAY, HOUR, MINUTE, NAMES, SECOND, School

PEOPLE = ("cf-1", "cf-2", "cf-3")
LISTS = ((NEWS.id,), (COURSES.id,), (NEWS.id, COURSES.id))
WAITS = (SECOND, MINUTE, 11 * MINUTE, HOUR, 2 * DAY)
FACES = ("subscribe", "update", "unsubscribe", "erase")
LIES: dict[str, Callable[[], Lie]] = {
    "ignores": lambda: ignores,
    "fails": lambda: fails(TryLater("away")),
    "is silent": lambda: fails(OutcomeUnknown("silent")),
    "acts in silence": lambda: acts_then_fails(OutcomeUnknown("silent")),
    "is late": lambda: late(timedelta(minutes=5)),
    "shows later": lambda: shows_after(20 * SECOND),
    "dies before": lambda: fails(Died()),
    "dies after": lambda: acts_then_fails(Died()),
}

people = st.sampled_from(PEOPLE)
lists = st.sampled_from(LISTS)


class AnyOrder(RuleBasedStateMachine):
    """One school at one platform; its worker may die, and another goes on."""

    stores: tuple[Path, Path]  # as they are when new, and where they are used

    @initialize()
    def opens(self) -> None:
        migrated, folder = self.stores
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(migrated, folder)
        clock = Clock()
        self.databases = {store: opened(url) for store, url in sqlite_urls(folder).items()}
        for database in self.databases.values():
            database.clock = clock
        ledger = Ledger(
            self.databases[Store.LEDGER], Safe(self.databases[Store.SAFE]), {1: Key.random()}
        )
        self.school = School(ledger, clock)
        self.promises = Promises()
        self.number = 0

    def teardown(self) -> None:
        if not hasattr(self, "school"):
            return
        try:
            self.comes_to_rest()
        finally:
            self.school.close()
            for database in self.databases.values():
                database.engine.dispose()

    def next(self) -> int:
        self.number += 1
        return self.number

    def ask(self, request: Request) -> None:
        [outcome] = accept(self.school.ledger, self.school.customer, [request])
        if isinstance(outcome, Exception):
            return
        self.promises.keep(Promise(request, outcome, self.school.clock.at))
        if request.email:
            self.school.addresses.setdefault(outcome.person, set()).add(request.email)

    # --- what is asked

    @rule(who=people, lists=lists, name=st.sampled_from(["Anna", "Bram"]), again=st.booleans())
    def subscribes(self, who: str, lists: tuple[str, ...], name: str, again: bool) -> None:  # noqa: FBT001
        known = sorted(self.promises.addresses.get(who, ()))
        email = known[0] if known and again else f"{who}.{self.next()}@example.nl"
        fields = {**NAMES, "first_name": name}
        basis = self.school.basis(-self.next() * timedelta(microseconds=1))
        self.ask(Request(Verb.SUBSCRIBE, who, email, fields, lists, basis))

    @rule(who=people, lists=lists, imported=st.booleans())
    def subscribes_by_an_old_basis(
        self,
        who: str,
        lists: tuple[str, ...],
        imported: bool,  # noqa: FBT001
    ) -> None:
        """I4: it brings nobody back."""
        erased_at = self.promises.erased_at(who)
        if erased_at is None or not self.promises.due(who).erased:
            return
        email = min(self.promises.addresses.get(who, {f"{who}@example.nl"}))
        basis = self.school.basis(self.school.clock.at - erased_at + MINUTE)
        request = Request(Verb.SUBSCRIBE, who, email, NAMES, lists, basis, imported=imported)
        [outcome] = accept(self.school.ledger, self.school.customer, [request])
        assert isinstance(outcome, NoBasis)

    @rule(who=people, name=st.sampled_from(["Cees", "Dirk"]), moves=st.booleans())
    def changes(self, who: str, name: str, moves: bool) -> None:  # noqa: FBT001
        email = f"{who}.{self.next()}@example.nl" if moves else None
        self.ask(Request(Verb.UPDATE, who, email, {"first_name": name}))

    @rule(who=people, lists=lists)
    def unsubscribes(self, who: str, lists: tuple[str, ...]) -> None:
        self.ask(Request(Verb.UNSUBSCRIBE, who, lists=lists))

    @rule(who=people)
    def is_erased(self, who: str) -> None:
        self.ask(Request(Verb.ERASE, who))

    # --- what happens to it

    @rule(face=st.sampled_from(FACES), lie=st.sampled_from(sorted(LIES)))
    def the_platform_will_lie(self, face: str, lie: str) -> None:
        self.school.imitation.lie(face, LIES[lie]())

    @rule()
    def a_bell_rings(self) -> None:
        """Often for nothing: bells are doubled and late."""
        self.drain()

    @rule(wait=st.sampled_from(WAITS))
    def time_passes(self, wait: timedelta) -> None:
        self.school.passing(wait)
        self.drain()

    @rule()
    def a_worker_stops_for_longer_than_its_lease(self) -> None:
        """Another one takes the lane, and has done its work when the first goes on."""
        first = self.school.worker

        def stops() -> None:
            self.school.reach.before_change = lambda: None
            self.school.passing(2 * MINUTE)
            with self.school.ledger.begin() as tx:
                lanes.reclaim(tx, ())
            self.school.worker = self.school.hire()
            self.drain()

        self.school.reach.before_change = stops
        try:
            first.drain(self.school.lane)
        except Died:
            self.bury(first)
        self.school.reach.before_change = lambda: None
        if self.school.worker is not first and first in self.school.workers:
            self.school.bury(first)

    def drain(self) -> None:
        worker = self.school.worker
        try:
            worker.drain(self.school.lane)
        except Died:
            self.bury(worker)

    def bury(self, worker: Any) -> None:
        self.school.bury(worker)
        if worker is self.school.worker:
            self.school.worker = self.school.hire()

    # --- what must always hold

    @invariant()
    def what_is_claimed_is_true(self) -> None:
        if hasattr(self, "school"):
            self.school.judge_the_judge()

    def comes_to_rest(self) -> None:
        """Nothing goes wrong any more: then everything is as it was asked last."""
        for face in FACES:
            self.school.imitation.lie(face)
        self.school.passes(3 * DAY)
        for who in PEOPLE:
            due = self.promises.due(who)
            there = self.school.imitation.held(*self.promises.addresses.get(who, ()))
            if due.erased:
                assert there == [], "erased, and there"
                continue
            mailed = {one.place for one in there if one.presence is Presence.SUBSCRIBED}
            assert not mailed & due.unsubscribed, "opted out, and mailed"
            assert due.subscribed <= mailed, "subscribed, and not mailed"
            names = {one.fields["first_name"] for one in there if one.place in due.subscribed}
            assert names <= {due.fields.get("first_name")}, "changed, and not shown"


@pytest.fixture
def machine(migrated_sqlite: Path) -> Iterator[type[AnyOrder]]:
    AnyOrder.stores = migrated_sqlite / "migrated", migrated_sqlite / "any_order"
    engine = opened(sqlite_urls(AnyOrder.stores[1])[Store.LEDGER]).engine
    sa.event.listen(engine, "connect", without_waiting)
    yield AnyOrder
    sa.event.remove(engine, "connect", without_waiting)


def play(machine: type[AnyOrder], examples: int, steps: int) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
        ),
    )


def test_in_whatever_order(machine: type[AnyOrder]) -> None:
    play(machine, examples=20, steps=30)


@pytest.mark.storm
@pytest.mark.timeout(600)
def test_in_many_more_orders(machine: type[AnyOrder]) -> None:
    play(machine, examples=200, steps=50)
