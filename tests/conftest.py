"""Fixtures for every test."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from app.logs import OURS

pytest_plugins = ["tests.servers", "tests.databases", "tests.school"]


@pytest.fixture(autouse=True)
def logging_as_installed(request: pytest.FixtureRequest) -> Iterator[None]:
    """No test finds the levels that another one, or the demo beside it, configured."""
    if "performance" in request.fixturenames:  # the demo itself, logging at DEBUG
        yield
        return
    loggers = [logging.getLogger(), *map(logging.getLogger, OURS)]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.NOTSET if logger.name in OURS else logging.WARNING)
    yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
