"""Setting up an installation: keys, databases, customers, lists, connections."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectors import installed
from connectors.sandbox.contacts import Habit
from connectors.sandbox.platforms import SandboxArchives
from tests.app.conftest import (
    KEY,
    PREFIX,
    SCHOOL,
    CommandLine,
    Platform,
    connect,
    connect_by_hand,
)

COMMANDS = [
    (),
    ("migrate",),
    ("key", "create"),
    ("key", "issue"),
    ("key", "list"),
    ("key", "revoke"),
    ("customer", "create"),
    ("customer", "list"),
    ("list", "put"),
    ("list", "show"),
    ("connection", "create"),
    ("connection", "list"),
    ("connection", "show"),
    ("connection", "close"),
    ("connection", "check"),
    ("connection", "pause"),
    ("connection", "resume"),
    ("connection", "platforms"),
    ("import",),
    ("ask", "subscribe"),
    ("ask", "update"),
    ("ask", "unsubscribe"),
    ("ask", "erase"),
    ("undo",),
    ("answer",),
    ("restrict",),
    ("unrestrict",),
    ("report",),
    ("export",),
    ("tasks", "list"),
    ("tasks", "show"),
    ("tasks", "attest"),
    ("alerts", "list"),
    ("audit", "heads"),
    ("audit", "verify"),
    ("replay",),
    ("serve",),
    ("work",),
    ("demo",),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(fresh: CommandLine, command: tuple[str, ...]) -> None:
    shown = fresh.ok(*command, "--help")
    assert "Usage" in shown
    assert not command or "--json" in shown


def test_the_version_is_told(fresh: CommandLine) -> None:
    assert fresh.ok("--version").startswith("courseflow-sync ")


def test_a_stranger_gets_from_nothing_to_a_report(fresh: CommandLine) -> None:
    fresh.ok("key", "create", fresh.env[f"{PREFIX}KEY_FILE"])
    fresh.ok("migrate")
    fresh.ok("customer", "create", SCHOOL)
    assert "nobody" not in fresh.ok("report", SCHOOL)
    assert fresh.json("report", SCHOOL)["people"] == 0


class TestKey:
    def test_it_is_readable_by_its_owner_only(self, fresh: CommandLine) -> None:
        path = fresh.folder / "deep" / "key.json"
        assert fresh.json("key", "create", str(path)) == {"key_file": str(path)}
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_it_is_never_shown(self, fresh: CommandLine) -> None:
        path = fresh.folder / "key.json"
        shown = fresh("key", "create", str(path)).output
        assert json.loads(path.read_text())["1"] not in shown

    def test_an_existing_one_is_not_overwritten(self, fresh: CommandLine) -> None:
        path = fresh.folder / "key.json"
        fresh.ok("key", "create", str(path))
        before = path.read_bytes()
        assert "exists already" in fresh.refused("key", "create", str(path))
        assert path.read_bytes() == before

    def test_a_place_where_it_cannot_be_written_is_named(self, fresh: CommandLine) -> None:
        assert "cannot be written" in fresh.refused(
            "key", "create", str(fresh.folder / ("x" * 300))
        )


class TestBeforeAnythingStarts:
    @pytest.mark.parametrize(
        "command",
        [
            ("customer", "list"),
            ("customer", "create", "X"),
            ("import", "X", "file.csv"),
            ("report", "X"),
            ("tasks", "list", "X"),
            ("connection", "list", "X"),
            ("ask", "erase", "X", "cf-1", "--yes"),
            ("serve",),
            ("work",),
        ],
        ids=" ".join,
    )
    def test_a_missing_key_file_is_refused(
        self, fresh: CommandLine, command: tuple[str, ...]
    ) -> None:
        said = fresh.refused(*command)
        assert "There is no key file" in said
        assert "courseflow-sync key create" in said

    def test_a_key_file_that_others_can_read_is_refused(self, cli: CommandLine) -> None:
        Path(cli.env[f"{PREFIX}KEY_FILE"]).chmod(0o640)
        assert "chmod 600" in cli.refused("customer", "list")

    def test_something_else_than_a_key_file_is_refused(self, cli: CommandLine) -> None:
        Path(cli.env[f"{PREFIX}KEY_FILE"]).write_text("{}")
        assert "key" in cli.refused("customer", "list")

    def test_a_database_that_was_not_migrated_is_refused(self, fresh: CommandLine) -> None:
        fresh.ok("key", "create", fresh.env[f"{PREFIX}KEY_FILE"])
        assert "courseflow-sync migrate" in fresh.refused("customer", "list")

    @pytest.mark.parametrize(
        ("url", "says"),
        [
            ("sqlite:///:memory:", "forgets everything"),
            ("rubbish", "cannot be read"),
            ("mysql://u:hush@h/x", "supported"),
            ("postgresql://u:hush@127.0.0.1:1/x", "could not be used"),
        ],
    )
    def test_an_unsafe_database_is_refused(self, cli: CommandLine, url: str, says: str) -> None:
        cli.env[f"{PREFIX}DATABASE_URL"] = url
        cli.env[f"{PREFIX}SAFE_URL"] = f"sqlite:///{cli.folder}/ledger-safe.db"
        for command in ("migrate", "serve"):
            said = cli.refused(command)
            assert says in said
            assert "hush" not in said

    def test_a_safe_in_the_ledger_is_refused(self, cli: CommandLine) -> None:
        for spelling in ("ledger.db", f"../{cli.folder.name}/ledger.db"):
            cli.env[f"{PREFIX}SAFE_URL"] = f"sqlite:///{cli.folder}/{spelling}"
            assert "database of its own" in cli.refused("migrate")

    @pytest.mark.parametrize("command", [["migrate"], ["customer", "list"]])
    def test_the_safe_of_another_ledger_is_refused(
        self, school: CommandLine, command: list[str]
    ) -> None:
        school.ok(
            "ask",
            "erase",
            SCHOOL,
            "cf-1",
            "--person",
            "-",
            "--yes",
            given={"email": "jan.jansen@example.nl"},
        )
        own = school.env[f"{PREFIX}DATABASE_URL"]
        school.env[f"{PREFIX}DATABASE_URL"] = f"sqlite:///{school.folder}/other.db"
        school.ok("migrate")
        school.env[f"{PREFIX}SAFE_URL"] = f"sqlite:///{school.folder}/other-safe.db"
        school.env[f"{PREFIX}DATABASE_URL"] = own
        assert "does not belong to this ledger" in school.refused(*command)

    def test_an_empty_safe_does_not_take_the_place_of_one_that_was_lost(
        self, school: CommandLine
    ) -> None:
        school.ok(
            "ask",
            "erase",
            SCHOOL,
            "cf-1",
            "--person",
            "-",
            "--yes",
            given={"email": "jan.jansen@example.nl"},
        )
        (school.folder / "ledger-safe.db").unlink()
        assert "does not belong to this ledger" in school.refused("migrate")

    def test_migrating_again_changes_nothing(self, school: CommandLine) -> None:
        school.ok("migrate")
        school.ok("customer", "list")

    def test_a_file_that_is_no_database_is_refused(self, cli: CommandLine) -> None:
        (cli.folder / "ledger.db").write_bytes(b"this is no database, it is a sentence" * 100)
        assert "is not an SQLite database" in cli.refused("customer", "list")

    @pytest.mark.parametrize(
        ("name", "value", "says"),
        [
            ("LOG_LEVEL", "loud", "LOG_LEVEL"),
            ("PLATFORM_URLS", "not json", "PLATFORM_URLS"),
            ("ALLOW_INSECURE_HOSTS", "127.0.0.1", "ALLOW_INSECURE_HOSTS"),
        ],
    )
    def test_a_setting_that_cannot_be_used_is_named(
        self, cli: CommandLine, name: str, value: str, says: str
    ) -> None:
        cli.env[f"{PREFIX}{name}"] = value
        assert says in cli.refused("customer", "list")


class TestCustomers:
    def test_what_was_made_is_listed(self, cli: CommandLine) -> None:
        made = cli.json("customer", "create", SCHOOL, "--time-zone", "Europe/Brussels")
        assert cli.json("customer", "list") == [made]
        assert made["time_zone"] == "Europe/Brussels"
        assert SCHOOL in cli.ok("customer", "list")

    def test_a_customer_is_named_by_id_too(self, cli: CommandLine) -> None:
        made = cli.json("customer", "create", SCHOOL)
        assert cli.json("list", "show", made["id"]) == []

    @pytest.mark.parametrize("name", ["", " ", "a\x1b[31mb", "x" * 201])
    def test_a_name_that_cannot_be_shown_is_refused(self, cli: CommandLine, name: str) -> None:
        assert "visible characters" in cli.refused("customer", "create", name)

    def test_a_taken_name_and_an_unknown_time_zone_are_refused(self, school: CommandLine) -> None:
        assert "already" in school.refused("customer", "create", SCHOOL)
        said = school.refused("customer", "create", "Other", "--time-zone", "Mars/Base")
        assert "Europe/Amsterdam" in said

    @pytest.mark.parametrize(
        "command",
        [
            ("list", "show", "Nobody"),
            ("connection", "list", "Nobody"),
            ("report", "Nobody"),
            ("tasks", "list", "Nobody"),
        ],
        ids=" ".join,
    )
    def test_an_unknown_customer_is_refused_with_what_to_do(
        self, school: CommandLine, command: tuple[str, ...]
    ) -> None:
        said = school.refused(*command)
        assert SCHOOL in said
        assert "courseflow-sync customer create" in said


class TestLists:
    def test_a_list_is_put_and_put_again(self, school: CommandLine) -> None:
        put = ("list", "put", SCHOOL, "nieuwsbrief", "--purpose", "newsletter")
        school.ok(*put, "--title", "De Nieuwsbrief")
        shown = {one["key"]: one["title"] for one in school.json("list", "show", SCHOOL)}
        assert shown == {"nieuwsbrief": "De Nieuwsbrief", "cursusinfo": "Cursusinfo"}

    @pytest.mark.parametrize("key", ["Nieuws", "a|b", "a=b", "", "x" * 51])
    def test_a_key_that_files_cannot_name_is_refused(self, school: CommandLine, key: str) -> None:
        put = ("list", "put", SCHOOL, key, "--purpose", "newsletter", "--title", "T")
        assert "small letters" in school.refused(*put)

    def test_an_unknown_purpose_is_refused(self, school: CommandLine) -> None:
        put = ("list", "put", SCHOOL, "x", "--purpose", "spam", "--title", "T")
        assert "course_info" in school.refused(*put)


class TestConnections:
    def test_what_was_connected_is_listed_and_shown(
        self, school: CommandLine, platform: Platform
    ) -> None:
        made = connect(school, platform(Habit.ARCHIVES), "--field", "city")
        [listed] = school.json("connection", "list", SCHOOL)
        assert listed["id"] == made["id"]
        assert listed["lists"] == {"nieuwsbrief": "nieuwsbrief", "cursusinfo": "cursusinfo"}
        assert listed["fields"] == ["city"]
        assert "Bij archives\tsandbox-archives" in school.ok("connection", "list", SCHOOL)
        assert "fields: email, city" in school.ok("connection", "show", SCHOOL, "Bij archives")

    def test_where_nothing_can_be_tried_nothing_is_said_to_work(self, school: CommandLine) -> None:
        connect_by_hand(school)
        said = school.ok("connection", "check", SCHOOL, "Kaartenbak")
        assert "works," not in said
        assert "by hand" in said

    def test_a_credential_is_proved_again_with_what_it_sees(
        self, school: CommandLine, platform: Platform
    ) -> None:
        server = platform(Habit.ARCHIVES)
        connect(school, server)
        shown = school.json("connection", "check", SCHOOL, "Bij archives")
        assert {one["id"] for one in shown["places"]} >= {"nieuwsbrief", "cursusinfo"}
        assert "nieuwsbrief" in school.ok("connection", "check", SCHOOL, "Bij archives")
        server.api.account = replace(server.api.account, id="another")
        said = school.refused("connection", "check", SCHOOL, "Bij archives")
        assert "another account" in said
        server.api.account = replace(server.api.account, keys={})
        assert "401" in school.refused("connection", "check", SCHOOL, "Bij archives")
        school.ok("connection", "close", SCHOOL, "Bij archives")
        assert "closed" in school.refused("connection", "check", SCHOOL, "Bij archives")

    def test_a_paused_connection_says_so_until_it_goes_on(self, school: CommandLine) -> None:
        connect_by_hand(school)
        for _ in range(2):
            assert school.json("connection", "pause", SCHOOL, "Kaartenbak")["paused"]
        assert "paused" in school.ok("connection", "list", SCHOOL)
        assert school.json("connection", "show", SCHOOL, "Kaartenbak")["paused"]
        school.ok("connection", "resume", SCHOOL, "Kaartenbak")
        assert "\tworking\t" in school.ok("connection", "list", SCHOOL)

    def test_s4_storing_outside_the_eu_is_accepted_by_name_or_not_at_all(
        self, school: CommandLine, platform: Platform
    ) -> None:
        server = platform(Habit.ARCHIVES)
        outside = replace(SandboxArchives.platform, in_eu=False)
        school.patch.setattr(SandboxArchives, "platform", outside)
        create = ("connection", "create", SCHOOL, "sandbox-archives", "--title", "A")
        given = {"base_url": server.url, "api_key": KEY}
        said = school.refused(*create, "--settings", "-", given=given)
        assert "outside the European Union" in said
        assert "--accept-outside-eu" in said
        assert school.json("connection", "list", SCHOOL) == []
        school.ok(*create, "--settings", "-", "--accept-outside-eu", given=given)
        [listed] = school.json("connection", "list", SCHOOL)
        assert listed["outside_eu_accepted_at"]
        assert "accepted 20" in school.ok("connection", "show", SCHOOL, "A")

    def test_credentials_are_never_shown(self, school: CommandLine, platform: Platform) -> None:
        made = connect(school, platform(Habit.ARCHIVES))
        for command in ("show", "close"):
            for more in ((), ("--json",)):
                shown = school("connection", command, SCHOOL, made["id"], *more).output
                assert KEY not in shown

    def test_credentials_that_do_not_work_are_refused_and_nothing_is_stored(
        self, school: CommandLine, platform: Platform
    ) -> None:
        server = platform(Habit.ARCHIVES)
        for key, says in (("forged-key", "401"), ("reads", "may not delete")):
            said = school.refused(
                *("connection", "create", SCHOOL, "sandbox-archives", "--title", "A"),
                *("--settings", "-"),
                given={"base_url": server.url, "api_key": key},
            )
            assert says in said
            assert "Nothing was stored" in said
            assert "forged-key" not in said
        assert school.json("connection", "list", SCHOOL) == []

    def test_a_platform_that_is_away_is_said(self, school: CommandLine) -> None:
        school.env[f"{PREFIX}ALLOW_INSECURE_HOSTS"] = "127.0.0.1:1"
        said = school.refused(
            *("connection", "create", SCHOOL, "sandbox-archives", "--title", "A"),
            *("--settings", "-"),
            given={"base_url": "http://127.0.0.1:1", "api_key": KEY},
        )
        assert "could not be tried" in said

    def test_an_unknown_platform_is_refused_with_those_there_are(self, school: CommandLine) -> None:
        said = school.refused("connection", "create", SCHOOL, "mailchump", "--title", "M")
        assert all(name in said for name in installed())

    def test_an_unknown_list_or_place_is_refused(
        self, school: CommandLine, platform: Platform
    ) -> None:
        server = platform(Habit.ARCHIVES)
        for mapped, says in (("nieuws=nieuwsbrief", "cursusinfo"), ("nieuwsbrief=x", "shows")):
            said = school.refused(
                *("connection", "create", SCHOOL, "sandbox-archives", "--title", "A"),
                *("--settings", "-", "--list", mapped),
                given={"base_url": server.url, "api_key": KEY},
            )
            assert says in said

    @pytest.mark.parametrize("mapped", ["nieuwsbrief", "=x", "nieuwsbrief="])
    def test_a_list_without_its_place_is_refused(self, school: CommandLine, mapped: str) -> None:
        said = school.refused(
            *("connection", "create", SCHOOL, "sandbox-by-hand", "--title", "A"),
            *("--settings", "-", "--list", mapped),
            given={"title": "x"},
        )
        assert "KEY=PLACE" in said

    @pytest.mark.parametrize(
        ("given", "says"),
        [
            ("{", "This is not JSON"),
            ("[1]", "not a JSON object"),
            ('{"title": "a", "title": "hush"}', "twice"),
            ('{"title": "a", "hush@example.nl": "b"}', "It has: title"),
            ('{"title": ""}', "title: String should have at least 1 character"),
            ("{}", "title: Field required"),
            ("[" * 100_000, "This is not JSON"),
            ('{"title": "' + "x" * 2_000_000 + '"}', "1 MiB"),
        ],
        ids=["cut", "array", "twice", "unknown", "empty", "missing", "deep", "huge"],
    )
    def test_settings_that_cannot_be_used_are_named_and_not_quoted(
        self, school: CommandLine, given: str, says: str
    ) -> None:
        create = ("connection", "create", SCHOOL, "sandbox-by-hand", "--title", "A", "--settings")
        for named in ("-", school.file("settings.json", given)):
            said = school.refused(*create, named, given=given)
            assert says in said
            assert "hush" not in said

    def test_a_settings_file_that_is_not_there_is_refused(self, school: CommandLine) -> None:
        create = ("connection", "create", SCHOOL, "sandbox-by-hand", "--title", "A", "--settings")
        assert "cannot be read" in school.refused(*create, str(school.folder / "nope.json"))

    def test_without_settings_and_without_a_terminal_it_says_what_is_needed(
        self, school: CommandLine
    ) -> None:
        said = school.refused("connection", "create", SCHOOL, "mailman", "--title", "M")
        assert "base_url, user, password, (keep_refusal), (confirm)" in said

    def test_on_a_terminal_each_setting_is_asked_and_secrets_stay_hidden(
        self, school: CommandLine, platform: Platform
    ) -> None:
        server = platform(Habit.ARCHIVES)
        school.patch.setattr("app.commands.connections.is_terminal", lambda _: True)
        result = school(
            *("connection", "create", SCHOOL, "sandbox-archives", "--title", "A"),
            given=f"{server.url}\n{KEY}\n",
        )
        assert result.exit_code == 0, result.output
        assert "API-sleutel / API key" in result.stderr
        assert KEY not in result.output
        assert "nobody is subscribed there" in result.stderr

    def test_the_same_account_and_the_same_title_are_refused(
        self, school: CommandLine, platform: Platform
    ) -> None:
        server = platform(Habit.ARCHIVES)
        connect(school, server)
        said = school.refused(
            *("connection", "create", SCHOOL, "sandbox-archives", "--title", "Again"),
            *("--settings", "-"),
            given={"base_url": server.url, "api_key": KEY},
        )
        assert 'connected already, as "Bij archives"' in said

    def test_a_closed_connection_stays_listed(self, school: CommandLine) -> None:
        made = connect_by_hand(school)
        assert school.json("connection", "close", SCHOOL, "Kaartenbak")["id"] == made["id"]
        [listed] = school.json("connection", "list", SCHOOL)
        assert listed["closed_at"]
        assert "closed 20" in school.ok("connection", "list", SCHOOL)

    def test_an_unknown_connection_is_refused_with_those_there_are(
        self, school: CommandLine
    ) -> None:
        connect_by_hand(school)
        assert "Kaartenbak" in school.refused("connection", "show", SCHOOL, "Nope")

    def test_every_platform_says_what_an_erasure_leaves(self, fresh: CommandLine) -> None:
        shown: list[dict[str, Any]] = fresh.json("connection", "platforms")
        assert {one["name"] for one in shown} == set(installed())
        for one in shown:
            assert one["on_erasure"]["nl"]
            assert one["residue"]
        for language, says in (("nl", "Bij verwijderen:"), ("en", "On erasure:")):
            text = fresh.ok("connection", "platforms", "--language", language)
            assert text.count(says) == len(installed())
