"""The words for where a holding or an operation stands."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Of a holding: the last thing we know, never what we hope."""

    QUEUED = "queued"
    SENT = "sent"  # answered, or still settling: not looked yet
    RETRYING = "retrying"
    CONFIRMED = "confirmed"  # seen as asked
    NOT_FOUND = "not_found"
    STILL_THERE = "still_there"
    FINAL_ON = "final_on"
    OVERDUE = "overdue"
    RETURNED = "returned"
    NEEDS_YOU = "needs_you"
    ONLY_THE_PERSON = "only_the_person"
    SHARED = "shared"
    KEPT = "kept"
    ATTESTED = "attested"
    CANNOT_LOOK = "cannot_look"


class Ended(StrEnum):
    """How an operation ended at one holding."""

    CONFIRMED = "confirmed"  # looked, and seen as asked
    ABSENT = "absent"  # an update of somebody who is not there
    SUPERSEDED = "superseded"  # a later operation says otherwise
    REFUSED = "refused"
    GIVEN_UP = "given_up"
    KEPT = "kept"
    ATTESTED = "attested"  # a human's word; not verified


class Task(StrEnum):
    """Why only a human can go on."""

    BY_HAND = "by_hand"
    STILL_THERE = "still_there"
    RECONNECT = "reconnect"
    REFUSED = "refused"
    GIVEN_UP = "given_up"
    RETURNED = "returned"
    OVERDUE = "overdue"
    SHARED = "shared"
    CANNOT_LOOK = "cannot_look"
    QUARANTINED = "quarantined"
