"""A school's months with us, told once, looked at before and after its erasures are over."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from app import wiring
from core.ledger import customers
from core.testing.plaintext import Scanner
from tests.end_to_end.marked import deeds, months, places, sealed
from tests.end_to_end.marked.deeds import School
from tests.end_to_end.marked.house import SCHOOL, House
from tests.end_to_end.marked.people import Marked, people
from tests.end_to_end.marked.platform import telltale
from tests.end_to_end.marked.sealed import Sealed
from tests.storms.sandboxes import platform
from tests.storms.servers import Postgres, Rabbit, Redis

Found = Mapping[str, set[tuple[str, str, str]]]
# Sealed with the customer's key, which lives on: gone when the safe's files are rid of them.
OF_THE_SAFE = ("key", "record")
SHREDDED = ("basis", "remote ids")  # these stay as they are: their key is gone


@dataclass(frozen=True)
class Plan:
    """``patience`` is for each of three waits; ``worse``: with answers lost and workers killed."""

    number: int
    patience: float
    worse: bool
    workers: int = 0
    broker: str = ""


@dataclass(frozen=True)
class Told:
    """
    ``backup`` is what a backup made just before the erasures holds of the erased, with what the
    safe held of them; ``opened_before`` and ``opened_after`` are those of it that open.
    ``left`` is what the ledger still has of them in the end, ``raw`` are the pieces of the safe
    in which one of its old values still lies.
    """

    people: Sequence[Marked]
    control: Found
    before: Found
    after: Found
    backup: Sequence[Sealed]
    opened_before: Sequence[Sealed]
    opened_after: Sequence[Sealed]
    raw: Sequence[str]
    left: Sequence[Sealed]
    forgotten: int
    log: bytes


@contextmanager
def a_house(folder: Path, plan: Plan) -> Iterator[House]:
    with ExitStack() as stack:
        given: dict[str, object] = {}
        if plan.broker:
            postgres = Postgres(folder / "postgres")
            stack.callback(postgres.close)
            given["postgres"] = postgres
            broker = SERVERS[plan.broker](folder / "broker")
            (folder / "broker").mkdir()
            broker.start()
            stack.callback(broker.kill)
            given[plan.broker] = broker
        house = House(folder / "house", **given)  # type: ignore[arg-type]  # its names
        stack.callback(house.stop)
        yield house


SERVERS: Mapping[str, Callable[[Path], Redis | Rabbit]] = {
    "redis": lambda folder: Redis(folder, keeps=True),
    "rabbit": Rabbit,
}


def tell(folder: Path, plan: Plan) -> Told:
    them = people(plan.number)
    marks = Scanner({mark for one in them for mark in one.marks})
    whims = telltale(worse=plan.worse, hangs=int(plan.worse))
    journal = folder / "platform.journal"
    with platform(journal, exchange=whims) as served, a_house(folder, plan) as house:
        deeds.opens(house, served.server_port)
        whims.behaves = False
        for name in ("serve", *(f"work-{number}" for number in range(plan.workers))):
            house.start(name)
        with house.client() as http:
            school = School(house, them, http)
            lives(school, plan)
            house.back_up()
            backup = snapshot(house, them)
            opened_before = opened(house, backup)
            asked = school.erase()
            if plan.worse:
                time.sleep(1)
                house.kill(house.workers[0])
            school.waits(plan.patience)
            school.attest()
            school.tell_them(asked)
            house.back_up()
            backup = [*backup, *snapshot(house, them)]
        before = places.found(house, marks)
        house.stop()
        whims.behaves = True
        ends, raw = over(house, backup)
        places.plant(house)
        return Told(
            people=them,
            control=places.found(house, Scanner([places.PLANTED])),
            before=before,
            after=places.found(house, marks),
            backup=backup,
            opened_before=opened_before,
            opened_after=opened(house, [one for one in backup if one.what not in OF_THE_SAFE]),
            raw=raw,
            left=[one for one in snapshot(house, them) if one.what not in SHREDDED],
            forgotten=ends,
            log=b"".join(data for _, data in places.words(house)),
        )


def lives(school: School, plan: Plan) -> None:
    school.join()
    school.waits(plan.patience)
    school.change()
    school.restrict()
    school.regret()
    school.err()
    school.waits(plan.patience)
    school.attest()
    school.read()


def snapshot(house: House, them: Sequence[Marked]) -> Sequence[Sealed]:
    """What is sealed of those who are to be erased, or were."""
    with wiring.opened(house.settings) as found:
        with found.ledger.read() as tx:
            customer = customers.named(tx, SCHOOL)
        erased = [one.reference for one in them if one.fate == "erased"]
        ids = sealed.ids(found.ledger, customer, erased)
        return [*sealed.of_people(found.ledger, ids), *sealed.in_the_safe(found.ledger, ids)]


def opened(house: House, values: Sequence[Sealed]) -> Sequence[Sealed]:
    """With every key that there is."""
    with wiring.opened(house.settings) as found:
        with found.ledger.read() as tx:
            customer = customers.named(tx, SCHOOL)
        return sealed.opened(values, sealed.every_key(found.ledger, customer))


def over(house: House, values: Sequence[Sealed]) -> tuple[int, Sequence[str]]:
    """How many erasures came to their very end; what the safe's files still hold then."""
    with wiring.opened(house.settings) as found:
        with found.ledger.read() as tx:
            customer = customers.named(tx, SCHOOL)
        months.pass_by(found, customer)
        house.write_down()
        return months.forgotten(found), still_there(house, values)


def still_there(house: House, values: Sequence[Sealed]) -> Sequence[str]:
    """Where the safe's own files still hold a key or a record that was destroyed."""
    of_safe = [one for one in values if one.what in OF_THE_SAFE]
    return [
        f"{one.what} in {where}"
        for place in places.stores(house)
        for where, data in place(house)
        for one in of_safe
        if one.value in data
    ]
