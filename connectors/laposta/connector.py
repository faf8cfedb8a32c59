"""The calls that courseflow-sync makes at Laposta."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx

from connectors.laposta import many, notices
from connectors.laposta.declaration import API, PLATFORM
from connectors.laposta.identities import emails_of, ids_in, remote_id
from connectors.laposta.rest import Rest
from connectors.laposta.settings import Settings
from connectors.laposta.values import Member, State, plain
from core.connector import (
    Account,
    Basis,
    Connector,
    Identity,
    Person,
    Place,
    Presence,
    Trace,
)
from core.errors import ConnectorError, OutcomeUnknown, Reconnect, Refused, TryLater, Unreadable
from core.faces import Bulk, Newcomer, Notice, Notices

PRESENCE = {
    State.ACTIVE: Presence.SUBSCRIBED,
    State.UNCONFIRMED: Presence.PENDING,
    State.UNSUBSCRIBED: Presence.UNSUBSCRIBED,
    State.CLEANED: Presence.SUPPRESSED,
    State.DELETED: Presence.ARCHIVED,  # called deleted, and still readable
}

Outcomes = Mapping[str, ConnectorError | None]


class Laposta(Connector[Settings], Bulk, Notices):
    """
    Laposta keeps a refusal per list, as the state of a member; an erasure takes it along.

    Whether somebody must confirm by e-mail is a choice of the list, made at Laposta.
    """

    platform = PLATFORM
    settings_model = Settings

    def __init__(self, settings: Settings, http: httpx.Client) -> None:
        super().__init__(settings, http)
        http.auth = httpx.BasicAuth(settings.api_key.get_secret_value(), "")
        self.rest = Rest(http)

    @classmethod
    def base_url(cls, settings: Settings) -> str:  # noqa: ARG003
        return API

    def check(self) -> Account:
        """
        A key may do everything. Laposta has no call that names the account, but each list does.
        """
        try:
            accounts = {each.account_id for each in self.rest.lists()}
        except Reconnect as error:
            raise Reconnect("Laposta does not accept this key", status=error.status) from error
        if not accounts:
            raise Refused("the account has no list yet to know it by; make one in Laposta first")
        account = accounts.pop()
        if accounts or account is None:
            raise Unreadable("lists that do not say of which account they are")
        return Account(account, f"Laposta {account}")

    def places(self) -> Sequence[Place]:
        return [Place(each.list_id, each.name) for each in self.rest.lists()]

    def translate(self, person: Person) -> Mapping[str, str]:
        fields = {name: plain(value or "") for name, value in person.fields.items()}
        return {**fields, "email": person.email.lower()}

    def find(self, who: Identity) -> Sequence[Trace]:
        return [self.trace(member) for member in self.members(who)]

    def trace(self, member: Member) -> Trace:
        fields = {self.settings.field(name): value for name, value in member.shown.items()}
        return Trace(
            member.list_id,
            PRESENCE[member.state],
            {**fields, "email": member.email},
            remote_id(member),
        )

    def members(self, who: Identity, places: Collection[str] | None = None) -> Iterator[Member]:
        """
        Each once, as it is found: whoever changed the address there is found by id.

        ``places`` None: every list that this key sees.
        """
        visible = [each.list_id for each in self.rest.lists()]
        lists = [each for each in visible if places is None or each in places]
        by_email = ((each, email) for each in lists for email in emails_of(who))
        seen: set[tuple[str, str]] = set()
        for key in (*by_email, *ids_in(who, lists)):
            member = None if key in seen else self.rest.member(*key)
            if member is not None and (member.list_id, member.member_id) not in seen:
                seen.add((member.list_id, member.member_id))
                yield member

    def subscribe(self, person: Person, place: Place, basis: Basis) -> None:  # noqa: ARG002
        email = person.email.lower()
        form = {f"custom_fields[{name}]": value for name, value in self.variables(person).items()}
        if self.settings.source_url:
            form["source_url"] = self.settings.source_url
        member = self.rest.add(place.id, email, form)
        if member is None:
            self.complete(person, place)
            return
        refuse(many.stopped(member.state))
        dropped = [
            name
            for name, value in self.variables(person).items()
            if value and name not in member.shown
        ]
        if dropped:
            raise Refused(
                f"the list has no variable {', '.join(dropped)}; make that field in Laposta, or "
                "change the settings of the connection"
            )

    def complete(self, person: Person, place: Place) -> None:
        member = self.rest.member(place.id, person.email.lower())
        if member is None:
            raise TryLater("an address went away while it was added")
        refuse(many.stopped(member.state))
        self.carry(member, person)

    def variables(self, person: Person) -> Mapping[str, str]:
        return {self.settings.variable(name): value or "" for name, value in person.fields.items()}

    def update(self, who: Identity, new: Person) -> None:
        """Every copy that can be brought up to date, even when another one is refused."""
        refusal = None
        for member in self.members(Identity((*who.emails, new.email), who.remote_ids)):
            try:
                self.carry(member, new)
            except Refused as error:
                refusal = refusal or error
        refuse(refusal)

    def carry(self, member: Member, new: Person) -> None:
        """Laposta drops a variable that the list does not have, without a word."""
        form = {
            f"custom_fields[{name}]": value
            for name, value in self.variables(new).items()
            if member.shown.get(name, plain(value)) != plain(value)
        }
        if member.email != new.email.lower():
            form["email"] = new.email.lower()
        if form:
            self.rest.change(member, form)

    def unsubscribe(self, who: Identity, places: Sequence[Place]) -> None:
        for member in self.members(who, {place.id for place in places}):
            if many.stopped(member.state) is None:
                self.rest.change(member, {"state": State.UNSUBSCRIBED.value})

    def erase(self, who: Identity) -> None:
        for member in self.members(who):
            self.rest.delete(member)

    def at_most(self) -> int:
        return self.platform.bulk if self.settings.bulk else 0

    def subscribe_many(
        self, several: Sequence[Newcomer], place: Place
    ) -> Sequence[ConnectorError | None]:
        """Who shares an address with somebody before in the row goes alone, after them."""
        first = {one.person.email.lower(): one for one in reversed(several)}
        told = self.in_bulk([*first.values()], place) if self.settings.bulk else None
        if told is None:
            return self.one_by_one(several, place)
        silence = OutcomeUnknown("Laposta told nothing about this person")
        alone = iter(self.one_by_one([one for one in several if one not in first.values()], place))
        return [
            told.get(one.person.email.lower(), silence) if one in first.values() else next(alone)
            for one in several
        ]

    def in_bulk(self, several: Sequence[Newcomer], place: Place) -> Outcomes | None:
        """None: not here, or not for this account."""
        here = next((each for each in self.rest.lists() if each.list_id == place.id), None)
        stopped = many.stopped_at(self.rest, here) if here else None
        if stopped is None:
            return None
        rows = [self.row(one.person) for one in several if one.person.email.lower() not in stopped]
        if not rows:
            return stopped
        report = self.rest.synchronise(place.id, rows)
        return None if report is None else {**many.outcomes(report), **stopped}

    def row(self, person: Person) -> Mapping[str, Any]:
        row: dict[str, Any] = {"email": person.email.lower()}
        if person.fields:
            row["custom_fields"] = self.variables(person)
        if self.settings.source_url:
            row["source_url"] = self.settings.source_url
        return row

    def one_by_one(
        self, several: Sequence[Newcomer], place: Place
    ) -> Sequence[ConnectorError | None]:
        """What stops the whole connection holds for whoever comes after, too."""
        told: list[ConnectorError | None] = []
        for one in several:
            try:
                self.subscribe(one.person, place, one.basis)
            except (TryLater, Reconnect) as error:
                return [*told, *[error] * (len(several) - len(told))]
            except ConnectorError as error:
                told.append(error)
            else:
                told.append(None)
        return told

    def find_many(
        self,
        several: Sequence[Identity],
        place: Place,
        since: datetime,  # noqa: ARG002
    ) -> Sequence[Sequence[Trace] | None]:
        """Only where the place is the account's one list, and only of whom it shows wholly."""
        lists = self.rest.lists()
        if [each.list_id for each in lists] != [place.id]:
            return [None for _ in several]
        found = many.shown(self.rest, lists[0], several)
        wholly = [many.complete(who, found, place.id) for who in several]
        return [None if each is None else [*map(self.trace, each)] for each in wholly]

    def whom(self, notice: Notice) -> Sequence[Identity]:
        """Signed only where the customer told us the secrets; Laposta has one per webhook."""
        notices.verify(notice, self.settings.webhook_secrets.get_secret_value().split())
        return [
            Identity((each.email,), (f"{each.list_id}:{each.member_id}",))
            for each in notices.changed(notice)
        ]


def refuse(reason: Refused | None) -> None:
    if reason is not None:
        raise reason
