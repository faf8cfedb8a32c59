"""Every platform this installation can reach: ours, then those that other packages add."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any

from connectors.laposta import Laposta
from connectors.mailchimp import Mailchimp
from connectors.mailman import Mailman
from connectors.sandbox.platforms import (
    SandboxArchives,
    SandboxByHand,
    SandboxFlaky,
    SandboxThirtyDays,
)
from core.connector import Connector

BUILT_IN: tuple[type[Connector[Any]], ...] = (
    Laposta,
    Mailchimp,
    Mailman,
    SandboxArchives,
    SandboxThirtyDays,
    SandboxFlaky,
    SandboxByHand,
)


def installed() -> dict[str, type[Connector[Any]]]:
    """Connector classes by platform name. Importing one connects to nothing."""
    added = (point.load() for point in entry_points(group="courseflow_sync.connectors"))
    return {connector.platform.name: connector for connector in (*BUILT_IN, *added)}
