"""Fixtures for every test."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from app.logs import OURS, QUIET

pytest_plugins = [
    "tests.servers",
    "tests.databases",
    "tests.school",
    "tests.connectors.laposta_server",
    "tests.storms.noted",
    "tests.storms.room",
]


@pytest.fixture(autouse=True)
def logging_as_installed(request: pytest.FixtureRequest) -> Iterator[None]:
    """No test finds the levels that another one, or the demo beside it, configured."""
    if "performance" in request.fixturenames:  # the demo itself, logging at DEBUG
        yield
        return
    loggers = [logging.getLogger(name) for name in (None, *OURS, *QUIET)]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.NOTSET if logger.name in OURS else logging.WARNING)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Cases come in one order in every process, or parallel runs collect different tests."""
    for mark in metafunc.definition.iter_markers("parametrize"):
        if isinstance(mark.args[1], set | frozenset):
            name = metafunc.definition.nodeid
            message = f"{name}: the cases are a set, whose order changes; sort them."
            raise TypeError(message)
