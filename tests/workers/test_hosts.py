"""A host that does not answer is tried by one connection for all, and costs nobody else a thing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
from pydantic import BaseModel

from core.connector import Account, Connector, Verb
from core.database import Transaction
from core.errors import Reconnect, Refused, TryAt, TryLater, Unreadable
from core.ledger import Ledger, connections, customers, hosts, intake, tasks
from core.ledger import lanes as lanes_of
from core.ledger.customers import MailingList, Purpose
from core.ledger.schema import attempts, holdings
from core.ledger.schema import hosts as host_rows
from core.ledger.schema import lanes as lane_rows
from core.states import State, Task
from core.testing.imitation import HONEST, NEWS, Imitation
from core.testing.lies import fails
from tests.school import Hands
from tests.threads import at_once
from tests.workers.school import HOUR, MINUTE, SECOND, School, ToImitation, on_sqlite
from workers.dispatcher import Dispatcher
from workers.schedule import HOST_FAILURES, LONGEST_REST, host_rest

HOST = "imitation.test:443"
AWAY = TryLater("no connection to imitation.test")
STEP = 2 * SECOND
LANES = 6


class Number(BaseModel):
    """Which imitation a connection leads to."""

    number: int


class ToSeveral(ToImitation):
    """Reaches as many accounts as there are, all at the same host unless one was moved."""

    def __init__(self, several: Mapping[int, Imitation]) -> None:
        super().__init__(several[0])
        self.several = several

    def settings(self, platform: str, given: Mapping[str, Any]) -> BaseModel:
        return Number(number=given.get("number", 0))

    def connect(
        self,
        platform: str,
        settings: BaseModel,
        *,
        before_call: Callable[[], None] = lambda: None,
        before_change: Callable[[], None] = lambda: None,
        asked_to_rest: Callable[[timedelta], None] = lambda _: None,
    ) -> Connector[Any]:
        assert isinstance(settings, Number)
        return self.several[settings.number].connect(before_call, before_change)


class Town:
    """Connections of several customers to accounts at one host, with a dispatcher and a worker."""

    def __init__(self, school: School, number: int) -> None:
        self.school = school
        self.clock = school.clock
        self.imitations = {n: Imitation(lambda: self.clock.at) for n in range(number)}
        self.reach = ToSeveral(self.imitations)
        school.worker.hands = replace(school.worker.hands, reach=self.reach)
        self.rung: list[UUID] = []
        self.dispatcher = Dispatcher(school.ledger, self.rung.append)
        self.owners = [self.owner(n) for n in range(number)]
        self.lanes = [self.connect(n) for n in range(number)]

    def owner(self, number: int) -> customers.Customer:
        made = customers.create(self.school.ledger, f"School {number}")
        one = MailingList(NEWS.id, Purpose.NEWSLETTER, "Nieuws")
        customers.put_list(self.school.ledger, made, one)
        return made

    def connect(self, number: int) -> UUID:
        return connections.add(
            self.school.ledger,
            self.owners[number].id,
            platform=HONEST.name,
            title="Imitation",
            settings={"number": number},
            account=Account("imitation", "Imitation"),
            places={NEWS.id: NEWS.id},
            fields=(),
            keep_refusal=False,
            host=HOST,
        )

    def ask(self, number: int, reference: str = "cf-1") -> None:
        request = intake.Request(
            Verb.SUBSCRIBE,
            reference,
            f"{reference}@example.nl",
            lists=(NEWS.id,),
            basis=self.school.basis(),
        )
        [outcome] = intake.accept(self.school.ledger, self.owners[number], [request])
        assert isinstance(outcome, intake.Accepted)

    def ask_everywhere(self) -> None:
        for number in range(len(self.owners)):
            self.ask(number)

    def goes_down(self, *numbers: int, error: Exception = AWAY) -> None:
        for number in numbers or self.imitations:
            self.imitations[number].always("places", fails(error))

    def comes_back(self) -> None:
        for one in self.imitations.values():
            one.lie("places")

    def passes(self, time: timedelta, step: timedelta = STEP) -> None:
        """Ticks all along, and works on whatever is rung."""
        until = self.clock.at + time
        while self.clock.at < until:
            self.dispatcher.tick()
            while self.rung:
                self.school.worker.drain(self.rung.pop(0))
            self.clock.passes(step)

    def calls(self, since: datetime) -> list[tuple[datetime, int]]:
        return sorted(
            (call.at, number)
            for number, one in self.imitations.items()
            for call in one.calls
            if call.at >= since
        )

    def move(self, address: str, *numbers: int) -> None:
        for number in numbers:
            connector = self.imitations[number].connect(lambda: None, lambda: None)
            connector.http.base_url = httpx.URL(address)

    def host(self) -> Any:
        rows = self.school.rows(sa.select(host_rows).where(host_rows.c.name == HOST))
        return rows[0] if rows else None

    def states(self) -> list[str]:
        return [row.state for row in self.school.rows(sa.select(holdings.c.state))]


def is_hammered(town: Town, since: datetime) -> bool:
    """Whether any try came sooner after another than it had been away by then."""
    away = town.host().since
    moments = [at for at, _ in town.calls(since)]
    return any(later - first < host_rest(first - away) for first, later in pairwise(moments))


@pytest.fixture
def town(school: School) -> Town:
    return Town(school, LANES)


def break_down(town: Town) -> datetime:
    """All are dead, and the host is known to be; the moment after."""
    town.goes_down()
    town.ask_everywhere()
    town.passes(2 * STEP)
    assert town.host().closed_until is not None
    return town.clock.at


@on_sqlite
def test_a_dead_host_is_tried_by_one_of_its_connections_ever_more_rarely(town: Town) -> None:
    since = break_down(town)
    assert HOST_FAILURES <= len(town.calls(since - HOUR)) <= LANES
    town.passes(8 * MINUTE)
    assert not is_hammered(town, since)
    tries = town.calls(since)
    assert 10 <= len(tries) <= 12  # about 2, 4, 8, 16, 32 seconds after; then each minute
    assert len({number for _, number in tries}) == LANES  # nobody's trouble alone


@on_sqlite
def test_without_a_breaker_of_the_host_the_checker_sees_it_hammered(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosts, "is_everybodys", lambda *_: False)
    town.goes_down()
    town.ask_everywhere()
    since = town.clock.at
    town.passes(MINUTE, 5 * SECOND)
    assert is_hammered(town, since)


@on_sqlite
def test_one_success_opens_the_host_for_all_at_once(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    break_down(town)
    town.comes_back()
    back = town.clock.at
    town.passes(LONGEST_REST + 3 * STEP)
    assert town.host() is None
    assert town.states() == [State.CONFIRMED] * LANES
    first = town.calls(back)[0][0]
    assert town.calls(back)[-1][0] - first <= 2 * STEP
    assert caplog.text.count("a host answers nobody") == 1
    assert caplog.text.count("a host answers again") == 1


@on_sqlite
def test_who_waits_for_a_host_waits_at_most_as_long_again(town: Town) -> None:
    since = break_down(town)
    town.passes(5 * STEP)
    town.comes_back()
    town.passes(town.clock.at - since + 2 * STEP)
    assert town.states() == [State.CONFIRMED] * LANES


@on_sqlite
def test_a_turn_that_began_before_a_host_was_closed_keeps_it_closed_no_longer(town: Town) -> None:
    break_down(town)
    before = town.host()
    town.clock.passes(SECOND)
    with town.school.ledger.begin() as tx:
        assert not hosts.failed(tx, HOST, tried=False, most=2, rest=host_rest)
    assert town.host() == before


@on_sqlite
def test_waiting_for_a_host_counts_as_no_attempt(town: Town) -> None:
    break_down(town)
    town.passes(5 * MINUTE, 10 * SECOND)
    assert town.school.rows(sa.select(attempts)) == []
    assert {row.attempts for row in town.school.rows(sa.select(holdings.c.attempts))} == {0}


@on_sqlite
def test_one_dead_connection_does_not_slow_the_others_at_its_host(town: Town) -> None:
    town.goes_down(0)
    town.ask(0)
    town.passes(3 * MINUTE, 5 * SECOND)
    assert town.host().failures >= HOST_FAILURES
    assert town.host().closed_until is None
    asked = town.clock.at
    town.ask(1)
    town.passes(STEP)
    assert {at for at, number in town.calls(asked) if number == 1} == {asked}
    assert town.host() is None


@on_sqlite
def test_two_dead_connections_cannot_keep_a_third_from_its_turn(town: Town) -> None:
    """Whoever failed least tries first, and finds that the host is well."""
    town.goes_down(0, 1)
    town.ask(0)
    town.ask(1)
    town.passes(2 * MINUTE, 5 * SECOND)
    assert town.host().closed_until is not None
    asked = town.clock.at
    town.ask(2)
    town.passes(LONGEST_REST + 2 * STEP)
    [served, *_] = [at for at, number in town.calls(asked) if number == 2]
    assert served - asked <= LONGEST_REST + STEP


@on_sqlite
@pytest.mark.parametrize(
    "error",
    [
        TryAt("429", wait=SECOND),
        Reconnect("401", status=401),
        Refused("404", status=404),
        TryLater("423", status=423),
    ],
)
def test_whoever_answers_is_reached(town: Town, error: Exception) -> None:
    break_down(town)
    town.goes_down(error=error)
    town.passes(LONGEST_REST + STEP, 5 * SECOND)
    assert town.host() is None


@on_sqlite
def test_what_cannot_be_read_says_nothing_about_the_host(town: Town) -> None:
    town.goes_down(error=Unreadable("something else than JSON"))
    town.ask_everywhere()
    town.passes(MINUTE)
    assert town.host() is None


@on_sqlite
def test_a_try_that_tells_nothing_keeps_the_others_no_longer_than_one_that_fails(
    town: Town,
) -> None:
    since = break_down(town)
    town.goes_down(error=Unreadable("cut off in the middle"))
    town.passes(5 * STEP)
    town.comes_back()
    town.passes(town.clock.at - since + 4 * STEP)
    assert town.states() == [State.CONFIRMED] * LANES


@on_sqlite
def test_another_host_is_left_in_peace(town: Town) -> None:
    town.move("https://elsewhere.test", 5)
    town.ask(5)
    town.passes(STEP)
    town.goes_down(*range(5))
    town.ask_everywhere()
    town.passes(100 * SECOND)
    asked = town.clock.at
    town.ask(5, "cf-2")
    town.passes(STEP)
    assert town.host().closed_until is not None
    assert {number for _, number in town.calls(asked)} == {5}


@on_sqlite
def test_connections_that_were_moved_do_not_wait_for_their_old_host(town: Town) -> None:
    break_down(town)
    town.move("http://gateway.test:8080", *range(LANES))
    town.comes_back()
    town.passes(LONGEST_REST + 3 * STEP)
    assert town.host() is None
    assert town.states() == [State.CONFIRMED] * LANES
    assert {row.host for row in town.school.rows(sa.select(lane_rows.c.host))} == {
        "gateway.test:8080",
        None,
    }


@on_sqlite
def test_a_rest_that_a_platform_asked_for_outlives_its_hosts_trouble(town: Town) -> None:
    with town.school.ledger.begin() as tx:
        lanes_of.rest(tx, town.lanes[0], HOUR)
    break_down(town)
    town.comes_back()
    back = town.clock.at
    town.passes(2 * MINUTE, 5 * SECOND)
    assert town.host() is None
    assert 0 not in {number for _, number in town.calls(back)}


@on_sqlite
def test_when_the_one_that_tries_dies_another_tries_at_once(town: Town) -> None:
    """The session is held by nobody, as after a death."""
    break_down(town)
    town.comes_back()
    town.clock.at = town.host().closed_until
    dead = Hands.of(town.school.ledger)
    taken = [one for one in town.lanes if dead.lease(one) is not None]
    assert len(taken) == 1
    town.passes(2 * STEP)
    assert town.host() is None
    assert town.states().count(State.CONFIRMED) >= LANES - 1


@on_sqlite
def test_when_the_one_that_tries_stands_still_another_tries_after_its_lease(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_down(town)
    town.comes_back()
    town.clock.at = town.host().closed_until
    still = Hands.of(town.school.ledger)
    assert len([one for one in town.lanes if still.lease(one) is not None]) == 1
    monkeypatch.setattr("workers.dispatcher.dead", lambda *_: ())
    town.passes(lanes_of.LEASE - STEP, 4 * STEP)
    assert town.states() == [State.QUEUED] * LANES
    town.passes(4 * STEP)
    assert town.states().count(State.CONFIRMED) >= LANES - 1


def test_of_many_who_come_at_once_one_tries(school: School) -> None:
    town = Town(school, 6)
    break_down(town)
    town.clock.at = town.host().closed_until
    workers = [Hands.of(school.ledger) for _ in town.lanes]
    leases = at_once(*[partial(w.lease, lane) for w, lane in zip(workers, town.lanes, strict=True)])
    [one] = [lease for lease in leases if lease is not None]
    assert one.tries


@on_sqlite
def test_who_waits_for_an_hour_is_told_and_it_ends_by_itself(town: Town) -> None:
    break_down(town)
    town.passes(HOUR + 3 * MINUTE, MINUTE)
    assert told(town) == [Task.CANNOT_LOOK] * LANES
    town.comes_back()
    town.passes(2 * MINUTE)
    assert told(town) == []


def test_who_answers_while_the_others_are_told_of_it_leaves_no_task_behind(
    town: Town, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_down(town)
    silent = hosts.silent

    def answer() -> None:
        with ledger.begin() as tx:
            hosts.answered(tx, HOST)

    with ThreadPoolExecutor(1) as pool:

        def meanwhile(tx: Transaction, since: datetime) -> Sequence[sa.Row[Any]]:
            found = silent(tx, since)
            wait([pool.submit(answer)], timeout=0.5)  # unless it has to wait for us
            return found

        monkeypatch.setattr(hosts, "silent", meanwhile)
        with ledger.begin() as tx:
            hosts.say_so(tx, tx.now)
    assert town.host() is None
    assert told(town) == []


def told(town: Town) -> list[Task]:
    with town.school.ledger.read() as tx:
        return [one.kind for owner in town.owners for one in tasks.waiting(tx, owner.id)]


@on_sqlite
def test_a_healthy_turn_neither_writes_nor_asks_about_its_host(town: Town) -> None:
    """The question goes along with what is asked and written about the lane anyway."""
    statements: list[str] = []
    engine = town.school.ledger.database.engine
    sa.event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    town.ask(0)
    town.passes(STEP)
    assert town.states() == [State.CONFIRMED]
    of_hosts = [one for one in statements if " hosts" in one]
    assert of_hosts
    assert [one for one in of_hosts if "FROM lanes" not in one and "UPDATE lanes" not in one] == []


def test_who_fails_and_who_answers_never_block_each_other_for_good(
    school: School, ledger: Ledger
) -> None:
    """Lanes before hosts, lanes in one order: PostgreSQL would end a circle with an error."""
    town = Town(school, 4)
    rounds = 12

    def fail(lane: UUID) -> None:
        for _ in range(rounds):
            with ledger.begin() as tx:
                lanes_of.rest(tx, lane, SECOND)
                hosts.failed(tx, HOST, tried=True, most=2, rest=host_rest)

    def answer() -> None:
        for _ in range(rounds):
            with ledger.begin() as tx:
                hosts.answered(tx, HOST)

    at_once(*[partial(fail, lane) for lane in town.lanes], answer, answer)
