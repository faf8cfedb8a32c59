"""Prints what the demo came to."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from rich.console import Console

from app.commands.linking import signed
from app.demo.cast import Cast
from app.demo.elsewhere import ROLE
from app.demo.promises import Evidence, Verdict
from app.demo.stage import BY_HAND, SCHOOL, Stage
from app.pages.links import USUAL
from app.settings import PREFIX
from app.words import report as report_text
from app.words.totals import render_totals
from core.report import customer_report

FIGURES: Mapping[str, str] = {
    "as_asked": "zoals gevraagd",
    "still_there": "staat er",
    "not_found": "niet gevonden",
    "unknown": "onbekend",
    "holds": "adressen die het platform zelf toont",
}


def reports(console: Console, evidence: Evidence, cast: Cast) -> None:
    """In full of one who was erased; in short of one by hand too, of one out of a family."""
    console.rule(style="dim")
    plain(console, report_text.render(evidence.reports[cast.ordinary_erased[4]], "nl"))
    for reference in (cast.former_erased[0], cast.of_a_family):
        report = evidence.reports[reference]
        paper = report_text.Paper("nl", report.time_zone)
        console.rule(style="dim")
        plain(console, "\n".join([*paper.top(report), "", *paper.table(report.systems), ""]))
    console.rule(style="dim")


def totals(console: Console, stage: Stage, verdict: Verdict) -> None:
    installation = stage.installation
    with installation.ledger.read() as tx:
        report = customer_report(installation.ledger, tx, stage.customer, installation.platforms)
    plain(console, f"{SCHOOL}\n\n{render_totals(report, 'nl')}")
    rows = [
        [platform, *(str(figures[name]) for name in FIGURES)]
        for platform, figures in verdict.figures["platforms"].items()
    ]
    plain(console, "\n".join(report_text.aligned([["platform", *FIGURES.values()], *rows])) + "\n")


def promises(console: Console, verdict: Verdict) -> None:
    figures = verdict.figures
    plain(
        console,
        f"{figures['verified']} of {figures['operations']} operations verified "
        f"({figures['verified_percent']} %), {figures['tasks']} tasks open, "
        f"{figures['still_there']} places still hold data of somebody who was erased.",
    )
    for sentence in verdict.broken:
        plain(console, f"PROMISE BROKEN  {sentence}")
    if not verdict.broken:
        plain(console, "Every claim was compared with the platforms themselves: all promises held.")


def where_to_look(console: Console, stage: Stage, cast: Cast, url: str) -> None:
    """``url`` is where this process answers."""
    plain(console, "\nIt keeps running. In a browser:\n")
    for reference in ("", cast.former_erased[1]):
        _, link = signed(stage.installation, stage.customer, reference, USUAL)
        plain(console, f"  {url}{urlsplit(link).path}")
    plain(console, "\nIn a second terminal, from this folder:\n")
    for line in (*environment(stage), "", *commands(cast), "", *platforms(stage)):
        plain(console, line)
    plain(
        console,
        f"\nCtrl-C ends the demo and its platforms; what was written stays in "
        f"{shown(stage.folder.path)} until the next.",
    )


def environment(stage: Stage) -> Iterator[str]:
    settings = stage.installation.settings
    given = {
        "DATABASE_URL": settings.database_url,
        "SAFE_URL": settings.safe_url,
        "KEY_FILE": str(settings.key_file),
        "ALLOW_INSECURE_HOSTS": ",".join(settings.allow_insecure_hosts),
    }
    for name, value in given.items():
        yield f"  export {PREFIX}{name}={shlex.quote(value)}"


def commands(cast: Cast) -> Iterator[str]:
    school, erased, living = shlex.quote(SCHOOL), cast.former_erased[1], cast.renamed[0]
    for words in (
        f"report {school} {erased} --language nl",
        f"report {school}",
        f"tasks list {school}",
        f"tasks attest TASK --role {ROLE}",
        f"ask erase {school} {living} --yes",
        f"report {school} {living} --language nl",
    ):
        yield f"  {program()} {words}"


def program() -> str:
    beside = Path(sys.executable).with_name("courseflow-sync")
    return shown(beside) if beside.exists() else "courseflow-sync"


def platforms(stage: Stage) -> Iterator[str]:
    yield "  The platforms themselves:"
    mailman = stage.mailman
    yield f"  curl -u {mailman.user}:{mailman.password} {mailman.url}/members"
    for server in stage.sandboxes.values():
        yield f"  {server.url}/screen   password {server.password}   ({server.habit})"
    yield f"  What you do by hand on {BY_HAND} stays a human's word: nobody can look there."


def shown(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def plain(console: Console, text: str) -> None:
    """As it is: no markup, no colours, no lines cut to the width."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)
