"""The SDK's catalogue of endpoints, with its sending replaced by ours."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import httpx
from mailchimp_marketing.api_client import ApiClient

from connectors.mailchimp.refusals import TOLERATED, said
from core.errors import Refused

SEGMENT = re.compile(r"[0-9A-Za-z_-]{1,100}")  # every id that Mailchimp gives
JSON = {"Content-Type": "application/json"}


class ThroughHttpx(ApiClient):  # type: ignore[misc]  # the SDK is not typed
    """
    Every method of the SDK comes down to ``call_api``.

    Its own returns an error without a readable body as a success, takes the host from the key,
    lets an id with a slash lead elsewhere and connects anew for every call (3.0.80, 2026-11).
    """

    def __init__(self, http: httpx.Client) -> None:
        self.http = http  # the SDK's own settings are a host and a key, which are not its affair
        self.base = str(http.base_url).rstrip("/")

    def call_api(
        self,
        path: str,
        method: str,
        path_params: Mapping[str, str] | None = None,
        query_params: Sequence[tuple[str, Any]] | None = None,
        _header_params: Mapping[str, str] | None = None,
        body: Any = None,
        **_: Any,
    ) -> Any:
        """What the answer says, as plain JSON; None where it says that there is nothing to say."""
        answer = self.http.request(
            method,
            self.url(filled(path, path_params or {}), query_params or ()),
            content=None if body is None else json.dumps(body, separators=(",", ":")),
            headers=None if body is None else JSON,
            extensions={"route": path, "tolerates": TOLERATED},
        )
        return said(answer)

    def url(self, path: str, query: Sequence[tuple[str, Any]]) -> str:
        """Whole, because httpx would parse a base, a path and parameters once each."""
        asked = urlencode([(name, plain(value)) for name, value in query], safe=",:")
        return f"{self.base}{path}?{asked}" if asked else f"{self.base}{path}"


def filled(path: str, params: Mapping[str, str]) -> str:
    for value in params.values():
        if not SEGMENT.fullmatch(value):
            raise Refused("an id that Mailchimp cannot have given")
    return path.format(**params)


def plain(value: Any) -> Any:
    match value:
        case bool():
            return "true" if value else "false"
        case list() | tuple():
            return ",".join(value)
        case _:
            return value
