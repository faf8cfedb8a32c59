"""
Moves a person to another address at Mailman.

Cut anywhere and begun again it ends the same: every step looks at what is there, and the old
address, by which the rest is found, goes last.
"""

from __future__ import annotations

from collections.abc import Mapping

from connectors.mailman.person import Found, adopt
from connectors.mailman.rest import CONFLICT, NOT_FOUND, Rest
from connectors.mailman.values import Asked, Turn
from core.connector import Identity
from core.errors import Refused

# What the person had already done when a request was made, so that it is not asked twice.
DONE: Mapping[Turn, Mapping[str, str]] = {
    Turn.PERSON: {},
    Turn.MODERATOR: {"pre_verified": "true", "pre_confirmed": "true"},
}


def move(rest: Rest, found: Found, new: str) -> Found:
    """Bring all that was found to the address ``new``; return what is there then."""
    if any("/" in email for email in {new, *found.addresses}):
        raise Refused("Mailman's API cannot reach an address with a slash; move it by hand")
    keeper = keeper_of(rest, found, new)
    gather(rest, found, keeper, new)
    move_requests_and_bans(rest, found, new)
    if found.memberships or any(each.verified_on for each in found.addresses.values()):
        vouch(rest, keeper, new)
    now = Found(rest, Identity((new, *found.emails), (keeper,)))
    move_memberships(rest, now, new)
    for email in now.addresses.keys() - {new}:
        rest.change("DELETE", "/addresses/{email}", {"email": email}, tolerates=NOT_FOUND)
    return Found(rest, Identity((new,), (keeper,)))


def keeper_of(rest: Rest, found: Found, new: str) -> str:
    """The user who keeps everything: the new address's own, or else always the same one."""
    address = found.addresses.get(new)
    if address and address.user_id:
        return address.user_id
    return min(found.users, default=None) or adopt(rest, min(found.addresses))


def gather(rest: Rest, found: Found, keeper: str, new: str) -> None:
    """Link every address to the keeper, absorbing other users: it may take over only its own."""
    names = [each.display_name for each in found.addresses.values() if each.display_name]
    for email in [new, *sorted(found.addresses.keys() - {new})]:
        address = found.addresses.get(email)
        if address is None or address.user_id != keeper:
            form = {"email": email, "absorb_existing": "true", "display_name": "".join(names[:1])}
            rest.change("POST", "/users/{user}/addresses", {"user": keeper}, form=form)


def move_requests_and_bans(rest: Rest, found: Found, new: str) -> None:
    """
    Ask again what waited under an old address, and keep out whom it kept out.

    A request to leave cannot be made anew over the API: it stays until it lapses.
    """
    old = found.emails - {new}
    lists = [each.list_id for each in rest.lists()]
    for list_id in lists:
        move_requests(rest, list_id, old, new)
    for place in (*lists, None):  # the site last: it would make the lists' own seem needless
        for ban in rest.bans(place):
            if ban.address in old:
                rest.ban(new, place)
                rest.lift(ban, place)


def move_requests(rest: Rest, list_id: str, old: set[str], new: str) -> None:
    for request in rest.requests(list_id, Asked.SUBSCRIPTION):
        if request.email in old:
            form = {"list_id": list_id, "subscriber": new, "send_welcome_message": "false"}
            form |= DONE[request.turn]
            rest.change("POST", "/members", form=form, tolerates=CONFLICT)
            rest.discard(request, list_id)


def vouch(rest: Rest, keeper: str, new: str) -> None:
    """
    Let the new address stand where a proven one stood.

    After the requests: a list that is open to proven addresses would grant those at once.
    """
    rest.change("POST", "/addresses/{email}/verify", {"email": new})
    rest.change("POST", "/users/{user}/preferred_address", {"user": keeper}, form={"email": new})


def move_memberships(rest: Rest, found: Found, new: str) -> None:
    """Second memberships stay behind, and go with their address: Mailman would take them."""
    memberships = found.memberships.values()
    taken = {(each.list_id, each.role) for each in memberships if each.email == new}
    for each in memberships:
        if each.email != new and (each.list_id, each.role) not in taken:
            taken.add((each.list_id, each.role))
            route, parts = "/members/{member}", {"member": each.member_id}
            rest.change("PATCH", route, parts, form={"address": new})
