"""Everything that Mailman ties to one person: users, their addresses, memberships."""

from __future__ import annotations

from collections.abc import Sequence

from httpx import codes

from connectors.mailman.rest import BAD_REQUEST, Rest
from connectors.mailman.values import Address, Membership, User
from core.connector import Identity
from core.errors import OutcomeUnknown, TryLater


class Found:
    """
    What was found by following users to addresses, and addresses to users.

    So whoever changed the address at Mailman itself is found by the user id. An address stands
    in a URL, which Mailman logs, only where no user shows it. ``emails`` also holds what was
    asked for and is not there.
    """

    def __init__(self, rest: Rest, who: Identity) -> None:
        self.rest = rest
        self.asked: set[str] = set()
        self.emails: set[str] = set()
        self.users: dict[str, User] = {}
        self.addresses: dict[str, Address] = {}
        self.memberships: dict[str, Membership] = {}
        for user_id in who.remote_ids:
            self.follow_user(user_id)
        for email in who.emails:
            self.follow_address(email.lower())

    @property
    def unowned(self) -> Sequence[Address]:
        """Addresses without a user."""
        return [each for each in self.addresses.values() if each.user_id not in self.users]

    def follow_user(self, user_id: str) -> None:
        if user_id in self.asked:
            return
        self.asked.add(user_id)
        user = self.rest.user(user_id)
        if user is None:
            return
        self.users[user_id] = user
        owned = {address.email: address for address in self.rest.addresses_of(user)}
        self.addresses |= owned
        for email in owned:
            self.follow_address(email)

    def follow_address(self, email: str) -> None:
        if email in self.emails:
            return
        self.emails.add(email)
        for membership in self.rest.memberships(email):
            self.memberships[membership.member_id] = membership
            if membership.user_id:
                self.follow_user(membership.user_id)
        if email not in self.addresses:
            self.follow_record(email)

    def follow_record(self, email: str) -> None:
        address = self.rest.address(email)
        if address is None:
            return
        self.addresses[email] = address
        if address.user_id:
            self.follow_user(address.user_id)


def adopt(rest: Rest, email: str) -> str:
    """Give an address without a user one; return the user's id."""
    answer = rest.change("POST", "/users", form={"email": email}, tolerates=BAD_REQUEST)
    if answer.status_code == codes.BAD_REQUEST:
        raise TryLater("an address found a user while it was read")
    location: str = answer.headers.get("location", "")
    if not location:
        raise OutcomeUnknown("a user was made whose id was not told")
    return location.rpartition("/")[2]
