"""The command line, put together."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from app import logs
from app.commands import (
    api_keys,
    backing_up,
    exporting,
    importing,
    linking,
    platforms,
    replaying,
    reporting,
    restricting,
    rotating,
    running,
    setup,
)
from app.commands.alerts import alerts
from app.commands.answering import answer
from app.commands.asking import ask
from app.commands.auditing import audit
from app.commands.connections import connection
from app.commands.customers import customer, lists
from app.commands.tasks import tasks
from app.commands.undoing import undo
from app.failures import spoken

NAME = "courseflow-sync"
STANDARD_STREAMS = 3


class Spoken(TyperGroup):
    """However a command fails, people read a sentence."""

    def invoke(self, ctx: Any) -> Any:
        with spoken():
            return super().invoke(ctx)


app = typer.Typer(
    name=NAME,
    cls=Spoken,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Carries subscriptions and erasures to newsletter platforms, looks whether they "
    "happened, and reports what personal data still sits where.",
    epilog="Exit status: 0 done, 1 done in part, 2 not done, 70 a fault of our own, "
    "130 interrupted. Settings come from the environment: COURSEFLOW_SYNC_…",
)


def print_version(asked: bool) -> None:  # noqa: FBT001  (typer calls it with the option's value)
    if asked:
        typer.echo(f"{NAME} {version(NAME)}")
        raise typer.Exit


@app.callback()
def begin(
    *,
    _: Annotated[
        bool,
        typer.Option("--version", callback=print_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    logs.configure("INFO")


app.command()(setup.migrate)
setup.key.command("add")(rotating.add)
setup.key.command("versions")(rotating.show)
setup.key.command("remove")(rotating.remove)
setup.key.command("put-back")(rotating.put_back)
setup.key.command("issue")(api_keys.issue)
setup.key.command("list")(api_keys.list_keys)
setup.key.command("revoke")(api_keys.revoke)
app.add_typer(setup.key, name="key")
app.command("rotate-keys")(rotating.rotate)
app.command()(backing_up.backup)
app.command()(backing_up.restore)
app.add_typer(customer, name="customer")
app.add_typer(lists, name="list")
connection.command()(platforms.platforms)
app.add_typer(connection, name="connection")
app.command("import")(importing.import_members)
app.add_typer(ask, name="ask")
app.command()(undo)
app.command()(answer)
app.command()(restricting.restrict)
app.command()(restricting.unrestrict)
app.command()(reporting.report)
app.command()(exporting.export)
app.command()(linking.link)
app.command()(linking.unlink)
app.add_typer(tasks, name="tasks")
app.add_typer(alerts, name="alerts")
app.add_typer(audit, name="audit")
app.command()(replaying.replay)
app.command()(running.serve)
app.command()(running.work)
app.command()(running.demo)


def main() -> None:
    """The command ``courseflow-sync``, in a process of its own."""
    fill_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # closed by who started us
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    logs.guard()
    app(prog_name=NAME)


def fill_closed_streams() -> None:
    """Else the next file that is opened, a database, would get the number of standard output."""
    for number in range(STANDARD_STREAMS):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


if __name__ == "__main__":
    main()
