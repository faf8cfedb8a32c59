"""The imitation as a process: its memory, its screens and its independence of the product."""

from __future__ import annotations

import ast
import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
import pytest

from connectors.sandbox.contacts import Contacts, Habit
from connectors.sandbox.journal import Journal
from connectors.sandbox.weather import RateLimit

ROOT = Path(__file__).parents[2]
KEY = "secret-of-the-sandbox"
SCREENS = ("school", "of-the-screens")
LISTS = {"news": "News"}
ANNA = {"email": "anna@example.nl", "fields": {"first_name": "Anna"}, "list": "nieuwsbrief"}
NOW = datetime(2026, 11, 22, tzinfo=UTC)


class Process:
    """One platform, started as the demo starts it."""

    def __init__(self, habit: str, journal: Path, *options: str) -> None:
        command = [sys.executable, "-m", "connectors.sandbox.server", "--habit", habit]
        settings = ["--journal", str(journal), "--key", KEY, "--password", SCREENS[1]]
        self.process = subprocess.Popen(
            [*command, *settings, *options], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout
        self.stdout = self.process.stdout
        self.ready = json.loads(self.stdout.readline())
        self.http = httpx.Client(
            base_url=f"http://127.0.0.1:{self.ready['port']}",
            headers={"Authorization": f"Bearer {KEY}"},
            trust_env=False,
        )

    def dump(self) -> Any:
        return self.http.get("/screen/contacts.json", auth=SCREENS).json()

    def post(self, path: str, body: object) -> httpx.Response:
        return self.http.post(path, json=body)

    def kill(self) -> None:
        self.http.close()
        self.process.kill()
        self.process.wait()
        self.stdout.close()


Start = Callable[..., Process]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[Process] = []

    def start(habit: str, journal: Path, *options: str) -> Process:
        started.append(Process(habit, journal, *options))
        return started[-1]

    yield start
    for process in started:
        process.kill()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


class TestAsAProcess:
    def test_it_says_its_port_when_it_is_ready(self, start: Start, path: Path) -> None:
        process = start("archives", path, "--title", "Cursusbureau", "--list", "news=News")
        assert process.ready["habit"] == "archives"
        account = process.http.get("/v1/account").json()
        assert (account["id"], account["title"]) == ("sandbox-archives", "Cursusbureau")
        assert process.http.get("/v1/lists").json() == {"lists": [{"id": "news", "title": "News"}]}

    def test_a_connection_is_kept_for_the_next_call(self, start: Start, path: Path) -> None:
        process = start("archives", path)
        answers = [process.post("/v1/contacts", ANNA) for _ in range(3)]
        streams = [answer.extensions["network_stream"] for answer in answers]
        assert len({stream.get_extra_info("client_addr") for stream in streams}) == 1

    def test_killed_and_started_again_it_holds_the_same(self, start: Start, path: Path) -> None:
        first = start("thirty-days", path)
        contact = first.post("/v1/contacts", ANNA).json()["id"]
        bram = first.post("/v1/contacts", {**ANNA, "email": "bram@example.nl"}).json()["id"]
        chris = first.post("/v1/contacts", {**ANNA, "email": "chris@example.nl"}).json()["id"]
        first.http.patch(f"/v1/contacts/{contact}", json={"email": "moved@example.nl"})
        first.post(f"/v1/contacts/{contact}/unsubscribe", {"list": "nieuwsbrief"})
        first.http.delete(f"/v1/contacts/{bram}")
        first.http.post("/screen/delete", data={"id": chris}, auth=SCREENS)
        first.http.post("/screen/block", data={"email": "dirk@example.nl"}, auth=SCREENS)
        before = first.dump()
        first.kill()
        assert len(before["contacts"]) == 2
        assert start("thirty-days", path, "--port", str(first.ready["port"])).dump() == before

    def test_a_day_can_be_made_short(self, start: Start, path: Path) -> None:
        process = start("thirty-days", path, "--day-seconds", "0.01")
        contact = process.post("/v1/contacts", ANNA).json()["id"]
        assert process.http.delete(f"/v1/contacts/{contact}").json()["state"] == "purging"
        end = monotonic() + 5
        while process.dump()["contacts"] and monotonic() < end:
            sleep(0.02)
        assert process.dump()["contacts"] == []

    def test_a_missing_option_is_named(self, path: Path) -> None:
        command = [sys.executable, "-m", "connectors.sandbox.server", "--habit", "archives"]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert ended.returncode == 2
        assert "--journal" in ended.stderr

    def test_a_port_in_use_is_said_in_one_line(self, start: Start, path: Path) -> None:
        port = str(start("archives", path).ready["port"])
        settings = ["--journal", str(path), "--key", KEY, "--password", "p", "--port", port]
        command = [sys.executable, "-m", "connectors.sandbox.server", "--habit", "archives"]
        ended = subprocess.run(
            [*command, *settings], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert (ended.returncode, ended.stderr) == (1, "cannot start: Address already in use\n")

    def test_a_client_that_hangs_up_is_no_trouble(self, start: Start, path: Path) -> None:
        process = start("archives", path)
        with socket.create_connection(("127.0.0.1", process.ready["port"])) as client:
            client.sendall(b"POST /v1/contacts HTTP/1.1\r\nContent-Length: 99\r\n\r\n{")
        assert process.post("/v1/contacts", ANNA).status_code == 200
        assert len(process.dump()["contacts"]) == 1

    def test_calls_at_the_same_time_make_one_contact(self, start: Start, path: Path) -> None:
        process = start("archives", path)
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: process.post("/v1/contacts", ANNA), range(80)))
        assert {answer.status_code for answer in answers} == {200}
        assert len(process.dump()["contacts"]) == 1


class TestApi:
    @pytest.mark.parametrize(
        ("body", "word"),
        [
            ({**ANNA, "email": "nobody"}, "email"),
            ({**ANNA, "list": "elsewhere"}, "unknown_list"),
            ({**ANNA, "fields": ["first_name"]}, "fields"),
            ({**ANNA, "consent_at": "yesterday"}, "consent_at"),
            ({**ANNA, "consent_at": "2026-11-22T12:00:00"}, "consent_at"),
            ([], "not_an_object"),
        ],
    )
    def test_a_bad_request_is_named_and_changes_nothing(
        self, start: Start, path: Path, body: object, word: str
    ) -> None:
        process = start("archives", path)
        answer = process.post("/v1/contacts", body)
        assert answer.is_client_error
        assert answer.json() == {"error": word}
        assert process.dump()["contacts"] == []


class TestJournal:
    def test_a_call_is_written_before_it_is_applied(self, start: Start, path: Path) -> None:
        start("archives", path).post("/v1/contacts", ANNA)
        arrived, holds, applied = lines(path)
        assert [arrived["what"], holds["what"], applied["what"]] == ["arrived", "holds", "applied"]
        assert arrived["path"] == "/v1/contacts"
        assert json.loads(arrived["body"]) == ANNA
        assert arrived["at"] <= holds["at"]
        assert (applied["call"], applied["status"]) == (1, 200)

    def test_what_cannot_be_written_is_not_applied(self, path: Path) -> None:
        contacts = Contacts(Habit.ARCHIVES, LISTS, Journal(path))
        contacts.journal.close()
        with pytest.raises(ValueError, match="closed file"):
            contacts.upsert("anna@example.nl", {}, "news", NOW)
        assert contacts.search(email="anna@example.nl") == []

    def test_an_unfinished_last_line_is_cut_off(self, path: Path) -> None:
        journal = Journal(path)
        Contacts(Habit.ARCHIVES, LISTS, journal).upsert("anna@example.nl", {}, "news", NOW)
        journal.close()
        with path.open("a", encoding="utf-8") as file:
            file.write('{"what": "holds", "cont')
        again = Journal(path)
        contacts = Contacts(Habit.ARCHIVES, LISTS, again)
        assert len(contacts.held) == 1
        contacts.upsert("bram@example.nl", {}, "news", NOW)
        again.close()
        assert len(lines(path)) == 2

    def test_it_never_holds_a_key_or_a_password(self, start: Start, path: Path) -> None:
        process = start("archives", path)
        process.post("/v1/contacts", ANNA)
        process.dump()
        written = path.read_text(encoding="utf-8")
        assert "anna@example.nl" in written
        assert KEY not in written
        assert SCREENS[1] not in written

    def test_a_replay_takes_contacts_away_on_their_day(self, path: Path) -> None:
        journal = Journal(path)
        first = Contacts(Habit.THIRTY_DAYS, LISTS, journal, now=lambda: NOW)
        first.delete(first.upsert("anna@example.nl", {}, "news", NOW).id)
        later = Contacts(Habit.THIRTY_DAYS, LISTS, journal, now=lambda: NOW + timedelta(days=30))
        assert list(map(asdict, later.held.values())) == list(map(asdict, first.held.values()))
        later.drop_due()
        journal.close()
        assert later.held == {}


class TestScreens:
    @pytest.mark.parametrize("auth", [None, ("school", "guess"), ("school", KEY)])
    def test_they_want_their_own_password(
        self, start: Start, path: Path, auth: tuple[str, str] | None
    ) -> None:
        url = str(start("by-hand", path).http.base_url)
        with httpx.Client(base_url=url, auth=auth, trust_env=False) as stranger:
            assert stranger.get("/screen").status_code == 401
            assert stranger.get("/screen/contacts.json").status_code == 401

    def test_a_person_sees_the_contacts_with_a_form_for_each(
        self, start: Start, path: Path
    ) -> None:
        process = start("by-hand", path)
        form = {"email": "anna@example.nl", "first_name": "<b>Anna</b>", "list": "nieuwsbrief"}
        process.http.post("/screen/add", data=form, auth=SCREENS)
        page = process.http.get("/screen", auth=SCREENS).text
        assert 'value="anna@example.nl"' in page
        assert "&lt;b&gt;Anna" in page
        assert "<b>" not in page
        for button in ("Toevoegen", "Bewaren", "Uitschrijven", "Verwijderen", "Blokkeren"):
            assert f"<button>{button}" in page

    def test_a_form_on_another_site_is_refused(self, start: Start, path: Path) -> None:
        process = start("by-hand", path)
        answer = process.http.post(
            "/screen/add",
            data={"email": "anna@example.nl"},
            auth=SCREENS,
            headers={"Origin": "https://example.test"},
        )
        assert answer.status_code == 403
        assert process.dump()["contacts"] == []

    @pytest.mark.parametrize(
        ("action", "form", "status"),
        [("delete", {"id": "0"}, 404), ("add", {}, 422), ("guess", {}, 404)],
    )
    def test_a_form_that_cannot_be_right_is_refused(
        self, start: Start, path: Path, action: str, form: dict[str, str], status: int
    ) -> None:
        process = start("by-hand", path)
        answer = process.http.post(f"/screen/{action}", data=form, auth=SCREENS)
        assert answer.status_code == status


class TestRateLimit:
    def test_a_refused_call_does_not_count(self) -> None:
        limit = RateLimit(calls=2, seconds=1.0)
        assert [limit.wait(0.0), limit.wait(0.5), limit.wait(0.6), limit.wait(0.9)] == [0, 0, 1, 1]
        assert limit.wait(1.0) == 0
        assert limit.wait(1.4) == 1
        assert limit.wait(1.5) == 0


class TestIndependence:
    def test_the_server_uses_the_standard_library_and_itself_only(self) -> None:
        folder = ROOT / "connectors" / "sandbox"
        seen, ahead = set[str](), ["connectors.sandbox.server"]
        while ahead:
            module = ahead.pop()
            if not module.startswith("connectors.sandbox."):
                assert module.partition(".")[0] in sys.stdlib_module_names
            elif module not in seen:
                seen.add(module)
                source = folder / f"{module.rpartition('.')[2]}.py"
                ahead += imported(ast.parse(source.read_text(encoding="utf-8")))
        assert "connectors.sandbox.connector" not in seen
        assert "connectors.sandbox.journal" in seen


def imported(tree: ast.Module) -> list[str]:
    names = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    whole = [node.names for node in ast.walk(tree) if isinstance(node, ast.Import)]
    return [name for name in names if name] + [name.name for group in whole for name in group]
