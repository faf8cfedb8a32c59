"""Mailchimp's API as far as we use it: ids go in, values come out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import httpx
from mailchimp_marketing.api.lists_api import ListsApi
from mailchimp_marketing.api.root_api import RootApi

from connectors.mailchimp import values
from connectors.mailchimp.refusals import Exists
from connectors.mailchimp.sdk import ThroughHttpx
from connectors.mailchimp.values import ASKED_FOR, Audience, Member, Status, key_of
from core.errors import NotFound, OutcomeUnknown, Unreadable

PAGE = 1000  # the most that Mailchimp gives
MEMBERS = [*(f"members.{name}" for name in ASKED_FOR), "total_items"]
IDS = ["members.id", "total_items"]

Row = Mapping[str, Any]


class Api:
    def __init__(self, http: httpx.Client) -> None:
        sdk = ThroughHttpx(http)
        self.lists = ListsApi(sdk)
        self.root = RootApi(sdk)

    def account(self) -> Mapping[str, str]:
        asked = ["account_id", "account_name", "role"]
        said = self.root.get_root(fields=asked)
        if not isinstance(said, dict) or not all(isinstance(said.get(one), str) for one in asked):
            raise Unreadable("not an account as Mailchimp gives one")
        return said

    def audiences(self) -> Sequence[Audience]:
        """Every one, or an error: never a part of them."""
        wanted = ["lists.id", "lists.name", "lists.double_optin", "total_items"]
        return [
            values.audience(row)
            for page in pages("lists", lambda offset: self.all_lists(wanted, offset))
            for row in page
        ]

    def all_lists(self, wanted: list[str], offset: int) -> Any:
        return self.lists.get_all_lists(fields=wanted, count=PAGE, offset=offset)

    def tags(self, audience: str) -> frozenset[str]:
        """The merge tags that an audience has."""
        said = self.lists.get_list_merge_fields(audience, fields=["merge_fields.tag"], count=PAGE)
        rows = values.rows(said, "merge_fields")
        return frozenset(str(row.get("tag")) for row in rows)

    def member(self, audience: str, key: str) -> Member | None:
        """By subscriber hash or contact id. None: Mailchimp says that it has no such member."""
        try:
            row = self.lists.get_list_member(audience, key, fields=list(ASKED_FOR))
        except NotFound:
            return None
        found = values.member(audience, row)
        if key not in {found.hash, found.contact_id}:
            raise Unreadable("another member than the one asked for")
        return found

    def members(
        self, audience: str, *, since: str | None = None, status: Status | None = None
    ) -> Iterator[list[Row]]:
        """Pages of rows: whole ones of those that changed, ids only of those with a status."""
        which = {"since_last_changed": since, "status": status and status.value}
        asked = {name: value for name, value in which.items() if value}
        if since:
            # Whom we just added comes first. Who changes meanwhile may be overlooked: that is
            # no answer about anybody, and they are asked for alone.
            asked |= {"sort_field": "last_changed", "sort_dir": "DESC"}
        wanted = MEMBERS if since else IDS
        return pages("members", lambda offset: self.some(audience, wanted, offset, asked))

    def some(self, audience: str, wanted: list[str], offset: int, asked: Row) -> Any:
        return self.lists.get_list_members_info(
            audience, fields=wanted, count=PAGE, offset=offset, **asked
        )

    def put(self, audience: str, body: Row) -> Member:
        """Add, or bring up to date: without a ``status`` who is there keeps their own."""
        key = key_of(body["email_address"])
        # Fields that the audience requires and that we do not have keep nobody out.
        said = self.lists.set_list_member(audience, key, body, skip_merge_validation=True)
        return changed(audience, said, key)

    def add(self, audience: str, body: Row) -> Member | None:
        """
        None, and nothing is changed, where the address has an entry already, an opted-out or
        archived one included (drewm/mailchimp-api#120 and #131, read 2026-11).
        """
        try:
            said = self.lists.add_list_member(audience, body, skip_merge_validation=True)
        except Exists:
            return None
        return changed(audience, said, key_of(body["email_address"]))

    def patch(self, member: Member, body: Row) -> Member:
        key = key_of(body["email_address"]) if "email_address" in body else member.hash
        said = self.lists.update_list_member(
            member.audience, member.hash, body, skip_merge_validation=True
        )
        return changed(member.audience, said, key)

    def forget(self, member: Member) -> None:
        """Delete for good; what the API calls deleting would only archive."""
        if self.lists.delete_list_member_permanent(member.audience, member.hash) is not None:
            raise OutcomeUnknown("an answer that Mailchimp does not give to a deletion")

    def add_many(self, audience: str, members: Sequence[Row]) -> Sequence[Row]:
        """The rows of all who were added; who was there is left as they were."""
        body = {"members": members, "update_existing": False}
        said = self.lists.batch_list_members(audience, body, skip_merge_validation=True)
        try:
            return values.rows(said, "new_members")
        except Unreadable as error:
            raise OutcomeUnknown(error.detail) from None


def changed(audience: str, said: Any, key: str) -> Member:
    """The member as it is after a change: whatever else comes back leaves that open."""
    try:
        found = values.member(audience, said)
    except Unreadable as error:
        raise OutcomeUnknown(error.detail) from None
    if found.hash != key:
        raise OutcomeUnknown("another member than the one changed")
    return found


def pages(name: str, ask: Callable[[int], Any]) -> Iterator[list[Row]]:
    """Page after page until as many came as were announced last."""
    offset, total = 0, 1
    while offset < total:
        said = ask(offset)
        page, total = values.rows(said, name), values.number(said, "total_items")
        if not page and offset < total:
            raise Unreadable("fewer entries than announced")
        yield page
        offset += len(page)
