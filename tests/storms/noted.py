"""What a storm came to: checked, shown when the run is over, kept in ``var/``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

KEPT = Path(__file__).parents[2] / "var"
MARKS = {"storm", "soak"}
SAME = {"name", "seed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """
    ``lost`` are operations that were accepted, and did not come to what was asked; ``doubled``
    people who were made twice; ``resurrected`` who were erased and are there;
    ``falsely_verified`` of whom the report claims what the platform does not show.
    """

    name: str
    operations: int
    kills: int = 0
    in_flight_kills: int = 0
    lost: int = 0
    doubled: int = 0
    resurrected: int = 0
    falsely_verified: int = 0
    seed: int = 0
    seconds: float = 0.0


class Note(Protocol):
    def __call__(self, storm: Storm, **figures: float) -> None:
        """
        Raises AssertionError when a promise was broken. Figures are that storm's own. Of one that
        is played in parts, each noted by the same name, all numbers are added up.
        """


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Note:
    def noted(storm: Storm, **figures: float) -> None:
        rounded = {name: round(value, 2) for name, value in figures.items()}
        request.node.user_properties.append(("storm", asdict(storm) | rounded))
        broken = (storm.lost, storm.doubled, storm.resurrected, storm.falsely_verified)
        assert broken == (0, 0, 0, 0), storm

    return noted


def added(parts: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One of each name, in their order."""
    whole: dict[str, list[Mapping[str, Any]]] = {}
    for part in parts:
        whole.setdefault(part["name"], []).append(part)
    return [
        {
            what: value if what in SAME else round(sum(part[what] for part in several), 2)
            for what, value in several[0].items()
        }
        for _, several in sorted(whole.items())
    ]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    reports = [
        one for outcome in ("passed", "failed") for one in terminalreporter.getreports(outcome)
    ]
    storms = added(
        dict(value)
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == "storm" and report.when == "call"
    )
    if not storms:
        return
    terminalreporter.section("storms")
    for storm in storms:
        terminalreporter.write_line(", ".join(f"{name} {value}" for name, value in storm.items()))
    if config.option.markexpr in MARKS:
        KEPT.mkdir(exist_ok=True)
        (KEPT / f"{config.option.markexpr}.json").write_text(json.dumps(storms, indent=1) + "\n")
