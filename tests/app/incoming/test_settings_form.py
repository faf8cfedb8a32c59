"""A terminal is asked for the settings of a platform, field by field."""

from __future__ import annotations

import json

import typer
from pydantic import BaseModel, Field, SecretStr
from typer.testing import CliRunner

from app.incoming.settings_form import asked


class Model(BaseModel):
    key: SecretStr = Field(title="Key")
    tags: str = Field(default="", title="Tags", examples=["city=CITY"])
    secret: SecretStr = Field(default=SecretStr(""), title="Secret")


def typed(*lines: str) -> tuple[dict[str, str], str]:
    """What was taken over, and what stood on the screen."""
    app = typer.Typer()

    @app.command()
    def ask() -> None:
        typer.echo(json.dumps(asked(Model)))

    result = CliRunner().invoke(app, input="\n".join((*lines, "")))
    assert result.exit_code == 0
    return json.loads(result.stdout.splitlines()[-1]), result.output


def test_what_may_be_left_out_may_be_left_empty_a_secret_too() -> None:
    answers, _ = typed("of-the-school", "", "")
    assert answers == {"key": "of-the-school"}


def test_a_secret_is_not_shown() -> None:
    answers, screen = typed("of-the-school", "a=A", "of-the-webhook")
    assert answers == {"key": "of-the-school", "tags": "a=A", "secret": "of-the-webhook"}
    shown = screen.rpartition("{")[0]
    assert "a=A" in shown
    assert "of-the-" not in shown


def test_what_is_needed_is_asked_again() -> None:
    answers, _ = typed("", "of-the-school", "", "")
    assert answers == {"key": "of-the-school"}
