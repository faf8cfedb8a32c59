"""A customer's totals as plain text."""

from __future__ import annotations

from collections.abc import Iterator

from app.words.report import Language, Paper, wrapped
from app.words.vocabulary import HEADINGS, STATES
from core.connector import Text
from core.report import CustomerReport
from core.report.standing import Count, Standing
from core.report.totals import ConnectionTotals, Totals

HEADS = {
    "people": Text(nl="Mensen van wie we gegevens hebben:", en="People whose data we have:"),
    "erasures": Text(nl="Verzoeken om te verwijderen, nog open:", en="Open requests to erase:"),
    "by": Text(nl="antwoord uiterlijk", en="answer by"),
    "tasks": Text(nl="Taken voor jou:", en="Tasks for you:"),
    "closed": Text(nl="losgekoppeld", en="disconnected"),
    "nobody": Text(nl="nog niemand", en="nobody yet"),
}
# Totals do not tell who should be there from who should be gone, so the word is neutral.
WORDS = {
    **STATES,
    Standing.STILL_THERE: Text(nl="Staat er (gewenst of niet)", en="There (wanted or not)"),
}
COUNTS = {
    Count.STILL_THERE: Text(nl="gezien", en="seen"),
    Count.NOT_FOUND: Text(nl="niet gevonden", en="not found"),
    Count.UNKNOWN: Text(nl="onbekend", en="unknown"),
}


def render_totals(report: CustomerReport, language: Language) -> str:
    return "\n".join(lines(report, language)) + "\n"


def lines(report: CustomerReport, language: Language) -> Iterator[str]:
    head = {name: said(text, language) for name, text in HEADS.items()}
    yield f"{head['people']} {report.people}"
    for one in report.connections:
        yield ""
        yield from of_connection(one, language)
    yield ""
    yield f"{head['erasures']} {report.open_erasures}"
    for erasure in report.erasures:
        who = erasure.reference or said(HEADINGS["forgotten"], language)
        yield f"    {who}, {head['by']} {erasure.deadline}"
        if erasure.alert:
            yield from wrapped(Paper(language, report.time_zone).alert(erasure.alert), " " * 8)
    yield f"{head['tasks']} {sum(report.open_tasks.values())}"


def of_connection(one: ConnectionTotals, language: Language) -> Iterator[str]:
    closed = "" if one.connected else f", {said(HEADS['closed'], language)}"
    yield f"{one.title} ({one.platform}{closed}): {counts(one.totals, language)}"
    for state, number in one.totals.states.items():
        yield f"    {number:>7}  {said(WORDS[state], language)}"


def counts(totals: Totals, language: Language) -> str:
    there = [
        f"{totals.counts[what]} {said(text, language)}"
        for what, text in COUNTS.items()
        if totals.counts[what]
    ]
    return ", ".join(there) or said(HEADS["nobody"], language)


def said(text: Text, language: Language) -> str:
    return text.nl if language == "nl" else text.en
