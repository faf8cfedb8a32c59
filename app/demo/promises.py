"""Sums the demo up, with every promise that did not hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.demo import endings, truth
from app.demo.comparison import Found, compare, rows
from app.demo.endings import Endings
from app.demo.school import School
from app.demo.stage import PLACES, Stage
from app.demo.truth import Truth
from core.ledger import Ledger, tasks
from core.ledger.customers import Customer
from core.report import PersonReport, person_report
from core.report.standing import Count
from core.report.values import System

ENOUGH = 90.0  # per cent of the operations
OLD_FILE = 2  # rows of the old file that would bring an erased person back
NAMED = 5  # of each kind


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the report says, what the platforms show, how the operations ended."""

    school: School
    reports: Mapping[str, PersonReport]
    truth: Truth
    endings: Endings
    tasks: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """``figures`` is what the last line of output says; ``broken`` holds sentences."""

    figures: Mapping[str, Any]
    broken: Sequence[str]


def gathered(stage: Stage, school: School) -> Evidence:
    """The reports first, then the platforms, so that what is claimed is older than what is."""
    ledger = stage.installation.ledger
    reports = reports_of(stage, school)
    with ledger.read() as tx:
        waiting = tasks.waiting(tx, stage.customer.id)
    held = truth.asked(stage)
    return Evidence(school, reports, held, endings.of(ledger, school.accepted), len(waiting))


def reports_of(stage: Stage, school: School) -> Mapping[str, PersonReport]:
    return {one: report_of(stage, one) for one in school.people}


def report_of(stage: Stage, reference: str) -> PersonReport:
    ledger: Ledger = stage.installation.ledger
    customer: Customer = stage.customer
    with ledger.read() as tx:
        return person_report(ledger, tx, customer, reference, stage.installation.platforms)


def judged(evidence: Evidence, *, seconds: float) -> Verdict:
    found = compare(evidence.school, evidence.reports, evidence.truth)
    ended = evidence.endings
    percent = round(100 * ended.verified / ended.operations, 1)
    left = [
        one
        for known in evidence.school.people.values()
        if known.erased
        for one in systems(evidence.reports[known.reference])
        if one.counts_as is Count.STILL_THERE
    ]
    return Verdict(
        {
            "persons": len(evidence.school.people),
            "operations": ended.operations,
            "verified": ended.verified,
            "verified_percent": percent,
            "still_there": len(left),
            "unknown": len(unknown(evidence)),
            "false_claims": len(found.false_claims),
            "lost": len(ended.lost),
            "tasks": evidence.tasks,
            "seconds": round(seconds, 1),
            "platforms": {one: figures_of(evidence, one) for one in PLACES},
        },
        broken(evidence, found, percent),
    )


def systems(report: PersonReport) -> Sequence[System]:
    return [one for platform in PLACES for one in rows(report, platform)]


def unknown(evidence: Evidence) -> Sequence[tuple[str, System]]:
    return [
        (reference, one)
        for reference, report in evidence.reports.items()
        for one in systems(report)
        if one.counts_as is Count.UNKNOWN
    ]


def figures_of(evidence: Evidence, platform: str) -> Mapping[str, int]:
    """``holds`` is the platform's own word: how many addresses it shows something about."""
    shown = [one for report in evidence.reports.values() for one in rows(report, platform)]
    counts = {what.value: sum(one.counts_as is what for one in shown) for what in Count}
    as_asked = sum(one.as_asked for one in shown)
    return {"as_asked": as_asked, **counts, "holds": len(evidence.truth[platform])}


def broken(evidence: Evidence, found: Found, percent: float) -> Sequence[str]:
    sighted = [f"{who} at {one.platform}" for who, one in unknown(evidence) if not one.blind]
    refused = len(evidence.school.refused)
    sentences = [
        *named("The report says what is not so", found.false_claims),
        *named("Erased, and still at Mailman", found.not_erased),
        *named("Accepted, and lost", evidence.endings.lost),
        *named("Unknown, though the platform can be asked", sighted),
    ]
    if percent < ENOUGH:
        sentences.append(f"Only {percent} % of the operations were verified, not {ENOUGH} %.")
    if refused != OLD_FILE:
        sentences.append(f"{refused} of {OLD_FILE} returns of an erased person were refused.")
    return sentences


def named(promise: str, cases: Sequence[str]) -> Sequence[str]:
    if not cases:
        return []
    more = f"; {len(cases) - NAMED} more" if len(cases) > NAMED else ""
    return [f"{promise}: {'; '.join(cases[:NAMED])}{more}."]
