"""The tasks that a report names, each with the platform's own steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from core.connector import Platform, Text, Verb
from core.database import Transaction
from core.ledger.connections import Connection
from core.ledger.schema import tasks
from core.ledger.tasks import OpenTask
from core.report.values import Work
from core.states import Task

# To renew a credential, or to decide whose address it is.
DECIDED_ELSEWHERE = {Task.RECONNECT, Task.SHARED}


def of_connections(
    tx: Transaction, customer: UUID, connections: Mapping[UUID, Connection]
) -> list[OpenTask]:
    """The open tasks that are about a whole connection, such as a credential to renew."""
    query = sa.select(tasks).where(
        tasks.c.customer == customer, tasks.c.person.is_(None), tasks.c.closed_at.is_(None)
    )
    return [
        OpenTask(
            row.id,
            Task(row.kind),
            Verb(row.verb) if row.verb else None,
            row.connection,
            connections[row.connection].platform,
            connections[row.connection].title,
            None,
            row.opened_at,
            row.deadline,
        )
        for row in tx.db.execute(query.order_by(tasks.c.opened_at, tasks.c.id))
    ]


def works(
    several: Iterable[OpenTask], platforms: Mapping[str, Platform], zone: ZoneInfo
) -> tuple[Work, ...]:
    return tuple(
        Work(
            task.id,
            task.kind,
            task.verb,
            task.connection,
            task.platform,
            task.title,
            task.opened_at,
            task.deadline.astimezone(zone).date() if task.deadline else None,
            steps(platforms.get(task.platform), task.kind, task.verb),
            task.person,
        )
        for task in several
    )


def steps(platform: Platform | None, kind: Task, verb: Verb | None) -> Text | None:
    """What to do at the platform itself, where that is what the task asks for."""
    if platform is None or verb is None or kind in DECIDED_ELSEWHERE:
        return None
    return platform.steps(verb)


def by_connection(several: Sequence[OpenTask]) -> dict[UUID, list[OpenTask]]:
    found: dict[UUID, list[OpenTask]] = {}
    for task in several:
        found.setdefault(task.connection, []).append(task)
    return found
