"""How a connection is, in words: what happened, what it means, who moves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from app.words.report import Paper, in_both
from core.connector import Text
from core.report.condition import Condition, Doing

SENTENCES: Mapping[Doing, Text] = {
    Doing.WORKING: Text(nl="Geen problemen.", en="No problems."),
    Doing.UNREACHABLE: Text(
        nl="Niet bereikbaar sinds {since} (mislukte pogingen op rij: {failures}). Wat je "
        "vraagt blijft bewaard. Wij proberen het opnieuw op {until}; jij hoeft niets te doen.",
        en="Cannot be reached since {since} (tries in a row that failed: {failures}). What "
        "you ask is kept. We try again on {until}; you need do nothing.",
    ),
    Doing.TRYING: Text(
        nl="Niet bereikbaar sinds {since} (mislukte pogingen op rij: {failures}). Wat je "
        "vraagt blijft bewaard. Wij proberen het nu opnieuw; jij hoeft niets te doen.",
        en="Cannot be reached since {since} (tries in a row that failed: {failures}). What "
        "you ask is kept. We are trying again now; you need do nothing.",
    ),
    Doing.HOST_AWAY: Text(
        nl="{host} antwoordt sinds {since} op geen enkele koppeling. Wat je vraagt blijft bewaard. "
        "Eén koppeling probeert het telkens voor alle; zodra het lukt gaan we verder. Jij "
        "hoeft niets te doen.",
        en="{host} answers no connection since {since}. What you ask is kept. One connection "
        "tries again and again for all; as soon as it works we go on. You need do nothing.",
    ),
    Doing.RESTING: Text(
        nl="Het platform vroeg ons te wachten tot {rests}. Wat je vraagt blijft bewaard. Daarna "
        "gaan wij vanzelf verder; jij hoeft niets te doen.",
        en="The platform asked us to wait until {rests}. What you ask is kept. Then we go on by "
        "ourselves; you need do nothing.",
    ),
    Doing.PAUSED: Text(
        nl="Gepauzeerd. Wat je vraagt wacht, verwijderingen ook, en hun termijn loopt door. Laat "
        "hem weer werken: courseflow-sync connection resume",
        en="Paused. What you ask waits, erasures too, and their term runs on. Let it work again: "
        "courseflow-sync connection resume",
    ),
    Doing.NEEDS_CREDENTIALS: Text(
        nl="Het platform weigert de sleutel. Wat je vraagt blijft bewaard en wacht op jou. "
        "Vernieuw de sleutel: courseflow-sync connection renew",
        en="The platform refuses the key. What you ask is kept and waits for you. Renew the key: "
        "courseflow-sync connection renew",
    ),
    Doing.CLOSED: Text(
        nl="Losgekoppeld. Er gaat niets meer heen. Kijk daar zelf wat er nog staat.",
        en="Disconnected. Nothing goes there any more. See there yourself what is left.",
    ),
}


def sentence(condition: Condition, paper: Paper) -> str:
    away = condition.doing is Doing.HOST_AWAY
    shown = condition.of_host if away else condition.lane
    moments = {"since": shown.since, "until": shown.until, "rests": condition.rests_until}
    return paper.say(SENTENCES[condition.doing]).format(
        host=condition.host,
        failures=shown.failures,
        **{name: paper.moment(at) for name, at in moments.items() if at is not None},
    )


def told(condition: Condition, zone: ZoneInfo) -> dict[str, Any]:
    """As programs get it."""
    says = in_both(lambda paper: sentence(condition, paper), zone)
    return {**condition.to_json(), "says": says}
