"""Whoever measures time has the machine to itself."""

from __future__ import annotations

import subprocess
import sys
from itertools import combinations
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).parents[2]
STORMS = """
    import time
    from pathlib import Path

    import pytest

    pytestmark = pytest.mark.storm


    def weather(name):
        began = time.monotonic()
        time.sleep(0.3)
        Path(__file__).with_name(name).write_text(f"{began} {time.monotonic()}")


    @pytest.mark.alone
    @pytest.mark.timeout(0.9)
    @pytest.mark.parametrize("number", range(2))
    def test_alone(number):
        weather(f"{number}.alone")


    @pytest.mark.parametrize("number", range(8))
    def test_beside(number):
        weather(f"{number}.beside")
    """


def test_who_measures_time_is_alone_and_the_others_are_not(tmp_path: Path) -> None:
    """Waiting for the room counts for no time limit: the others take longer than one allows."""
    (tmp_path / "test_storms.py").write_text(dedent(STORMS))
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n    storm\n    alone\n")
    command = ["-m", "pytest", "-q", "-n", "2", "--dist", "worksteal", "-p", "tests.storms.room"]
    done = subprocess.run(
        [sys.executable, *command, "--rootdir", str(tmp_path), str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    times = {file.name: tuple(map(float, file.read_text().split())) for file in told(tmp_path)}
    assert len(times) == 10
    beside = {
        frozenset((one, other))
        for (one, (began, ended)), (other, (first, last)) in combinations(times.items(), 2)
        if began < last and first < ended
    }
    assert beside
    assert not [pair for pair in beside if any(name.endswith(".alone") for name in pair)]


def told(folder: Path) -> list[Path]:
    return [*folder.glob("*.alone"), *folder.glob("*.beside")]
