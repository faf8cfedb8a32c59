"""Laposta's API: calls by route, answers as values, its refusals as our errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from connectors.laposta.values import (
    Lists,
    MailingList,
    Member,
    MemberRow,
    Problem,
    Refusal,
    Report,
    Rows,
    State,
    parsed,
)
from core.errors import (
    ConnectorError,
    OutcomeUnknown,
    Reconnect,
    Refused,
    TryLater,
    Unreadable,
)

BAD_REQUEST = frozenset({HTTPStatus.BAD_REQUEST.value})
OR_FORBIDDEN = BAD_REQUEST | {HTTPStatus.UNAUTHORIZED.value}

UNKNOWN = 203
EXISTS = 204
WHO = frozenset({"member_id", "email"})
NO_BULK = "Not permitted to issue bulk requests"

# Required, although we have no address of the person's own; Laposta's integration for Zapier
# sends this one when it has none (laposta/zapier, creates/upsert_relation.js, read 2026-11-25).
NO_IP = "0.0.0.0"  # noqa: S104  # nosec B104 - sent, not listened at


class Rest:
    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def call(
        self,
        method: str,
        route: str,
        parts: Mapping[str, str] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        body: object = None,
        tolerates: AbstractSet[int] = frozenset(),
    ) -> httpx.Response:
        """One call to ``route``, whose ``{placeholders}`` are filled from ``parts``."""
        quoted = {name: quote(part, safe="") for name, part in (parts or {}).items()}
        return self.http.request(
            method,
            route.format(**quoted),
            params=query,
            data=form,
            json=body,
            extensions={"route": route, "tolerates": tolerates},
        )

    def lists(self) -> Sequence[MailingList]:
        return [row.list for row in parsed(Lists, self.call("GET", "/list")).data]

    def member(self, list_id: str, key: str) -> Member | None:
        """By id or by address. None: Laposta says that the list has no such member."""
        parts, query = {"member": key}, {"list_id": list_id}
        answer = self.call("GET", "/member/{member}", parts, query=query, tolerates=BAD_REQUEST)
        if answer.status_code == HTTPStatus.BAD_REQUEST:
            absent(answer)
            return None
        found = parsed(MemberRow, answer).member
        if found.list_id != list_id or key not in {found.member_id, found.email}:
            raise Unreadable("an answer about somebody else", status=answer.status_code)
        return found

    def members(self, list_id: str, state: State | None = None) -> Sequence[Mapping[str, Any]]:
        """Everybody that Laposta shows in one answer; it has no pages (2026-11)."""
        query = {"list_id": list_id} | ({"state": state.value} if state else {})
        rows = parsed(Rows, self.call("GET", "/member", query=query))
        return [row.member for row in rows.data]

    def add(self, list_id: str, email: str, form: Mapping[str, str]) -> Member | None:
        """
        Add or complete a member, and never bring back who unsubscribed. None: the address is
        there already, in a state that this call leaves alone.
        """
        said = {
            "list_id": list_id,
            "ip": NO_IP,
            "email": email,
            "options[upsert]": "true",
            "options[suppress_reactivation]": "true",
            # The list's owner would get an e-mail with the person's data, for each person.
            "options[suppress_email_notification]": "true",
            **form,
        }
        answer = self.call("POST", "/member", form=said, tolerates=BAD_REQUEST)
        if answer.status_code == HTTPStatus.BAD_REQUEST:
            problem = parsed(Refusal, answer).error
            if problem.code == EXISTS:
                return None
            raise refusal(problem)
        member = parsed(MemberRow, answer, OutcomeUnknown).member
        if (member.list_id, member.email) != (list_id, email):
            raise OutcomeUnknown("an answer about somebody else", status=answer.status_code)
        return member

    def change(self, member: Member, form: Mapping[str, str]) -> None:
        """What is not named stays as it is. Absent stays absent."""
        parts, said = {"member": member.member_id}, {"list_id": member.list_id, **form}
        answer = self.call("POST", "/member/{member}", parts, form=said, tolerates=BAD_REQUEST)
        self.about(member, answer)

    def delete(self, member: Member) -> None:
        """Absent is success."""
        parts, query = {"member": member.member_id}, {"list_id": member.list_id}
        answer = self.call("DELETE", "/member/{member}", parts, query=query, tolerates=BAD_REQUEST)
        self.about(member, answer)

    def about(self, member: Member, answer: httpx.Response) -> None:
        if answer.status_code == HTTPStatus.BAD_REQUEST:
            absent(answer)
        elif parsed(MemberRow, answer, OutcomeUnknown).member.member_id != member.member_id:
            raise OutcomeUnknown("an answer about somebody else", status=answer.status_code)

    def synchronise(self, list_id: str, members: Sequence[Mapping[str, Any]]) -> Report | None:
        """
        Add or complete many. None: Laposta did not turn bulk on for this account.

        The third action, which unsubscribes everybody who is not sent along, is never asked for.
        """
        body = {"actions": ["add", "update"], "members": members}
        answer = self.call(
            "POST", "/list/{list}/members", {"list": list_id}, body=body, tolerates=OR_FORBIDDEN
        )
        match answer.status_code:
            case HTTPStatus.UNAUTHORIZED:
                if parsed(Refusal, answer, Reconnect).error.message.startswith(NO_BULK):
                    return None
                raise Reconnect("Laposta does not accept this API key", status=answer.status_code)
            case HTTPStatus.BAD_REQUEST:
                raise refusal(parsed(Refusal, answer).error)
            case _:
                return parsed(Report, answer, OutcomeUnknown)


def absent(answer: httpx.Response) -> None:
    """
    Return when Laposta says that it has no such member; raise what else it says.

    The same code about the list says nothing of the member: it may be a list of somebody else.
    """
    problem = parsed(Refusal, answer).error
    if problem.code != UNKNOWN or problem.parameter not in WHO:
        raise refusal(problem)


def refusal(problem: Problem) -> ConnectorError:
    """Laposta's own words stay out: they may quote what was sent."""
    match problem.code, problem.parameter:
        case (203, "list_id"):
            return TryLater("a list that Laposta showed is unknown to it now", status=400)
        case (204, _):
            return Refused(
                "another member of the list has this address already; merge the two in Laposta",
                status=400,
            )
        case (_, ("email" | "member_id")):
            return Refused("Laposta does not accept this e-mail address", status=400)
        case (None, _):
            return Refused("Laposta does not take this call", status=400)
        case (code, _):
            return Refused(
                "Laposta does not accept a field: it is required in that list, or this value is "
                f"not allowed there (code {code})",
                status=400,
            )
