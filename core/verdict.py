"""
Did it happen? Decided here, for every platform alike.

Connectors read; nothing but what they saw counts. A status code is an answer, not evidence.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from core.connector import Place, Presence, Trace
from core.wants import Goal


class Verdict(StrEnum):
    """From best to worst: the worst of its parts is a holding's verdict."""

    CONFIRMED = "confirmed"
    ABSENT = "absent"  # nothing found; for an erasure, what was asked
    KEPT = "kept"  # only the blocklist entry that the customer chose to keep
    WAITING_FOR_PERSON = "waiting for the person"
    FINAL_ON = "final on a date"
    DIFFERS = "differs"
    CONTRADICTED = "contradicted"
    CANNOT_LOOK = "cannot look"


WORSE = {verdict: rank for rank, verdict in enumerate(Verdict)}
MAILED = frozenset({Presence.SUBSCRIBED, Presence.PENDING})
LEAVING = frozenset({Presence.ANONYMISED, Presence.PURGING})
# A blocklist or a pending request holds an address, not a profile that could be kept current.
PROFILE = frozenset(Presence) - {Presence.SUPPRESSED, Presence.PENDING} - LEAVING


@dataclass(frozen=True, slots=True)
class Sight:
    """One look: the places that this credential proved it can see, and what came back."""

    places: tuple[Place, ...]
    traces: tuple[Trace, ...]
    started: datetime
    ended: datetime


@dataclass(frozen=True, slots=True)
class Judgement:
    """``unmet`` is what of the goal is still to be done; ``until`` comes with FINAL_ON."""

    verdict: Verdict
    unmet: Goal
    until: datetime | None = None


def judge(
    goal: Goal,
    expected: Mapping[str, str],
    sight: Sight,
    *,
    keep_refusal: bool = False,
    must_see: Collection[str] = (),
) -> Judgement:
    """
    ``expected`` is what a trace shows of the person, in the connector's names. ``must_see`` are
    places that may hold a copy: while one is out of sight, nothing is called gone or up to date.
    """
    blind = not sight.places or not all(visible(place, sight) for place in must_see)
    if goal.erase:
        found = judge_erasure(sight.traces, keep_refusal=keep_refusal)
        unsure = blind and found.verdict is not Verdict.CONTRADICTED
        return replace(found, verdict=Verdict.CANNOT_LOOK) if unsure else found
    subscribed = {place: judge_subscription(place, expected, sight) for place in goal.subscribe}
    stopped = {place: judge_refusal(place, sight) for place in goal.unsubscribe}
    updated = judge_update(expected, sight.traces) if goal.update else Verdict.CONFIRMED
    if goal.update and blind and updated is not Verdict.DIFFERS:
        updated = Verdict.CANNOT_LOOK
    return Judgement(
        worst([*subscribed.values(), *stopped.values(), updated]),
        Goal(
            subscribe=tuple(place for place, verdict in subscribed.items() if unmet(verdict)),
            unsubscribe=tuple(place for place, verdict in stopped.items() if unmet(verdict)),
            update=updated is Verdict.DIFFERS,
        ),
    )


def judge_erasure(traces: Sequence[Trace], *, keep_refusal: bool) -> Judgement:
    """Absence is the whole of it: no trace at any place, by any address, by any id."""
    left = [
        trace for trace in traces if not (keep_refusal and trace.presence is Presence.SUPPRESSED)
    ]
    if not left:
        return Judgement(Verdict.KEPT if traces else Verdict.ABSENT, Goal())
    dates = [trace.until for trace in left if trace.presence in LEAVING and trace.until]
    if len(dates) == len(left):
        return Judgement(Verdict.FINAL_ON, Goal(), until=max(dates))
    return Judgement(Verdict.CONTRADICTED, Goal(erase=True))


def judge_beside_others(
    own: Judgement,
    blank: Mapping[str, Mapping[str, str]],
    common: Mapping[str, Sequence[Trace]],
    *,
    names_may_show: bool,
) -> Judgement:
    """
    An erasure where other people use some of the addresses: those contacts stay, nameless.

    ``blank`` is what a trace shows once the name is gone, ``common`` what was found, both by
    address. CONFIRMED when no more than such contacts is left.
    """
    found = {email: traces for email, traces in common.items() if traces}
    named = not names_may_show and any(
        judge_update(blank[email], traces) is Verdict.DIFFERS for email, traces in found.items()
    )
    unmet = Goal(erase=own.unmet.erase or named)
    if found and own.verdict in {Verdict.ABSENT, Verdict.KEPT}:
        return Judgement(Verdict.DIFFERS if named else Verdict.CONFIRMED, unmet)
    return replace(own, unmet=unmet)


def judge_subscription(place: str, expected: Mapping[str, str], sight: Sight) -> Verdict:
    if not visible(place, sight):
        return Verdict.CANNOT_LOOK
    there = [trace for trace in sight.traces if trace.place == place]
    subscribed = [trace for trace in there if trace.presence is Presence.SUBSCRIBED]
    if subscribed:
        return Verdict.CONFIRMED if show(subscribed, expected) else Verdict.DIFFERS
    if any(trace.presence is Presence.PENDING for trace in there):
        return Verdict.WAITING_FOR_PERSON
    return Verdict.CONTRADICTED


def judge_refusal(place: str, sight: Sight) -> Verdict:
    if not visible(place, sight):
        return Verdict.CANNOT_LOOK
    mailed = any(trace.place == place and trace.presence in MAILED for trace in sight.traces)
    return Verdict.CONTRADICTED if mailed else Verdict.CONFIRMED


def opted_out(place: str, sight: Sight) -> bool:
    """The platform shows a refusal there, or on a list beside its places: that always wins."""
    here = {trace.presence for trace in sight.traces if trace.place == place}
    beside = {trace.presence for trace in sight.traces if not visible(trace.place, sight)}
    refused = Presence.UNSUBSCRIBED in here or Presence.SUPPRESSED in here | beside
    return refused and MAILED.isdisjoint(here)


def judge_update(expected: Mapping[str, str], traces: Sequence[Trace]) -> Verdict:
    """Every copy counts: one stale list of two is not an update that happened."""
    copies = [trace for trace in traces if trace.presence in PROFILE]
    if not copies:
        return Verdict.ABSENT
    return Verdict.CONFIRMED if show(copies, expected) else Verdict.DIFFERS


def visible(place: str, sight: Sight) -> bool:
    return any(known.id == place for known in sight.places)


def show(traces: Iterable[Trace], expected: Mapping[str, str]) -> bool:
    """Each field is shown by at least one trace, and shown alike by all that can show it."""
    return all(
        {trace.fields[name] for trace in traces if name in trace.fields} == {value}
        for name, value in expected.items()
    )


def unmet(verdict: Verdict) -> bool:
    return verdict in {Verdict.CONTRADICTED, Verdict.DIFFERS}


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    return max(verdicts, key=WORSE.__getitem__, default=Verdict.CONFIRMED)
