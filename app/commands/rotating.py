"""Giving the key-encryption keys a newer version, while everything runs."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from app.commands import here
from app.commands.bar import progress
from app.commands.terminal import Json, is_terminal, notice, table, tell, tell_json
from app.wiring import Installation
from core import keyfile
from core.backups import day_key_file, day_keys
from core.ledger import wrapping
from core.refusals import CannotAccept, Unknown

IN_PART = 1
GAP = 0.025  # seconds; who waits to write to SQLite looks that often, and would else find it taken

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]

EVERYWHERE = (
    "From now on everything is stored under version {}. A machine whose key file lacks it cannot "
    "work until the file is copied there."
)
RESTORES = (
    "A backup that was made while version {} was in use can only be restored with it. Keep it "
    "until that was more than 90 days ago, or keep a copy of the key file elsewhere until then."
)
NOT_EVERYWHERE = (
    "Nothing was changed. Copy the key file to every machine that runs serve or work, and run "
    "this again; add --yes where nobody can be asked."
)
NOT_OLD = "Nothing was changed. Add --yes if no backup of that time will be restored any more."


def add(
    file: Annotated[
        Path | None, typer.Argument(help="The key file; without it COURSEFLOW_SYNC_KEY_FILE.")
    ] = None,
    *,
    json: Json = False,
) -> None:
    """
    Add a newer version to the key file. Nothing is stored under it before rotate-keys.

    Do it on one machine only, and copy the file to the others: a version that is made twice is
    two keys of one number.
    """
    path = file or here.settings().key_file
    version = keyfile.add(path)
    if json:
        tell_json({"key_file": str(path), "version": version})
        return
    tell(
        f"Version {version} is in {path}; nothing is stored under it yet.\n"
        "1. Copy the file to every machine that runs serve or work (chmod 600), and renew your "
        "copy elsewhere.\n"
        "2. Then run, on this machine: courseflow-sync rotate-keys"
    )


def put_back(
    copy: Annotated[Path, typer.Argument(metavar="COPY", help="An older copy of the key file.")],
    *,
    json: Json = False,
) -> None:
    """
    Put versions back that were taken out, from an older copy of the key file.

    For a backup that was made while they were in use. What the key file holds stays as it is.
    """
    path = here.settings().key_file
    back = keyfile.put_back(path, copy)
    if json:
        tell_json({"key_file": str(path), "versions": back})
        return
    numbers = ", ".join(map(str, back))
    tell(f"Put back in {path}: {numbers}." if back else f"{path} lacks nothing that {copy} has.")


def show(*, json: Json = False) -> None:
    """Show the versions in the key file, and how many keys are wrapped under each."""
    with here.installation() as found:
        used = wrapped(found)
        known = sorted(found.ledger.key_versions)
    lines = [(one, used.get(one, 0), role(one, used)) for one in known]
    if json:
        names = ("version", "wrapped", "role")
        tell_json([dict(zip(names, line, strict=True)) for line in lines])
    else:
        table(("VERSION", "WRAPPED KEYS", "ROLE"), lines)


def role(version: int, used: Mapping[int, int]) -> str:
    newest = max(used, default=version)
    if version > newest:
        return "not in use before rotate-keys"
    if version == newest:
        return "in use"
    return "rotate-keys has not ended" if version in used else "needed by older backups only"


def rotate(*, yes: Yes = False, json: Json = False) -> None:
    """
    Wrap every key anew, under the newest version in the key file, while everything runs.

    Begin with: courseflow-sync key add. Only small keys are changed, no data, so it takes
    seconds. Killed at any moment it has lost nothing: run it again. Status 1 when a key could
    not be opened, and was left as it is.
    """
    with here.installation() as found:
        newest = max(found.ledger.key_versions)
        begin(found, newest, yes=yes)
        done, unreadable = carried(found, newest)
        used = wrapped(found)
    over = sorted(one for one in found.ledger.key_versions if one < newest and one not in used)
    if json:
        tell_json(
            {"version": newest, "rewrapped": done, "unreadable": unreadable, "unneeded": over}
        )
    else:
        tell(outcome(newest, done, used.get(newest, 0)))
        for version in over:
            tell(unneeded(version))
    if unreadable:
        notice(left(len(unreadable)))
        raise typer.Exit(IN_PART)


def wrapped(found: Installation) -> dict[int, int]:
    with found.ledger.read() as tx:
        return day_keys.needed(tx, found.ledger.safe.database)


def begin(found: Installation, newest: int, *, yes: bool) -> None:
    """A version is used for the first time once. Raises CannotAccept where that may be too soon."""
    used = wrapped(found)
    if yes or not used or newest in used:
        return
    agree(EVERYWHERE.format(newest), "Is this key file on all of them?", NOT_EVERYWHERE)


def agree(means: str, question: str, refusal: str) -> None:
    """Raises CannotAccept unless somebody says yes."""
    if not is_terminal(sys.stdin):
        raise CannotAccept(f"{means} {refusal}")
    notice(means)
    if not typer.confirm(question, err=True):
        raise CannotAccept(refusal)


def carried(found: Installation, newest: int) -> tuple[int, list[str]]:
    used = wrapped(found)
    with progress(sum(used.values()) - used.get(newest, 0), "keys") as bar:
        file = day_key_file.beside(found.settings.key_file)
        done, closed = day_keys.rewrap(found.ledger, newest, file)
        unreadable = list(closed)
        bar.advance(done + len(closed))
        for step in wrapping.rewrap(found.ledger.database, found.ledger.key_versions, newest):
            done += step.done
            unreadable += map(str, step.unreadable)
            bar.advance(step.done + len(step.unreadable))
            time.sleep(GAP)
    return done, unreadable


def outcome(newest: int, done: int, all_of_them: int) -> str:
    if done:
        return f"Keys wrapped anew: {done}. Under version {newest} now: {all_of_them}."
    newer = "To change to a newer one, begin with: courseflow-sync key add"
    return f"All keys ({all_of_them}) were under version {newest} already. {newer}"


def unneeded(version: int) -> str:
    return (
        f"Nothing is stored under version {version} any more. {RESTORES.format(version)} "
        f"Then: courseflow-sync key remove {version}"
    )


def left(number: int) -> str:
    return (
        f"Keys that do not open under the version that they name: {number}. They were left as "
        "they are. "
        "Something else than courseflow-sync changed the database: keep a copy of it as it is, "
        "put those rows back from a backup, and run this again."
    )


def remove(
    version: Annotated[int, typer.Argument(help="From: courseflow-sync key versions.")],
    *,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """
    Take a version out of the key file when nothing is wrapped under it any more.

    Backups made while it was in use need it when they are restored, so keep it for 90 days after
    rotate-keys. Do the same on every machine, or copy the file; then start serve and work anew.
    """
    with here.installation() as found:
        path, ledger = found.settings.key_file, found.ledger
        if version not in ledger.key_versions:
            raise Unknown(f"{path} has no version {version}. See: courseflow-sync key versions")
        wrapping.unneeded(wrapped(found), version)
        if not yes:
            agree(RESTORES.format(version), "Is it no longer needed?", NOT_OLD)
        with ledger.begin() as tx:
            wrapping.alone(tx)
            wrapping.unneeded(day_keys.needed(tx, ledger.safe.database), version)
            keyfile.remove(path, version)
    if json:
        tell_json({"key_file": str(path), "removed": version})
    else:
        tell(f"{path} has no version {version} any more. Start serve and work anew.")
