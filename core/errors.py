"""
How talking to a platform can fail. The class is the instruction; nothing else decides.

ConnectorError
├── TryLater           nothing was applied; try again by the schedule in workers.schedule
│   └── TryAt          the platform named how long to wait
├── Reconnect          the customer must renew the credential; hold the connection's work
├── Refused            the platform will never accept this; tell the customer
│   ├── NotFound       it does not know the thing we asked for
│   └── OnlyThePerson  only the person can do this, on the platform's own form
├── Unreadable         an answer that we cannot read; nothing was changed by the call
└── OutcomeUnknown     the call may or may not have been applied; look before repeating

LeaseLost stands apart on purpose: it is about us, not about the platform, and must not be
written down as the platform's failure.

Every message is stored and shown: a status and a host, never a body, an address or a URL.
"""

from __future__ import annotations

from datetime import timedelta


class ConnectorError(Exception):
    """A platform did not do what we asked."""

    def __init__(self, detail: str, *, status: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status


class TryLater(ConnectorError): ...


class TryAt(TryLater):
    """``wait`` is the platform's own word, obeyed in full (up to 24 hours)."""

    def __init__(self, detail: str, *, wait: timedelta, status: int | None = None) -> None:
        super().__init__(detail, status=status)
        self.wait = wait


class Reconnect(ConnectorError): ...


class Refused(ConnectorError): ...


class NotFound(Refused): ...


class OnlyThePerson(Refused): ...


class Unreadable(ConnectorError): ...


class OutcomeUnknown(ConnectorError): ...


class LeaseLost(Exception):
    """Another worker has the lane, or newer work overtook this call: send nothing more."""
