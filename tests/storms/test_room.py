"""Whoever measures time has the machine to itself; who may take long begins first."""

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


    @pytest.mark.timeout(9)
    def test_that_may_take_long():
        weather("long.beside")
    """


def test_who_measures_time_is_alone_last_and_the_longest_is_first(tmp_path: Path) -> None:
    """Waiting for the room counts for no time limit: the others take longer than one allows."""
    (tmp_path / "test_storms.py").write_text(dedent(STORMS))
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n    storm\n    alone\n")
    options = "-q -n 2 --dist load --maxschedchunk 1 -p tests.storms.room"
    # Of its own: making the common one, pytest shuts out the servers of the run around it.
    place = ["--basetemp", str(tmp_path / "base"), "--rootdir", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options.split(), *place, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    times = {file.name: tuple(map(float, file.read_text().split())) for file in told(tmp_path)}
    assert len(times) == 11
    beside = {
        frozenset((one, other))
        for (one, (began, ended)), (other, (first, last)) in combinations(times.items(), 2)
        if began < last and first < ended
    }
    assert beside
    assert "long.beside" in sorted(times, key=lambda name: times[name])[:2]
    assert not [pair for pair in beside if any(name.endswith(".alone") for name in pair)]


def told(folder: Path) -> list[Path]:
    return [*folder.glob("*.alone"), *folder.glob("*.beside")]
