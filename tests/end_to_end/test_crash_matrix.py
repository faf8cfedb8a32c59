"""A process dies at any moment of anything, and every promise holds."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import cache
from typing import cast

import pytest

from connectors.sandbox.contacts import Contacts
from tests.databases import Clock, Urls, empty, sqlite_urls
from tests.end_to_end.crash_matrix import place, plans
from tests.end_to_end.crash_matrix.judge import Judge, Witness
from tests.end_to_end.crash_matrix.mutants import MUTANTS
from tests.end_to_end.crash_matrix.place import Place
from tests.end_to_end.crash_matrix.plans import Run
from tests.end_to_end.crash_matrix.platform import Books, Change, DeletingServer
from tests.end_to_end.crash_matrix.scene import play
from tests.end_to_end.crash_matrix.stage import Stage
from tests.end_to_end.crash_matrix.wishes import ANNA, BERT
from tests.storms.noted import Note, Storm

AGAIN = 'To see it again: make storm ARGS="-k {}"'

Places = Callable[[str], Place]


@pytest.fixture(scope="module")
def places(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Places]:
    """By database; each is made when it is needed."""
    folder = tmp_path_factory.mktemp("crash-matrix")
    with ExitStack() as open_ones:
        stage = open_ones.enter_context(Stage())
        server = open_ones.enter_context(DeletingServer(folder))

        @cache
        def made(database: str) -> Place:
            urls: Urls
            if database == "sqlite":
                migrated = request.getfixturevalue("migrated_sqlite") / "migrated"
                shutil.copytree(migrated, folder / "stores")
                urls = sqlite_urls(folder / "stores")
            else:
                urls = request.getfixturevalue("migrated_postgresql")
                for store, url in urls.items():
                    empty(store, url)
            return open_ones.enter_context(closing(place.place(stage, server, urls)))

        yield made


@pytest.mark.parametrize("run", [*plans.short()], ids=str)
def test_whoever_dies_anywhere_breaks_no_promise(places: Places, run: Run) -> None:
    assert play(run, places(run.database)).found == (), AGAIN.format(run)


@pytest.mark.storm
@pytest.mark.parametrize("run", [*plans.matrix()], ids=str)
def test_in_no_story_on_no_database_does_a_death_break_a_promise(
    places: Places, run: Run, note: Note
) -> None:
    """The invariants of RELIABILITY §3."""
    played = play(run, places(run.database))
    deaths = len(played.deaths)
    note(
        Storm(name="crash matrix", operations=played.promised, kills=deaths),
        runs=1,
        broken=len(played.found),
    )
    assert played.found == (), AGAIN.format(run)
    assert deaths


@pytest.mark.parametrize(
    "mutant",
    [
        pytest.param(name, marks=pytest.mark.storm if one.stalls else ())
        for name, one in MUTANTS.items()
    ],
)
def test_the_matrix_finds_what_is_planted(places: Places, mutant: str) -> None:
    planted = MUTANTS[mutant]
    run = Run.named(planted.run)
    found = play(run, places(run.database), mutant).found
    assert planted.breaks in {what.partition(":")[0] for what in found}


def test_two_changes_of_one_person_at_once_are_seen_in_the_journal() -> None:
    books = Books(cast("Contacts", None), Clock())
    judge = Judge(books, cast("Witness", None), [], (ANNA, BERT))
    for began, ended in ((1, 2), (3, 6), (5, 7)):
        books.changes.append(Change(began, "PATCH", "", "", ANNA.email, "", ended))
    judge.one_at_a_time(BERT)
    assert judge.found == []
    judge.one_at_a_time(ANNA)
    assert judge.found == ["I6: two changes of Anna in flight at once"]


def test_every_point_meets_every_verb_on_every_database_in_every_story() -> None:
    cells = {(run.point, run.verb, run.database, run.seed) for run in plans.matrix()}
    assert len(cells) == len(list(plans.matrix())) == 14 * 4 * 2 * 5 + 3 * 2 * 5
