"""What a platform does, in words for people."""

from __future__ import annotations

from datetime import date, timedelta

from core.connector import Erasure, Platform, Text

ERASURES = {
    Erasure.DELETES: Text(
        nl="Verwijdert het contact. Daarna kijken we of het weg is.",
        en="Deletes the contact. Afterwards we look whether it is gone.",
    ),
    Erasure.ARCHIVES: Text(
        nl="Archiveert alleen: de gegevens staan er nog, tot je ze met de hand verwijdert.",
        en="Only archives: the data is still there until you delete it by hand.",
    ),
    Erasure.IMPOSSIBLE: Text(
        nl="Kan het niet zelf: je krijgt een taak om het daar met de hand te doen.",
        en="Cannot do it by itself: you get a task to do it there by hand.",
    ),
}


def on_erasure(platform: Platform) -> Text:
    if platform.erasure is Erasure.BY_DATE:
        return Text(
            nl=f"Verwijdert later: {within(platform.grace).nl}. Tot dan staan de gegevens er nog.",
            en=f"Deletes later: {within(platform.grace).en}. Until then the data is still there.",
        )
    return ERASURES[platform.erasure]


def within(span: timedelta | None) -> Text:
    if span is None:
        return Text(nl="het noemt geen termijn", en="it names no term")
    return Text(nl=f"binnen {span.days} dagen", en=f"within {span.days} days")


def looking(platform: Platform) -> Text:
    if platform.can_look:
        return Text(nl="We kunnen er kijken.", en="We can look there.")
    return Text(
        nl="We kunnen er niet kijken: wat er staat, weten we alleen van jou.",
        en="We cannot look there: what it holds we only know from you.",
    )


def source(named: str, checked: date) -> Text:
    return Text(nl=f"{named}, nagekeken {checked}", en=f"{named}, checked {checked}")
