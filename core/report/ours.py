"""What we ourselves still hold of an erased person."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from core.connector import Text
from core.ledger.finishing import ANSWERED_BY
from core.report.standing import Standing, Whose
from core.report.values import Kind, Left, Next, Reads, System
from core.safe import Finishing

US = "CourseFlow"
OUR_OWN_WORD = "courseflow-sync: core/ledger/finishing.py"

NAME = Text(
    nl="De naam, versleuteld, voor de brief met het antwoord",
    en="The name, sealed, for the letter with the answer",
)
ADDRESSES = Text(
    nl="De e-mailadressen en de nummers bij platforms, versleuteld, totdat de laatste controle "
    "en de laatste taak klaar zijn en de persoon antwoord heeft",
    en="The e-mail addresses and the platforms' ids, sealed, until the last look and the last "
    "task are done and the person was answered",
)
REASONS = Text(
    nl="De redenen die de persoon bij een antwoord kreeg, versleuteld, even lang",
    en="The reasons that the person was given with an answer, sealed, for as long",
)
BACKUPS = Text(
    nl="De gegevens van vóór de verwijdering, versleuteld in back-ups; daarna kan niemand ze nog "
    "openen",
    en="The data from before the erasure, sealed in backups; after that nobody can open them",
)
BACKUPS_WORD = "courseflow-sync: core/backups/day_keys.py"


def finishing(
    record: Finishing,
    *,
    asked_at: datetime,
    deadline: datetime,
    last_look: datetime | None,
    tasks: bool,
    now: datetime,
    zone: ZoneInfo,
) -> System:
    """The finishing record while it exists. Its name goes two weeks after the deadline."""
    goes = deadline + ANSWERED_BY
    named = (Left(NAME, local(goes, zone), None, OUR_OWN_WORD),) if record.name else ()
    told = (Left(REASONS, None, None, OUR_OWN_WORD),) if record.reasons else ()
    return System(
        kind=Kind.OURS,
        platform=None,
        connection=None,
        title=US,
        state=Standing.FINISHING,
        as_asked=True,
        asked_at=asked_at,
        residue=(*named, Left(ADDRESSES, None, None, OUR_OWN_WORD), *told),
        next=ends(goes, last_look=last_look, tasks=tasks, now=now),
    )


def in_backups(until: datetime, *, asked_at: datetime, zone: ZoneInfo) -> System:
    """The key of an erased person, in backups of the safe that can be opened until then."""
    return System(
        kind=Kind.OURS,
        platform=None,
        connection=None,
        title=US,
        state=Standing.IN_BACKUPS,
        as_asked=True,
        asked_at=asked_at,
        residue=(Left(BACKUPS, local(until, zone), None, BACKUPS_WORD),),
        next=Next(until, Whose.OURS, Reads.BY),
    )


def ends(goes: datetime, *, last_look: datetime | None, tasks: bool, now: datetime) -> Next:
    """After its date only a look or a task can still need it."""
    if now <= goes:
        return Next(goes, Whose.OURS, Reads.BY)
    if tasks:
        return Next(goes, Whose.YOURS, Reads.SINCE)
    return Next(max(now, last_look or now), Whose.OURS)


def local(moment: datetime, zone: ZoneInfo) -> date:
    return moment.astimezone(zone).date()
