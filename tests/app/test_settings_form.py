"""Settings that are asked for on a terminal."""

from __future__ import annotations

import json

import typer
from pydantic import BaseModel, Field, SecretStr
from typer.testing import CliRunner

from app.incoming.settings_form import asked


class Form(BaseModel):
    key: SecretStr = Field(title="Key")
    signing: SecretStr = Field(default=SecretStr(""), title="Signing")


def typed(*lines: str) -> object:
    app = typer.Typer()

    @app.command()
    def ask() -> None:
        typer.echo(json.dumps(asked(Form)))

    result = CliRunner().invoke(app, input="".join(f"{line}\n" for line in lines))
    assert not result.exception
    return json.loads(result.stdout)


def test_a_secret_that_may_be_left_out_can_be_left_empty() -> None:
    assert typed("k-1", "") == {"key": "k-1"}


def test_a_secret_that_is_needed_is_asked_until_it_is_there() -> None:
    assert typed("", "k-1", "s-1") == {"key": "k-1", "signing": "s-1"}
