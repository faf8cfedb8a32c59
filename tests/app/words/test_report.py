"""The report on a terminal: a word for every state, in both languages, with readable dates."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from app.words import vocabulary as words
from app.words.report import WIDTH, Language, render
from core.connector import Presence, Text, Verb
from core.report import PersonReport
from core.report.standing import WHOSE, Count, Standing, Whose
from core.report.values import Kind, Left, Next, Reads, Seen, System, Work
from core.states import Task

MAILER, BY_HAND = UUID(int=1), UUID(int=2)
MORNING = datetime(2026, 11, 22, 9, 14, tzinfo=UTC)
DEADLINE = datetime(2026, 12, 22, 22, 59, 59, tzinfo=UTC)
LONG = "een zin die zo lang is dat hij over de rand van het scherm zou lopen " * 3

TABLES: Mapping[str, tuple[Mapping[Any, Text], Iterable[Any]]] = {
    "states": (words.STATES, Standing),
    "owners": (words.WHOSE, Whose),
    "moments": (words.NEXT, Reads),
    "presences": (words.PRESENCES, Presence),
    "verbs": (words.VERBS, Verb),
    "tasks": (words.TASKS, Task),
}


def system(**changed: Any) -> System:
    usual: dict[str, Any] = {
        "platform": "mailer",
        "connection": MAILER,
        "title": "Nieuwsbrief",
        "state": Standing.STILL_THERE,
        "as_asked": False,
        "asked_at": MORNING,
        "seen_at": MORNING,
        "seen": (Seen("Nieuwsbrief", "archived", ("email", "first_name")),),
        "residue": (
            Left(
                Text(nl="Een kopie", en="A copy"),
                date(2027, 1, 5),
                Text(nl=LONG, en=LONG),
                "docs",
            ),
        ),
        "next": Next(DEADLINE, Whose.YOURS, Reads.BY),
        "counts_as": Count.STILL_THERE,
    }
    return System(**{**usual, **changed})


def work(**changed: Any) -> Work:
    usual: dict[str, Any] = {
        "id": UUID(int=9),
        "kind": Task.STILL_THERE,
        "verb": Verb.ERASE,
        "connection": MAILER,
        "platform": "mailer",
        "title": "Nieuwsbrief",
        "opened_at": MORNING,
        "deadline": date(2026, 12, 22),
        "by_hand": Text(nl="Klik op Verwijderen.", en="Click Delete."),
    }
    return Work(**{**usual, **changed})


def report(*systems: System, tasks: tuple[Work, ...] = (), **changed: Any) -> PersonReport:
    usual: dict[str, Any] = {
        "reference": "cf-123",
        "email": "j•••@e•••.nl",
        "asked_at": MORNING,
        "deadline": date(2026, 12, 22),
        "answered_at": None,
        "systems": systems,
        "tasks": tasks,
        "time_zone": ZoneInfo("Europe/Amsterdam"),
    }
    return PersonReport(**{**usual, **changed})


@pytest.mark.parametrize("name", TABLES)
def test_everything_has_a_word_in_both_languages(name: str) -> None:
    table, kinds = TABLES[name]
    assert set(table) == set(kinds)
    assert all(text.nl and text.en and text.nl != text.en for text in table.values())


def test_no_two_states_share_a_word() -> None:
    for language in ("nl", "en"):
        said = [getattr(text, language) for text in (*words.STATES.values(), words.AS_ASKED)]
        assert len(set(said)) == len(said)


def test_a_whole_report_reads_as_it_should() -> None:
    ours = system(
        kind=Kind.OURS,
        platform=None,
        connection=None,
        title="CourseFlow",
        state=Standing.FINISHING,
        seen_at=None,
        seen=(),
        residue=(),
        next=Next(DEADLINE, Whose.OURS, Reads.BY),
        counts_as=None,
    )
    nieuwsbrief = system(residue=(Left(Text(nl="Een kopie", en="A copy"), None, None, ""),))
    assert render(report(nieuwsbrief, ours, tasks=(work(),)), "nl") == (
        "Wat staat nog waar: cf-123 (j•••@e•••.nl)\n"
        "Nog op 1 plek\n"
        "\n"
        "Verwijderen gevraagd  22 november 2026 10:14\n"
        "Antwoord uiterlijk    22 december 2026\n"
        "Antwoord gegeven      nog niet\n"
        "\n"
        "Waar                  Stand                  Gezien op               Volgende stap\n"
        "Nieuwsbrief (mailer)  Staat er nog           22 november 2026 10:14  "
        "jij, uiterlijk 22 december 2026\n"
        "CourseFlow            Onze laatste gegevens  -                       "
        "wij, uiterlijk 22 december 2026\n"
        "\n"
        "Wat we zagen en wat achterblijft\n"
        "\n"
        "Nieuwsbrief (mailer):\n"
        "    Gezien: Nieuwsbrief, gearchiveerd: e-mailadres, voornaam\n"
        "    Blijft achter: Een kopie\n"
        "\n"
        "Wat jij moet doen\n"
        "    De persoon staat nog in Nieuwsbrief. Verwijder de gegevens daar zelf. "
        "(uiterlijk 22 december\n"
        "      2026)\n"
        "        Klik op Verwijderen.\n"
        "        courseflow-sync tasks show 00000000-0000-0000-0000-000000000009\n"
    )


@pytest.mark.parametrize(("state", "language"), list(itertools.product(Standing, ("nl", "en"))))
def test_every_state_can_be_read(state: Standing, language: Language) -> None:
    text = render(report(system(state=state, next=Next(MORNING, WHOSE[state]))), language)
    table = words.STATES[state]
    assert (table.nl if language == "nl" else table.en) in text
    assert "{" not in text
    assert "None" not in text


@pytest.mark.parametrize("kind", Task)
@pytest.mark.parametrize("verb", [None, *Verb])
def test_every_task_can_be_read(kind: Task, verb: Verb | None) -> None:
    for language in ("nl", "en"):
        text = render(report(system(), tasks=(work(kind=kind, verb=verb),)), language)
        assert "{" not in text
        assert "None" not in text
        assert "Nieuwsbrief" in text


def test_a_subscriber_who_is_there_as_asked_is_not_still_there() -> None:
    living = system(as_asked=True, next=None, residue=())
    text = render(report(living, asked_at=None, deadline=None), "nl")
    assert words.AS_ASKED.nl in text
    assert words.STATES[Standing.STILL_THERE].nl not in text
    assert "Antwoord uiterlijk" not in text


def test_a_disconnected_platform_is_called_so() -> None:
    closed = system(state=Standing.CANNOT_LOOK, disconnected_at=MORNING)
    assert "Hier kunnen we niet kijken (losgekoppeld)" in render(report(closed), "nl")


def test_a_turn_without_a_task_still_says_what_to_do() -> None:
    blind = system(state=Standing.CANNOT_LOOK, connection=BY_HAND, title="Mailblue")
    text = render(report(blind), "en")
    assert "We cannot look in Mailblue. See there yourself what is left." in text
    assert "Nothing for you to do" not in text


def test_when_it_is_nobodys_turn_there_is_nothing_to_do() -> None:
    gone = system(state=Standing.NOT_FOUND, as_asked=True, next=None, seen=())
    assert "Nothing for you to do now." in render(report(gone), "en")


def test_long_sentences_stay_within_the_width_and_nothing_is_coloured() -> None:
    text = render(report(system(), tasks=(work(),)), "nl")
    assert max(map(len, text.splitlines())) <= WIDTH
    assert "\x1b" not in text


def test_a_title_cannot_steer_the_terminal() -> None:
    text = render(report(system(title="Nieuws\x1b[2Jbrief\rweg")), "nl")
    assert re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text) is None


def test_no_sentence_says_that_all_is_gone() -> None:
    said = [text for table, _ in TABLES.values() for text in table.values()]
    said += [*words.HEADINGS.values(), words.AS_ASKED]
    for text in said:
        assert "alles is verwijderd" not in text.nl.lower()
        assert not re.search(r"\bgone\b|\bdeleted\b", text.en.lower())
