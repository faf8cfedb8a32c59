"""However a command ends, people read a sentence, the exit status fits, nothing leaks."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from connectors.sandbox.contacts import Habit
from core.database import DatabaseAway
from core.errors import TryLater
from core.ledger import customers
from core.sealing import CannotOpen
from tests.app.conftest import (
    PREFIX,
    SCHOOL,
    CommandLine,
    Platform,
    connect,
    connect_by_hand,
    full_environment,
)
from tests.waiting import eventually

EMAIL = "anna.de.vries@example.nl"
PATIENCE = 20.0
PROGRAM = (sys.executable, "-m", "app.cli")
BASIS = {"kind": "consent", "id": "b-1", "given_at": "2026-03-31", "source": "website"}


def raises(error: BaseException) -> Callable[..., object]:
    def fail(*_: object) -> object:
        raise error

    return fail


def ended(cli: CommandLine, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *arguments],
        env=full_environment(cli) | more,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=PATIENCE,
    )


class TestWhatNobodyForesaw:
    def test_it_is_a_fault_with_a_code_that_is_in_the_log_too(self, cli: CommandLine) -> None:
        cli.patch.setattr(customers, "every", raises(KeyError(EMAIL)))
        result = cli("customer", "list")
        assert result.exit_code == 70
        logged, said = result.stderr.splitlines()
        line = json.loads(logged)
        assert line["error"] == "KeyError"
        assert line["where"][-1].startswith("fail test_cli_failures.py:")
        assert f"(code {line['code']})" in said
        assert said.startswith("A fault in courseflow-sync itself")

    def test_neither_the_sentence_nor_the_log_quotes_it(self, cli: CommandLine) -> None:
        nested = RuntimeError(f"about {EMAIL}")
        nested.__cause__ = ValueError(EMAIL)
        cli.patch.setattr(customers, "every", raises(nested))
        cli.env[f"{PREFIX}LOG_LEVEL"] = "DEBUG"
        assert EMAIL not in cli("customer", "list").output

    def test_two_faults_have_two_codes(self, cli: CommandLine) -> None:
        cli.patch.setattr(customers, "every", raises(KeyError()))
        assert cli("customer", "list").stderr != cli("customer", "list").stderr


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (DatabaseAway("OperationalError"), "The database could not be used (OperationalError)"),
        (CannotOpen("customers"), "does not open with this key file (customers)"),
        (TryLater("503 from example.test"), "The platform could not do this (503"),
        (PermissionError(13, "Permission denied", "/x"), "This machine refused: Permission denied"),
        (FileExistsError(17, "File exists", "/x"), "/x exists already, and stays as it is."),
        (OSError(errno.EADDRINUSE, "Address already in use"), "choose another --port"),
    ],
)
def test_what_was_foreseen_is_one_sentence(cli: CommandLine, error: Exception, says: str) -> None:
    cli.patch.setattr(customers, "every", raises(error))
    said = cli.refused("customer", "list")
    assert says in said
    assert len(said.splitlines()) == 1


def test_an_interrupt_is_quiet(cli: CommandLine) -> None:
    cli.patch.setattr(customers, "every", raises(KeyboardInterrupt()))
    result = cli("customer", "list")
    assert (result.exit_code, result.output) == (130, "")


def test_another_key_file_than_the_customer_was_made_with_is_refused(school: CommandLine) -> None:
    connect_by_hand(school)
    path = Path(school.env[f"{PREFIX}KEY_FILE"])
    path.unlink()
    school.ok("key", "create", str(path))
    said = school.refused("connection", "show", SCHOOL, "Kaartenbak")
    assert "does not open with this key file" in said


@pytest.mark.parametrize(
    ("command", "broker", "says"),
    [
        ("work", "memory:", "courseflow-sync serve"),
        ("work", "zmq://hush@host", "redis://"),
        ("serve", "zmq://hush@host", "redis://"),
    ],
)
def test_a_broker_that_does_not_fit_is_refused_with_what_does(
    cli: CommandLine, command: str, broker: str, says: str
) -> None:
    cli.env[f"{PREFIX}BROKER_URL"] = broker
    said = cli.refused(command)
    assert says in said
    assert "hush" not in said


class TestAProcessOfItsOwn:
    def test_no_traceback_reaches_anybody(self, fresh: CommandLine) -> None:
        done = ended(fresh, "customer", "list")
        assert done.returncode == 2
        assert done.stdout == ""
        assert done.stderr.startswith("There is no key file at")

    def test_every_letter_is_printed_whatever_the_locale(self, cli: CommandLine) -> None:
        cli.ok("customer", "create", "Café Zoë")
        strict = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
        done = ended(cli, "customer", "list", **strict)
        assert (done.returncode, done.stderr) == (0, "")
        assert "Café Zoë" in done.stdout

    def test_a_reader_that_hung_up_is_no_news(self, cli: CommandLine) -> None:
        reading, writing = os.pipe()
        os.close(reading)
        done = subprocess.run(
            [*PROGRAM, "connection", "platforms"],
            env=full_environment(cli),
            stdout=writing,
            stderr=subprocess.PIPE,
            check=False,
            timeout=PATIENCE,
        )
        os.close(writing)
        assert (done.returncode, done.stderr) == (141, b"")

    def test_a_closed_output_changes_nothing(self, school: CommandLine) -> None:
        command = f'exec {sys.executable} -m app.cli customer create "Zonder" >&- 2>&- <&-'
        done = subprocess.run(
            ["/bin/sh", "-c", command], env=full_environment(school), check=False, timeout=PATIENCE
        )
        assert done.returncode == 0
        names = [one["name"] for one in school.json("customer", "list")]
        assert names == [SCHOOL, "Zonder"]

    def test_a_full_disk_is_said(self, cli: CommandLine) -> None:
        with Path("/dev/full").open("w") as full:
            done = subprocess.run(
                [*PROGRAM, "connection", "platforms", "--json"],
                env=full_environment(cli),
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
                timeout=PATIENCE,
            )
        assert done.returncode == 2
        assert done.stderr.startswith("This machine refused: No space left on device")
        assert len(done.stderr.splitlines()) == 1


def test_serve_finds_what_other_commands_ask_and_stops_when_told(
    school: CommandLine, platform: Platform
) -> None:
    server = platform(Habit.FLAKY)
    connect(school, server)
    with subprocess.Popen(
        [*PROGRAM, "serve", "--port", "0", "--threads", "2", "--json"],
        env=full_environment(school),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as serving:
        assert serving.stdout is not None
        assert json.loads(serving.stdout.readline())["pid"] == serving.pid
        school.ok(
            *("ask", "subscribe", SCHOOL, "cf-1", "--person", "-", "--list", "nieuwsbrief"),
            given={"email": EMAIL, "basis": BASIS},
        )
        eventually(lambda: school.json("report", SCHOOL, "cf-1")["still_there"] == 1, PATIENCE)
        serving.send_signal(signal.SIGTERM)
        _, log = serving.communicate(timeout=PATIENCE)
    assert serving.returncode == 0, log
    assert EMAIL not in log
    events = [json.loads(line)["event"] for line in log.splitlines()]
    assert events[-2:] == ["serving", "stopping"]
    assert [event for event in events if "without TLS" in event], "insecure hosts go unannounced"


SLOW = """
import time
from app.commands.running import until_told
with until_told() as told:
    print("ready", flush=True)
    told.wait()
    print("told", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_it_at_once(second: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", SLOW], stdout=subprocess.PIPE, text=True) as slow:
        assert slow.stdout is not None
        assert slow.stdout.readline() == "ready\n"
        slow.send_signal(signal.SIGTERM)
        assert slow.stdout.readline() == "told\n"
        slow.send_signal(second)
        assert slow.wait(PATIENCE) == -second
