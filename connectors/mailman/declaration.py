"""What the product says about GNU Mailman, with where Mailman says so."""

from __future__ import annotations

from datetime import date, timedelta

from core.connector import Erasure, Limits, Platform, Residue, Text

CHECKED = date(2026, 11, 22)
ARCHITECTURE = "https://docs.mailman3.org/en/latest/architecture.html"


def residue(what: Text, by_hand: Text, source: str) -> Residue:
    """Nothing of this leaves by itself: who runs the server decides."""
    return Residue(what=what, lasts=None, by_hand=by_hand, source=source, checked=CHECKED)


ACCESS_LOG = residue(
    Text(
        nl="Het e-mailadres in logbestanden van de server: Mailman schrijft elk opgevraagd adres "
        "in mailman.log, ook wanneer wij kijken of het weg is. Een mailserver of webserver "
        "ervoor kan het ook noteren",
        en="The e-mail address in log files of the server: Mailman writes every address that is "
        "asked for to mailman.log, also when we look whether it is gone. A mail or web server in "
        "front of it may note it too",
    ),
    Text(
        nl="Laat de beheerder logbestanden na korte tijd verwijderen (logrotate). Zonder "
        "toegangslog schrijft Mailman geen adressen: zet accesslog = /dev/null in het bestand "
        "dat onder [webservice] bij configuration staat.",
        en="Have the administrator remove log files after a short time (logrotate). Without an "
        "access log Mailman writes no addresses: set accesslog = /dev/null in the file that "
        "[webservice] names as configuration.",
    ),
    "mailman 3.3.10: mailman/rest/gunicorn.py, [logging.gunicorn] in mailman/config/schema.cfg",
)

QUEUES = residue(
    Text(
        nl="E-mails aan de persoon die nog niet verstuurd zijn, zoals een verzoek om te "
        "bevestigen, en e-mails die niet verwerkt konden worden: bestanden in var/queue",
        en="E-mails to the person that were not sent yet, such as a request to confirm, and "
        "e-mails that could not be processed: files in var/queue",
    ),
    Text(
        nl="Wacht tot de wachtrijen leeg zijn. Laat de beheerder in var/queue/shunt en "
        "var/queue/bad kijken (mailman qfile) en verwijderen wat van de persoon is.",
        en="Wait until the queues are empty. Have the administrator look in var/queue/shunt and "
        "var/queue/bad (mailman qfile) and remove what is the person's.",
    ),
    "mailman 3.3.10: mailman/app/subscriptions.py, mailman/core/switchboard.py",
)

MESSAGES = residue(
    Text(
        nl="E-mails die de persoon naar een lijst stuurde: in het archief (HyperKitty), in een "
        "digest die nog wacht, of vastgehouden voor een moderator",
        en="E-mails that the person sent to a list: in the archive (HyperKitty), in a digest that "
        "still waits, or held for a moderator",
    ),
    Text(
        nl="Zoek in het archief van elke lijst op de naam en op elk adres, en verwijder de "
        "berichten. Keur vastgehouden berichten af in Postorius.",
        en="Search each list's archive for the name and for every address, and delete the "
        "messages. Discard held messages in Postorius.",
    ),
    ARCHITECTURE,
)

ACCOUNT = residue(
    Text(
        nl="Het account van de persoon in de webschermen (Postorius en HyperKitty), als die er "
        "een maakte: naam, e-mailadressen en wachtwoord staan in een eigen database",
        en="The person's account in the web screens (Postorius and HyperKitty), if they made one: "
        "name, e-mail addresses and password are in a database of its own",
    ),
    Text(
        nl="Verwijder de gebruiker in het beheer van de webschermen (/admin, Users).",
        en="Delete the user in the administration of the web screens (/admin, Users).",
    ),
    "https://gitlab.com/mailman/postorius/-/issues/135",
)

SENDER_RULES = residue(
    Text(
        nl="Het adres in instellingen van een lijst die afzenders opsommen, en in patronen die op "
        "meer adressen passen",
        en="The address in settings of a list that enumerate senders, and in patterns that fit "
        "more addresses",
    ),
    Text(
        nl="Kijk in Postorius bij elke lijst naar de berichtinstellingen (niet-leden), de "
        "koptekstfilters en de blokkades.",
        en="In Postorius look at each list's message acceptance (non-members), header filters "
        "and bans.",
    ),
    "mailman 3.3.10: mailman/rest/listconf.py, mailman/rest/header_matches.py",
)

BY_HAND = Text(
    nl="Laat de beheerder in Postorius onder Gebruikers op elk adres van de persoon zoeken en de "
    "gebruiker verwijderen. Kijk daarna bij elke lijst of er nog een aanmelding wacht of een "
    "blokkade staat op een van die adressen, en haal die weg.",
    en="Have the administrator look in Postorius under Users for each of the person's addresses "
    "and delete the user. Then look in every list for a subscription request or a ban that "
    "names one of those addresses, and remove it.",
)

PLATFORM = Platform(
    name="mailman",
    title="GNU Mailman 3",
    hosts=(),
    stores_in=Text(
        nl="op de server die de klant zelf kiest",
        en="on the server that the customer chose",
    ),
    in_eu=None,
    docs="https://docs.mailman3.org/projects/mailman/en/latest/src/mailman/rest/docs/rest.html",
    checked=CHECKED,
    erasure=Erasure.DELETES,
    residue=(ACCESS_LOG, QUEUES, MESSAGES, ACCOUNT, SENDER_RULES),
    erase_by_hand=BY_HAND,
    deadline=timedelta(seconds=10),
    # Mailman answers within one transaction and leaves nothing for later; a call that got no
    # answer can still wait its turn, for as long as the few workers of the REST server are busy.
    late_apply=timedelta(seconds=3),
    limits=Limits(at_once=4),
)
