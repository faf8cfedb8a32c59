"""What the people of one seed ask for, at the school and at the platforms themselves."""

from __future__ import annotations

from datetime import timedelta
from itertools import count

from core.connector import Basis, BasisKind, Presence, Verb
from core.database import DatabaseAway
from core.ledger.intake import Accepted, Request, accept
from core.refusals import CannotAccept, NoBasis
from core.testing.imitation import COURSES, NEWS
from tests.simulation.platform import Account
from tests.simulation.promises import Promise, Promises
from tests.simulation.stage import Process
from tests.simulation.world import HOUR, SECOND, World

PEOPLE = ("cf-1", "cf-2")
REQUESTS = 10
NAMES = ("Anna", "Bram", "Cees", "Dirk")
LISTS = ((NEWS.id,), (COURSES.id,), (NEWS.id, COURSES.id))
VERBS = (Verb.SUBSCRIBE,) * 4 + (Verb.UPDATE,) * 2 + (Verb.UNSUBSCRIBE,) * 2 + (Verb.ERASE,) * 3
GAPS = (SECOND / 10, SECOND, 10 * SECOND, timedelta(minutes=2), timedelta(minutes=20))


class Story:
    """Starts one strand for the school, one for what people do past it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.chance = world.chance
        self.promises = Promises()
        self.numbers = count(1)
        self.told = 0  # requests that were begun
        self.waiting = 0  # of which no answer came yet
        self.wrong: list[str] = []  # answers that should not have been given
        world.stage.start(Process("school"), self.school)
        world.stage.start(Process("people"), self.people)

    def school(self) -> None:
        for reference in PEOPLE:
            if self.chance.random() < 0.8:
                self.begin(self.subscription(reference))
        while self.told < REQUESTS:
            gap = self.chance.choice(GAPS) * self.chance.random() * 2
            self.world.stage.rest(gap, lambda: self.world.hurry)
            self.world.hurry = False
            self.begin(self.request(self.chance.choice(PEOPLE)))

    @property
    def over(self) -> bool:
        return self.told >= REQUESTS and not self.waiting

    def request(self, reference: str) -> Request:
        match self.chance.choice(VERBS):
            case Verb.SUBSCRIBE:
                return self.subscription(reference)
            case Verb.UPDATE:
                email = self.address(reference) if self.chance.random() < 0.4 else None
                return Request(Verb.UPDATE, reference, email, {"first_name": self.name()})
            case Verb.UNSUBSCRIBE:
                return Request(Verb.UNSUBSCRIBE, reference, lists=self.chance.choice(LISTS))
            case Verb.ERASE:
                known = self.promises.addresses.get(reference)
                email = None if known else self.address(reference)
                return Request(Verb.ERASE, reference, email)

    def subscription(self, reference: str) -> Request:
        """Now and then with a basis from before the erasure, or from an import."""
        given_at, imported = self.world.now(), False
        erased_at = self.promises.erased_at(reference)
        if erased_at is not None and self.chance.random() < 0.3:
            given_at = erased_at - HOUR * self.chance.random() - HOUR
            imported = self.chance.random() < 0.5
        basis = Basis(BasisKind.CONSENT, f"b-{next(self.numbers)}", given_at, "form", "v1")
        known = sorted(self.promises.addresses.get(reference, ()))
        old = bool(known) and self.chance.random() < 0.7
        email = self.chance.choice(known) if old else self.address(reference)
        return Request(
            Verb.SUBSCRIBE,
            reference,
            email,
            {"first_name": self.name(), "last_name": "Jansen"},
            self.chance.choice(LISTS),
            basis,
            imported=imported,
        )

    def address(self, reference: str) -> str:
        return f"{reference}.{next(self.numbers)}@example.nl"

    def name(self) -> str:
        return self.chance.choice(NAMES)

    # --- asking, until there is an answer

    def begin(self, request: Request) -> None:
        self.told += 1
        self.waiting += 1
        unsure = self.promises.unsure
        unsure[request.reference] = unsure.get(request.reference, 0) + 1
        self.ask(request)

    def ask(self, request: Request) -> None:
        """
        Whoever gets no answer asks again, as the same thing may be asked twice. What is refused
        then may have been accepted before, and superseded: the address is known.
        """

        def again() -> None:
            self.promises.know(request)
            self.ask(request)

        died = Process("api", lambda: self.world.later(again))
        self.world.stage.start(died, lambda: self.asked(request))

    def asked(self, request: Request) -> None:
        while True:
            try:
                [outcome] = accept(self.world.ledger, self.world.customer, [request])
            except DatabaseAway:
                self.promises.know(request)
                self.world.stage.rest(5 * SECOND * self.chance.random())
                continue
            break
        self.waiting -= 1
        self.promises.unsure[request.reference] -= 1
        self.world.news = True
        if isinstance(outcome, Accepted):
            self.check_basis(request, outcome)
            self.promises.keep(Promise(request, outcome, self.world.clock.at))
        else:
            self.check_refusal(request, outcome)

    def check_basis(self, request: Request, accepted: Accepted) -> None:
        """I4: what was given before an erasure never brings anyone back after it."""
        if request.basis is None:
            return
        before = [
            one for one in self.promises.of(request.reference) if one.accepted.seq < accepted.seq
        ]
        last = next((one for one in reversed(before) if one.request.verb is Verb.ERASE), None)
        back = [one for one in before if last and one.accepted.seq > last.accepted.seq]
        returned = any(one.request.verb is Verb.SUBSCRIBE for one in back)
        if last and not returned and request.basis.given_at < last.at - HOUR:
            self.wrong.append(f"an old basis was accepted after an erasure of {request.reference}")

    def check_refusal(self, request: Request, refusal: CannotAccept) -> None:
        """Only what has no basis, or is about nobody, may be refused."""
        if request.verb is Verb.ERASE and not isinstance(refusal, NoBasis) and request.email:
            self.wrong.append("an erasure was refused")

    # --- what people do at the platforms

    def people(self) -> None:
        while not self.over:
            self.world.stage.rest(timedelta(minutes=10) * self.chance.random())
            if self.world.faults.strikes("people act at the platform"):
                self.somebody_acts(self.chance.choice(list(self.world.lanes.values())))

    def somebody_acts(self, account: Account) -> None:
        """Who joins does so with an address that was accepted: of no other can we know."""
        there = [one for one in account.entries if one.presence is Presence.SUBSCRIBED]
        known = sorted({one.request.email for one in self.promises.kept if one.request.email})
        match self.chance.choice(("joins", "opts out", "is deleted")):
            case "joins" if known:
                account.joins(self.chance.choice(known))
            case "opts out" if there:
                account.opts_out(self.chance.choice(there))
            case "is deleted" if there:
                account.is_deleted(self.chance.choice(there))
