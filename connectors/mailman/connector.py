"""The calls that courseflow-sync makes at a Mailman."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import httpx

from connectors.mailman.declaration import PLATFORM
from connectors.mailman.move import move
from connectors.mailman.person import Found, adopt
from connectors.mailman.rest import BAD_REQUEST, CONFLICT, NOT_FOUND, Rest
from connectors.mailman.settings import VERSION, Settings, address_of
from connectors.mailman.values import Asked, Delivery, Membership, Problem, Role, parsed
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
from core.errors import OnlyThePerson, Reconnect, Refused, TryLater

# Stores beside the lists; a list's id has a dot in it.
ADDRESS_BOOK = "address-book"
SITE_BANS = "site-bans"
LEAVE_REQUESTS = "leave-requests"

# An owner or moderator is mailed about a list, not by it: that role neither confirms nor
# contradicts a subscription, and an unsubscription leaves it. An erasure ends it.
STAFF = {
    Role.OWNER: ("owners", Presence.SUBSCRIBED),
    Role.MODERATOR: ("moderators", Presence.SUBSCRIBED),
    Role.NONMEMBER: ("nonmembers", Presence.UNSUBSCRIBED),
}

DELIVERY = {
    Delivery.ENABLED: Presence.SUBSCRIBED,
    Delivery.BY_USER: Presence.UNSUBSCRIBED,
    Delivery.BY_BOUNCES: Presence.SUPPRESSED,
    Delivery.BY_MODERATOR: Presence.SUPPRESSED,
    Delivery.UNKNOWN: Presence.SUPPRESSED,
}

BANNED = "Membership is banned"
# Every other word with a 400 is an accident inside Mailman, such as a locked database.
FINAL = ("Invalid Parameter", "No such list", "List posting address")


class Mailman(Connector[Settings]):
    """
    Mailman remembers no refusal: who left is a person without a membership. That refusal is
    kept by us alone. Its bans are a moderator's, and would also bar the person's own return.
    """

    platform = PLATFORM
    settings_model = Settings

    def __init__(self, settings: Settings, http: httpx.Client) -> None:
        super().__init__(settings, http)
        http.auth = httpx.BasicAuth(settings.user, settings.password.get_secret_value())
        self.rest = Rest(http)

    @classmethod
    def base_url(cls, settings: Settings) -> str:
        return str(address_of(settings))

    def check(self) -> Account:
        """
        One credential may do everything. Mailman has no id of its own: the address pins it,
        together with the lists that were seen before.
        """
        try:
            versions = self.rest.versions()
        except Reconnect as error:
            raise Reconnect(
                "Mailman does not accept this user name and password", status=error.status
            ) from error
        if versions.api_version != VERSION:
            raise Refused(f"this address does not speak version {VERSION} of Mailman's API")
        url = address_of(self.settings)
        return Account(id=f"{url.netloc.decode()}{url.path}", title=f"Mailman at {url.host}")

    def places(self) -> Sequence[Place]:
        return [Place(each.list_id, each.display_name) for each in self.rest.lists()]

    def translate(self, person: Person) -> Mapping[str, str]:
        """
        Mailman has one name. The parts that are set are all of it: what stands there cannot be
        taken apart, to keep the part that is not.
        """
        email = {"email": person.email.lower()}
        parts = [person.fields[key] for key in ("first_name", "last_name") if key in person.fields]
        if not parts:
            return email
        return email | {"name": " ".join(part for part in parts if part)}

    def find(self, who: Identity) -> Sequence[Trace]:
        found = Found(self.rest, who)
        lists = self.places()
        return [
            *records(found),
            *(self.membership(each) for each in found.memberships.values()),
            *self.waiting(found, lists),
            *self.kept_out(found, lists),
        ]

    def membership(self, held: Membership) -> Trace:
        place, presence = STAFF.get(held.role) or (
            held.list_id,
            DELIVERY[self.rest.delivery(held)],
        )
        fields = {"email": held.email, "name": held.display_name}
        return Trace(place, presence, fields, remote_id=held.user_id)

    def waiting(self, found: Found, lists: Sequence[Place]) -> Iterator[Trace]:
        for each in lists:
            for asked in Asked:
                place = each.id if asked is Asked.SUBSCRIPTION else LEAVE_REQUESTS
                for request in self.rest.requests(each.id, asked):
                    if request.email in found.emails:
                        fields = {"email": request.email, "name": request.display_name}
                        yield Trace(place, Presence.PENDING, fields)

    def kept_out(self, found: Found, lists: Sequence[Place]) -> Iterator[Trace]:
        for list_id in (None, *(each.id for each in lists)):
            for ban in self.rest.bans(list_id):
                if ban.address in found.emails:
                    place = list_id or SITE_BANS
                    yield Trace(place, Presence.SUPPRESSED, {"email": ban.address})

    def subscribe(self, person: Person, place: Place, basis: Basis) -> None:  # noqa: ARG002
        """Bans come first: a refused subscription leaves the person behind in the address book."""
        shown = self.translate(person)
        self.refuse_banned(shown["email"], place)
        form = {
            "list_id": place.id,
            "subscriber": person.email,
            "display_name": shown.get("name", ""),
            "send_welcome_message": "false",
            "pre_approved": "true",
        }
        if not self.settings.confirm:
            form |= {"pre_verified": "true", "pre_confirmed": "true"}
        answer = self.rest.change("POST", "/members", form=form, tolerates=BAD_REQUEST | CONFLICT)
        if answer.status_code == httpx.codes.BAD_REQUEST:
            raise refusal(answer)
        there_already = answer.status_code == httpx.codes.CONFLICT
        if there_already or "name" in shown:
            found = Found(self.rest, Identity((person.email,)))
            if there_already:
                self.refuse_stopped(found, place)
            self.rename(found, shown)

    def refuse_banned(self, email: str, place: Place) -> None:
        bans = [*self.rest.bans(None), *self.rest.bans(place.id)]
        if any(ban.address == email for ban in bans) or (
            # Patterns are Mailman's to apply: ours would run whatever stands there.
            any(ban.entry.startswith("^") for ban in bans) and self.rest.fits_a_ban(email, place.id)
        ):
            raise OnlyThePerson("the address is banned from the list or from the site")

    def refuse_stopped(self, found: Found, place: Place) -> None:
        for held in found.memberships.values():
            here = (held.list_id, held.role) == (place.id, Role.MEMBER)
            if here and self.rest.delivery(held) is not Delivery.ENABLED:
                raise OnlyThePerson("the person is a member whose mail was stopped")

    def update(self, who: Identity, new: Person) -> None:
        shown = self.translate(new)
        found = Found(self.rest, Identity((*who.emails, new.email), who.remote_ids))
        if found.addresses.keys() - {shown["email"]}:
            found = move(self.rest, found, shown["email"])
        self.rename(found, shown)

    def rename(self, found: Found, shown: Mapping[str, str]) -> None:
        """Mailman keeps a name twice: with the user and with each address."""
        if "name" not in shown:
            return
        form = {"display_name": shown["name"]}
        for user_id, user in found.users.items():
            if user.display_name != shown["name"]:
                self.rest.change("PATCH", "/users/{user}", {"user": user_id}, form=form)
        for email, address in found.addresses.items():
            if address.display_name != shown["name"]:
                self.rest.change("PATCH", "/addresses/{email}", {"email": email}, form=form)

    def unsubscribe(self, who: Identity, places: Sequence[Place]) -> None:
        """
        The user and the addresses stay; so does the role of owner or moderator.

        The list is told whom to drop: unlike the end of a single membership, that is not held
        for a moderator and mails nobody.
        """
        found = Found(self.rest, who)
        members = [held for held in found.memberships.values() if held.role is Role.MEMBER]
        for place in places:
            self.discard(found, place.id)
            emails = [held.email for held in members if held.list_id == place.id]
            if emails:
                self.rest.drop(place.id, emails)

    def discard(self, found: Found, list_id: str) -> None:
        for asked in Asked:
            for request in self.rest.requests(list_id, asked):
                if request.email in found.emails:
                    self.rest.discard(request, list_id)

    def erase(self, who: Identity) -> None:
        """
        What outlives the user goes first, while the user still shows every address.

        A user takes addresses and memberships along, whatever their role.
        """
        found = Found(self.rest, who)
        lists = [each.id for each in self.places()]
        for list_id in lists:
            self.discard(found, list_id)
        if not self.settings.keep_refusal:
            for place in (None, *lists):
                for ban in self.rest.bans(place):
                    if ban.address in found.emails:
                        self.rest.lift(ban, place)
        for address in found.unowned:
            self.forget(adopt(self.rest, address.email))
        for user_id in found.users:
            self.forget(user_id)

    def forget(self, user_id: str) -> None:
        self.rest.change("DELETE", "/users/{user}", {"user": user_id}, tolerates=NOT_FOUND)


def records(found: Found) -> Iterator[Trace]:
    """Both kinds hold a name, and each its own copy; neither gets mail by itself."""
    for user_id, user in found.users.items():
        fields = {"name": user.display_name}
        yield Trace(ADDRESS_BOOK, Presence.UNSUBSCRIBED, fields, remote_id=user_id)
    for email, address in found.addresses.items():
        fields = {"email": email, "name": address.display_name}
        yield Trace(ADDRESS_BOOK, Presence.UNSUBSCRIBED, fields, remote_id=address.user_id)


def refusal(answer: httpx.Response) -> Refused | TryLater:
    said = parsed(Problem, answer).description
    if said.startswith(BANNED):
        return OnlyThePerson("the address is banned from the list or from the site", status=400)
    if said.startswith(FINAL):
        return Refused("Mailman does not accept this address, or not in this list", status=400)
    return TryLater("Mailman could not do it now", status=400)
