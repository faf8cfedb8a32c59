"""Real servers that tests ask for by name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.demo.mailman_server import MailmanServer

MAILMAN_PYTHON = "COURSEFLOW_SYNC_DEMO_MAILMAN_PYTHON"


@pytest.fixture(scope="session")
def mailman_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailmanServer]:
    """One for all tests: each makes lists and persons of its own."""
    python = required_python(MAILMAN_PYTHON, "GNU Mailman")
    with MailmanServer(python, tmp_path_factory.mktemp("mailman")) as server:
        yield server


def required_python(variable: str, what: str) -> Path:
    """The interpreter that an environment variable names; without it a skip, or a failure in CI."""
    named = os.environ.get(variable, "")
    if named and Path(named).is_file():
        return Path(named)
    reason = f"{what} is missing: {variable} names no Python that has it"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
