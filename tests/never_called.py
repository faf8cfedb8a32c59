"""Where no request may ever arrive, in every way of writing it."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

# From the IANA special-purpose registries, the clouds' metadata services, and what filters of
# others had forgotten at first: first and last of a range, and one of its middle.
ADDRESSES = """
    0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.254 127.0.0.1
    127.1.2.3 127.255.255.254 168.63.129.16 169.254.0.1 169.254.169.254 169.254.170.2 172.16.0.1
    172.31.255.254 192.0.0.1 192.0.0.9 192.0.0.10 192.0.0.170 192.0.2.1 192.88.99.1 192.168.0.1
    192.168.255.254 198.18.0.1 198.19.255.254 198.51.100.1 203.0.113.1 224.0.0.1 224.0.0.251
    233.252.0.1 239.255.255.250 240.0.0.1 250.1.2.3 255.255.255.255
    :: ::1 ::2 ::127.0.0.1 0:0:0:0:0:0:0:1 ::ffff:127.0.0.1 ::ffff:7f00:1 ::FFFF:127.0.0.1
    0:0:0:0:0:ffff:127.0.0.1 0:0:0:0:0:ffff:7f00:0001 ::ffff:10.0.0.1 ::ffff:169.254.169.254
    ::ffff:a9fe:a9fe ::ffff:8.8.8.8 ::ffff:0:127.0.0.1 64:ff9b::7f00:1 64:ff9b::127.0.0.1
    64:ff9b::8.8.8.8 64:ff9b::a9fe:a9fe 64:ff9b:1::1 64:ff9b:1:ffff::7f00:1 100::1 100::ffff:1
    100:0:0:1::1 2001::1 2001:0:7f00:1:: 2001:0:4136:e378:8000:63bf:80ff:fffe 2001:1::1 2001:2::1
    2001:3::1 2001:4:112::1 2001:10::1 2001:20::1 2001:30::1 2001:1ff::1 2001:db8::1
    2001:db8:ffff::1 2002:7f00:1:: 2002:a00:1:: 2002:a9fe:a9fe:: 2002:c0a8:1::1 3fff::1
    3fff:fff::1 3fff:fff:ffff::1 4000::1 5f00::1 5f00:ffff::1 fc00::1 fd00::1 fd00:ec2::254 fe80::1
    fe80::1%eth0 2606:4700::1%eth0 febf::1 fec0::1 ff02::1 ff05::1:3 ff0e::1
""".split()  # noqa: SIM905

# Base addresses. ``{port}`` is one at which this machine listens.
WRITTEN = """
    http://127.0.0.1:{port} https://127.1:{port} https://0:{port} https://0x7f.1:{port}
    https://0x7f000001:{port} https://2130706433:{port} https://017700000001:{port}
    https://0177.0.0.1:{port} https://127.0.0.1.:{port} https://00000127.0.0.1:{port}
    https://[::1]:{port} https://[::]:{port} https://[::ffff:127.0.0.1]:{port}
    https://[::ffff:7f00:1]:{port} https://[fe80::1%25eth0]:{port} https://[::1%25lo]:{port}
    https://localhost:{port} https://localhost.:{port} https://LOCALHOST:{port}
    https://ip6-localhost:{port} https://metadata.google.internal:{port}
    https://127.0.0.1.nip.example.test:{port} https://alias-to-inside.example.test:{port}
    https://only-v6-inside.example.test:{port}
    https://user:pass@127.0.0.1:{port} https://user:pass@lists.example.test:{port}
    https://lists.example.test@127.0.0.1:{port} https://lists.example.test#@127.0.0.1:{port}
    https://127.0.0.1:{port}\\@lists.example.test https://127.0.0.1:{port}#@lists.example.test
    https://127。0。0。1:{port} https://①②⑦.0.0.1:{port} https://\uff11\uff12\uff17.0.0.1:{port}
    https:127.0.0.1:{port} https:/127.0.0.1:{port} https:///127.0.0.1:{port} //127.0.0.1:{port}
    127.0.0.1:{port} localhost:{port}
    file:///etc/passwd file://127.0.0.1/etc gopher://127.0.0.1:{port} ftp://user:pass@127.0.0.1:{port}
    data:application/json,1 unix:///run/docker.sock ws://127.0.0.1:{port} dict://127.0.0.1:{port}
    https://127.0.0.1:0 https://127.0.0.1:22 https://127.0.0.1:25 https://127.0.0.1:6379
    https://127.0.0.1:5672 https://127.0.0.1:5432 https://127.0.0.1:99999
    https://lists.example.test:0 https://lists.example.test:22 https://lists.example.test:25
    https://[::1 https://user:pass@[::1 https://127.0.0.1:{port}x https://%31%32%37.0.0.1:{port}
""".split()  # noqa: SIM905
WRITTEN += [
    "https://127.0.0.1:{port} ",
    "https://127.0.0.1:{port}\t",
    "https://127.0.0.1:{port}\n",
    "https://127.0.0.1\n:{port}",
    "https://127.0.0.1 lists.example.test:{port}",
    "https://127.0.0.1:{port}\r\nX-More: 1",
    "https://127.0.0.1:{port}\x00.lists.example.test",
    "https://lists.example.test." + "a" * 65_536 + ":{port}",
    "",
]

PUBLIC = "8.8.8.8"
OUTSIDE = (PUBLIC, 443)  # the one place where a platform may be
# What a resolver would say of the names above, this machine's own among them.
INSIDE: Mapping[str, Sequence[str]] = {
    "localhost": ["127.0.0.1", "::1"],
    "localhost.": ["127.0.0.1"],
    "ip6-localhost": ["::1"],
    "metadata.google.internal": ["169.254.169.254"],
    "127.0.0.1.nip.example.test": ["127.0.0.1"],
    "alias-to-inside.example.test": ["10.0.0.1"],
    "only-v6-inside.example.test": ["fd00::1"],
}


def urls(port: int) -> list[str]:
    """Every address and every spelling, as the beginning of a URL."""
    literal = [f"[{one.replace('%', '%25')}]" if ":" in one else one for one in ADDRESSES]
    named = [f"https://{one}:{port}" for one in literal]
    return named + [one.replace("{port}", str(port)) for one in WRITTEN]


@dataclass
class Names:
    """
    A resolver. A name that it does not know lies at ``answers``, taken in turn, the last one for
    ever; numbers it reads as the C library does.
    """

    answers: list[Sequence[str]] = field(default_factory=lambda: [[PUBLIC]])

    def __call__(self, host: str, port: int, **_: object) -> Sequence[tuple[Any, ...]]:
        return [(0, 0, 6, "", (address, port)) for address in self.of(str(host))]

    def of(self, host: str) -> Sequence[str]:
        if host.lower() in INSIDE:
            return INSIDE[host.lower()]
        with suppress(OSError):
            return [socket.inet_ntoa(socket.inet_aton(host))]
        if not host.endswith(".example.test"):
            raise socket.gaierror
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@dataclass
class Watch:
    """
    Sees every connection that this process makes, and listens on this machine itself.

    What is asked for outside of this machine is written down and goes no further.
    """

    port: int
    listeners: Sequence[socket.socket]
    allowed: set[int] = field(default_factory=set)  # ports of servers that a test permits
    asked: list[tuple[str, int]] = field(default_factory=list)

    def arrived(self) -> int:
        """How many connections the listeners saw, whoever made them."""
        number = 0
        for listener in self.listeners:
            with suppress(BlockingIOError):
                while True:
                    listener.accept()[0].close()
                    number += 1
        return number

    def caught(self) -> Sequence[tuple[str, int]]:
        """Connections to where none may lead, since the last time."""
        seen = [one for one in self.asked if one != OUTSIDE and one[1] not in self.allowed]
        self.asked.clear()
        return [*seen, *[("a listener", self.port)] * self.arrived()]


@contextmanager
def watching() -> Iterator[Watch]:
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        first = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=500))
        port = first.getsockname()[1]
        listeners = [first]
        with suppress(OSError):  # a machine without IPv6
            v6 = socket.create_server(("::1", port), family=socket.AF_INET6, backlog=500)
            listeners.append(stack.enter_context(v6))
        for one in listeners:
            one.settimeout(0)
        watch = Watch(port, listeners)
        really = socket.socket.connect

        def connect(of: socket.socket, address: Any) -> None:
            if not isinstance(address, tuple):  # a file's: databases, the resolver's own
                really(of, address)
                return
            watch.asked.append((str(address[0]), int(address[1])))
            if not ipaddress.ip_address(address[0].partition("%")[0]).is_loopback:
                raise ConnectionRefusedError
            really(of, address)
            if address[1] == port:
                of.shutdown(socket.SHUT_RDWR)  # arrived is enough; nobody answers there

        patch.setattr(socket.socket, "connect", connect)
        yield watch
