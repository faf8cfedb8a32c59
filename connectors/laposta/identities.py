"""What leads to a member: an address, in every list; a remote id, in one."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from connectors.laposta.values import Member
from core.connector import Identity


def remote_id(member: Member) -> str:
    """An id means nothing without its list, so that one call can look it up."""
    return f"{member.list_id}:{member.member_id}"


def remote_id_of(row: Mapping[str, Any]) -> str:
    return f"{row.get('list_id')}:{row.get('member_id')}"


def emails_of(who: Identity) -> Collection[str]:
    return dict.fromkeys(email.lower() for email in who.emails)


def ids_in(who: Identity, lists: Collection[str]) -> Iterator[tuple[str, str]]:
    """List and member; a list that is gone took its members along."""
    for known in who.remote_ids:
        list_id, _, member_id = known.partition(":")
        if list_id in lists:
            yield list_id, member_id


def keys_in(who: Identity, list_id: str) -> list[str]:
    """Everything by which the person may be in that list."""
    ids = [f"{place}:{member}" for place, member in ids_in(who, {list_id})]
    return [*emails_of(who), *ids]
