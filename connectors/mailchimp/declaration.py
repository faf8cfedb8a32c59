"""What the product says about Mailchimp, with where Mailchimp says so."""

from __future__ import annotations

from datetime import date, timedelta

from core.connector import Erasure, Limits, Platform, Residue, Text

CHECKED = date(2026, 11, 25)
DELETING = "https://mailchimp.com/help/delete-contacts/"


def residue(
    what: Text, by_hand: Text | None, source: str, lasts: timedelta | None = None
) -> Residue:
    return Residue(what=what, lasts=lasts, by_hand=by_hand, source=source, checked=CHECKED)


MARK = residue(
    Text(
        nl="Een merkteken in elke doelgroep waar de persoon in stond, waardoor het adres daar niet "
        "opnieuw kan worden toegevoegd. Mailchimp zegt niet in welke vorm het adres daarvoor "
        "bewaard blijft",
        en="A mark in each audience that held the person, by which the address cannot be added "
        "there again. Mailchimp does not say in what form it keeps the address for that",
    ),
    None,
    DELETING,
)
REPORTS = residue(
    Text(
        nl="Regels in campagnerapporten waarin de persoon anoniem is gemaakt",
        en="Lines in campaign reports in which the person was made anonymous",
    ),
    None,
    DELETING,
)
STORES = residue(
    Text(
        nl="De klant en de bestellingen in een webwinkel die aan Mailchimp gekoppeld is: naam, "
        "e-mailadres en adres",
        en="The customer and the orders in an online store that is connected to Mailchimp: name, "
        "e-mail address and postal address",
    ),
    Text(
        nl="Verwijder de klant in de webwinkel zelf. Blijft hij in Mailchimp staan, verwijder dan "
        "de koppeling met de webwinkel of vraag Mailchimp om de klant te verwijderen.",
        en="Delete the customer in the online store itself. If it stays in Mailchimp, remove the "
        "connection to the store or ask Mailchimp to delete the customer.",
    ),
    DELETING,
)
EXPORTS = residue(
    Text(
        nl="Bestanden met contacten die iemand uit Mailchimp heeft geëxporteerd; Mailchimp houdt "
        "een export van het hele account 90 dagen klaar om te downloaden",
        en="Files with contacts that somebody exported from Mailchimp; Mailchimp keeps an export "
        "of the whole account ready for download for 90 days",
    ),
    Text(
        nl="Verwijder gedownloade bestanden zelf. Een export bij Mailchimp verloopt vanzelf.",
        en="Delete downloaded files yourself. An export at Mailchimp lapses by itself.",
    ),
    "github.com/mailchimp/fern-marketing-api-docs: AccountExportsExports",
)
CONVERSATIONS = residue(
    Text(
        nl="Berichten van de persoon in de Inbox, antwoorden op enquêtes en bestanden die iemand "
        "over de persoon uploadde. Wij konden niet vaststellen of Mailchimp die meeneemt",
        en="The person's messages in the Inbox, answers to surveys and files that somebody "
        "uploaded about the person. We could not establish whether Mailchimp takes these along",
    ),
    Text(
        nl="Zoek in Mailchimp onder Inbox, Surveys en Content op de naam en op elk adres, en "
        "verwijder wat je vindt.",
        en="Search in Mailchimp under Inbox, Surveys and Content for the name and for each "
        "address, and delete what you find.",
    ),
    "mailchimp-marketing 3.0.80: conversations_api.py, surveys_api.py, file_manager_api.py",
)
TRANSACTIONAL = residue(
    Text(
        nl="Losse e-mails via Mailchimp Transactional (Mandrill), als de school dat gebruikt: een "
        "eigen account met eigen verzendlogboek en eigen blokkeerlijst",
        en="Single e-mails by Mailchimp Transactional (Mandrill), if the school uses it: an "
        "account of its own, with a log of what was sent and a list of blocked addresses",
    ),
    Text(
        nl="Verwijder het adres daar onder Rejection Denylist: wie er met de hand op is "
        "gezet, gaat er nooit vanzelf af.",
        en="Remove the address there under Rejection Denylist: who was put there by hand "
        "never leaves it by itself.",
    ),
    "https://mailchimp.com/developer/transactional/docs/reputation-rejections/",
)

BY_HAND = Text(
    nl="Kies in Mailchimp onder Audience elke doelgroep en zoek bij All contacts op elk adres van "
    "de persoon, ook onder View archived contacts. Open het contact, kies Actions, Remove contact, "
    "Permanently delete en bevestig. Archiveren is niet genoeg: dan blijft alles staan.",
    en="In Mailchimp choose each audience under Audience and search All contacts for each of the "
    "person's addresses, also under View archived contacts. Open the contact, choose Actions, "
    "Remove contact, Permanently delete and confirm. To archive is not enough: that keeps all.",
)

PLATFORM = Platform(
    name="mailchimp",
    title="Mailchimp",
    hosts=("api.mailchimp.com",),
    stores_in=Text(nl="de Verenigde Staten", en="the United States"),
    in_eu=False,
    docs="https://mailchimp.com/developer/marketing/api/list-members/",
    checked=CHECKED,
    erasure=Erasure.DELETES,
    residue=(MARK, REPORTS, STORES, EXPORTS, CONVERSATIONS, TRANSACTIONAL),
    erase_by_hand=BY_HAND,
    # Every audience is asked about every address, one call each; a lane is leased for a minute.
    deadline=timedelta(seconds=45),
    # Mailchimp ends a request after 120 seconds, whether or not somebody still waits for it
    # (its page on rate limits and timeouts, 2026-11); the rest is for clocks that differ.
    late_apply=timedelta(minutes=3),
    # Ten for each user of the account, shared with whatever else uses that user's keys.
    limits=Limits(at_once=10),
    # Mailchimp takes 500, but answers with some 4 kB for each, of which core.http reads 2 MiB.
    bulk=250,
)
