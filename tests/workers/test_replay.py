"""A ledger from a backup: nobody works on it before it knows who was erased or opted out since."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from core.backups import replay as module
from core.backups.replay import Replayed, replay
from core.connector import Basis, Identity, Presence, Verb
from core.database import Database, Transaction, UnsafeDatabase
from core.ledger import Ledger, answers, audit, connections, pulse
from core.ledger.answers import Answer, Outcome
from core.ledger.hints import look_again
from core.ledger.intake import Accepted, Request, accept
from core.ledger.schema import customers, events, installation, people
from core.migrations import Store
from core.refusals import NoBasis
from core.safe import schema as safe
from core.states import State
from core.testing.imitation import NEWS
from tests.databases import TABLES
from tests.workers.school import DAY, HOUR, MINUTE, School
from workers.dispatcher import Dispatcher

MONTHS = timedelta(days=40)


def email(reference: str) -> str:
    return f"{reference}@example.nl"


@pytest.fixture(autouse=True)
def paired(ledger: Ledger) -> None:
    with ledger.begin() as tx, ledger.safe.database.begin() as its:
        for there, table in ((tx, installation), (its, safe.installation)):
            there.db.execute(sa.delete(table))
            there.db.execute(sa.insert(table).values(id=uuid4()))


class Backup:
    """What the ledger held at one moment; the safe goes on."""

    def __init__(self, ledger: Ledger) -> None:
        with ledger.read() as tx:
            self.rows = {
                table: [dict(row) for row in tx.db.execute(sa.select(table)).mappings()]
                for table in TABLES[Store.LEDGER]
            }

    def restore(self, ledger: Ledger) -> None:
        with ledger.begin() as tx, unguarded(tx, ledger.database):
            for table in reversed(self.rows):
                tx.db.execute(sa.delete(table))
            for table, content in self.rows.items():
                if content:
                    tx.db.execute(sa.insert(table), content)


@contextmanager
def unguarded(tx: Transaction, database: Database) -> Iterator[None]:
    """What comes from a backup made its moves before."""
    run = tx.db.exec_driver_sql
    if database.is_sqlite:
        guards = run("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").all()
        before = [f"DROP TRIGGER {guard.name}" for guard in guards]
        after = [guard.sql for guard in guards]
    else:
        before, after = (
            [f"ALTER TABLE holdings {how} TRIGGER USER"] for how in ("DISABLE", "ENABLE")
        )
    for statement in before:
        run(statement)
    yield
    for statement in after:
        run(statement)


def lead(school: School) -> list[Any]:
    """What a leading process rings in one tick."""
    rung: list[Any] = []
    dispatcher = Dispatcher(school.ledger, rung.append)
    try:
        dispatcher.tick()
    finally:
        dispatcher.leadership.close()
    return rung


def back_up(school: School) -> Backup:
    lead(school)
    return Backup(school.ledger)


def lose(school: School, backup: Backup) -> None:
    """The disk, and every process with it; what the backup holds is put back a minute later."""
    school.passing(MINUTE)
    lead(school)
    for worker in school.workers:
        worker.close()
    school.workers.clear()
    backup.restore(school.ledger)


def all_of(steps: Callable[[Ledger], Iterator[Replayed]], ledger: Ledger) -> Replayed:
    return sum(steps(ledger), Replayed())


def go_on(school: School) -> Replayed:
    found = all_of(replay, school.ledger)
    school.worker = school.hire()
    lead(school)
    return found


def present(school: School, reference: str) -> list[Presence]:
    return [one.presence for one in school.imitation.held(email(reference))]


def sign_up(school: School, *references: str) -> None:
    for one in references:
        school.subscribe(one, email(one))
    school.drain()


def asks(reference: str, basis: Basis) -> Request:
    return Request(Verb.SUBSCRIBE, reference, email(reference), lists=(NEWS.id,), basis=basis)


def accepted(school: School, basis: Basis) -> bool:
    (outcome,) = accept(school.ledger, school.customer, [asks("anna", basis)])
    return isinstance(outcome, Accepted)


def test_nobody_leads_or_starts_before_the_replay_and_somebody_does_after_it(
    school: School,
) -> None:
    sign_up(school, "anna")
    backup = back_up(school)
    school.erase("anna")
    lose(school, backup)
    with pytest.raises(UnsafeDatabase, match="courseflow-sync replay"):
        pulse.check(school.ledger.database, school.ledger.safe.database)
    with pytest.raises(UnsafeDatabase, match="courseflow-sync replay"):
        lead(school)
    go_on(school)
    pulse.check(school.ledger.database, school.ledger.safe.database)


def test_a_crash_between_the_two_beats_is_no_restored_ledger(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, beside = school.ledger.database, school.ledger.safe.database
    for _ in range(3):
        pulse.beat(ledger, beside)
        with monkeypatch.context() as patch:
            patch.setattr(pulse, "begin", dies_after(pulse.begin))
            with pytest.raises(ZeroDivisionError):
                pulse.beat(ledger, beside)
        pulse.check(ledger, beside)


def test_a_beat_between_two_readings_is_no_restored_ledger(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, beside = school.ledger.database, school.ledger.safe.database
    pulse.beat(ledger, beside)
    honest, beats = pulse.of_ledger, iter([None])

    def then_beats(tx: Transaction, **given: bool) -> UUID | None:
        found = honest(tx, **given)
        for _ in beats:
            tx.db.rollback()
            pulse.beat(ledger, beside)
        return found

    monkeypatch.setattr(pulse, "of_ledger", then_beats)
    pulse.check(ledger, beside)


def test_an_end_that_comes_late_leaves_another_beat_alone(school: School) -> None:
    ledger, beside = school.ledger.database, school.ledger.safe.database
    pulse.beat(ledger, beside)
    with ledger.read() as tx:
        before = pulse.of_ledger(tx)
    with ledger.begin() as tx:
        pulse.begin(tx, beside, before)
        pulse.end(beside, uuid4())
        tx.db.rollback()
    pulse.check(ledger, beside)


def dies_after(begin: Callable[..., object]) -> Callable[..., None]:
    """The safe has committed, the ledger never does."""

    def one(*given: Any) -> None:
        begin(*given)
        raise ZeroDivisionError

    return one


def test_who_was_erased_since_is_erased_again_by_what_the_safe_still_knows(school: School) -> None:
    sign_up(school, "anna", "bram")
    backup = back_up(school)
    school.erase("anna")
    entry = school.imitation.held(email("anna"))
    lose(school, backup)
    assert entry, "it was not carried out before the loss"
    assert go_on(school) == Replayed(erased=1)
    school.passes(DAY)
    assert present(school, "anna") == []
    assert school.state("anna") is State.NOT_FOUND
    assert present(school, "bram") == [Presence.SUBSCRIBED]


def test_an_old_basis_does_not_bring_back_who_was_erased_since_a_new_one_does(
    school: School,
) -> None:
    sign_up(school, "anna")
    old = school.basis()
    backup = back_up(school)
    school.passing(HOUR)
    school.erase("anna")
    school.drain()
    lose(school, backup)
    go_on(school)
    for one in (old, school.basis(ago=2 * HOUR)):
        assert isinstance(school.refusal(asks("anna", one)), NoBasis)
    school.subscribe("anna", email("anna"))
    school.passes(DAY)
    assert Presence.SUBSCRIBED in present(school, "anna")


def test_who_opted_out_since_is_not_mailed_again(school: School) -> None:
    sign_up(school, "anna", "bram")
    old = school.basis()
    backup = back_up(school)
    school.passing(HOUR)
    school.unsubscribe("anna")
    lose(school, backup)
    assert present(school, "anna") == [Presence.SUBSCRIBED], "nobody had carried it out"
    assert go_on(school) == Replayed(refused=1)
    school.passes(HOUR)
    assert present(school, "anna") == [Presence.UNSUBSCRIBED]
    assert isinstance(school.refusal(asks("anna", old)), NoBasis)
    assert present(school, "bram") == [Presence.SUBSCRIBED]


def test_who_came_and_opted_out_since_is_not_brought_back_by_an_import(school: School) -> None:
    """The backup does not know that person at all."""
    backup = back_up(school)
    sign_up(school, "anna")
    old = school.basis()
    school.passing(HOUR)
    school.unsubscribe("anna")
    school.drain()
    lose(school, backup)
    assert go_on(school) == Replayed(refused=1)
    for _ in range(2):
        imported = replace(asks("anna", old), imported=True)
        assert isinstance(school.refusal(imported), NoBasis)
    school.subscribe("anna", email("anna"))


def test_who_came_back_since_is_not_erased_again(school: School) -> None:
    sign_up(school, "anna")
    backup = back_up(school)
    school.passing(HOUR)
    school.erase("anna")
    school.passes(HOUR)
    school.subscribe("anna", email("anna"))
    school.passes(HOUR)
    assert present(school, "anna") == [Presence.SUBSCRIBED]
    lose(school, backup)
    go_on(school)
    school.passes(DAY)
    assert present(school, "anna") == [Presence.SUBSCRIBED]
    assert school.state("anna") is State.CANNOT_LOOK, "nobody claims anything of them"


def test_a_consent_that_lifted_an_opt_out_since_is_not_undone(school: School) -> None:
    sign_up(school, "anna")
    school.passing(HOUR)
    school.unsubscribe("anna")
    school.drain()
    backup = back_up(school)
    school.passing(HOUR)
    newer = school.basis()
    assert accepted(school, newer)
    school.passes(HOUR)
    lose(school, backup)
    assert go_on(school) == Replayed()
    assert accepted(school, newer)
    school.passes(HOUR)
    assert Presence.SUBSCRIBED in present(school, "anna")


def test_an_opt_out_that_was_seen_at_the_platform_is_remembered_too(school: School) -> None:
    sign_up(school, "anna")
    backup = back_up(school)
    school.passing(HOUR)
    for entry in school.imitation.held(email("anna")):
        entry.presence = Presence.UNSUBSCRIBED
    with school.ledger.read() as tx:
        connection = connections.one(tx, school.lane)
    look_again(school.ledger, connection, [Identity((email("anna"),))])
    school.passes(HOUR)
    lose(school, backup)
    assert go_on(school).refused == 1


def test_an_erasure_that_was_at_its_end_leaves_nothing_and_asks_nothing(school: School) -> None:
    sign_up(school, "anna")
    backup = back_up(school)
    asked = school.erase("anna")
    school.passes(MONTHS)
    answer = Answer("mail", school.clock.at, Outcome.DONE)
    answers.answer(school.ledger, school.customer, asked.operation, answer)
    school.passing(MINUTE)
    lead(school)
    assert school.ledger.safe.unconfirmed() == {}
    lose(school, backup)
    assert go_on(school) == Replayed(erased=1)
    assert school.tasks() == []
    [row] = school.rows(sa.select(people))
    assert row.sealed is None
    school.passes(DAY)
    assert school.imitation.made("subscribe") == 1


def test_a_key_that_an_older_safe_brings_back_is_destroyed(school: School) -> None:
    """The other way round: the safe is the one from a backup."""
    sign_up(school, "anna")
    with school.ledger.safe.database.read() as tx:
        keys = [dict(row) for row in tx.db.execute(sa.select(safe.person_keys)).mappings()]
        pulses = dict(tx.db.execute(sa.select(safe.installation)).mappings().one())
    lead(school)
    school.erase("anna")
    with school.ledger.safe.database.begin() as tx:
        tx.db.execute(sa.insert(safe.person_keys), keys)
        tx.db.execute(sa.update(safe.installation).values(**pulses | {"pulse": uuid4()}))
    with pytest.raises(UnsafeDatabase):
        pulse.check(school.ledger.database, school.ledger.safe.database)
    go_on(school)
    with school.ledger.safe.database.read() as tx:
        assert tx.db.execute(sa.select(safe.person_keys)).all() == []


def test_a_replay_that_is_killed_at_each_step_is_begun_again(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 2)
    several = [f"person-{number}" for number in range(5)]
    sign_up(school, *several)
    backup = back_up(school)
    for one in several:
        school.erase(one)
    lose(school, backup)
    for number in range(1, 4):
        assert len(list(islice(replay(school.ledger), number))) == number
        with pytest.raises(UnsafeDatabase):
            pulse.check(school.ledger.database, school.ledger.safe.database)
    go_on(school)
    school.passes(DAY)
    assert [present(school, one) for one in several] == [[]] * 5


def test_the_trail_says_that_it_was_restored_and_holds(school: School) -> None:
    sign_up(school, "anna")
    audit.seal(school.ledger)
    backup = back_up(school)
    lose(school, backup)
    go_on(school)
    assert [row.kind for row in school.rows(sa.select(events))][-1] == module.RESTORED


def test_links_to_pages_end_as_nobody_knows_which_were_ended_since(school: School) -> None:
    backup = back_up(school)
    lose(school, backup)
    go_on(school)
    [row] = school.rows(sa.select(customers))
    assert row.links_since == school.clock.at


def test_without_a_restore_a_replay_finds_nothing_and_changes_nothing(school: School) -> None:
    sign_up(school, "anna", "bram")
    school.erase("anna")
    school.unsubscribe("bram")
    before = len(school.rows(sa.select(events)))
    assert all_of(replay, school.ledger) == Replayed()
    assert len(school.rows(sa.select(events))) == before


@pytest.mark.parametrize("cycles", [3, pytest.param(20, marks=pytest.mark.large)])
def test_s5_s10_no_restore_brings_anybody_back(school: School, cycles: int) -> None:
    """Each time others of them are erased, opt out, or stay; nobody may start in between."""
    chance = random.Random(16)  # noqa: S311 - which of them, and no secret
    refused_to_start, gone, out = 0, set[str](), set[str]()
    for cycle in range(cycles):
        names = [f"person-{cycle}-{number}" for number in range(5)]
        sign_up(school, *names)
        backup = back_up(school)
        school.passing(HOUR)
        erased, opted_out, *_ = chance.sample(names, 4)
        school.erase(erased)
        school.unsubscribe(opted_out)
        if chance.random() < 0.5:
            school.drain()
        gone.add(erased)
        out.add(opted_out)
        lose(school, backup)
        with pytest.raises(UnsafeDatabase):
            pulse.check(school.ledger.database, school.ledger.safe.database)
        refused_to_start += 1
        assert go_on(school) == Replayed(erased=1, refused=1)
        school.passes(HOUR)
        old = school.basis(ago=3 * HOUR)
        for one in (erased, opted_out):
            assert isinstance(school.refusal(asks(one, old)), NoBasis)
    assert refused_to_start == cycles
    assert [one for one in sorted(gone) if present(school, one)] == []
    mailed = {Presence.SUBSCRIBED, Presence.PENDING}
    assert [one for one in sorted(out) if mailed & set(present(school, one))] == []
