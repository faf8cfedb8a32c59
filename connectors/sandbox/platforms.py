"""The four sandbox platforms, which differ in what they say about an erasure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from connectors.sandbox.by_hand import WithoutApi
from connectors.sandbox.connector import Sandbox
from core.connector import Erasure, Limits, Platform, Residue, Text, Verb, Window

SERVER = "connectors/sandbox/server.py"
CHECKED = date(2026, 11, 22)
FOUR_AT_ONCE = Limits(at_once=4)


def residue(what: Text, *, lasts: timedelta | None, by_hand: Text | None) -> Residue:
    return Residue(what=what, lasts=lasts, by_hand=by_hand, source=SERVER, checked=CHECKED)


JOURNAL = residue(
    Text(
        nl="Het journaal van het nagebootste platform: elke aanroep en alles wat er ooit stond",
        en="The imitated platform's journal: every call, and all that was ever held",
    ),
    lasts=None,
    by_hand=Text(
        nl="Stop het platform en verwijder het bestand dat bij --journal is opgegeven.",
        en="Stop the platform and remove the file that was given as --journal.",
    ),
)

DELETE_IN_SCREENS = Text(
    nl="Log in op de schermen van het platform (/screen), zoek het contact op elk adres dat in "
    "de taak staat, klik op Verwijderen en kijk of het uit de lijst is. Haal het adres ook van "
    "de blokkadelijst.",
    en="Log in to the platform's screens (/screen), look for the contact by every address in "
    "the task, click Delete and see that it left the list. Remove the address from the "
    "blocklist too.",
)

ARCHIVED = residue(
    Text(
        nl="Het hele contact, gearchiveerd: e-mailadres, namen, andere velden en lijsten",
        en="The whole contact, archived: e-mail address, names, other fields and lists",
    ),
    lasts=None,
    by_hand=DELETE_IN_SCREENS,
)

READABLE_FOR_30_DAYS = residue(
    Text(
        nl="Het hele contact, leesbaar tot de dag waarop het platform het verwijdert",
        en="The whole contact, readable until the day on which the platform removes it",
    ),
    lasts=timedelta(days=30),
    by_hand=DELETE_IN_SCREENS,
)

UNTIL_REMOVED = residue(
    Text(
        nl="Alles wat er met de hand is ingevoerd, totdat iemand het verwijdert",
        en="Everything that was entered by hand, until someone removes it",
    ),
    lasts=None,
    by_hand=DELETE_IN_SCREENS,
)

BY_HAND = {
    Verb.SUBSCRIBE: Text(
        nl="Log in op de schermen (/screen), vul onder Toevoegen het e-mailadres, de namen en "
        "de lijst uit de taak in en klik op Toevoegen.",
        en="Log in to the screens (/screen), fill in the e-mail address, the names and the list "
        "from the task under Add and click Add.",
    ),
    Verb.UPDATE: Text(
        nl="Log in op de schermen (/screen), zoek het contact, verander wat in de taak staat en "
        "klik op Bewaren. Staat het contact er niet, voeg het dan niet toe.",
        en="Log in to the screens (/screen), find the contact, change what the task says and "
        "click Save. If the contact is not there, do not add it.",
    ),
    Verb.UNSUBSCRIBE: Text(
        nl="Log in op de schermen (/screen), zoek het contact en klik op Uitschrijven bij elke "
        "lijst uit de taak. Verwijder het niet: de weigering moet bewaard blijven.",
        en="Log in to the screens (/screen), find the contact and click Unsubscribe for every "
        "list in the task. Do not delete it: the refusal has to be kept.",
    ),
    Verb.ERASE: DELETE_IN_SCREENS,
}


def declared(
    habit: str,
    *,
    title: str,
    erasure: Erasure,
    leaves: tuple[Residue, ...],
    grace: timedelta | None = None,
    by_hand: Mapping[Verb, Text] | None = None,
    can_look: bool = True,
    limits: Limits = FOUR_AT_ONCE,
) -> Platform:
    """What all four have in common, and what each says of itself."""
    return Platform(
        name=f"sandbox-{habit}",
        title=title,
        hosts=(),
        stores_in=Text(nl="Op de computer waar het draait", en="On the computer where it runs"),
        in_eu=True,
        docs=SERVER,
        checked=CHECKED,
        erasure=erasure,
        residue=(*leaves, JOURNAL),
        erase_by_hand=DELETE_IN_SCREENS,
        grace=grace,
        by_hand=by_hand or {},
        can_look=can_look,
        deadline=timedelta(seconds=5),
        late_apply=timedelta(seconds=3),
        limits=limits,
    )


class SandboxArchives(Sandbox):
    platform = declared(
        "archives",
        title="Sandbox: archiveert alleen / only archives",
        erasure=Erasure.ARCHIVES,
        leaves=(ARCHIVED,),
    )


class SandboxThirtyDays(Sandbox):
    platform = declared(
        "thirty-days",
        title="Sandbox: verwijdert na 30 dagen / deletes after 30 days",
        erasure=Erasure.BY_DATE,
        leaves=(READABLE_FOR_30_DAYS,),
        grace=timedelta(days=30),
    )


class SandboxFlaky(Sandbox):
    platform = declared(
        "flaky",
        title="Sandbox: wisselvallig / flaky",
        erasure=Erasure.DELETES,
        leaves=(),
        limits=Limits(at_once=4, windows=(Window(calls=20),)),
    )


class SandboxByHand(WithoutApi):
    platform = declared(
        "by-hand",
        title="Sandbox: met de hand / by hand",
        erasure=Erasure.IMPOSSIBLE,
        leaves=(UNTIL_REMOVED,),
        by_hand=BY_HAND,
        can_look=False,
    )
