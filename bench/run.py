"""
``make bench``: what one worker process carries, beside what a plain program would, in one run.

Everything runs on this machine: the platform (TLS, in a process of its own), PostgreSQL, Redis,
our one worker process and its peers. Prints a table and writes var/bench.json.
"""

from __future__ import annotations

import json
import os
import platform as machine
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from app.commands.running import THREADS
from bench import ours
from bench.ours import Figure
from bench.stage import Stage, set_up

WAIT = 0.15  # seconds before the distant platform answers
AT_ONCE = 10  # calls that Mailchimp lets one user make at once
LANES = 20
CEILING = AT_ONCE / (2 * WAIT)  # operations a second that one connection can carry
OUTPUT = Path("var/bench.json")


@dataclass(frozen=True)
class Line:
    name: str
    who: str
    wait: float
    figure: Figure
    ceiling: float | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "who": self.who,
            "platform_answers_after_ms": round(1000 * self.wait),
            "operations": self.figure.operations,
            "seconds": round(self.figure.seconds, 3),
            "per_second": round(self.figure.per_second, 1),
            "cpu_ms_per_operation": round(self.figure.cpu_ms, 3),
            "share_of_ceiling": round(self.figure.per_second / self.ceiling, 3)
            if self.ceiling
            else None,
        }


def measured(stage: Stage) -> Iterator[Line]:
    for wait in (0.0, WAIT):
        with stage.platform(wait) as url:
            yield from peers(stage, url, wait)
            yield from singly(stage, url, wait)
            yield from in_bulk(stage, url, wait)
    for askers in (1, 2):
        with stage.platform(0.0) as url, stage.installation(url) as found:
            made = [customer for customer, _ in ours.schools(found, askers)]
            figure = ours.take_in_together(found, made, 10_000)
            yield Line(f"intake, batches of 1,000, {askers} at once", "ours", 0.0, figure)


def peers(stage: Stage, url: str, wait: float) -> Iterator[Line]:
    short = wait > 0
    yield Line("the SDK in a loop", "peer", wait, peer(stage, "loop", url, 20 if short else 300, 1))
    yield Line(
        "the SDK in 16 threads", "peer", wait, peer(stage, "loop", url, 300 if short else 600, 16)
    )
    yield Line(
        "one message each, 16 threads",
        "peer",
        wait,
        peer(stage, "messages", url, 300 if short else 600, 16),
    )


def peer(stage: Stage, how: str, url: str, number: int, threads: int) -> Figure:
    command = [sys.executable, "-m", "bench.peers", how, "--url", url, "--number", str(number)]
    command += ["--threads", str(threads), "--redis", stage.redis]
    command += ["--database", stage.postgres.render_as_string(hide_password=False)]
    said = subprocess.run(
        command, env=stage.environment, check=True, capture_output=True, text=True
    ).stdout
    found = json.loads(said.splitlines()[-1])
    assert found["verified"] == number
    return Figure(number, found["seconds"], found["cpu"])


def singly(stage: Stage, url: str, wait: float) -> Iterator[Line]:
    """Two calls for every operation; recorded, and looked up again."""
    yield lanes(stage, url, wait, 1, 900 if wait else 1500)
    if wait:
        yield lanes(stage, url, wait, LANES, LANES * 100)


def lanes(stage: Stage, url: str, wait: float, number: int, operations: int) -> Line:
    """With as many threads as ``courseflow-sync work`` has: so many lanes at once."""
    with stage.installation(url) as found:
        made = ours.schools(found, number)
        for customer, _ in made:
            ours.take_in(found, customer, operations // number)
        figure = ours.carried(
            stage,
            found,
            [lane for _, lane in made],
            operations,
            "--single",
            "--threads",
            str(min(number, THREADS)),
        )
    name = "one connection" if number == 1 else f"{number} connections"
    return Line(name, "ours", wait, figure, number * CEILING if wait else None)


def in_bulk(stage: Stage, url: str, wait: float) -> Iterator[Line]:
    with stage.installation(url) as found:
        [(customer, lane)] = ours.schools(found, 1)
        ours.take_in(found, customer, 6_000)
        figure = ours.carried(stage, found, [lane], 6_000, "--threads", "1")
    yield Line("one connection, in bulk", "ours", wait, figure)


def table(lines: list[Line]) -> Table:
    shown = Table(title="verified operations a second; worker CPU in ms per operation")
    for head in ("what", "who", "platform", "operations", "a second", "CPU ms", "of the ceiling"):
        shown.add_column(head, justify="left" if head in {"what", "who"} else "right")
    for line in lines:
        said = line.to_json()
        share = said["share_of_ceiling"]
        shown.add_row(
            line.name,
            line.who,
            f"{said['platform_answers_after_ms']} ms",
            f"{line.figure.operations:,}",
            f"{line.figure.per_second:,.0f}",
            f"{line.figure.cpu_ms:.2f}",
            f"{share:.0%}" if share else "",
        )
    return shown


def main() -> None:
    console = Console()
    lines: list[Line] = []
    with set_up() as stage:
        for line in measured(stage):
            console.print(f"{line.name}, {line.who}: {line.figure.per_second:,.0f} a second")
            lines.append(line)
    console.print(table(lines))
    OUTPUT.parent.mkdir(exist_ok=True)
    report = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "python": machine.python_version(),
        "system": machine.system(),
        "lines": [line.to_json() for line in lines],
    }
    OUTPUT.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
