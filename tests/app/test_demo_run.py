"""The demo says what it lacks, and leaves no process behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.demo import run
from app.demo.run import MAILMAN_PYTHON
from app.demo.sandbox_server import ROOT, SandboxFailed, SandboxServer
from tests.servers import required_python


def test_without_mailman_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(MAILMAN_PYTHON, raising=False)
    assert run.run(once=True, json=False, path=tmp_path / "demo") == 2
    said = capsys.readouterr()
    assert "make demo" in said.err
    assert said.out == ""
    assert not (tmp_path / "demo").exists()


def test_a_mailman_that_does_not_start_ends_the_others_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(MAILMAN_PYTHON, sys.executable)  # which has no Mailman
    assert run.run(once=True, json=True, path=tmp_path / "demo") == 2
    said = capsys.readouterr()
    assert "Mailman ended while starting" in said.err
    assert said.out == ""
    assert processes_with(str(tmp_path)) == []


def test_a_sandbox_that_does_not_start_says_so(tmp_path: Path) -> None:
    server = SandboxServer("archives", tmp_path / "nowhere", {})
    with pytest.raises(SandboxFailed, match="archives"):
        server.start()
    assert server.process is None


def test_a_sandbox_ends_with_whoever_started_it(tmp_path: Path) -> None:
    """Even when that one is killed."""
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from app.demo.sandbox_server import SandboxServer\n"
        "SandboxServer('archives', Path(sys.argv[1]), {'a': 'A'}).start()\n"
        "print('up', flush=True)\n"
        "time.sleep(60)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        assert parent.stdout.readline() == b"up\n"
        assert len(processes_with(str(tmp_path))) == 2
        parent.send_signal(signal.SIGKILL)
    end = time.monotonic() + 10
    while processes_with(str(tmp_path)) and time.monotonic() < end:
        time.sleep(0.05)
    assert processes_with(str(tmp_path)) == []


@pytest.mark.large
@pytest.mark.timeout(300)
def test_one_command_runs_it_all(tmp_path: Path) -> None:
    required_python(MAILMAN_PYTHON, "GNU Mailman")
    command = [sys.executable, "-m", "app.cli", "demo", "--once", "--json"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    assert json.loads(line)["broken"] == []
    assert processes_with(str(tmp_path)) == []


def processes_with(word: str) -> list[str]:
    """Processes of which a word of the command line says this; zombies left out."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if word.encode() in path.read_bytes():
                found.append(path.parent.name)
        except OSError:
            continue
    return found
