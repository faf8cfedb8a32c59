"""The hosts that one client may reach."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Self

import httpx

from core.errors import Refused

PORTS = {"https": 443, "http": 80}
UNRESERVED = 1024  # the first port that a program needs no right for

Origin = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Pins:
    """
    A name stands for itself and its subdomains, on port 443. ``host:port`` stands for exactly
    that, for another base address. Only an insecure origin may be spoken to without TLS, and it
    needs a pin as well.
    """

    names: frozenset[str]
    origins: frozenset[Origin]
    insecure: frozenset[Origin]

    @classmethod
    def of(cls, hosts: Collection[str], insecure: frozenset[Origin]) -> Self:
        """Raises ValueError when a host is neither a name nor ``host:port``."""
        pinned = [parse(host) for host in hosts]
        return cls(
            names=frozenset(host for host, port in pinned if port is None),
            origins=frozenset((host, port) for host, port in pinned if port is not None),
            insecure=insecure,
        )

    def check(self, url: httpx.URL) -> None:
        """Raises Refused unless the URL is one that this client may call."""
        host = host_of(url)
        origin = (raw_host(url), PORTS.get(url.scheme, 0) if url.port is None else url.port)
        if "%" in host:  # a blank or worse, which httpx escapes and a resolver might not
            raise Refused("a name that no host can have; write https:// and the host")
        if url.userinfo:
            raise Refused(f"a password in the address of {host}; give it apart from the address")
        if url.scheme != "https" and not (url.scheme == "http" and origin in self.insecure):
            raise Refused(f"without TLS {host} is not called; write https://, or allow it")
        if self.is_others(origin):
            raise Refused(f"at port {origin[1]} {host} is not called; platforms answer elsewhere")
        if not self.covers(origin):
            raise Refused(f"{host} is not a host of this platform")

    def is_others(self, origin: Origin) -> bool:
        """Whether the port is one at which machines listen for other things than a platform."""
        return (
            origin[1] < UNRESERVED and origin[1] != PORTS["https"] and origin not in self.insecure
        )

    def covers(self, origin: Origin) -> bool:
        host, port = origin
        return origin in self.origins or (
            port == PORTS["https"]
            and any(host == name or host.endswith(f".{name}") for name in self.names)
        )


def host_of(url: httpx.URL) -> str:
    """The host for a message or a log, cut to what a name can be."""
    return raw_host(url)[:253]


def raw_host(url: httpx.URL) -> str:
    """The host as the wire sees it."""
    return url.raw_host.decode("ascii")


def parse(entry: str) -> tuple[str, int | None]:
    """The host and the port in ``host``, ``host:port`` or ``[::1]:port``."""
    try:
        # A scheme without a port of its own, so that an explicit 443 stays explicit.
        url = httpx.URL(f"pin://{entry}")
    except httpx.InvalidURL:
        raise ValueError("not a host or host:port") from None
    if not url.host or url.userinfo or url.raw_path not in (b"", b"/") or url.fragment:
        raise ValueError("not a host or host:port")
    return raw_host(url), url.port


def origins(entries: Collection[str]) -> frozenset[Origin]:
    """Raises ValueError when an entry is not ``host:port``."""
    parsed = [parse(entry) for entry in entries]
    found = frozenset((host, port) for host, port in parsed if port is not None)
    if len(found) != len(set(parsed)):
        raise ValueError("an insecure host needs its port")
    return found
