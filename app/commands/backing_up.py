"""Encrypted copies of the two databases: made while everything runs, brought back later."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from app import wiring
from app.commands import here
from app.commands.bar import progress
from app.commands.terminal import Json, tell, tell_json
from core import keyfile
from core.backups import day_key_file, making, restoring
from core.backups.dumps_of_postgresql import Programs
from core.backups.sealed import Sealed
from core.migrations import Store
from core.refusals import CannotAccept

MIB = 1 << 20
TWICE = 2  # once to see whether all of it is whole, once to restore it

NEXT = {
    Store.LEDGER: "Nothing starts before it is told what was erased or refused since. Run: "
    "courseflow-sync replay",
    Store.SAFE: "It has no finishing records: what to do about erasures that were under way is "
    "in docs/backups.md.",
}


def backup(
    folder: Annotated[Path, typer.Argument(help="Where the files go; it has to exist.")],
    *,
    json: Json = False,
) -> None:
    """
    Copy the ledger, then the safe, into two encrypted files, while everything runs.

    They open with the key of this day (UTC), which is destroyed after 90 days. A copy of that
    key, under your key file, lies in day-keys.json beside the key file: copy the newest one
    elsewhere, together with the key file, over the copy before it.
    """
    if not folder.is_dir():
        raise CannotAccept(f"{folder} is no folder. Nothing was written. Make it, or name another.")
    with here.installation() as found, progress(None, "MiB written") as bar:
        settings = found.settings
        made = making.backup(
            found.ledger,
            folder,
            settings.key_file,
            Programs(settings.postgresql_bin),
            lambda written: bar.advance(written / MIB),
        )
    if json:
        tell_json(
            {
                **{store.value: str(path) for store, path in made.files.items()},
                "made_at": made.made_at.isoformat(),
                "unreadable_from": made.unreadable_from.isoformat(),
                "day_keys": str(made.day_keys),
            }
        )
        return
    for path in made.files.values():
        tell(f"Wrote {path}, {path.stat().st_size / MIB:.1f} MiB.")
    tell(
        f"Nobody can read them from {made.unreadable_from:%Y-%m-%d} on.\n"
        f"The key of the day is in the safe and in {made.day_keys}: copy that file elsewhere, "
        "together with the key file, over the copy before it."
    )


def restore(
    files: Annotated[list[Path], typer.Argument(help="One of the ledger, of the safe, or both.")],
    *,
    json: Json = False,
) -> None:
    """
    Bring backups back into empty databases.

    The databases are those that COURSEFLOW_SYNC_DATABASE_URL and COURSEFLOW_SYNC_SAFE_URL name.
    Nothing is written before every file was read to its end and found whole.
    """
    settings = here.settings()
    keys = keyfile.load(settings.key_file)
    backups = restoring.found(files)
    with wiring.databases(settings) as databases, progress(total(backups.values()), "MiB") as bar:
        place = restoring.Place(
            databases,
            keys,
            day_key_file.beside(settings.key_file),
            Programs(settings.postgresql_bin),
        )
        restoring.restore(place, backups, lambda read: bar.advance(read / MIB))
    if json:
        tell_json({store.value: one.header.made_at.isoformat() for store, one in backups.items()})
        return
    for store, one in backups.items():
        tell(f"The {store} is as it was on {one.header.made_at:%Y-%m-%d %H:%M} UTC. {NEXT[store]}")


def total(backups: Iterable[Sealed]) -> float:
    return TWICE * sum(one.size for one in backups) / MIB
