"""Accepting what a customer asks: one transaction for a batch, erasures included."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import sqlalchemy as sa

from core import basis as bases
from core.connector import Basis, Verb
from core.database import DatabaseAway, Transaction
from core.ledger import Ledger, alerts, connections, customers, postponed
from core.ledger.burials import burials, own_addresses
from core.ledger.customers import Customer, Purpose, lists_of
from core.ledger.people import load, store
from core.ledger.person import Held, Someone
from core.ledger.schema import operations
from core.moments import EPOCH, MICROSECOND, microseconds
from core.refusals import CannotAccept, NoBasis, Unknown
from core.sealing import CustomerKeys
from core.states import State
from core.terms import months_after
from core.wants import PUSHES

LONGEST_UNDO = timedelta(hours=24)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Request:
    """
    One wish about one person. ``email`` is normalised; ``fields`` as in core.connector.Person.
    ``received_at`` is when the person asked, if not now; ``imported`` never revives anyone.
    An erasure waits for the time of ``undo``, and can be undone until then (core.ledger.undo).
    """

    verb: Verb
    reference: str
    email: str | None = None
    fields: Mapping[str, str | None] = field(default_factory=dict)
    lists: tuple[str, ...] = ()
    basis: Basis | None = None
    received_at: datetime | None = None
    channel: str = "administration"
    identity_checked_how: str | None = None
    imported: bool = False
    undo: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Accepted:
    operation: UUID
    person: UUID
    seq: int
    holdings: int
    restricted: bool = False  # accepted, and held back until the restriction is lifted


Outcome = Accepted | CannotAccept


def person_id(keys: CustomerKeys, reference: str) -> UUID:
    """A keyed hash, so that the same reference is the same person without being stored."""
    return UUID(bytes=keys.pepper.hash("reference", reference)[:16], version=5)


def accept(ledger: Ledger, customer: Customer, requests: Sequence[Request]) -> list[Outcome]:
    """
    An outcome per request, in order; all that is Accepted was committed together.

    The safe is written before the ledger commits, and told when it did: then the keys that an
    erasure ends are destroyed. Should we die in between, ``Ledger.reconcile`` does it.
    """
    with ledger.begin() as tx:
        batch = Batch(ledger, tx, customer, requests)
        outcomes = [batch.take(request) for request in requests]
        batch.write()
    committed(ledger, batch)
    return outcomes


def committed(ledger: Ledger, batch: Batch) -> None:
    try:
        ledger.safe.confirm(batch.erased)
        ledger.safe.unbury(batch.customer.id, batch.lifted)
        ledger.safe.allow(batch.allowed)
    except DatabaseAway:
        log.warning("the safe is away: accepted erasures are finished when it is back")


class Batch:
    """
    The people that a batch is about, as they become request by request. Without requests it is
    for whoever says later whom to erase.

    Erasures of one customer come one after the other: each asks who else uses an address, and
    which connections there are.
    """

    def __init__(
        self, ledger: Ledger, tx: Transaction, customer: Customer, requests: Sequence[Request]
    ) -> None:
        self.ledger = ledger
        self.tx = tx
        self.customer = customer
        if not requests or Verb.ERASE in {one.verb for one in requests}:
            customers.alone(tx, customer.id)
        self.keys = ledger.keys_of(tx, customer.id).for_a_batch()
        self.lists = lists_of(tx, customer.id)
        self.connections = connections.of_customer(tx, customer.id)
        self.people = load(
            ledger, tx, customer.id, {person_id(self.keys, one.reference) for one in requests}
        )
        self.refused = {one.id: dict(one.refused) for one in self.people.values()}  # before
        hashes = {self.address(one.email) for one in requests if one.email}
        self.buried = ledger.safe.buried(customer.id, hashes)
        self.rows: list[dict[str, object]] = []
        self.own: dict[UUID, set[bytes]] = {}  # of the erased: addresses that nobody else uses
        self.lifted: dict[bytes, datetime] = {}  # tombstones up to then: a fresh basis lifts them

    @property
    def erased(self) -> dict[UUID, int]:
        return {one.id: one.key_epoch for one in self.people.values() if one.erased_here}

    @property
    def allowed(self) -> dict[UUID, dict[str, datetime]]:
        """The opt-outs that a newer consent lifted."""
        return {
            one: {
                key: EPOCH + at * MICROSECOND
                for key, at in before.items()
                if key not in self.people[one].refused
            }
            for one, before in self.refused.items()
        }

    @property
    def newly_refused(self) -> dict[UUID, dict[str, datetime]]:
        return {
            one: {
                key: EPOCH + at * MICROSECOND
                for key, at in self.people[one].refused.items()
                if before.get(key) != at
            }
            for one, before in self.refused.items()
        }

    def address(self, email: str) -> bytes:
        return self.keys.pepper.hash("email", email)

    def take(self, request: Request) -> Outcome:
        someone = self.people[person_id(self.keys, request.reference)]
        try:
            match request.verb:
                case Verb.SUBSCRIBE:
                    touched = self.subscribe(someone, request)
                case Verb.UPDATE:
                    touched = self.update(someone, request)
                case Verb.UNSUBSCRIBE:
                    touched = self.unsubscribe(someone, request)
                case Verb.ERASE if request.undo:
                    return self.postpone(someone, request)
                case Verb.ERASE:
                    touched = self.erase(someone, request)
        except CannotAccept as refusal:
            return refusal
        return self.record(someone, request, touched)

    def subscribe(self, someone: Someone, request: Request) -> list[Held]:
        if request.basis is None:
            raise NoBasis("A subscription needs a basis: why may this person be mailed?")
        if request.email is None:
            raise Unknown("A subscription needs an e-mail address.")
        wanted = self.known_lists(request.lists)
        if not wanted:
            raise Unknown(
                "A subscription needs at least one list: name it with --list (lists over the API)."
            )
        bases.check_purpose(request.basis, [self.lists[key] for key in wanted])
        self.check_basis(someone, request, request.basis, wanted)
        seq = someone.next()
        for key in wanted:
            someone.refused.pop(key, None)
        touched = self.change(someone, request, seq)
        for connection in self.connections:
            places = [connection.places[key] for key in wanted if key in connection.places]
            if places and connection.is_open:
                held = someone.at(connection.id)
                held.want(held.wants.subscribe(places, seq), seq, self.tx.now)
                touched.append(held)
        return touched

    def check_basis(
        self, someone: Someone, request: Request, basis: Basis, wanted: Iterable[str]
    ) -> None:
        refused = [someone.refused[key] for key in wanted if key in someone.refused]
        refused_at = EPOCH + max(refused) * MICROSECOND if refused else None
        address = self.address(request.email or "")
        buried_at = self.buried.get(address)
        stale = someone.is_back_with(address)  # we died before the tombstone was lifted
        erased = [one for one in (someone.erased_at, None if stale else buried_at) if one]
        bases.check(
            basis,
            now=self.tx.now,
            imported=request.imported,
            erased_at=max(erased, default=None),
            refused_at=refused_at,
            used_before=bool(erased or refused_at) and self.used_before(someone, basis),
        )
        if erased or refused_at:
            someone.epoch += 1
            someone.erased_at = None
        if buried_at:
            self.lifted[address] = buried_at

    def used_before(self, someone: Someone, basis: Basis) -> bool:
        digest = self.keys.pepper.hash("basis", basis.id)
        query = sa.select(operations.c.id).where(
            operations.c.person == someone.id, operations.c.basis_hash == digest
        )
        return self.tx.db.execute(query.limit(1)).first() is not None

    def update(self, someone: Someone, request: Request) -> list[Held]:
        if someone.data is None:
            raise Unknown("We know nobody with this reference, so there is nothing to change.")
        if request.email and self.address(request.email) in self.buried.keys() - {someone.in_use}:
            raise NoBasis(
                "This e-mail address was erased. A change cannot bring it back; "
                "use a new sign-up by the person."
            )
        return self.change(someone, request, someone.next())

    def change(self, someone: Someone, request: Request, seq: int) -> list[Held]:
        """Carry new data to every connection that got the old."""
        changed = someone.learn(request.reference, request.email, request.fields, self.keys)
        if not changed and request.verb is not Verb.UPDATE:
            return []
        reachable = {connection.id for connection in self.connections if connection.is_open}
        touched = [
            held
            for held in someone.holdings.values()
            if held.wants.places and held.connection in reachable
        ]
        for held in touched:
            held.want(held.wants.change(seq), seq, self.tx.now)
        return touched

    def unsubscribe(self, someone: Someone, request: Request) -> list[Held]:
        if someone.data is None and request.email is None:
            raise Unknown(
                "We know nobody with this reference. Give the e-mail address as well, "
                "then it is unsubscribed wherever it stands."
            )
        newsletters = [k for k, one in self.lists.items() if one.purpose is Purpose.NEWSLETTER]
        wanted = self.known_lists(request.lists or newsletters)
        if not wanted:
            raise Unknown("There is no newsletter to leave. Name the lists to unsubscribe from.")
        seq = someone.next()
        if someone.data is None:
            someone.learn(request.reference, request.email, {}, self.keys)
        elif request.email is not None:
            someone.also_look_for(request.email, self.keys)
        now = microseconds(self.tx.now)
        someone.refused.update(dict.fromkeys(wanted, now))
        touched = []
        for connection in self.connections:
            places = [connection.places[key] for key in wanted if key in connection.places]
            if places and connection.is_open:
                held = someone.at(connection.id)
                held.want(held.wants.unsubscribe(places, seq), seq, self.tx.now)
                touched.append(held)
        return touched

    def postpone(self, someone: Someone, request: Request) -> Accepted:
        """Nothing is destroyed or sent before the window ends; only pushes stop at once."""
        if not timedelta(0) < request.undo <= LONGEST_UNDO:
            raise CannotAccept("An erasure can be undone for 24 hours at most. Give less time.")
        self.check_findable(someone, request)
        someone.next()
        someone.postpone(request.reference, request.email, self.tx.now + request.undo)
        return replace(self.record(someone, request, []), holdings=len(self.connections))

    def check_findable(self, someone: Someone, request: Request) -> None:
        if request.email is None and not someone.findable:
            raise Unknown(
                "We know nobody with this reference. Give the e-mail address as well, "
                "then every connected platform is searched and erased."
            )

    def erase(self, someone: Someone, request: Request) -> list[Held]:
        """Every connection, closed ones too, known person or not."""
        self.check_findable(someone, request)
        seq = someone.next()
        someone.erase(request.reference, request.email, self.tx.now, self.keys)
        own = own_addresses(self.tx, self.keys, someone, self.people.values())
        self.own[someone.id] = own
        self.buried |= dict.fromkeys(own, self.tx.now)
        touched = []
        for connection in self.connections:
            held = someone.at(connection.id)
            held.want(held.wants.erased(seq), seq, self.tx.now)
            if not connection.is_open:
                held.state, held.due_at = State.CANNOT_LOOK, None
            touched.append(held)
        return touched

    def known_lists(self, wanted: Iterable[str]) -> list[str]:
        keys = list(dict.fromkeys(wanted))
        for key in keys:
            if key not in self.lists:
                known = ", ".join(self.lists) or "none yet"
                raise Unknown(
                    f'There is no list "{key}". Known: {known}. '
                    "Make one with: courseflow-sync list put"
                )
        return keys

    def record(self, someone: Someone, request: Request, touched: Sequence[Held]) -> Accepted:
        operation = uuid4()
        received = request.received_at or self.tx.now
        self.rows.append(
            {
                "id": operation,
                "customer": self.customer.id,
                "person": someone.id,
                "seq": someone.seq,
                "epoch": someone.epoch,
                "verb": request.verb.value,
                "lists": list(request.lists),
                "accepted_at": self.tx.now,
                "received_at": received,
                "channel": request.channel,
                "identity_checked_how": request.identity_checked_how,
                "undo_until": self.tx.now + request.undo if request.undo else None,
                "told": self.sealed_told(someone, operation, request),
                **self.sealed_basis(someone, operation, request.basis),
                **self.term(request.verb, received),
            }
        )
        held = {one.connection: one for one in touched}
        for one in held.values():
            one.parts[someone.seq] = operation
        restricted = someone.restricted_at is not None and request.verb in PUSHES
        return Accepted(operation, someone.id, someone.seq, len(held), restricted)

    def term(self, verb: Verb, received: datetime) -> dict[str, object]:
        """Of an erasure: until when the person is to be answered, and when that warns first."""
        if verb is not Verb.ERASE:
            return {"deadline": None, "alert_at": None}
        zone = self.customer.time_zone
        deadline = months_after(received, 1, zone)
        return {"deadline": deadline, "alert_at": alerts.first(self.tx.now, deadline, zone)}

    def sealed_told(self, someone: Someone, operation: UUID, request: Request) -> bytes | None:
        if not request.undo or someone.key is None:
            return None
        return postponed.sealed(someone.key, operation, request.reference, request.email)

    def sealed_basis(
        self, someone: Someone, operation: UUID, basis: Basis | None
    ) -> dict[str, object]:
        if basis is None or someone.key is None:
            return {"basis_kind": None, "basis_hash": None, "basis": None}
        value = {
            "kind": basis.kind.value,
            "id": basis.id,
            "given_at": basis.given_at.isoformat(),
            "source": basis.source,
            "text_version": basis.text_version,
            "proof": basis.proof,
        }
        return {
            "basis_kind": basis.kind.value,
            "basis_hash": self.keys.pepper.hash("basis", basis.id),
            "basis": someone.key.seal_json(value, f"operations|{operation}"),
        }

    def write(self) -> None:
        everyone = self.people.values()
        erasures = burials(everyone, self.own, self.tx.now)
        self.ledger.safe.bury(self.customer.id, erasures, self.keys)
        self.ledger.safe.refuse(self.customer.id, self.newly_refused)
        self.store()

    def store(self) -> None:
        """For what the safe knows already."""
        everyone = self.people.values()
        store(self.ledger, self.tx, self.customer.id, everyone, self.rows)
