"""The demo keeps its promises, and says so only when they are kept."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
import sqlalchemy as sa
from rich.console import Console

from app.demo import elsewhere, endings, promises, show, story
from app.demo.promises import Evidence, Verdict
from app.demo.run import Played
from app.demo.stage import MAILMAN, NEWSLETTER, PLACES
from app.demo.truth import Held
from app.front import front
from app.serving import serving
from core.identity import normalise
from core.ledger.intake import Accepted
from core.ledger.schema import holdings, parts
from core.report.standing import Count, Standing
from core.states import State
from core.testing.plaintext import SHORTEST, Finding, Scanner
from tests.end_to_end.conftest import Performance

pytestmark = pytest.mark.timeout(300)  # the first test to come plays the demo

PLANTED = "Planted.Mark@example.nl"


@pytest.fixture(scope="session")
def played(performance: Performance) -> Played:
    return performance.played


@pytest.fixture(scope="session")
def evidence(played: Played) -> Evidence:
    return promises.gathered(played.stage, played.school)


def verdict(evidence: Evidence) -> Verdict:
    return promises.judged(evidence, seconds=1.0)


@pytest.fixture(scope="module")
def scanner(performance: Performance) -> Scanner:
    """Every address ever used, every full name; a mark of our own that is planted."""
    people = performance.played.school.people.values()
    marks = {email for known in people for email in known.emails}
    names = {known.name for known in people} | {story.STRANGER_NAME}
    marks |= {name for name in names if len(name) > SHORTEST and " " in name}
    assert len(marks) > 350
    return Scanner([*marks, PLANTED])


class TestPlaintext:
    """
    Nothing personal is in what we keep, but where platforms keep it.

    These come first: what the others ask Mailman themselves is logged as well.
    """

    def test_the_scanner_finds_what_the_platforms_keep(
        self, performance: Performance, scanner: Scanner
    ) -> None:
        found = list(scanner.in_files([performance.played.stage.folder.platforms]))
        assert {"mailman.db", "flaky.journal"} <= {Path(one.where).name for one in found}

    def test_the_scanner_finds_a_planted_mark_in_each_file(
        self, performance: Performance, scanner: Scanner
    ) -> None:
        files = [path for path in ours(performance) if path.is_file() and path.stat().st_size]
        for path in files:
            data = path.read_bytes()
            middle = len(data) // 2
            planted = data[:middle] + PLANTED.encode() + data[middle:]
            found = {one.mark for one in scanner.in_bytes(planted, path.name)}
            assert found == {PLANTED}, path.name

    def test_nothing_is_in_the_databases_or_the_log(
        self, performance: Performance, scanner: Scanner
    ) -> None:
        assert places(list(scanner.in_files(ours(performance)))) == set()

    def test_nothing_is_in_what_all_libraries_log_at_debug(
        self, performance: Performance, scanner: Scanner
    ) -> None:
        data = performance.raw_log.read_bytes()
        assert data.count(b"\n") > 1000
        assert places(list(scanner.in_bytes(data, "raw log"))) == set()

    def test_nothing_is_in_the_broker(self, performance: Performance, scanner: Scanner) -> None:
        assert len(performance.messages) > 20
        assert places(list(scanner.in_bytes(b"\n".join(performance.messages), "broker"))) == set()


def ours(performance: Performance) -> Sequence[Path]:
    """Everything in the demo's folder, but what the platforms keep."""
    place = performance.played.stage.folder
    found = sorted(one for one in place.path.iterdir() if one != place.platforms)
    names = {one.name for one in found}
    assert {"ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.db.locks"} <= names
    assert {"safe.db", "safe.db-wal", "safe.db-shm", "key.json", "courseflow-sync.log"} <= names
    return found


def places(found: Sequence[Finding]) -> set[tuple[str, str]]:
    return {(one.where, one.spelling) for one in found}


class TestPromises:
    def test_every_promise_holds(self, evidence: Evidence) -> None:
        found = verdict(evidence)
        assert found.broken == []
        assert found.figures["persons"] >= 200
        assert found.figures["operations"] >= 280
        assert found.figures["verified_percent"] >= 90
        assert (found.figures["false_claims"], found.figures["lost"]) == (0, 0)

    def test_unknown_is_only_where_work_is_by_hand(self, evidence: Evidence) -> None:
        platforms = verdict(evidence).figures["platforms"]
        assert {one for one in platforms if platforms[one]["unknown"]} == {"sandbox-by-hand"}

    def test_erased_members_are_gone_from_mailman(self, played: Played) -> None:
        erased = [known for known in played.school.people.values() if known.erased]
        family = played.cast.of_a_family
        assert len(erased) == 15
        with played.stage.mailman.client() as mailman:
            waiting = mailman.get(f"/lists/{PLACES[MAILMAN]['cursusinfo']}/requests").text
            bans = mailman.get("/bans").text
            for known in (one for one in erased if one.reference != family):
                for email in known.emails:
                    gone = [mailman.get(f"/{kind}/{email}") for kind in ("users", "addresses")]
                    assert [one.status_code for one in gone] == [HTTPStatus.NOT_FOUND] * 2
                    found = mailman.post("/members/find", data={"subscriber": email})
                    assert found.json()["total_size"] == 0
                    assert email not in waiting + bans

    def test_the_family_of_an_erased_member_keeps_its_address(self, played: Played) -> None:
        known = played.school.people[played.cast.of_a_family]
        with played.stage.mailman.client() as mailman:
            shown = mailman.get(f"/addresses/{known.email}")
        assert shown.status_code == HTTPStatus.OK
        assert known.name
        assert not any(part in shown.text for part in known.fields.values() if part)

    def test_who_was_not_erased_is_at_mailman(self, played: Played, evidence: Evidence) -> None:
        living = [known for known in played.school.people.values() if not known.erased]
        assert len(living) == 186
        assert {known.email for known in living} <= evidence.truth[MAILMAN].keys()

    def test_an_old_file_brings_nobody_back(self, played: Played) -> None:
        erased = played.cast.ordinary_erased
        refused = [request.reference for request in played.school.refused]
        assert refused == [erased[0], story.RETURNING]

    def test_who_moved_at_mailman_itself_was_found_there(
        self, played: Played, evidence: Evidence
    ) -> None:
        moved = played.school.people[played.cast.moved_at_mailman]
        assert len(moved.emails) == 2
        assert not evidence.truth[MAILMAN].keys() & set(moved.emails)


class TestTheChecker:
    """Each breaks one promise on purpose; the comparison has to see it."""

    def test_a_person_who_is_back_at_mailman_is_seen(
        self, played: Played, evidence: Evidence
    ) -> None:
        mailman = played.stage.mailman
        reference = played.cast.ordinary_erased[0]
        email = played.school.people[reference].email
        elsewhere.sign_up(mailman, email, "Terug", PLACES[MAILMAN][NEWSLETTER])
        found = verdict(promises.gathered(played.stage, played.school))
        assert found.figures["false_claims"] > 0
        assert any(f"still at Mailman: {reference}" in line for line in found.broken)
        assert email not in " ".join(found.broken)
        with mailman.client() as client:
            assert client.delete(f"/users/{email}").is_success
        assert verdict(promises.gathered(played.stage, played.school)).broken == []

    @pytest.mark.parametrize("trace", ["subscription waits at x", "banned from the site"])
    def test_what_outlives_a_user_at_mailman_is_seen(
        self, played: Played, evidence: Evidence, trace: str
    ) -> None:
        email = played.school.people[played.cast.banned_at_mailman].email
        broken = changed(
            evidence, MAILMAN, lambda shown: shown.update({email: Held(traces=[trace])})
        )
        assert any("Erased, and still at Mailman" in line for line in verdict(broken).broken)

    def test_a_user_without_an_address_is_seen(self, evidence: Evidence) -> None:
        broken = changed(evidence, MAILMAN, lambda shown: shown.update({"user 1": Held()}))
        assert verdict(broken).broken

    def test_gone_though_it_is_there_is_a_false_claim(
        self, played: Played, evidence: Evidence
    ) -> None:
        living = played.cast.renamed[0]
        found = flipped(evidence, living, MAILMAN, Count.NOT_FOUND, Standing.NOT_FOUND)
        assert verdict(found).figures["false_claims"] == 1

    def test_still_there_though_it_is_gone_is_a_false_claim(
        self, played: Played, evidence: Evidence
    ) -> None:
        erased = played.cast.ordinary_erased[0]
        found = flipped(evidence, erased, MAILMAN, Count.STILL_THERE, Standing.STILL_THERE)
        assert verdict(found).figures["false_claims"] == 1

    def test_unknown_where_we_can_look_breaks_a_promise(
        self, played: Played, evidence: Evidence
    ) -> None:
        living = played.cast.renamed[0]
        found = flipped(evidence, living, MAILMAN, Count.UNKNOWN, Standing.RETRYING)
        assert any("Unknown" in line for line in verdict(found).broken)

    def test_silence_about_what_is_there_is_a_false_claim(
        self, played: Played, evidence: Evidence
    ) -> None:
        living = played.cast.renamed[0]
        report = replace(evidence.reports[living], systems=())
        silent = replace(evidence, reports={**evidence.reports, living: report})
        assert verdict(silent).figures["false_claims"] > 0

    @pytest.mark.parametrize(
        ("who", "change"),
        [
            ("renamed", lambda held: held.names.add("Jan Oud")),
            ("nameless", lambda held: held.names.add("Jan Jansen")),
            ("renamed", lambda held: held.mailed.clear()),
            ("unsubscribed", lambda held: held.mailed.add(PLACES[MAILMAN][NEWSLETTER])),
        ],
        ids=["a stale name", "a name that was cleared", "no membership", "mail after a refusal"],
    )
    def test_what_is_not_as_asked_is_a_false_claim(
        self, played: Played, evidence: Evidence, who: str, change: Callable[[Held], None]
    ) -> None:
        email = played.school.people[getattr(played.cast, who)[0]].email
        broken = changed(evidence, MAILMAN, lambda shown: change(shown[email]))
        assert verdict(broken).figures["false_claims"] == 1

    def test_an_older_address_that_stayed_is_a_false_claim(
        self, played: Played, evidence: Evidence
    ) -> None:
        old = played.school.people[played.cast.moved[0]].emails[1]
        broken = changed(evidence, MAILMAN, lambda shown: shown.update({old: Held(traces=["x"])}))
        assert verdict(broken).figures["false_claims"] == 1

    def test_too_few_verified_break_a_promise(self, evidence: Evidence) -> None:
        few = replace(evidence, endings=replace(evidence.endings, verified=200))
        assert any("verified" in line for line in verdict(few).broken)

    def test_an_operation_that_the_ledger_forgot_is_lost(self, played: Played) -> None:
        forgotten = Accepted(uuid4(), uuid4(), 1, 1)
        found = endings.of(played.school.ledger, [*played.school.accepted, forgotten])
        assert found.lost == [f"operation {forgotten.operation}"]

    def test_an_operation_with_nobody_to_go_on_is_lost(self, played: Played) -> None:
        ledger = played.school.ledger
        waiting = holdings.c.state == State.FINAL_ON.value
        with ledger.begin() as tx:
            row = tx.db.execute(sa.select(holdings).where(waiting).limit(1)).one()
            stop(tx.db, row.id, None)
            operation = tx.db.execute(
                sa.select(parts.c.operation).where(
                    parts.c.holding == row.id, parts.c.ended.is_(None)
                )
            ).scalar_one()
        found = endings.of(ledger, played.school.accepted)
        with ledger.begin() as tx:
            stop(tx.db, row.id, row.due_at)
        assert found.lost == [f"operation {operation}"]


def stop(db: sa.Connection, holding: object, due_at: object) -> None:
    db.execute(sa.update(holdings).where(holdings.c.id == holding).values(due_at=due_at))


def changed(
    evidence: Evidence, platform: str, change: Callable[[dict[str, Held]], None]
) -> Evidence:
    """The same, had that platform shown something else."""
    shown = deepcopy(dict(evidence.truth[platform]))
    change(shown)
    return replace(evidence, truth={**evidence.truth, platform: shown})


def flipped(
    evidence: Evidence, reference: str, platform: str, counts_as: Count, state: Standing
) -> Evidence:
    """The same, had the report said this in one row, and claimed no more than that."""
    report = evidence.reports[reference]
    systems = tuple(
        replace(one, as_asked=False, counts_as=counts_as, state=state)
        if one.platform == platform
        else one
        for one in report.systems
    )
    return replace(
        evidence, reports={**evidence.reports, reference: replace(report, systems=systems)}
    )


class TestOutput:
    @pytest.fixture
    def printed(self, played: Played, evidence: Evidence) -> str:
        paper = io.StringIO()
        console = Console(file=paper)
        found = verdict(evidence)
        show.reports(console, evidence, played.cast)
        show.totals(console, played.stage, found)
        show.promises(console, replace(found, broken=["The report says what is not so: x."]))
        show.where_to_look(console, played.stage, played.cast, "http://127.0.0.1:1")
        return paper.getvalue()

    def test_it_prints_reports_in_dutch(self, printed: str) -> None:
        assert "Wat staat nog waar" in printed
        assert "Adres blijft voor een ander" in printed
        assert "PROMISE BROKEN" in printed

    def test_it_prints_no_address(self, played: Played, printed: str) -> None:
        known = {email for one in played.school.people.values() for email in one.emails}
        assert normalise("A@example.nl") not in known
        assert not [email for email in known if email in printed]

    def test_a_browser_can_look(self, played: Played) -> None:
        paper = io.StringIO()
        with (
            serving(front(played.stage.installation), host="127.0.0.1", port=0) as url,
            httpx.Client(trust_env=False) as http,
        ):
            show.where_to_look(Console(file=paper), played.stage, played.cast, url)
            links = [line.strip() for line in paper.getvalue().splitlines() if url in line]
            overview, person = [http.get(link) for link in links]
        assert "De Verfschuur" in overview.text
        assert played.cast.former_erased[1] in person.text

    def test_a_second_terminal_can_ask(self, played: Played) -> None:
        given = (line.removeprefix("  export ") for line in show.environment(played.stage))
        environment = dict(line.split("=", 1) for line in given)
        command = [sys.executable, "-m", "app.cli", "report", "De Verfschuur"]
        asked = subprocess.run(
            [*command, played.cast.former_erased[1], "--language", "nl"],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (asked.returncode, asked.stderr.count("Traceback")) == (0, 0)
        assert "Jij bent aan zet" in asked.stdout

    def test_a_line_per_step_elsewhere_than_on_a_terminal(self, performance: Performance) -> None:
        paper = performance.teller.console.file
        assert isinstance(paper, io.StringIO)
        lines = paper.getvalue().splitlines()
        assert all(" s  " in line for line in lines)
        assert len(lines) == 13
