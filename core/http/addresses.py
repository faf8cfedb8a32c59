"""The addresses that a name may lead us to."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

import httpcore

from core.errors import Refused

THREADS = 8
PATIENCE = 5.0  # seconds for one name

# Everything that is not the public internet or that leads back inside. Python's is_global
# differs between patch releases (3.11.9 changed it), so the ranges are written out.
# Source: the IANA special-purpose registries, read 2026-11.
CLOSED = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",  # carrier-grade NAT, and the metadata of one cloud
            "127.0.0.0/8",
            "168.63.129.16/32",  # looks public; the host of a virtual machine at Azure
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",  # 6to4 relays
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
            "2001::/23",  # Teredo, ORCHID, benchmarking
            "2001:db8::/32",
            "2002::/16",  # 6to4
            "3fff::/20",
        ),
    ),
)
# The only part of IPv6 that is given out: outside are loopback, v4-mapped, NAT64, 100::/64,
# 5f00::/16, local addresses and multicast.
UNICAST = ip_network("2000::/3")

Resolve = Callable[..., Sequence[tuple[Any, ...]]]


class NoName(httpcore.ConnectError):
    """The name has no address, or none that came in time."""


def is_public(address: str) -> bool:
    """Whether an address, as a resolver writes it, lies on the public internet."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    given_out = isinstance(ip, IPv4Address) or (ip in UNICAST and ip.scope_id is None)
    return given_out and ip.is_global and not any(ip in net for net in CLOSED)


class Addresses:
    """Looks names up in threads of its own: a name server that hangs holds nobody up for long."""

    def __init__(self, resolve: Resolve) -> None:
        self.resolve = resolve
        self.threads = ThreadPoolExecutor(THREADS, thread_name_prefix="names")

    def of(self, host: str, port: int, seconds: float) -> Sequence[str]:
        """Every address of ``host``, in the resolver's order. Raises NoName."""
        if is_literal(host):
            return [host]
        asked = self.threads.submit(self.resolve, host, port, type=socket.SOCK_STREAM)
        try:
            rows = asked.result(min(seconds, PATIENCE))
        except (OSError, UnicodeError, TimeoutError):
            asked.cancel()
            rows = ()
        if not rows:
            raise NoName
        return list(dict.fromkeys(str(row[4][0]) for row in rows))

    def public(self, host: str, port: int, seconds: float) -> Sequence[str]:
        """The same, all or nothing: one address that is not public refuses the name."""
        found = self.of(host, port, seconds)
        if not all(map(is_public, found)):
            raise Refused(
                f"{host} has an address that is not public; the operator must allow it first"
            )
        return found

    def close(self) -> None:
        self.threads.shutdown(wait=False, cancel_futures=True)


def is_literal(host: str) -> bool:
    try:
        return isinstance(ip_address(host), IPv4Address | IPv6Address)
    except ValueError:
        return False
