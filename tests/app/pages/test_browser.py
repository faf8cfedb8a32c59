"""A real browser shows the pages, with their style sheet and without a word of complaint."""

from __future__ import annotations

import logging
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from app import logs
from app.pages.doors import MOUNTED_AT
from tests.app.pages.conftest import Visitor, bustling
from tests.servers import missing

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 60  # seconds


@contextmanager
def served(visitor: Visitor) -> Iterator[str]:
    app = Starlette(routes=[Mount(MOUNTED_AT, visitor.app)])
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws="none")
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = Thread(target=server.run, args=[[listening]])
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}{MOUNTED_AT}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def browse(tmp_path: Path) -> Browser:
    program = next(filter(None, map(shutil.which, BROWSERS)), None) or missing("Chromium")
    return Browser(program, tmp_path / "profile")


class Browser:
    def __init__(self, program: str, profile: Path) -> None:
        self.command = [
            *(program, "--headless", "--no-sandbox", "--disable-gpu"),
            *("--enable-logging=stderr", f"--user-data-dir={profile}"),
        ]

    def __call__(self, *arguments: str) -> tuple[str, str]:
        """What it prints, and what it complains of."""
        command = [*self.command, *arguments]
        done = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=True, text=True)
        complaints = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
        return done.stdout, "\n".join(complaints)


@pytest.mark.parametrize("lang", ["nl", "en"])
def test_a_browser_shows_both_pages(
    visitor: Visitor, browse: Browser, lang: str, caplog: pytest.LogCaptureFixture
) -> None:
    bustling(visitor.school)
    expected = {
        visitor.link(): {"nl": "Er zijn 3 taken voor jou", "en": "There are 3 tasks for you"},
        visitor.link(visitor.id_of()): {
            "nl": "Nog op 3 plekken, 3 nog onbekend",
            "en": "Still in 3 places, 3 not known yet",
        },
    }
    with caplog.at_level(logging.INFO, "app"), served(visitor) as url:
        for link, title in expected.items():
            html, complaints = browse("--dump-dom", f"{url}/{link}?lang={lang}")
            assert complaints == ""
            assert f"<h1>{title[lang]}</h1>" in html
    lines = [logs.shown(one) for one in caplog.records if one.name.startswith("app")]
    assert {(line["route"], line["status"]) for line in lines} == {
        ("/s/{token}", 200),
        ("/s/pages.css", 200),
    }


def test_a_browser_pictures_and_prints_a_page(
    visitor: Visitor, browse: Browser, tmp_path: Path
) -> None:
    bustling(visitor.school)
    picture, paper = tmp_path / "page.png", tmp_path / "page.pdf"
    with served(visitor) as url:
        page = f"{url}/{visitor.link(visitor.id_of())}"
        browse(f"--screenshot={picture}", page)
        browse(f"--print-to-pdf={paper}", page)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 10_000
    assert paper.read_bytes().startswith(b"%PDF")
