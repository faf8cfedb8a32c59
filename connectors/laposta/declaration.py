"""What the product says about Laposta, with where Laposta says so."""

from __future__ import annotations

from datetime import date, timedelta

from core.connector import Erasure, Limits, Platform, Residue, Text, Window

API = "https://api.laposta.nl/v2"
DOCS = "https://api.laposta.nl/doc/"
CHECKED = date(2026, 11, 25)


def residue(what: Text, by_hand: Text | None, source: str) -> Residue:
    """How long Laposta keeps any of this is nowhere said."""
    return Residue(what=what, lasts=None, by_hand=by_hand, source=source, checked=CHECKED)


STATISTICS = residue(
    Text(
        nl="Mogelijk: wat de persoon met verzonden nieuwsbrieven deed (geopend, geklikt, "
        "afgemeld). Laposta houdt dat per campagne bij en zegt niet of het bij verwijderen "
        "verdwijnt",
        en="Possibly: what the person did with campaigns that were sent (opened, clicked, "
        "unsubscribed). Laposta keeps that per campaign and does not say whether deleting "
        "removes it",
    ),
    Text(
        nl="Kijk in Laposta bij de resultaten van verzonden campagnes of de persoon er nog met "
        "naam staat. Vraag Laposta dan om dat te verwijderen.",
        en="Look in Laposta at the results of sent campaigns whether the person is still named "
        "there. If so, ask Laposta to remove that.",
    ),
    "https://api.laposta.nl/doc/ (campaign history, subscriber history)",
)

MESSAGES = residue(
    Text(
        nl="E-mails over aan- en afmeldingen, als dat bij een lijst is ingesteld: in de mailbox "
        "die daar staat",
        en="E-mails about sign-ups and opt-outs, where a list is set to send them: in the mailbox "
        "that is named there",
    ),
    Text(
        nl="Zoek in die mailbox op de naam en op elk adres van de persoon, en verwijder wat je "
        "vindt.",
        en="Search that mailbox for the name and for each of the person's addresses, and delete "
        "what you find.",
    ),
    "https://api.laposta.nl/doc/ (the list object: notification addresses)",
)

WEBHOOKS = residue(
    Text(
        nl="De gegevens van de persoon in andere systemen die met een webhook op een lijst zijn "
        "aangesloten",
        en="The person's data in other systems that are connected to a list by a webhook",
    ),
    Text(
        nl="Kijk bij elke lijst onder Eigenschappen naar de webhooks, en verwijder de persoon ook "
        "in die systemen.",
        en="Look at the webhooks under the properties of each list, and remove the person from "
        "those systems too.",
    ),
    "https://api.laposta.nl/doc/ (structure of a webhook)",
)

ACCESS_LOG = residue(
    Text(
        nl="Mogelijk: het e-mailadres in logbestanden van Laposta, omdat de API het in het "
        "webadres van een aanroep wil hebben",
        en="Possibly: the e-mail address in log files of Laposta, as the API wants it in the web "
        "address of a call",
    ),
    None,
    "https://api.laposta.nl/doc/ (requesting a subscriber)",
)

BY_HAND = Text(
    nl="Log in bij Laposta en open Relaties. Zoek in elke lijst op elk adres van de persoon, ook "
    "bij de afgemelde en opgeschoonde relaties, en verwijder de relatie. Afmelden is niet genoeg: "
    "dan blijven de gegevens staan.",
    en="Log in to Laposta and open Relations. In every list look for each of the person's "
    "addresses, among the unsubscribed and cleaned relations too, and delete the relation. To "
    "unsubscribe is not enough: that keeps the data.",
)

PLATFORM = Platform(
    name="laposta",
    title="Laposta",
    hosts=("api.laposta.nl",),
    stores_in=Text(nl="in Nederland", en="in the Netherlands"),
    in_eu=True,
    docs=DOCS,
    checked=CHECKED,
    erasure=Erasure.DELETES,
    residue=(STATISTICS, MESSAGES, WEBHOOKS, ACCESS_LOG),
    erase_by_hand=BY_HAND,
    # One attempt asks every list for every address, twice, at two calls a second; a lane's lease
    # lasts a minute.
    deadline=timedelta(seconds=45),
    # Per account. A free one may make 30 calls a minute, which cannot be seen from outside: its
    # 429 with Retry-After is obeyed. At that pace a paid account would wait for nothing, and an
    # attempt at many lists would not end before its deadline.
    limits=Limits(at_once=1, windows=(Window(calls=120, per=timedelta(minutes=1)),)),
    # Without bulk each of these is a call of its own: together they must fit in the deadline.
    bulk=50,
)
