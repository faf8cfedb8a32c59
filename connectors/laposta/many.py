"""
Many people in one call of Laposta's bulk endpoint, an outcome for each.

Bulk has no word against bringing back who unsubscribed, so those are read first: they are left
out. Whoever unsubscribes in the second between would be brought back, for which reason bulk is
used only where the customer turned it on. What the answer shows of a state counts, not in which
of its arrays somebody is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.laposta.identities import keys_in, remote_id, remote_id_of
from connectors.laposta.rest import Rest, refusal
from connectors.laposta.values import Carried, MailingList, Member, Report, State, valid
from core.connector import Identity
from core.errors import ConnectorError, OnlyThePerson, OutcomeUnknown, Refused

# Laposta gives a whole list in one answer, at some 900 bytes a member; core.http takes 2 MiB.
MOST = 1500


def stopped(state: State) -> Refused | None:
    """Why somebody in this state gets no mail from the list. None: they do, or will."""
    match state:
        case State.ACTIVE | State.UNCONFIRMED:
            return None
        case State.UNSUBSCRIBED:
            return OnlyThePerson("the person unsubscribed at Laposta; only they can come back")
        case State.CLEANED:
            return Refused("mail to this address bounced, so Laposta stopped it; correct it first")
        case State.DELETED:
            return Refused(
                "Laposta calls this person deleted, and still shows them; ask Laposta why"
            )


def stopped_at(rest: Rest, place: MailingList) -> Mapping[str, Refused] | None:
    """Who is not to be sent along, by address. None: too many to read."""
    counts = place.members
    if counts is None or counts.unsubscribed + counts.cleaned > MOST:
        return None
    found: dict[str, Refused] = {}
    for state in (State.UNSUBSCRIBED, State.CLEANED):
        for row in rest.members(place.list_id, state):
            member = valid(Member, row)
            reason = stopped(member.state)
            if reason is not None:
                found[member.email] = reason
    return found


def outcomes(report: Report) -> Mapping[str, ConnectorError | None]:
    """By address; who is not in it, nothing was said about."""
    carried = (*report.added, *report.edited, *report.skipped)
    return {
        **{one.provided_data.email: outcome(one) for one in carried},
        **{one.provided_data.email: refusal(one.error) for one in report.errors},
    }


def outcome(one: Carried) -> ConnectorError | None:
    if one.member.email != one.provided_data.email:
        return OutcomeUnknown("an answer about somebody else")
    return stopped(one.member.state)


def shown(rest: Rest, place: MailingList, several: Sequence[Identity]) -> Mapping[str, Member]:
    """
    Whom a listing of the place shows, of those asked for, by each key that leads there.

    Whoever it does not show may be there all the same: that it shows every state is nowhere said.
    """
    counts = place.members
    if counts is None or counts.active + counts.unsubscribed + counts.cleaned > MOST:
        return {}
    wanted = {key for who in several for key in keys_in(who, place.list_id)}
    found: dict[str, Member] = {}
    for row in rest.members(place.list_id):
        if wanted.isdisjoint({str(row.get("email")).lower(), remote_id_of(row)}):
            continue
        member = valid(Member, row)
        found |= {member.email: member, remote_id(member): member}
    return found


def complete(who: Identity, found: Mapping[str, Member], list_id: str) -> Sequence[Member] | None:
    """Everybody that ``who`` leads to. None: something of it leads nowhere, as far as shown."""
    keys = keys_in(who, list_id)
    if not keys or not found.keys() >= set(keys):
        return None
    return list({found[key].member_id: found[key] for key in keys}.values())
