"""Preparing an installation: its key, its databases."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app import wiring
from app.commands.here import settings
from app.commands.terminal import Json, tell, tell_json
from core import keyfile

key = typer.Typer(
    no_args_is_help=True,
    help="The key file, which is the one secret to keep; the keys of the HTTP API.",
)


@key.command("create")
def create_key(
    file: Annotated[Path, typer.Argument(help="A file that does not exist yet.")],
    *,
    json: Json = False,
) -> None:
    """
    Make a key file, readable by you alone. Keep a copy of it somewhere else.

    All personal data is sealed under this key: without the file nobody can read it again.
    """
    keyfile.create(file)
    if json:
        tell_json({"key_file": str(file)})
    else:
        tell(
            f"Made {file}. Keep a copy somewhere else: without it nothing can be read again.\n"
            f"Let others find it: export COURSEFLOW_SYNC_KEY_FILE={file.absolute()}"
        )


def migrate(*, json: Json = False) -> None:
    """
    Make the databases, or bring them to the shape that this version needs.

    The ledger is at COURSEFLOW_SYNC_DATABASE_URL, the safe at COURSEFLOW_SYNC_SAFE_URL. May be
    run again at any time.
    """
    wiring.migrate(settings())
    if json:
        tell_json({"migrated": ["ledger", "safe"]})
    else:
        tell("The ledger and the safe are ready.")
