"""The demo's Mailman: starts, ends wholly, and remembers."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import httpx
import pytest

from app.demo.mailman_server import MailmanFailed, MailmanServer, make_lists
from tests.servers import MAILMAN_PYTHON, required_python


def test_a_restart_keeps_lists_port_and_password(tmp_path: Path) -> None:
    server = MailmanServer(required_python(MAILMAN_PYTHON, "GNU Mailman"), tmp_path / "var")
    with server:
        assert make_lists(server, "school.test", ["news"]) == ["news.school.test"]
        session = os.getsid(server.process.pid) if server.process else 0
    assert members_of(session) == []
    with pytest.raises(httpx.ConnectError), server.client() as client:
        client.get("/lists")
    with server, server.client() as client:
        assert client.get("/lists").json()["total_size"] == 1
        assert make_lists(server, "school.test", ["news"]) == ["news.school.test"]


def test_what_does_not_start_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    server = MailmanServer(Path(sys.executable), tmp_path)  # which has no Mailman
    with pytest.raises(MailmanFailed, match="ended while starting"):
        server.start()
    assert server.process is None
    assert stat.S_IMODE((tmp_path / "mailman.cfg").stat().st_mode) == 0o600


def members_of(session: int) -> list[str]:
    """Processes that are still in a session; field 6 of their stat, behind the name."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(path.parent.name)
    return found
