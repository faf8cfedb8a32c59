"""Reaching a platform: from a connection's settings to a connector over the one way out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, ValidationError

from core.connector import Connector, Platform
from core.http import WayOut
from core.refusals import CannotAccept, Unknown

Connectors = Mapping[str, type[Connector[Any]]]


def nothing() -> None:
    """No check and no pace: for the one call that tries a new connection."""


def nowhere(_: timedelta) -> None:
    """Nobody else waits for that."""


class Reach:
    """``addresses`` gives platforms another base address (test servers, gateways)."""

    def __init__(
        self, connectors: Connectors, way_out: WayOut, addresses: Mapping[str, str]
    ) -> None:
        self.connectors = connectors
        self.way_out = way_out
        self.addresses = addresses

    def kind(self, platform: str) -> type[Connector[Any]]:
        """Raises Unknown, naming the platforms there are."""
        try:
            return self.connectors[platform]
        except KeyError:
            known = ", ".join(sorted(self.connectors))
            raise Unknown(f'There is no platform "{platform}". Choose one of: {known}.') from None

    def platform(self, name: str) -> Platform:
        return self.kind(name).platform

    def settings(self, platform: str, given: Mapping[str, Any]) -> BaseModel:
        """Raises CannotAccept, naming each field that is wrong and never its value."""
        try:
            return self.kind(platform).settings_model.model_validate(given)
        except ValidationError as error:
            problems = "; ".join(
                f"{'.'.join(map(str, problem['loc'])) or 'settings'}: "
                f"{problem['msg'].removeprefix('Value error, ').rstrip('.')}"
                for problem in error.errors(include_input=False, include_url=False)
            )
            raise CannotAccept(f"These settings cannot be used. {problems}.") from None

    def connect(
        self,
        platform: str,
        settings: BaseModel,
        *,
        before_call: Callable[[], None] = nothing,
        before_change: Callable[[], None] = nothing,
        asked_to_rest: Callable[[timedelta], None] = nowhere,
    ) -> Connector[Any]:
        """A connector for one attempt: its deadline runs from now. Raises Refused."""
        kind = self.kind(platform)
        base = self.addresses.get(platform) or kind.base_url(settings)
        own = kind.platform.hosts if platform not in self.addresses else ()
        http = self.way_out.client(
            base_url=base,
            hosts=own or None,
            deadline=kind.platform.deadline,
            before_call=before_call,
            before_change=before_change,
            asked_to_rest=asked_to_rest,
        )
        return kind(settings, http)
