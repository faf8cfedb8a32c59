"""The calls that courseflow-sync makes at Mailchimp."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cached_property
from itertools import groupby

import httpx

from connectors.mailchimp import bulk, notices
from connectors.mailchimp.api import Api, Row
from connectors.mailchimp.declaration import PLATFORM
from connectors.mailchimp.settings import Settings
from connectors.mailchimp.values import (
    MAILED,
    Audience,
    Member,
    Status,
    contact_in,
    key_of,
    web_id_in,
)
from core.connector import (
    Account,
    Basis,
    BasisKind,
    Connector,
    Identity,
    Person,
    Place,
    Trace,
)
from core.errors import ConnectorError, NotFound, OnlyThePerson, Reconnect, Refused
from core.faces import Bulk, Newcomer, Notice, Notices

# The others make campaigns or read reports (mailchimp.com/help/manage-user-levels-in-your-account,
# 2026-11); Mailchimp does not say in so many words who may delete.
MAY_DELETE = frozenset({"owner", "admin", "manager"})

A_SECOND = timedelta(seconds=1)  # Mailchimp's moments are whole ones


class Mailchimp(Connector[Settings], Bulk, Notices):
    """
    Mailchimp keeps a refusal by itself: as a member that is unsubscribed, and after an erasure
    as a mark that bars the address from the API. So there is none that we could keep or lift.
    """

    platform = PLATFORM
    settings_model = Settings

    def __init__(self, settings: Settings, http: httpx.Client) -> None:
        super().__init__(settings, http)
        key = b64encode(f"courseflow-sync:{settings.api_key.get_secret_value()}".encode()).decode()
        http.headers["Authorization"] = f"Basic {key}"
        self.api = Api(http)
        self.tags = settings.tags
        self.names = {tag: name for name, tag in self.tags.items()}

    @classmethod
    def base_url(cls, settings: Settings) -> str:
        return f"https://{settings.data_centre}.api.mailchimp.com/3.0"

    def check(self) -> Account:
        account = self.api.account()
        if account["role"] not in MAY_DELETE:
            raise Reconnect(
                "the user of this key may not delete contacts; use a key of an owner, an admin "
                "or a manager of the account"
            )
        self.check_tags()
        return Account(account["account_id"], account["account_name"])

    def check_tags(self) -> None:
        """A tag that no audience has would be dropped by Mailchimp without a word."""
        missing = frozenset(self.tags.values())
        for audience in self.audiences:
            missing -= self.api.tags(audience.id)
            if not missing:
                return
        raise Refused(
            f"no audience has the merge tag {', '.join(sorted(missing))}; make it in Mailchimp "
            "under Audience, Settings, or name the one that you use"
        )

    @cached_property
    def audiences(self) -> Sequence[Audience]:
        """As they were in this turn, or else when this attempt first asked."""
        return [each for each in self.seen if isinstance(each, Audience)] or self.api.audiences()

    def places(self) -> Sequence[Place]:
        return self.api.audiences()

    def translate(self, person: Person) -> Mapping[str, str]:
        """A field without a merge tag is never sent, so it is not expected either."""
        shown = {name: value or "" for name, value in person.fields.items()}
        carried = {name: value for name, value in shown.items() if name in self.tags}
        return {"email": person.email.lower(), **carried}

    def find(self, who: Identity) -> Sequence[Trace]:
        return [member.trace(self.names) for member in self.everywhere(who)]

    def everywhere(self, who: Identity) -> Iterator[Member]:
        return self.members(who, [audience.id for audience in self.audiences])

    def members(self, who: Identity, audiences: Iterable[str]) -> Iterator[Member]:
        """Audience by audience; who is found by address comes first, the newest address ahead."""
        keys = list(dict.fromkeys(map(key_of, who.emails)))
        contacts = list(dict.fromkeys(map(contact_in, who.remote_ids)))
        for audience in audiences:
            found: set[str] = set()
            for key in (*keys, *contacts):
                member = None if key in found else self.api.member(audience, key)
                if member is not None and member.hash not in found:
                    found |= {member.hash, member.contact_id}
                    yield member

    def subscribe(self, person: Person, place: Place, basis: Basis) -> None:
        """
        Adds who is not there yet. Looks at who is: a person who opted out gets nothing new
        written there.

        Such a person is asked by Mailchimp's own confirmation mail, and only after a consent
        given later than the entry's last change.
        """
        joins, entry = self.joins(place), self.entry(person)
        if self.api.add(place.id, {**entry, "status": joins.value}) is not None:
            return
        body = {**entry, "status_if_new": joins.value}
        there = self.api.member(place.id, key_of(person.email))
        if there is not None and there.status not in MAILED:
            body["status"] = returning(there, basis, joins).value
        if self.api.put(place.id, body).status not in MAILED:
            raise OnlyThePerson("the person opted out at Mailchimp while they were added")

    def joins(self, place: Place) -> Status:
        """With double opt-in the person confirms; sent as subscribed, they would not be asked."""
        for audience in self.audiences:
            if audience.id == place.id:
                return Status.PENDING if audience.double_optin else Status.SUBSCRIBED
        raise NotFound("the audience is not there any more; choose another one for this list")

    def at_most(self) -> int:
        return self.platform.bulk

    def subscribe_many(
        self, several: Sequence[Newcomer], place: Place
    ) -> Sequence[ConnectorError | None]:
        """
        Newcomers go together. Whoever was not simply added is asked for alone: there, an opted
        out, bounced, forgotten or invalid address has an answer of its own.
        """
        people = {key_of(each.person.email): each.person for each in reversed(several)}
        entries = {key: self.entry(person) for key, person in people.items()}
        added = bulk.added(self.api, place.id, entries, self.joins(place))
        first = {key: people[key] for key in added}
        return [
            None if first.get(key_of(each.person.email)) is each.person else self.alone(each, place)
            for each in several
        ]

    def alone(self, newcomer: Newcomer, place: Place) -> ConnectorError | None:
        try:
            self.subscribe(newcomer.person, place, newcomer.basis)
        except ConnectorError as error:
            return error
        return None

    def find_many(
        self, several: Sequence[Identity], place: Place, since: datetime
    ) -> Sequence[Sequence[Trace] | None]:
        if [audience.id for audience in self.audiences] != [place.id]:
            return [None] * len(several)
        keys = {key_of(who.emails[0]) for who in several if who.emails}
        changed = bulk.changed(self.api, place.id, keys, since)
        found = [bulk.complete(who, changed) for who in several]
        return [[member.trace(self.names)] if member else None for member in found]

    def whom(self, notice: Notice) -> Sequence[Identity]:
        return notices.whom(notice, self.settings.webhook_secret.get_secret_value())

    def entry(self, person: Person) -> dict[str, object]:
        carried = {name: value for name, value in person.fields.items() if name in self.tags}
        fields = {self.tags[name]: value or "" for name, value in carried.items()}
        entry: dict[str, object] = {"email_address": person.email}
        return {**entry, "merge_fields": fields} if fields else entry

    def update(self, who: Identity, new: Person) -> None:
        """
        Where the new address has an entry too, the two become one: the old one goes for good,
        and its refusal is carried over.
        """
        known = Identity((new.email, *who.emails), who.remote_ids)
        everywhere = list(self.everywhere(known))
        for _, there in groupby(everywhere, key=lambda member: member.audience):
            keeper, *others = there
            body: Row = self.entry(new)
            if keeper.status in MAILED and any(refuses(other) for other in others):
                body = {**body, "status": Status.UNSUBSCRIBED.value}
            with suppress(NotFound):
                self.api.patch(keeper, body)
                for other in others:
                    self.api.forget(other)

    def unsubscribe(self, who: Identity, places: Sequence[Place]) -> None:
        for member in self.members(who, [place.id for place in places]):
            if member.status in MAILED:
                with suppress(NotFound):
                    self.api.patch(member, {"status": Status.UNSUBSCRIBED.value})

    def erase(self, who: Identity) -> None:
        for member in self.everywhere(who):
            with suppress(NotFound):
                self.api.forget(member)

    def link(self, remote_id: str) -> str | None:
        admin = f"https://{self.settings.data_centre}.admin.mailchimp.com"
        web_id = web_id_in(remote_id)
        return f"{admin}/lists/members/view?id={web_id}" if web_id.isdecimal() else None


def refuses(member: Member) -> bool:
    return member.status is Status.UNSUBSCRIBED


def returning(there: Member, basis: Basis, joins: Status) -> Status:
    """How somebody who gets no mail may come back. Raises OnlyThePerson."""
    match there.status:
        case Status.TRANSACTIONAL:
            return joins
        case Status.UNSUBSCRIBED | Status.ARCHIVED if consented_since(there, basis):
            return Status.PENDING
        case Status.CLEANED:
            raise OnlyThePerson("mail to this address bounced at Mailchimp; they need another one")
        case _:
            raise OnlyThePerson(
                "the person opted out or was archived at Mailchimp; only they can come back, by "
                "its sign-up form or by a new consent"
            )


def consented_since(there: Member, basis: Basis) -> bool:
    """Any change may have been the refusal, and an archived member hides whether it is one."""
    after = there.last_changed + A_SECOND
    return basis.kind is BasisKind.CONSENT and basis.given_at >= after
