"""Hundreds of people at Mailchimp in a call or two."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta

from connectors.mailchimp import values
from connectors.mailchimp.api import Api, Row
from connectors.mailchimp.values import Member, Status, contact_in, key_of
from core.connector import Identity

CLOCKS_APART = timedelta(minutes=5)  # between Mailchimp and us


def added(api: Api, audience: str, entries: Mapping[str, Row], joins: Status) -> frozenset[str]:
    """
    The keys of those who were new, and joined as asked. Nobody who was there is changed.

    A batch brings an archived member back, whatever made them one (pmpro-mailchimp#152, read
    2026-11): they are left out.
    """
    pages = api.members(audience, status=Status.ARCHIVED)
    archived = {str(row.get("id")) for page in pages for row in page}
    fresh = [
        {**entry, "status": joins.value} for key, entry in entries.items() if key not in archived
    ]
    if not fresh:
        return frozenset()
    rows = api.add_many(audience, fresh)
    joined = {str(row.get("id")) for row in rows if row.get("status") == joins}
    return frozenset(entries.keys() & joined)


def changed(
    api: Api, audience: str, keys: Collection[str], since: datetime
) -> Mapping[str, Member]:
    """Those of the members that changed there since then, as far as Mailchimp lists them."""
    moment = (since - CLOCKS_APART).astimezone(UTC).isoformat(timespec="seconds")
    found: dict[str, Member] = {}
    for page in api.members(audience, since=moment):
        for row in page:
            if str(row.get("id")) in keys:
                member = values.member(audience, row)
                found[member.hash] = member
        if len(found) == len(keys):
            break
    return found


def complete(who: Identity, found: Mapping[str, Member]) -> Member | None:
    """
    The one entry that a person has in the only audience. None: there could be another, by an
    older address or an id that is not this entry's, and nobody is absent for not having changed.
    """
    member = found.get(key_of(who.emails[0])) if len(who.emails) == 1 else None
    if member is None or {*map(contact_in, who.remote_ids)} - {member.contact_id}:
        return None
    return member
