"""What commands print: text for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, TextIO

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text as Styled

from app.words.report import Language
from core.connector import Text

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Customer = Annotated[str, typer.Argument(metavar="CUSTOMER", help="The customer's name or id.")]
InLanguage = Annotated[Language, typer.Option("--language", help="The language of the texts.")]


def is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and not stream.closed and stream.isatty()


def tell(text: str) -> None:
    typer.echo(printable(text))


def notice(text: str) -> None:
    """Beside the result: to standard error."""
    typer.echo(printable(text), err=True)


def tell_json(value: Any) -> None:
    """On one line and in ASCII, so that it survives every pipe and locale."""
    typer.echo(json.dumps(value, default=str))


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table on a terminal; elsewhere a header and lines, their cells parted by tabs."""
    texts = [[cell(one) for one in row] for row in rows]
    if not is_terminal(sys.stdout):
        for row in (head, *texts):
            typer.echo("\t".join(row))
        return
    drawn = Table(*head, box=None, pad_edge=False)
    for row in texts:
        drawn.add_row(*(Styled(one, overflow="fold") for one in row))
    Console().print(drawn)


def cell(value: object) -> str:
    return "-" if value is None or value == "" else printable(str(value)).replace("\n", " ")


def printable(text: str) -> str:
    """What customers called things may not steer the terminal."""
    return "".join(one if one.isprintable() or one == "\n" else "\ufffd" for one in text)


def in_language(text: Text, language: Language) -> str:
    return text.nl if language == "nl" else text.en


def both(text: Text | None) -> dict[str, str] | None:
    return {"nl": text.nl, "en": text.en} if text else None
