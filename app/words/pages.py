"""What the pages say around the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.connector import Text


@dataclass(frozen=True, slots=True)
class Notice:
    """What is shown in place of a page."""

    title: Text
    text: Text


CLOSED = Notice(
    Text(nl="Deze link werkt niet", en="This link does not work"),
    Text(
        nl="Hij is verlopen, ingetrokken of niet helemaal overgenomen. Kijk of je de hele link "
        "hebt. Werkt het dan nog niet, vraag dan een nieuwe aan wie hem stuurde.",
        en="It has expired, was withdrawn, or was not copied whole. See whether you have all of "
        "it. If it still does not work, ask whoever sent it for a new one.",
    ),
)
READ_ONLY = Notice(
    Text(nl="Hier kun je alleen lezen", en="You can only read here"),
    Text(
        nl="Er is niets veranderd. Open de link opnieuw om de pagina te zien.",
        en="Nothing was changed. Open the link again to see the page.",
    ),
)
AWAY = Notice(
    Text(nl="Dit lukt nu even niet", en="This does not work right now"),
    Text(
        nl="We kunnen even niet bij onze gegevens. Er is niets verloren. Probeer het over een "
        "paar minuten opnieuw.",
        en="We cannot reach our records for the moment. Nothing is lost. Try again in a few "
        "minutes.",
    ),
)
FAULT = Notice(
    Text(nl="Dit lukt niet door een fout bij ons", en="This fails because of a fault of ours"),
    Text(
        nl="Er is niets verloren. Probeer het later opnieuw. Lukt het dan ook niet, geef dan deze "
        "code door aan CourseFlow: {code}.",
        en="Nothing is lost. Try again later. If it still fails, give this code to CourseFlow: "
        "{code}.",
    ),
)

LANGUAGES = Text(nl="Nederlands", en="English")  # each in its own

HEADINGS: Mapping[str, Text] = {
    "overview": Text(nl="Overzicht", en="Overview"),
    "as_of": Text(nl="Stand van {when}", en="As of {when}"),
    "alerts": Text(nl="Waarschuwingen", en="Warnings"),
    "erasures": Text(nl="Verzoeken om te verwijderen", en="Requests to erase"),
    "connections": Text(nl="Koppelingen", en="Connections"),
    "connection": Text(nl="Koppeling", en="Connection"),
    "health": Text(nl="Toestand", en="Condition"),
    "counts": Text(nl="Wat we er zagen", en="What we saw there"),
    "states": Text(nl="Hoe het ervoor staat", en="How things stand"),
    "who": Text(nl="Wie", en="Who"),
    "still_where": Text(nl="Waar nog", en="Where still"),
    "turn": Text(nl="Wie is aan zet", en="Whose turn"),
    "no_erasures": Text(
        nl="Er staat geen verzoek open.",
        en="No request is open.",
    ),
    "no_connections": Text(
        nl="Er is nog geen koppeling. Koppel je nieuwsbriefprogramma, dan houden we het bij.",
        en="There is no connection yet. Connect your newsletter tool and we keep it in step.",
    ),
    "no_systems": Text(
        nl="Voor deze persoon is nog nergens iets gevraagd.",
        en="Nothing was asked anywhere for this person yet.",
    ),
    "places": Text(nl="Waar het staat", en="Where it sits"),
    "more": Text(nl="En nog {number}.", en="And {number} more."),
    "nobody_moves": Text(nl="niemand hoeft nog iets te doen", en="nobody has to do anything more"),
    "people": Text(
        nl="Mensen die we kennen, wie verwijderd werd niet meegeteld: {number}.",
        en="People we know, not counting who was erased: {number}.",
    ),
    "limits": Text(
        nl="We zeggen alleen wat platforms ons via de koppeling laten zien. Lijsten die iemand "
        "zelf heeft gedownload of doorgestuurd, zien we niet.",
        en="We only say what platforms show us through the connection. Lists that someone "
        "downloaded or forwarded we do not see.",
    ),
    "link": Text(
        nl="Deze pagina kun je alleen lezen. De link werkt tot {when}. Wie hem heeft, kan "
        "meelezen: stuur hem niet door.",
        en="You can only read this page. The link works until {when}. Whoever has it can read "
        "along: do not pass it on.",
    ),
    "fresh": Text(
        nl="Deze pagina ververst niet vanzelf: laad hem opnieuw voor de laatste stand.",
        en="This page does not refresh by itself: reload it for the latest.",
    ),
}

NOTHING_TO_DO = Text(nl="Je hoeft nu niets te doen", en="Nothing for you to do now")
NO_TASKS = Text(nl="Je hebt nu geen taken", en="You have no tasks now")
ONE_TASK = Text(nl="Er is 1 taak voor jou", en="There is 1 task for you")
TASKS = Text(nl="Er zijn {number} taken voor jou", en="There are {number} tasks for you")
ONE_WAITS = Text(
    nl="1 verzoek om te verwijderen wacht op jouw antwoord, uiterlijk {when}.",
    en="1 request to erase waits for your answer, by {when}.",
)
SEVERAL_WAIT = Text(
    nl="{number} verzoeken om te verwijderen wachten op jouw antwoord, het eerste uiterlijk "
    "{when}.",
    en="{number} requests to erase wait for your answer, the first by {when}.",
)

LATE = Text(nl="te laat", en="late")
TODAY = Text(nl="vandaag", en="today")
ONE_DAY = Text(nl="nog 1 dag", en="1 day left")
DAYS = Text(nl="nog {number} dagen", en="{number} days left")

# The names under which every connection knows these; others are the customer's own.
