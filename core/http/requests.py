"""What may leave: the method, the headers, the body."""

from __future__ import annotations

from enum import Enum
from typing import Any, Final

import httpcore
import httpx

from core.errors import Refused
from core.http.pins import host_of

READS: Final[dict[str, Any]] = {"reads": True}


class Effect(Enum):
    """What a call can do at the platform."""

    READS = "reads"  # nothing: safe to repeat
    CHANGES = "changes"


METHODS = {
    "GET": Effect.READS,
    "HEAD": Effect.READS,
    "POST": Effect.CHANGES,
    "PUT": Effect.CHANGES,
    "PATCH": Effect.CHANGES,
    "DELETE": Effect.CHANGES,
}

OURS = {"accept-encoding", "connection", "content-length", "host", "transfer-encoding"}
ALLOWED = {
    "accept",
    "accept-version",  # Ghost
    "api-key",  # Brevo
    "api-token",  # ActiveCampaign
    "authorization",
    "content-type",
    "idempotency-key",
    "if-match",
    "php-auth-pw",  # phpList
    "revision",  # Klaviyo
    "user-agent",
    "webhook-id",
    "webhook-signature",
    "webhook-timestamp",
    "x-api-key",
    "x-auth-token",  # GetResponse
    "x-domain",  # GetResponse
    "x-kit-api-key",
    "x-version",  # MailerLite
}


def effect_of(request: httpx.Request) -> Effect:
    """Raises Refused for a method that no platform needs."""
    if request.method not in METHODS:
        raise Refused(f"a method that is not sent to {host_of(request.url)}")
    if request.method == "POST" and request.extensions.get("reads"):
        return Effect.READS
    return METHODS[request.method]


def outgoing(request: httpx.Request) -> httpcore.Request:
    """
    The request as it will be on the wire, ready to be sent more than once.

    Only the method, the URL, the body and known headers go along: httpx's extensions can change
    the target and the name that TLS checks. Raises Refused for a header that is not known: to
    drop one in silence could look like a wrong credential.
    """
    url = request.url
    return httpcore.Request(
        request.method,
        httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        headers=headers(request),
        content=request.read(),
    )


def headers(request: httpx.Request) -> list[tuple[bytes, bytes]]:
    unknown = set(request.headers) - ALLOWED - OURS
    if unknown:
        names = ", ".join(sorted(unknown))
        raise Refused(f"headers that are not sent to {host_of(request.url)}: {names:.100}")
    body = request.read()
    # With any other encoding a small answer could unpack to a huge one.
    framing = [(b"Host", request.url.netloc), (b"Accept-Encoding", b"identity")]
    if body or request.method in ("POST", "PUT", "PATCH"):
        framing.append((b"Content-Length", b"%d" % len(body)))
    return framing + [
        (name, value)
        for name, value in request.headers.raw
        if name.decode("ascii").lower() in ALLOWED
    ]
