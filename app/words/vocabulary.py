"""The words of a report, in both languages."""

from __future__ import annotations

from collections.abc import Mapping

from core.connector import Presence, Text, Verb
from core.ledger.alerts import Needs, Threshold
from core.ledger.answers import Outcome
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

OUTCOMES: Mapping[Outcome, Text] = {
    Outcome.DONE: Text(nl="gedaan", en="done"),
    Outcome.PARTLY: Text(nl="deels gedaan", en="partly done"),
    Outcome.REFUSED: Text(nl="geweigerd", en="refused"),
    Outcome.EXTENDED: Text(nl="termijn verlengd", en="term extended"),
}

# Of a term that runs out: what happened, what it means, what to do.
ALERTS: Mapping[Needs, Mapping[Threshold, Text]] = {
    Needs.ERASURE: {
        Threshold.SLOW: Text(
            nl="Verwijderen is na 72 uur nog niet klaar. De persoon moet uiterlijk {when} "
            "antwoord hebben. Kijk wie aan zet is en doe je taken.",
            en="The erasure is not finished after 72 hours. The person must be answered by {when}. "
            "See whose turn it is and do your tasks.",
        ),
        Threshold.WEEK: Text(
            nl="De termijn eindigt binnen een week, op {when}, en verwijderen is niet klaar. Doe "
            "je taken nu, of antwoord de persoon voor die dag waarom het langer duurt.",
            en="The term ends within a week, on {when}, and the erasure is not finished. Do your "
            "tasks now, or tell the person before that day why it takes longer.",
        ),
        Threshold.DAY: Text(
            nl="De termijn is bijna om, {when} is de laatste dag, en verwijderen is niet klaar. "
            "Doe je taken vandaag, of antwoord de persoon vandaag waarom het langer duurt.",
            en="The term is nearly over, {when} is the last day, and the erasure is not finished. "
            "Do your tasks today, or tell the person today why it takes longer.",
        ),
        Threshold.OVER: Text(
            nl="De termijn was om op {when}: verwijderen is niet klaar en de persoon heeft geen "
            "antwoord. De wet (AVG art. 12 lid 3) staat dat niet toe. Antwoord vandaag wat er "
            "gedaan is en waarom het langer duurt, leg dat vast en doe je taken.",
            en="The term was over on {when}: the erasure is not finished and the person was not "
            "answered. The law (GDPR art. 12(3)) does not allow that. Tell the person today what "
            "was done and why it takes longer, record it, and do your tasks.",
        ),
    },
    Needs.ANSWER: {
        Threshold.WEEK: Text(
            nl="Wat kon is gedaan, maar de persoon weet het nog niet. De termijn eindigt binnen "
            "een week, op {when}. Antwoord de persoon en leg het vast.",
            en="What could be done was done, but the person does not know it yet. The term ends "
            "within a week, on {when}. Answer the person and record it.",
        ),
        Threshold.DAY: Text(
            nl="Wat kon is gedaan, maar de persoon weet het nog niet. De termijn is bijna om: "
            "{when} is de laatste dag. Antwoord de persoon vandaag en leg het vast.",
            en="What could be done was done, but the person does not know it yet. The term is "
            "nearly over: {when} is the last day. Answer the person today and record it.",
        ),
        Threshold.OVER: Text(
            nl="Wat kon is gedaan, maar de persoon heeft geen antwoord en de termijn was om op "
            "{when}. De wet (AVG art. 12 lid 3) staat dat niet toe. Antwoord de persoon vandaag "
            "en leg het vast.",
            en="What could be done was done, but the person was not answered and the term was "
            "over on {when}. The law (GDPR art. 12(3)) does not allow that. Answer the person "
            "today and record it.",
        ),
    },
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

CHANGED_THERE = Text(
    nl="In {title} staat de persoon anders dan gevraagd, buiten ons om. Kijk daar of dat klopt.",
    en="In {title} the person stands otherwise than asked, not by us. See there whether that is "
    "right.",
)
LIFT_IT = Text(
    nl="Deze persoon is beperkt, dus naar {title} gaat niets. Hef dat op als het weer mag: "
    "courseflow-sync unrestrict",
    en="This person is restricted, so nothing goes to {title}. Lift that when it may again: "
    "courseflow-sync unrestrict",
)

HEADINGS: Mapping[str, Text] = {
    "person": Text(nl="Wat staat nog waar", en="What still sits where"),
    "forgotten": Text(nl="(hier niet meer bekend)", en="(not known here any more)"),
    "asked": Text(nl="Verwijderen gevraagd", en="Erasure asked"),
    "deadline": Text(nl="Antwoord uiterlijk", en="Answer by"),
    "answered": Text(nl="Antwoord gegeven", en="Answered"),
    "restricted": Text(nl="Beperkt sinds", en="Restricted since"),
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
    "since": Text(nl="sinds", en="since"),
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

# What a contact may show; a school's own fields have the names that it gave them.
FIELDS: Mapping[str, Text] = {
    "email": Text(nl="e-mailadres", en="e-mail address"),
    "first_name": Text(nl="voornaam", en="first name"),
    "last_name": Text(nl="achternaam", en="last name"),
}
