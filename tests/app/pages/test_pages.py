"""What the pages say: every state with its word and shape, whose turn it is, in both languages."""

from __future__ import annotations

import itertools
import re
from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from app.pages.marks import MARKS, Mark, mark
from app.pages.overview import MOST
from app.pages.person import person_page
from app.pages.rendering import Templates
from app.pages.sheet import WORDS, Sheet
from app.words import pages as words
from app.words import vocabulary
from app.words.condition import SENTENCES
from app.words.report import Language
from app.words.vocabulary import FIELDS
from core.connector import Presence, Text, Verb
from core.ledger import alerts, connections, customers, finishing, lanes, schema, tasks
from core.ledger.alerts import Needs
from core.ledger.customers import Customer, MailingList, Purpose
from core.report import PersonReport
from core.report.condition import Doing
from core.report.standing import WHOSE, Standing, Whose
from core.report.values import Next, Reads, Seen
from core.states import State, Task
from tests.app.pages.conftest import Visitor, bustling
from tests.app.pages.html import Parsed, parsed
from tests.app.words.test_report import MORNING, report, system, work
from tests.core.schools import NOW, REFERENCE, TRACE, School, seen

REFUSED_KEY = (
    "!Het platform weigert de sleutel. Wat je vraagt blijft bewaard en wacht op jou. Vernieuw de "
    "sleutel: courseflow-sync connection renew"
)
UNREACHABLE = (
    "◐Niet bereikbaar sinds 22 november 2026 10:00 (mislukte pogingen op rij: 7). Wat je vraagt "
    "blijft bewaard. Wij proberen het opnieuw op 22 november 2026 11:00; jij hoeft niets te doen."
)
LANGUAGES: tuple[Language, ...] = ("nl", "en")
ZONE = ZoneInfo("Europe/Amsterdam")
SCRIPT = "<script>alert(1)</script>\"'&"
SCHOOL = Customer(UUID(int=1), "De Verfschuur", ZONE)
TEMPLATES = Templates()


def said(text: Text, language: Language) -> str:
    return text.nl if language == "nl" else text.en


def show(made: PersonReport, language: Language) -> Parsed:
    """The page of a report that was made up."""
    sheet = Sheet(language, ZONE)
    page = person_page(made, sheet)
    context = {"of": SCHOOL, "now": "nu", "until": "morgen"}
    return parsed(TEMPLATES.render("person.html", language, sheet=sheet, page=page, **context))


def cells(page: Parsed, label: str) -> list[str]:
    """A column of a table, by its heading."""
    found = [one for one in page.all("td") if one.attributes.get("data-label") == label]
    return [" ".join(one.text.split()) for one in found]


@pytest.mark.parametrize(("state", "language"), list(itertools.product(Standing, LANGUAGES)))
def test_every_state_shows_its_word_and_shape(state: Standing, language: Language) -> None:
    one = system(state=state, next=Next(MORNING, WHOSE[state]))
    word = said(vocabulary.STATES[state], language)
    label = said(vocabulary.HEADINGS["state"], language)
    assert cells(show(report(one), language), label) == [f"{MARKS[state].value}{word}"]


@pytest.mark.parametrize(
    ("whose", "reads", "language"), list(itertools.product(Whose, Reads, LANGUAGES))
)
def test_every_owner_shows_with_a_moment(whose: Whose, reads: Reads, language: Language) -> None:
    page = show(report(system(next=Next(MORNING, whose, reads))), language)
    (step,) = cells(page, said(vocabulary.HEADINGS["next"], language))
    assert step.startswith(said(vocabulary.WHOSE[whose], language))
    assert "22 november 2026" in step.lower()


@pytest.mark.parametrize(
    ("kind", "verb", "language"), list(itertools.product(Task, [None, *Verb], LANGUAGES))
)
def test_every_task_says_what_to_do_and_since_or_until_when(
    kind: Task, verb: Verb | None, language: Language
) -> None:
    for deadline in (None, NOW.date()):
        made = report(system(), tasks=(work(kind=kind, verb=verb, deadline=deadline),))
        (item,) = [one for one in show(made, language).texts("li") if "22" in one]
        assert "Nieuwsbrief" in item
        assert "{" not in item
        assert said(vocabulary.HEADINGS["by" if deadline else "since"], language) in item


@pytest.mark.parametrize("presence", Presence)
def test_what_was_seen_is_told_with_the_names_of_fields_only(presence: Presence) -> None:
    one = system(seen=(Seen("Nieuwsbrief", presence.value, ("email", "last_name", "MMERGE7")),))
    text = " ".join(show(report(one), "nl").texts("section"))
    word = vocabulary.PRESENCES[presence].nl
    assert f"Gezien: Nieuwsbrief, {word}: e-mailadres, achternaam, MMERGE7" in text


def test_every_word_is_there_in_both_languages() -> None:
    notices = (words.CLOSED, words.READ_ONLY, words.AWAY, words.FAULT)
    texts = [*words.HEADINGS.values(), *FIELDS.values(), words.LATE, words.TODAY, words.DAYS]
    texts += [one for notice in notices for one in (notice.title, notice.text)]
    texts += [words.NO_TASKS]
    texts += [SENTENCES[health] for health in Doing]
    texts += [one for needs in Needs for one in vocabulary.ALERTS[needs].values()]
    for text in texts:
        assert text.nl
        assert text.en
        assert text.nl != text.en
        assert re.findall(r"{\w+}", text.nl) == re.findall(r"{\w+}", text.en)
    assert set(words.HEADINGS).isdisjoint(vocabulary.HEADINGS)
    assert len(WORDS) == len(words.HEADINGS) + len(vocabulary.HEADINGS)


def test_every_state_has_a_shape_and_only_a_turn_of_yours_calls_for_attention() -> None:
    assert set(MARKS) == set(Standing)
    assert len({one.value for one in Mark}) == len(Mark)
    assert not [
        state
        for state, shape in MARKS.items()
        if shape is Mark.YOURS and WHOSE[state] is not Whose.YOURS
    ]
    assert mark(system(as_asked=True)) is Mark.STAYS


def test_a_persons_page_tells_everything_of_the_report(visitor: Visitor) -> None:
    bustling(visitor.school)
    page = parsed(visitor.person())
    text = page.all("html")[0].text
    assert page.texts("h1") == ["Nog op 3 plekken, 3 nog onbekend"]
    assert "cf-123 (j•••@e•••.nl)" in text
    assert page.texts("dt") == ["Verwijderen gevraagd", "Antwoord uiterlijk", "Antwoord gegeven"]
    assert page.texts("dd") == ["22 november 2026 10:00", "22 december 2026", "nog niet"]
    assert cells(page, "Stand") == [
        "✓Niet meer gevonden",
        "!Staat er nog",
        "○Wacht op het platform",
        "◐Nog niet gelukt",
        "!Staat er weer in",
        "◐In de wachtrij",
        "!Jij bent aan zet",
        "■Onze laatste gegevens",
    ]
    assert cells(page, "Gezien op")[:4] == ["22 november 2026 10:00"] * 3 + ["nog niet"]
    assert cells(page, "Volgende stap")[2:4] == [
        "het platform, uiterlijk 22 december 2026",
        "wij, op 22 november 2026 12:00",
    ]
    assert "Blijft achter: Een kopie van het contact (tot 22 december 2026)" in text
    assert "Zelf weghalen: Verwijder het contact." in " ".join(text.split())
    assert "De link werkt tot 29 november 2026 10:00" in text


def test_nothing_personal_is_on_a_page_beyond_the_masked_address(visitor: Visitor) -> None:
    bustling(visitor.school)
    for language in LANGUAGES:
        for html in (visitor.overview(language), visitor.person(lang=language)):
            assert "j•••@e•••.nl" in html
            for word in ("jan@", "Jansen", "example", "els7@", "@example"):
                assert word not in html


def test_after_the_last_record_is_gone_the_page_remains_and_knows_nobody(
    visitor: Visitor,
) -> None:
    school = visitor.school
    where = school.connect("Mailman")
    school.ask(Verb.SUBSCRIBE)
    school.ask(Verb.ERASE)
    school.bring(where, State.NOT_FOUND, reached_seq=2, due_at=None, **seen())
    school.clock[0] = NOW + timedelta(days=60)
    finishing.end(school.ledger)
    html = visitor.person()
    assert "(hier niet meer bekend)" in html
    assert "Niet meer gevonden op de enige plek die wij kunnen controleren" in html
    assert REFERENCE not in html
    assert "•••" not in html


def test_a_member_of_whom_nothing_is_asked_needs_nothing(visitor: Visitor) -> None:
    school = visitor.school
    where = school.connect("Mailman")
    school.ask(Verb.SUBSCRIBE)
    there = {**TRACE, "presence": "subscribed"}
    school.bring(where, State.CONFIRMED, reached_seq=1, due_at=None, **seen(NOW, there))
    page = parsed(visitor.person())
    assert page.texts("h1") == ["Staat op 1 plek"]
    assert cells(page, "Stand") == ["■Staat erin, zoals gevraagd"]
    assert cells(page, "Volgende stap") == ["niemand hoeft nog iets te doen"]
    assert page.all("dl") == []
    assert "Je hoeft nu niets te doen." in page.texts("p")


def test_an_overview_says_first_what_waits_for_the_school(visitor: Visitor) -> None:
    bustling(visitor.school)
    page = parsed(visitor.overview())
    assert page.texts("h1") == ["Er zijn 3 taken voor jou"]
    assert (
        "2 verzoeken om te verwijderen wachten op jouw antwoord, het eerste uiterlijk "
        "21 december 2026."
    ) in page.texts("p")
    assert len([one for one in page.texts("li") if one.startswith("cf-123 ")]) == 3
    assert cells(page, "Waar nog") == [
        "Op 7 plekken nog onbekend",
        "Nog op 3 plekken, 3 nog onbekend",
    ]
    assert cells(page, "Wie is aan zet") == [
        "wij, op 22 november 2026 10:00",
        "jij, uiterlijk 22 december 2026",
    ]
    assert cells(page, "Antwoord uiterlijk") == [
        "21 december 2026 (nog 29 dagen)",
        "22 december 2026 (nog 30 dagen)",
    ]
    assert set(cells(page, "Toestand")) == {"✓Geen problemen."}
    assert "Niet meer gevonden: 1" in page.texts("li")


def test_an_overview_leads_to_each_person_and_from_there_nowhere(visitor: Visitor) -> None:
    bustling(visitor.school)
    page = parsed(visitor.overview("en"))
    leads = {one.text: one.attributes["href"] or "" for one in page.all("a")}
    assert set(leads) == {"Nederlands", "cf-123", "cf-123 (j•••@e•••.nl)", "cf-7 (j•••@e•••.nl)"}
    answer = visitor.ask(f"/{leads['cf-7 (j•••@e•••.nl)']}")
    assert answer.status_code == 200
    assert "What still sits where: cf-7" in parsed(answer.text).texts("p")[2]
    assert parsed(answer.text).texts("a") == ["Nederlands"]


def test_a_persons_link_from_an_overview_expires_with_it(visitor: Visitor) -> None:
    bustling(visitor.school)
    page = parsed(visitor.page(visitor.link(lasts=timedelta(days=1)), "nl"))
    (lead, *_) = [one.attributes["href"] for one in page.all("a") if one.text == "cf-123"]
    assert "De link werkt tot 23 november 2026 10:00" in visitor.ask(f"/{lead}").text
    visitor.school.clock[0] += timedelta(days=1)
    assert visitor.ask(f"/{lead}").status_code == 404


def test_a_school_with_nothing_to_do_is_told_so(visitor: Visitor) -> None:
    page = parsed(visitor.overview())
    assert page.texts("h1") == ["Je hoeft nu niets te doen"]
    assert page.all("table") == []
    assert "Er staat geen verzoek open." in page.texts("p")


def test_an_answer_that_is_due_is_never_nothing_to_do(visitor: Visitor) -> None:
    visitor.school.ask(Verb.ERASE)
    waits = "1 verzoek om te verwijderen wacht op jouw antwoord, uiterlijk 22 december 2026."
    for days, left in ((29, "nog 1 dag"), (30, "vandaag"), (31, "te laat")):
        visitor.school.clock[0] = NOW + timedelta(days=days)
        page = parsed(visitor.overview())
        assert page.texts("h1") == ["Je hebt nu geen taken"]
        assert waits in page.texts("p")
        assert cells(page, "Antwoord uiterlijk") == [f"22 december 2026 ({left})"]


def test_a_term_that_runs_out_leads_the_pages(visitor: Visitor) -> None:
    visitor.school.connect("A")
    visitor.school.ask(Verb.ERASE)
    visitor.school.clock[0] = NOW + timedelta(days=23)
    alerts.raise_due(visitor.school.ledger)
    said = "De termijn eindigt binnen een week, op 22 december 2026, en verwijderen is"
    overview, person = parsed(visitor.overview()), parsed(visitor.person())
    assert any(said in one and one.startswith(REFERENCE) for one in overview.texts("li"))
    assert any(one.startswith(said) for one in person.texts("li"))
    assert "Waarschuwingen" in overview.texts("h2")
    assert "Warnings" in parsed(visitor.person(lang="en")).texts("h2")


def test_a_connection_that_does_not_work_says_why(visitor: Visitor) -> None:
    school = visitor.school
    _, held, rests, closed = (school.connect(one) for one in ("A", "B", "C", "D"))
    connections.close(school.ledger, closed)
    with school.ledger.begin() as tx:
        lanes.hold(tx, held, "credentials")
        tasks.open_for(
            tx, kind=Task.RECONNECT, verb=None, customer=school.customer.id, connection=held
        )
    rest(school, rests)
    page = parsed(visitor.overview())
    assert cells(page, "Toestand") == [
        "✓Geen problemen.",
        REFUSED_KEY,
        UNREACHABLE,
        "?Losgekoppeld. Er gaat niets meer heen. Kijk daar zelf wat er nog staat.",
    ]
    assert page.texts("h1") == ["Er is 1 taak voor jou"]
    assert page.texts("li")[0].startswith("De sleutel van B werkt niet meer.")


def rest(school: School, connection: UUID) -> None:
    with school.ledger.begin() as tx:
        until = NOW + timedelta(hours=1)
        tx.db.execute(
            sa.update(schema.lanes)
            .where(schema.lanes.c.connection == connection)
            .values(closed_until=until, failing_since=NOW, failures=7)
        )


def test_more_than_a_page_holds_is_counted(visitor: Visitor) -> None:
    school = visitor.school
    for number in range(MOST + 2):
        school.ask(Verb.ERASE, f"cf-{number}", f"els{number}@example.nl")
    page = parsed(visitor.overview())
    assert len(cells(page, "Waar nog")) == MOST
    assert "En nog 2." in page.texts("p")
    assert f"{MOST + 2} verzoeken om te verwijderen" in page.texts("p")[2]


def test_what_customers_call_things_is_text(visitor: Visitor) -> None:
    school = visitor.school
    news = MailingList("news", Purpose.NEWSLETTER, SCRIPT)
    customers.put_list(school.ledger, school.customer, news)
    where = school.connect(SCRIPT)
    reference = f"cf{SCRIPT}"
    school.ask(Verb.ERASE, reference)
    traces = {**TRACE, "fields": [SCRIPT]}
    school.bring(where, State.STILL_THERE, due_at=None, **seen(NOW, traces))
    school.open_task(where, Task.STILL_THERE)
    for html in (visitor.overview(), person := visitor.person(reference)):
        page = parsed(html)
        assert "<script" not in html
        assert SCRIPT in page.all("body")[0].text
        assert page.all("script") == []
    assert f"Gezien: {SCRIPT}, gearchiveerd: {SCRIPT}" in parsed(person).texts("li")


@pytest.mark.parametrize(
    ("asked", "accepts", "spoken"),
    [
        ("", "", "nl"),
        ("", "en-GB,en;q=0.9", "en"),
        ("", "de, fr;q=0.8", "nl"),
        ("", "de, en;q=0.5, nl;q=0.4", "en"),
        ("", "nl-BE, en;q=0.9", "nl"),
        ("", "en, nl", "en"),
        ("", "en;q=0", "nl"),
        ("", "en;q=x, *;q=,;;", "nl"),
        ("en", "nl", "en"),
        ("nl", "en", "nl"),
        ("xx", "en", "en"),
    ],
)
def test_the_page_speaks_as_asked_else_as_the_browser_likes(
    visitor: Visitor, asked: str, accepts: str, spoken: str
) -> None:
    headers = {"accept-language": accepts}
    answer = visitor.ask(f"/{visitor.link()}?lang={asked}", headers=headers)
    assert answer.headers["content-language"] == spoken
    page = parsed(answer.text)
    assert page.all("html")[0].attributes["lang"] == spoken
    (other,) = page.all("a")
    assert other.attributes["href"] == f"?lang={other.attributes['lang']}" != f"?lang={spoken}"
