"""
Boots a real GNU Mailman core, REST only, as a process of its own.

Mailman is GPLv3 and lives in another virtual environment: nothing here imports it. What it
runs there is BOOT, written beside its configuration.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

HOST = "127.0.0.1"
USER = "courseflow"
WORKERS = 2
PATIENCE = timedelta(seconds=60)  # to boot: 1 s on a quiet machine, 4 s and more on a busy one
GRACE = timedelta(seconds=5)  # to end by itself
PAUSE = 0.05

# Ends when the pipe on its standard input closes, so also when our own process is killed.
BOOT = """\
import os
import signal
import sys
import threading

from mailman.core.initialize import initialize


def end_with_the_parent():
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGTERM)


threading.Thread(target=end_with_the_parent, daemon=True).start()
initialize(sys.argv.pop())
from mailman.rest.gunicorn import make_gunicorn_server  # needs what initialize prepared

make_gunicorn_server().run()
"""

MAILMAN_CFG = """\
[mailman]
site_owner: owner@example.test
layout: here

[paths.here]
var_dir: {var}

[database]
class: mailman.database.sqlite.SQLiteDatabase
url: sqlite:///{var}/mailman.db

[webservice]
hostname: {host}
port: {port}
admin_user: {user}
admin_pass: {password}
workers: {workers}
configuration: {var}/gunicorn.cfg

[mta]
incoming: mailman.mta.null.NullMTA
"""

# gunicorn 27 would open a control socket in the home directory, one for all servers.
GUNICORN_CFG = """\
[gunicorn]
control_socket_disable = true
graceful_timeout = 2
accesslog = {access_log}
"""


class MailmanFailed(RuntimeError):
    """Mailman did not start, or did not do what the demo asked of it."""


class MailmanServer:
    """
    One Mailman core with its data in ``var``; a restart on the same ``var`` keeps them.

    Like any Mailman it writes every URL to its access log, addresses included; with
    ``access_log=None`` it writes none.
    """

    def __init__(
        self, python: Path, var: Path, port: int = 0, *, access_log: str | None = "mailman.log"
    ) -> None:
        self.python = python
        self.var = var.absolute()
        self.port = port or free_port()
        self.user = USER
        self.password = secrets.token_urlsafe(18)
        self.access_log = self.var / "logs" / access_log if access_log else Path(os.devnull)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}/3.1"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Return once the REST API answers."""
        self.configure()
        with (self.var / "boot.log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.python, "-I", self.var / "boot.py", self.var / "mailman.cfg"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self.var,
                start_new_session=True,
            )
        try:
            self.wait_until_ready(self.process)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the server and its workers, and wait until they are gone."""
        process, self.process = self.process, None
        if process is None:
            return
        if process.stdin:
            process.stdin.close()
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE.total_seconds())
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # its own session: the workers left over
        process.wait()

    def client(self) -> httpx.Client:
        """For asking Mailman itself, past the product."""
        return httpx.Client(
            base_url=self.url, auth=(self.user, self.password), trust_env=False, timeout=30
        )

    def configure(self) -> None:
        self.var.mkdir(parents=True, exist_ok=True)
        (self.var / "logs").mkdir(exist_ok=True)
        configuration = MAILMAN_CFG.format(
            var=self.var,
            host=HOST,
            port=self.port,
            user=self.user,
            password=self.password,
            workers=WORKERS,
        )
        (self.var / "boot.py").write_text(BOOT)
        (self.var / "gunicorn.cfg").write_text(GUNICORN_CFG.format(access_log=self.access_log))
        secret = self.var / "mailman.cfg"
        secret.touch(mode=0o600)
        secret.write_text(configuration)

    def wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        end = time.monotonic() + PATIENCE.total_seconds()
        with self.client() as client:
            while time.monotonic() < end:
                if process.poll() is not None:
                    raise MailmanFailed(f"Mailman ended while starting; see {self.var}/boot.log")
                with suppress(httpx.TransportError):
                    if client.get("/system/versions").status_code == HTTPStatus.OK:
                        return
                time.sleep(PAUSE)
        raise MailmanFailed(f"Mailman did not answer within {PATIENCE}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


def make_lists(server: MailmanServer, domain: str, names: Sequence[str]) -> Sequence[str]:
    """Announce-only lists of a mail domain, made where missing; returns their list ids."""
    with server.client() as client:
        make(client, "/domains", {"mail_host": domain}, already="Duplicate email host")
        for name in names:
            form = {"fqdn_listname": f"{name}@{domain}", "style_name": "legacy-announce"}
            make(client, "/lists", form, already="Mailing list exists")
        return [f"{name}.{domain}" for name in names]


def make(client: httpx.Client, path: str, form: dict[str, str], *, already: str) -> None:
    answer = client.post(path, data=form)
    if not answer.is_success and already not in answer.text:
        raise MailmanFailed(f"POST {path} answered {answer.status_code}")
