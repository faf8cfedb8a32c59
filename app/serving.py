"""Answering HTTP in this process, for the length of a block."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

BACKLOG = 256
HEADERS = 16_384  # bytes
AT_ONCE = 500  # connections; more are told to come back
IDLE = 15  # seconds that a connection may wait for its next request
FINISH = 20  # seconds that a stopping process gives the requests in hand

log = logging.getLogger(__name__)


@contextmanager
def serving(app: ASGIApp, *, host: str, port: int) -> Iterator[str]:
    """
    The address at which it answers; port 0 takes a free one. Raises OSError.

    uvicorn's own log of requests is off: it would write down paths.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, port), family=family, backlog=BACKLOG)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        ws="none",
        h11_max_incomplete_event_size=HEADERS,
        limit_concurrency=AT_ONCE,
        timeout_keep_alive=IDLE,
        timeout_graceful_shutdown=FINISH,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=[[listening]], name="http")
    thread.start()
    try:
        yield address(listening)
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


def address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
