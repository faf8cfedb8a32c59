"""The tour in docs/api can be walked as it is written, with curl, against a real process."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.demo.mailman_server import free_port
from tests.app.conftest import CommandLine, full_environment
from tests.servers import missing

TOUR = (Path(__file__).parents[3] / "docs" / "api" / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ (.*)$", TOUR, re.MULTILINE)
USUAL = "http://127.0.0.1:8000"
PATIENCE = 60


@pytest.fixture
def serving(cli: CommandLine) -> Iterator[tuple[str, dict[str, str]]]:
    port = free_port()
    programs = str(Path(sys.executable).parent)
    env = full_environment(cli)
    env["PATH"] = f"{programs}:{env['PATH']}"
    command = ["courseflow-sync", "serve", "--port", str(port), "--json"]
    with subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["serving"], env
        finally:
            process.terminate()
            assert process.wait(PATIENCE) == 0


def test_every_command_of_the_tour_works(
    serving: tuple[str, dict[str, str]], tmp_path: Path
) -> None:
    url, env = serving
    shell = shutil.which("bash") or missing("bash")
    shutil.which("curl") or missing("curl")
    assert len(COMMANDS) > 15
    told = [f"echo; echo == {number}; {one}" for number, one in enumerate(COMMANDS)]
    script = "\n".join(["set -euo pipefail", *told]).replace(USUAL, url)
    done = subprocess.run(
        [shell, "-c", script],
        env=env,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-500:] + done.stderr[-500:]
    answers = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert "/errors/invalid" in [one.get("type") for one in answers]
    assert [one["verb"] for one in answers if "holdings" in one] == ["subscribe", "erase"]
    assert "Something in it cannot be used" in done.stdout
