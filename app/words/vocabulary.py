"""The words of a report, in both languages."""

from __future__ import annotations

from collections.abc import Mapping

from core.connector import Presence, Text, Verb
from core.report.standing import Standing, Whose
from core.report.values import Reads
from core.states import Task

STATES: Mapping[Standing, Text] = {
    Standing.QUEUED: Text(nl="In de wachtrij", en="Queued"),
    Standing.SENT: Text(nl="Doorgegeven, nog niet gezien", en="Sent, not seen yet"),
    Standing.NOT_FOUND: Text(nl="Niet meer gevonden", en="No longer found"),
    Standing.STILL_THERE: Text(nl="Staat er nog", en="Still there"),
    Standing.FINAL_ON: Text(nl="Wacht op het platform", en="Waiting for the platform"),
    Standing.OVERDUE: Text(nl="Platform is te laat", en="Platform is late"),
    Standing.RETRYING: Text(nl="Nog niet gelukt", en="Not done yet"),
    Standing.NEEDS_YOU: Text(nl="Jij bent aan zet", en="Your turn"),
    Standing.ONLY_THE_PERSON: Text(
        nl="Dit kan alleen de persoon zelf", en="Only the person can do this"
    ),
    Standing.SHARED: Text(nl="Adres blijft voor een ander", en="Address stays for someone else"),
    Standing.KEPT: Text(nl="Bewaard", en="Kept"),
    Standing.IN_BACKUPS: Text(nl="In back-ups", en="In backups"),
    Standing.FINISHING: Text(nl="Onze laatste gegevens", en="Our last record"),
    Standing.ATTESTED: Text(
        nl="Bevestigd, niet gecontroleerd", en="Confirmed by someone, not checked"
    ),
    Standing.CANNOT_LOOK: Text(nl="Hier kunnen we niet kijken", en="We cannot look here"),
    Standing.RETURNED: Text(nl="Staat er weer in", en="It is back"),
}
AS_ASKED = Text(nl="Staat erin, zoals gevraagd", en="There, as asked")

WHOSE: Mapping[Whose, Text] = {
    Whose.OURS: Text(nl="wij", en="we"),
    Whose.YOURS: Text(nl="jij", en="you"),
    Whose.THE_PLATFORM: Text(nl="het platform", en="the platform"),
    Whose.THE_PERSON: Text(nl="de persoon", en="the person"),
}

NEXT: Mapping[Reads, Text] = {
    Reads.ON: Text(nl="{who}, op {when}", en="{who}, on {when}"),
    Reads.BY: Text(nl="{who}, uiterlijk {when}", en="{who}, by {when}"),
    Reads.SINCE: Text(nl="{who}, sinds {when}", en="{who}, since {when}"),
}

PRESENCES: Mapping[Presence, Text] = {
    Presence.SUBSCRIBED: Text(nl="aangemeld", en="subscribed"),
    Presence.PENDING: Text(nl="wacht op bevestiging", en="waits to be confirmed"),
    Presence.UNSUBSCRIBED: Text(nl="afgemeld", en="unsubscribed"),
    Presence.SUPPRESSED: Text(nl="geblokkeerd", en="on a blocklist"),
    Presence.ARCHIVED: Text(nl="gearchiveerd", en="archived"),
    Presence.ANONYMISED: Text(nl="onleesbaar gemaakt", en="masked"),
    Presence.PURGING: Text(nl="wordt verwijderd", en="being removed"),
}

VERBS: Mapping[Verb, Text] = {
    Verb.SUBSCRIBE: Text(nl="aanmelden", en="subscribe"),
    Verb.UPDATE: Text(nl="wijzigen", en="update"),
    Verb.UNSUBSCRIBE: Text(nl="afmelden", en="unsubscribe"),
    Verb.ERASE: Text(nl="verwijderen", en="erase"),
}

TASKS: Mapping[Task, Text] = {
    Task.BY_HAND: Text(
        nl="Dit kun alleen jij doen in {title}: {verb}.",
        en="Only you can do this in {title}: {verb}.",
    ),
    Task.STILL_THERE: Text(
        nl="De persoon staat nog in {title}. Verwijder de gegevens daar zelf.",
        en="The person is still in {title}. Erase the data there yourself.",
    ),
    Task.RECONNECT: Text(
        nl="De sleutel van {title} werkt niet meer. Vernieuw hem; daarna gaan we vanzelf verder.",
        en="The key of {title} no longer works. Renew it; then we go on by ourselves.",
    ),
    Task.REFUSED: Text(
        nl="{title} weigert dit: {verb}. Kijk daar waarom, of doe het daar zelf.",
        en="{title} refuses this: {verb}. See there why, or do it there yourself.",
    ),
    Task.GIVEN_UP: Text(
        nl="Het lukt ons niet in {title}: {verb}. Doe het daar zelf.",
        en="We do not succeed in {title}: {verb}. Do it there yourself.",
    ),
    Task.RETURNED: Text(
        nl="De persoon staat weer in {title}. Was dat een eigen aanmelding? Zo niet, verwijder "
        "de gegevens daar.",
        en="The person is in {title} again. Was that their own sign-up? If not, erase the data "
        "there.",
    ),
    Task.OVERDUE: Text(
        nl="{title} heeft niet verwijderd op de beloofde datum. Vraag het platform dat te doen.",
        en="{title} did not erase by the date it promised. Ask the platform to do so.",
    ),
    Task.SHARED: Text(
        nl="Een ander gebruikt hetzelfde adres in {title}. Laat het staan, of verwijder het daar "
        "voor allebei.",
        en="Someone else uses the same address in {title}. Let it stay, or erase it there "
        "for both.",
    ),
    Task.CANNOT_LOOK: Text(
        nl="We kunnen een lijst in {title} niet zien. Geef de koppeling toegang, of kijk er zelf.",
        en="We cannot see a list in {title}. Give the connection access, or look there yourself.",
    ),
    Task.QUARANTINED: Text(
        nl="Bij {title} gaat steeds iets mis aan onze kant. Meld dit aan CourseFlow.",
        en="Something keeps failing on our side at {title}. Tell CourseFlow.",
    ),
}

# Where it is the customer's turn and no task was opened.
LOOK_YOURSELF = Text(
    nl="Wij kunnen niet in {title} kijken. Kijk daar zelf wat er nog staat.",
    en="We cannot look in {title}. See there yourself what is left.",
)
LET_IT_GO_ON = Text(
    nl="Bij {title} wacht werk op jou. Laat de koppeling weer werken; dan gaan we verder.",
    en="Work waits for you at {title}. Let the connection work again; then we go on.",
)

HEADINGS: Mapping[str, Text] = {
    "person": Text(nl="Wat staat nog waar", en="What still sits where"),
    "asked": Text(nl="Verwijderen gevraagd", en="Erasure asked"),
    "deadline": Text(nl="Antwoord uiterlijk", en="Answer by"),
    "answered": Text(nl="Antwoord gegeven", en="Answered"),
    "not_yet": Text(nl="nog niet", en="not yet"),
    "where": Text(nl="Waar", en="Where"),
    "state": Text(nl="Stand", en="State"),
    "seen_at": Text(nl="Gezien op", en="Seen"),
    "next": Text(nl="Volgende stap", en="Next step"),
    "disconnected": Text(nl="losgekoppeld", en="disconnected"),
    "details": Text(nl="Wat we zagen en wat achterblijft", en="What we saw and what stays"),
    "seen": Text(nl="Gezien:", en="Seen:"),
    "stays": Text(nl="Blijft achter:", en="Stays:"),
    "may_stay": Text(nl="Kan er nog zijn:", en="May be left:"),
    "until": Text(nl="tot", en="until"),
    "by_hand": Text(nl="Zelf weghalen:", en="Remove it yourself:"),
    "by": Text(nl="uiterlijk", en="by"),
    "tasks": Text(nl="Wat jij moet doen", en="What you have to do"),
    "no_tasks": Text(nl="Je hoeft nu niets te doen.", en="Nothing for you to do now."),
}

MONTHS: tuple[Text, ...] = tuple(
    Text(nl=nl, en=en)
    for nl, en in (
        ("januari", "January"),
        ("februari", "February"),
        ("maart", "March"),
        ("april", "April"),
        ("mei", "May"),
        ("juni", "June"),
        ("juli", "July"),
        ("augustus", "August"),
        ("september", "September"),
        ("oktober", "October"),
        ("november", "November"),
        ("december", "December"),
    )
)
