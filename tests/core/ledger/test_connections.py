"""One account at a platform each: sealed settings, pinned account, closed for good."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
import sqlalchemy as sa

from core.connector import Account, Verb
from core.database import Transaction
from core.errors import LeaseLost
from core.ledger import Ledger, connections, customers, holdings, lanes, latecomers, schema, tasks
from core.ledger.intake import Batch
from core.refusals import CannotAccept, Taken, Unknown
from core.report.condition import Doing, conditions
from core.sealing import CannotOpen
from core.states import State, Task
from tests.school import (
    COURSE,
    NEWS,
    Hands,
    School,
    ends,
    erasure,
    lane_of,
    the_holding,
    update,
)
from tests.threads import at_once, meeting, together


def sealed_settings(tx: Transaction) -> list[bytes]:
    return [row.settings for row in tx.db.execute(sa.select(schema.connections.c.settings))]


def test_settings_open_in_their_own_connection_only(school: School) -> None:
    one, other = school.connect("Mailman"), school.connect("Laposta")
    with school.ledger.begin() as tx:
        first = connections.one(tx, one)
        settings = connections.settings_of(school.ledger, tx, first)
        assert settings == {"api_key": "secret of Mailman"}
        where = schema.connections.c.id == other
        tx.db.execute(
            sa.update(schema.connections).where(where).values(settings=first.sealed_settings)
        )
        with pytest.raises(CannotOpen):
            connections.settings_of(school.ledger, tx, connections.one(tx, other))


def test_no_setting_is_stored_in_the_clear(school: School) -> None:
    school.connect()
    with school.ledger.read() as tx:
        assert all(b"secret" not in sealed for sealed in sealed_settings(tx))


def test_a_second_connection_to_the_same_account_is_refused(school: School) -> None:
    school.connect("Mailman")
    with pytest.raises(Taken, match='connected already, as "Mailman"'):
        connections.add(
            school.ledger,
            school.customer.id,
            platform="mailman",
            title="Nog een",
            settings={},
            account=Account("Mailman", "Mailman"),
            places={},
            fields=(),
            keep_refusal=False,
        )


def test_a_title_is_taken_once(school: School) -> None:
    school.connect("Mailman")
    with pytest.raises(Taken, match="Choose another title"):
        connections.add(
            school.ledger,
            school.customer.id,
            platform="laposta",
            title="Mailman",
            settings={},
            account=Account("other", "Other"),
            places={},
            fields=(),
            keep_refusal=False,
        )


def test_two_lists_never_share_a_place(school: School) -> None:
    shared = {NEWS: "iedereen", COURSE: "iedereen"}
    with pytest.raises(CannotAccept, match=r'cursusinfo and nieuwsbrief would share .*"iedereen"'):
        school.connect("Mailman", places=shared)
    with school.ledger.read() as tx:
        assert connections.of_customer(tx, school.customer.id) == []


def test_two_customers_may_each_connect_an_account(ledger: Ledger, school: School) -> None:
    other = School(ledger, customers.create(ledger, "De Kwast"))
    assert school.connect("Mailman") != other.connect("Mailman")
    with ledger.read() as tx:
        (mine,) = connections.of_customer(tx, school.customer.id)
        assert mine.customer == school.customer.id


def test_an_unknown_connection_is_refused_with_the_titles_that_exist(school: School) -> None:
    school.connect("Mailman")
    with school.ledger.read() as tx:
        assert connections.titled(tx, school.customer.id, "Mailman").title == "Mailman"
        with pytest.raises(Unknown, match="Known: Mailman"):
            connections.titled(tx, school.customer.id, "Laposta")


# --- pausing: nothing is sent there for now


def test_what_is_asked_while_a_connection_is_paused_waits_and_goes_on(
    school: School, hands: Hands
) -> None:
    connection = school.connect()
    connections.pause(school.ledger, connection)
    school.accepted(school.subscription())
    assert never_leased(school, hands)
    connections.resume(school.ledger, connection)
    hands.turn(connection)
    assert the_holding(school.ledger).state is State.CONFIRMED


def test_a_paused_connection_is_named_until_it_goes_on(school: School) -> None:
    one, other = school.connect("Mailman"), school.connect("Laposta")
    for _ in range(2):
        connections.pause(school.ledger, one)
    assert healths(school, one, other) == [Doing.PAUSED, Doing.WORKING]
    for _ in range(2):
        connections.resume(school.ledger, one)
    assert healths(school, one, other) == [Doing.WORKING, Doing.WORKING]


def healths(school: School, *several: UUID) -> list[Doing]:
    with school.ledger.read() as tx:
        found = conditions(tx, several)
    return [found[one].doing for one in several]


def test_resuming_is_no_way_round_credentials_that_do_not_work(school: School) -> None:
    connection = school.connect()
    with school.ledger.begin() as tx:
        lanes.hold(tx, connection, "credentials")
    for change in (connections.pause, connections.resume):
        with pytest.raises(Taken, match="Renew them"):
            change(school.ledger, connection)
    assert lane_of(school.ledger, connection).held_for == "credentials"


def test_a_pause_outlives_failing_and_renewed_credentials(school: School) -> None:
    connection = school.connect()
    connections.pause(school.ledger, connection)
    with school.ledger.begin() as tx:
        lanes.hold(tx, connection, "credentials")  # a worker that was still busy there
    account = Account("Mailman", "Mailman")
    connections.renew(school.ledger, only_connection(school), {"api_key": "new"}, account)
    assert lane_of(school.ledger, connection).held_for == "paused"


def test_credentials_that_are_renewed_while_the_old_ones_fail_leave_no_task(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    school.connect()
    connection = only_connection(school)
    both = meeting()

    def fail() -> None:
        """As a turn does that has read the old ones."""
        with school.ledger.begin() as tx:
            lanes.held_for(tx, connection.id)
            if connections.one(tx, connection.id).sealed_settings != connection.sealed_settings:
                return
            lanes.hold(tx, connection.id, lanes.CREDENTIALS)
            together(tasks.open_for, both)(
                tx,
                kind=Task.RECONNECT,
                verb=None,
                customer=school.customer.id,
                connection=connection.id,
            )

    def renew() -> None:
        account = Account("Mailman", "Mailman")
        connections.renew(school.ledger, connection, {"api_key": "new"}, account)

    monkeypatch.setattr(tasks, "close_for_connection", together(tasks.close_for_connection, both))
    at_once(fail, renew)
    assert lane_of(school.ledger, connection.id).held_for is None
    with school.ledger.read() as tx:
        assert tasks.waiting(tx, school.customer.id) == []


@pytest.mark.parametrize("change", [connections.pause, connections.resume])
def test_what_is_closed_for_good_neither_pauses_nor_goes_on(
    closed: School, hands: Hands, change: Callable[[Ledger, UUID], None]
) -> None:
    with pytest.raises(Taken, match="closed for good"):
        change(closed.ledger, only_connection(closed).id)
    assert never_leased(closed, hands)


def test_only_the_pinned_account_is_the_account_of_a_connection(school: School) -> None:
    school.connect("Mailman")
    with school.ledger.read() as tx:
        for account, same in ((Account("Mailman", "x"), True), (Account("x", "Mailman"), False)):
            connection = connections.titled(tx, school.customer.id, "Mailman")
            assert connections.is_account(school.ledger, tx, connection, account) is same


def test_s4_it_is_kept_when_storage_outside_the_eu_was_accepted(school: School) -> None:
    school.connect("Mailman")
    connections.add(
        school.ledger,
        school.customer.id,
        platform="mailchimp",
        title="Mailchimp",
        settings={},
        account=Account("m", "m"),
        places={},
        fields=(),
        keep_refusal=False,
        outside_eu_accepted=True,
    )
    with school.ledger.read() as tx:
        inside, outside = (
            connections.titled(tx, school.customer.id, title) for title in ("Mailman", "Mailchimp")
        )
    assert inside.outside_eu_accepted_at is None
    assert outside.outside_eu_accepted_at == school.now()


# --- closing: nothing more is sent there


@pytest.fixture
def closed(school: School, hands: Hands) -> School:
    """A school whose one connection holds a person, and was closed."""
    connection = school.connect()
    school.accepted(school.subscription())
    hands.turn(connection)
    connections.close(school.ledger, connection)
    return school


def only_connection(school: School) -> connections.Connection:
    with school.ledger.read() as tx:
        (found,) = connections.of_customer(tx, school.customer.id)
    return found


def never_leased(school: School, hands: Hands) -> bool:
    with school.ledger.begin() as tx:
        lanes.heal(tx)
        rung = lanes.due(tx)
    return not rung and hands.lease(only_connection(school).id) is None


def test_a_closed_connection_stays_known(closed: School) -> None:
    assert not only_connection(closed).is_open
    assert the_holding(closed.ledger).state is State.CONFIRMED


def test_work_that_waited_when_a_connection_was_closed_is_never_sent(
    school: School, hands: Hands
) -> None:
    connection = school.connect()
    school.accepted(school.subscription())
    connections.close(school.ledger, connection)
    assert never_leased(school, hands)
    assert the_holding(school.ledger).due_at is None


def test_a_worker_that_is_busy_there_sends_nothing_more(school: School, hands: Hands) -> None:
    connection = school.connect()
    school.accepted(school.subscription())
    lease = hands.must_lease(connection)
    hands.claim(lease)
    connections.close(school.ledger, connection)
    with school.ledger.read() as tx, pytest.raises(LeaseLost):
        holdings.in_flight(tx.db, lease)
    hands.release(lease)
    assert never_leased(school, hands)


def test_new_operations_do_not_reach_a_closed_connection(closed: School, hands: Hands) -> None:
    closed.accepted(closed.subscription("cf-2", "piet@example.nl", lists=[NEWS, COURSE]))
    changed = closed.accepted(update(first_name="Johan"))
    assert changed.holdings == 0
    assert never_leased(closed, hands)


def test_a_closed_lane_cannot_be_resumed(closed: School, hands: Hands) -> None:
    closed.accepted(erasure())
    with closed.ledger.begin() as tx:
        lanes.resume(tx, only_connection(closed).id)
    assert never_leased(closed, hands)


def test_a_person_can_be_erased_although_the_connection_is_closed(
    closed: School, hands: Hands
) -> None:
    """Only the customer can look there now: never silence, but a task with a deadline."""
    accepted = closed.accepted(erasure())
    assert accepted.holdings == 1
    assert the_holding(closed.ledger).state is State.CANNOT_LOOK
    assert ends(closed.ledger)[accepted.seq] is None
    with closed.ledger.read() as tx:
        (task,) = tasks.waiting(tx, closed.customer.id)
    assert (task.kind, task.verb, task.person) == (Task.CANNOT_LOOK, Verb.ERASE, accepted.person)
    assert task.deadline is not None
    assert never_leased(closed, hands)


def test_an_erasure_that_waits_when_a_connection_is_closed_becomes_a_task(
    school: School, hands: Hands
) -> None:
    connection = school.connect()
    school.accepted(school.subscription())
    hands.turn(connection)
    erased = school.accepted(erasure())
    connections.close(school.ledger, connection)
    assert the_holding(school.ledger).state is State.CANNOT_LOOK
    assert ends(school.ledger)[erased.seq] is None
    with school.ledger.read() as tx:
        (task,) = tasks.waiting(tx, school.customer.id)
    assert (task.kind, task.verb) == (Task.CANNOT_LOOK, Verb.ERASE)


def test_an_erasure_that_comes_while_a_connection_is_made_reaches_it(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither sees the other's rows, where nothing prevents that."""
    school.accepted(school.subscription())
    both = meeting()
    monkeypatch.setattr(Batch, "erase", together(Batch.erase, both))
    monkeypatch.setattr(latecomers, "search", together(latecomers.search, both))
    at_once(lambda: school.accepted(erasure()).person, school.connect)
    assert the_holding(school.ledger).goal.erase


def test_an_erasure_that_comes_while_a_connection_is_closed_becomes_a_task(
    school: School, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = school.connect()
    school.accepted(school.subscription())
    hands.turn(connection)
    both = meeting()
    monkeypatch.setattr(Batch, "erase", together(Batch.erase, both))
    monkeypatch.setattr(lanes, "close", together(lanes.close, both))
    at_once(
        lambda: school.accepted(erasure()), lambda: connections.close(school.ledger, connection)
    )
    assert the_holding(school.ledger).state is State.CANNOT_LOOK
    with school.ledger.read() as tx:
        (task,) = tasks.waiting(tx, school.customer.id)
    assert (task.kind, task.verb) == (Task.CANNOT_LOOK, Verb.ERASE)


def test_an_account_that_was_closed_can_be_connected_again(closed: School) -> None:
    again = connections.add(
        closed.ledger,
        closed.customer.id,
        platform="mailman",
        title="Mailman, opnieuw",
        settings={},
        account=Account("Mailman", "Mailman"),
        places={},
        fields=(),
        keep_refusal=False,
    )
    with closed.ledger.read() as tx:
        known = connections.of_customer(tx, closed.customer.id)
    assert len(known) == 2
    assert [one.id for one in known if one.is_open] == [again]


def test_closing_twice_keeps_the_first_moment(closed: School) -> None:
    first = only_connection(closed).closed_at
    connections.close(closed.ledger, only_connection(closed).id)
    assert only_connection(closed).closed_at == first
    assert lane_of(closed.ledger, only_connection(closed).id).ready_at is None
