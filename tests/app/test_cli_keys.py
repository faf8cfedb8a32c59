"""Keys of the API on the command line: the secret is told once, then only that there is one."""

from __future__ import annotations

from uuid import uuid4

from tests.app.conftest import SCHOOL, CommandLine


def test_the_secret_alone_goes_to_standard_output(school: CommandLine) -> None:
    result = school("key", "issue", SCHOOL, "--title", "website")
    assert result.stdout.startswith("cfs_")
    assert result.stdout.count("\n") == 1
    assert "not shown again" in result.stderr
    assert result.stdout.strip() not in result.stderr


def test_an_issued_key_is_listed_without_its_secret(school: CommandLine) -> None:
    made = school.json("key", "issue", SCHOOL, "--title", "website")
    [listed] = school.json("key", "list", SCHOOL)
    assert listed == {name: value for name, value in made.items() if name != "secret"}
    assert made["secret"] not in school.ok("key", "list", SCHOOL)


def test_the_operators_keys_are_apart(school: CommandLine) -> None:
    made = school.json("key", "issue", "--operator", "--title", "backend")
    assert made["customer"] is None
    assert [one["id"] for one in school.json("key", "list", "--operator")] == [made["id"]]
    assert school.json("key", "list", SCHOOL) == []


def test_a_key_is_revoked_for_good(school: CommandLine) -> None:
    made = school.json("key", "issue", SCHOOL, "--title", "website")
    school.ok("key", "revoke", made["id"])
    [listed] = school.json("key", "list", SCHOOL)
    assert listed["revoked_at"]


def test_a_key_that_is_not_there_is_refused(school: CommandLine) -> None:
    assert "key list" in school.refused("key", "revoke", str(uuid4()))


def test_whose_key_it_is_must_be_said_once(school: CommandLine) -> None:
    for whose in ((), (SCHOOL, "--operator")):
        said = school.refused("key", "issue", *whose, "--title", "x")
        assert "--operator" in said
