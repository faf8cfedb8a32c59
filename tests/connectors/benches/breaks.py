"""Connectors that are broken on purpose, each in a way that one rule of the kit is for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from connectors.laposta.rest import Rest
from connectors.laposta.values import MemberRow, parsed
from connectors.mailchimp import values
from connectors.mailchimp.api import Api
from connectors.mailchimp.values import ASKED_FOR
from connectors.mailman.rest import Rest as MailmanRest
from connectors.mailman.values import User
from connectors.sandbox import connector as sandbox
from core.connector import Account, Basis, Connector, Identity, Person, Place, Presence, Trace
from core.errors import NotFound, OutcomeUnknown, Refused, TryAt, Unreadable
from core.testing.bench import Bench

LEFT_BEHIND = {Presence.ARCHIVED, Presence.PURGING}


class Wrapped(Connector[Any]):
    """An honest connector, to be spoilt; ``memory`` is shared by all attempts."""

    def __init__(self, honest: Connector[Any], bench: Bench, memory: list[Trace | str]) -> None:
        super().__init__(honest.settings, honest.http)
        self.platform = honest.platform  # type: ignore[misc]  # the wrapped one's own
        self.honest = honest
        self.bench = bench
        self.memory = memory

    @classmethod
    def base_url(cls, settings: BaseModel) -> str:
        raise NotImplementedError

    def check(self) -> Account:
        return self.honest.check()

    def places(self) -> Sequence[Place]:
        return self.honest.places()

    def translate(self, person: Person) -> Mapping[str, str]:
        return self.honest.translate(person)

    def find(self, who: Identity) -> Sequence[Trace]:
        return self.honest.find(who)

    def subscribe(self, person: Person, place: Place, basis: Basis) -> None:
        self.honest.subscribe(person, place, basis)

    def update(self, who: Identity, new: Person) -> None:
        self.honest.update(who, new)

    def unsubscribe(self, who: Identity, places: Sequence[Place]) -> None:
        self.honest.unsubscribe(who, places)

    def erase(self, who: Identity) -> None:
        self.honest.erase(who)


class TrustsTheStatus(Wrapped):
    def erase(self, who: Identity) -> None:
        super().erase(who)
        self.memory.extend(who.emails)

    def find(self, who: Identity) -> Sequence[Trace]:
        return [] if set(who.emails) & set(self.memory) else super().find(who)


class SeesOnePlace(Wrapped):
    def find(self, who: Identity) -> Sequence[Trace]:
        first = self.places()[0].id
        return [trace for trace in super().find(who) if trace.place == first]


class LeavesOutWhatIsArchived(Wrapped):
    def find(self, who: Identity) -> Sequence[Trace]:
        return [trace for trace in super().find(who) if trace.presence not in LEFT_BEHIND]


class TakesSilenceForYes(Wrapped):
    def erase(self, who: Identity) -> None:
        with suppress(OutcomeUnknown):
            super().erase(who)

    def subscribe(self, person: Person, place: Place, basis: Basis) -> None:
        with suppress(OutcomeUnknown):
            super().subscribe(person, place, basis)


class ShowsWhatItSent(Wrapped):
    def subscribe(self, person: Person, place: Place, basis: Basis) -> None:
        super().subscribe(person, place, basis)
        self.memory.append(Trace(place.id, Presence.SUBSCRIBED, self.translate(person)))

    def find(self, who: Identity) -> Sequence[Trace]:
        sent = [one for one in self.memory if isinstance(one, Trace)]
        return [*super().find(who), *(one for one in sent if one.fields["email"] in who.emails)]


class TakesARefusalForAbsence(Wrapped):
    def erase(self, who: Identity) -> None:
        with suppress(Refused):
            super().erase(who)


class KeepsARefusalToItself(Wrapped):
    def subscribe(self, person: Person, place: Place, basis: Basis) -> None:
        with suppress(Refused):
            super().subscribe(person, place, basis)


class TakesTooManyForNothing(Wrapped):
    def find(self, who: Identity) -> Sequence[Trace]:
        try:
            return super().find(who)
        except TryAt:
            return []


class ShortensTheWait(Wrapped):
    def find(self, who: Identity) -> Sequence[Trace]:
        try:
            return super().find(who)
        except TryAt as error:
            raise TryAt(error.detail, wait=timedelta(seconds=1)) from error


class TakesAPageForNothing(Wrapped):
    def find(self, who: Identity) -> Sequence[Trace]:
        try:
            return super().find(who)
        except Unreadable:
            return []


class LetsAParserSpeak(Wrapped):
    def find(self, who: Identity) -> Sequence[Trace]:
        try:
            return super().find(who)
        except Unreadable as error:
            raise ValueError("not JSON") from error


class IgnoresIds(Wrapped):
    def find(self, who: Identity) -> Sequence[Trace]:
        return super().find(Identity(who.emails))


class KnowsTheNewestAddress(Wrapped):
    def find(self, who: Identity) -> Sequence[Trace]:
        return super().find(Identity(who.emails[:1], who.remote_ids))


class KeepsWhatWasCleared(Wrapped):
    def update(self, who: Identity, new: Person) -> None:
        kept = {name: value for name, value in new.fields.items() if value is not None}
        super().update(who, Person(new.email, kept))


class ErasesASharedContact(Wrapped):
    def update(self, who: Identity, new: Person) -> None:
        self.erase(who)


class ClaimsEveryPlace(Wrapped):
    def places(self) -> Sequence[Place]:
        return self.bench.places


@dataclass(frozen=True)
class Break:
    what: str
    rule: str
    wanted: str  # as the kit must say it, so that nothing else made it fail
    do: Callable[[pytest.MonkeyPatch, Bench], None]


def wrapping(kind: type[Wrapped], wanted: str, *rules: str) -> list[Break]:
    def do(patch: pytest.MonkeyPatch, bench: Bench) -> None:
        honest, memory = bench.connect, list[Trace | str]()
        patch.setattr(bench, "connect", lambda: kind(honest(), bench, memory))

    return [Break(kind.__name__, rule, wanted, do) for rule in rules]


def takes_the_first_hit(patch: pytest.MonkeyPatch, bench: Bench) -> None:
    """None of the connectors compares what came with what was asked for."""

    def at_mailchimp(api: Api, audience: str, key: str) -> values.Member | None:
        try:
            row = api.lists.get_list_member(audience, key, fields=list(ASKED_FOR))
        except NotFound:
            return None
        return values.member(audience, row)

    def at_laposta(rest: Rest, list_id: str, key: str) -> object:
        answer = rest.call("GET", "/member/{member}", {"member": key}, query={"list_id": list_id})
        return parsed(MemberRow, answer).member

    def at_mailman(rest: MailmanRest, user_id: str) -> User | None:
        return rest.one(User, "/users/{user}", {"user": user_id})

    patch.setattr(Api, "member", at_mailchimp)
    patch.setattr(MailmanRest, "user", at_mailman)
    patch.setattr(Rest, "member", at_laposta)
    patch.setattr(sandbox, "check_about", lambda value, answer: None)


GONE = "nothing called gone that is there"
TOO_MANY = ("429-in-seconds", "429-until-a-date", "429-without-a-word", "429-in-html")
BREAKS: Sequence[Break] = [
    *wrapping(TrustsTheStatus, GONE, "accepts-and-ignores"),
    *wrapping(SeesOnePlace, "a trace at every place", "accepts-and-ignores"),
    *wrapping(LeavesOutWhatIsArchived, GONE, "archives-instead-of-deleting"),
    *wrapping(TakesSilenceForYes, "OutcomeUnknown", "answers-late", "resets-after-acting"),
    *wrapping(ShowsWhatItSent, "nobody called subscribed", "shows-eventually"),
    *wrapping(TakesARefusalForAbsence, "Refused", "405-on-an-archived-contact"),
    *wrapping(KeepsARefusalToItself, "Refused", "refuses-a-forgotten-address"),
    *wrapping(TakesTooManyForNothing, "TryAt", *TOO_MANY),
    *wrapping(ShortensTheWait, "a wait of", *TOO_MANY),
    *wrapping(TakesAPageForNothing, "Unreadable", "html-for-json"),
    *wrapping(LetsAParserSpeak, "an error of core.errors", "html-for-json"),
    Break("takes_the_first_hit", "wrong-person", "Unreadable", takes_the_first_hit),
    *wrapping(IgnoresIds, GONE, "address-changed-there"),
    *wrapping(KnowsTheNewestAddress, GONE, "only-the-address"),
    *wrapping(KeepsWhatWasCleared, "confirmed", "shared-address"),
    *wrapping(ErasesASharedContact, "", "shared-address"),
    *wrapping(ClaimsEveryPlace, GONE, "sees-part"),
]
