"""A person's report in one sentence, which never says that everything is gone."""

from __future__ import annotations

from core.connector import Text
from core.report.standing import Count
from core.report.values import PersonReport

NOWHERE_TO_LOOK = Text(
    nl="Er is geen koppeling om in te kijken",
    en="There is no connection to look in",
)


def headline(report: PersonReport) -> Text:
    """
    Counted is where a platform was last seen to hold data; what nobody saw is unknown.

    Our own records are never counted.
    """
    if report.counted(Count.STILL_THERE):
        return present(report)
    if report.counted(Count.NOT_FOUND):
        return absent(report)
    return unseen(report)


def present(report: PersonReport) -> Text:
    where = places(report.counted(Count.STILL_THERE))
    unknown = report.counted(Count.UNKNOWN)
    nl = f"Nog op {where.nl}" if report.asked_at else f"Staat op {where.nl}"
    en = f"Still in {where.en}" if report.asked_at else f"In {where.en}"
    return Text(nl=nl + more(unknown).nl, en=en + more(unknown).en)


def absent(report: PersonReport) -> Text:
    found = report.counted(Count.NOT_FOUND)
    unknown = report.counted(Count.UNKNOWN)
    nl = "Niet meer gevonden" if report.asked_at else "Niet gevonden"
    en = "No longer found" if report.asked_at else "Not found"
    if unknown and not only_blind(report):
        where = places(found)
        return Text(
            nl=f"{nl} op {where.nl}{more(unknown).nl}",
            en=f"{en} in {where.en}{more(unknown).en}",
        )
    everywhere = checkable(found)
    blind = f"; {cannot_look(unknown).nl}", f"; {cannot_look(unknown).en}"
    return Text(
        nl=f"{nl} op {everywhere.nl}{blind[0] if unknown else ''}",
        en=f"{en} in {everywhere.en}{blind[1] if unknown else ''}",
    )


def unseen(report: PersonReport) -> Text:
    unknown = report.counted(Count.UNKNOWN)
    if not unknown:
        return NOWHERE_TO_LOOK
    if only_blind(report):
        text = cannot_look(unknown)
        return Text(nl=text.nl[0].upper() + text.nl[1:], en=text.en[0].upper() + text.en[1:])
    where = places(unknown)
    return Text(nl=f"Op {where.nl} nog onbekend", en=f"Not known yet in {where.en}")


def only_blind(report: PersonReport) -> bool:
    """All that is unknown is where we can never look, not where we did not look yet."""
    return all(one.blind for one in report.systems if one.counts_as is Count.UNKNOWN)


def cannot_look(number: int) -> Text:
    where = places(number)
    return Text(nl=f"op {where.nl} kunnen we niet kijken", en=f"in {where.en} we cannot look")


def more(unknown: int) -> Text:
    if not unknown:
        return Text(nl="", en="")
    return Text(nl=f", {unknown} nog onbekend", en=f", {unknown} not known yet")


def places(number: int) -> Text:
    return Text(
        nl=f"{number} {'plek' if number == 1 else 'plekken'}",
        en=f"{number} {'place' if number == 1 else 'places'}",
    )


def checkable(number: int) -> Text:
    if number == 1:
        return Text(nl="de enige plek die wij kunnen controleren", en="the one place we can check")
    return Text(
        nl=f"alle {number} plekken die wij kunnen controleren",
        en=f"all {number} places that we can check",
    )
