"""Taking in a file of members."""

from __future__ import annotations

from dataclasses import dataclass
from json import dumps
from pathlib import Path
from typing import Annotated

import typer

from app.commands import here
from app.commands.bar import progress
from app.commands.terminal import Customer, Json, tell, tell_json
from app.incoming import members_import
from app.incoming.csv_rows import BadFile
from app.incoming.members_import import Line
from app.wiring import Installation
from core.ledger.intake import accept
from core.refusals import CannotAccept

SOME_BAD = 1
NOTHING_DONE = 2


@dataclass(slots=True)
class Tally:
    rows: int
    good: int = 0
    bad: int = 0

    def add(self, line: Line) -> None:
        if line.problem is None:
            self.good += 1
        else:
            self.bad += 1

    @property
    def exit_code(self) -> int:
        if not self.good:
            return NOTHING_DONE
        return SOME_BAD if self.bad else 0


def import_members(
    customer_name: Customer,
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="One row for each member.")],
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say everything, store nothing.")
    ] = False,
    json: Json = False,
) -> None:
    """
    Subscribe the members in a CSV file; the good rows go through, each bad one is named.

    The first line names the columns: reference, email, first_name, last_name, lists (with |
    between several), basis (consent, existing_customer or course_contract), basis_id,
    basis_given_at, basis_source; also basis_text_version and field:NAME for fields of your own.

    Bad rows go to standard error: line, column, reason. Exit status: 0 all rows are good,
    1 some are bad, 2 nothing was done. Importing the same file again does no harm, and brings
    back nobody who was erased or opted out.
    """
    with here.installation() as found:
        tally = carry(found, customer_name, file, dry_run=dry_run, json=json)
    if json:
        rows = {"rows": tally.rows, "good": tally.good, "bad": tally.bad}
        tell_json({**rows, "dry_run": dry_run})
    else:
        tell(summary(tally, dry_run=dry_run))
    raise typer.Exit(tally.exit_code)


def carry(
    found: Installation, customer_name: str, file: Path, *, dry_run: bool, json: bool
) -> Tally:
    owner = here.customer_named(found, customer_name)
    tally = Tally(counted(file))
    take = members_import.tried if dry_run else accept
    with progress(tally.rows, "rows") as bar:
        try:
            for batch in members_import.carried(found.ledger, owner, file, take):
                for line in batch:
                    tally.add(line)
                    if line.problem is not None:
                        bar.beside(bad(line, json=json))
                bar.advance(len(batch))
        except BaseException:
            if tally.good and not dry_run:
                bar.beside(f"{tally.good} rows were taken in before this. Import the file again.")
            raise
    return tally


def counted(file: Path) -> int:
    """What is wrong with the file as a whole comes out before anything is stored."""
    try:
        return members_import.count(file)
    except BadFile as error:
        raise CannotAccept(f"{file}: {error} Nothing was stored.") from None


def bad(line: Line, *, json: bool) -> str:
    if json:
        return dumps({"line": line.line, "column": line.column, "reason": line.problem})
    where = f"line {line.line}, {line.column}" if line.column else f"line {line.line}"
    return f"{where}: {line.problem}"


def summary(tally: Tally, *, dry_run: bool) -> str:
    if not tally.rows:
        return "The file has no rows below its first line. Nothing was done."
    done = "would be taken in" if dry_run else "were taken in"
    good = f"{tally.good} of {tally.rows} rows {done}."
    if tally.bad:
        good += f" Bad: {tally.bad}; correct them and import the file again."
    return f"{good} Nothing was stored." if dry_run else good
