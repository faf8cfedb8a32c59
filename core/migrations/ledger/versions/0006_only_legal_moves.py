"""A holding's state moves only as the table of legal moves allows; a part ends once."""

import sqlalchemy as sa
from alembic import op

from core.migrations.guards import guard

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# From where each state is reached, as core.transitions had it on that day.
LEGAL = {
    "queued": "new sent retrying confirmed not_found still_there final_on overdue returned"
    " needs_you only_the_person shared kept attested cannot_look",
    "sent": "queued retrying still_there final_on overdue needs_you only_the_person cannot_look",
    "retrying": "queued sent not_found still_there final_on overdue returned needs_you"
    " only_the_person shared kept cannot_look",
    "confirmed": "queued sent retrying not_found still_there needs_you only_the_person cannot_look",
    "not_found": "queued sent retrying confirmed still_there final_on overdue returned needs_you"
    " only_the_person shared kept cannot_look",
    "still_there": "queued sent retrying confirmed not_found final_on overdue needs_you"
    " only_the_person cannot_look",
    "final_on": "queued sent retrying not_found still_there returned needs_you shared kept"
    " cannot_look",
    "overdue": "queued sent retrying not_found still_there final_on returned needs_you shared"
    " kept cannot_look",
    "returned": "not_found final_on overdue needs_you shared kept cannot_look",
    "needs_you": "queued sent retrying confirmed not_found still_there final_on overdue returned"
    " only_the_person shared kept cannot_look",
    "only_the_person": "queued sent retrying confirmed not_found still_there needs_you cannot_look",
    "shared": "queued sent retrying not_found still_there final_on overdue returned needs_you"
    " kept cannot_look",
    "kept": "queued sent retrying not_found still_there final_on overdue returned needs_you"
    " shared cannot_look",
    "attested": "queued sent retrying confirmed not_found still_there final_on overdue returned"
    " needs_you only_the_person shared kept cannot_look",
    "cannot_look": "new queued sent retrying confirmed not_found still_there final_on overdue"
    " returned needs_you only_the_person shared kept attested",
}

SAY_SO = "UPDATE holdings SET state = 'cannot_look' WHERE id = :holding"
TELL_SO = """
INSERT INTO events (customer, at, kind, holding, was, became)
SELECT customer, max(at), 'upgraded', holding, 'retrying', 'cannot_look' FROM events
WHERE holding = :holding GROUP BY customer, holding
"""


def upgrade() -> None:
    op.create_table(
        "transitions",
        sa.Column("was", sa.String(), nullable=False),
        sa.Column("became", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("was", "became", name=op.f("pk_transitions")),
    )
    pairs = [(was, became) for became, before in LEGAL.items() for was in before.split()]
    op.bulk_insert(
        sa.table("transitions", sa.column("was"), sa.column("became")),
        [{"was": was, "became": became} for was, became in pairs],
    )
    looks_that_were_lost()
    name_the_first_state_and_no_state_that_stayed()
    with op.batch_alter_table("events") as batch_op:
        batch_op.create_foreign_key(
            batch_op.f("fk_events_was_became"),
            "transitions",
            ["was", "became"],
            ["was", "became"],
        )
    guard(op.get_bind())


def looks_that_were_lost() -> None:
    """
    Whoever was looked at when a worker died was called "retrying", where nothing was to be
    done. The next look says what is there.
    """
    db = op.get_bind()
    query = sa.text("SELECT id, wants, reached_seq FROM holdings WHERE state = 'retrying'")
    retrying = query.columns(sa.column("id"), sa.column("wants", sa.JSON), sa.column("reached"))
    for holding, wants, reached in db.execute(retrying).all():
        places = (seq for _, seq in wants["places"].values())
        if max(wants["erase"], wants["update"], *places) <= reached:
            for statement in (SAY_SO, TELL_SO):
                db.execute(sa.text(statement), {"holding": holding})


def name_the_first_state_and_no_state_that_stayed() -> None:
    op.execute(
        "UPDATE events SET was = 'new'"
        " WHERE was IS NULL AND became IS NOT NULL AND holding IS NOT NULL"
    )
    op.execute("UPDATE events SET was = NULL, became = NULL WHERE was = became")
    op.execute(  # what was legal once stays told, from the event before it
        "UPDATE events SET was = NULL WHERE was IS NOT NULL AND NOT EXISTS (SELECT 1 FROM"
        " transitions WHERE transitions.was = events.was AND transitions.became = events.became)"
    )
